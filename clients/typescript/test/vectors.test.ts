/** Runs the scripts of `spec/vectors` on the session's state machine, under Node. */

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { play } from "./vectors/player.js";
import type { File, Vector } from "./vectors/script.js";

const folder = new URL("../../../spec/vectors/", import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
const read = (name: string) => JSON.parse(readFileSync(new URL(name, folder), "utf8")) as File;

for (const name of files) {
  describe(name, () => {
    for (const vector of read(name).vectors) test(vector.name, () => play(vector));
  });
}

const broken = (steps: unknown[]): Vector => ({ name: "x", rules: ["call.1"], steps: steps as Vector["steps"] });

test("there are as many vectors as there were", () => {
  expect(files.flatMap((name) => read(name).vectors).length).toBeGreaterThanOrEqual(347);
});

test("a vector that misses a frame fails", () => {
  expect(() => play(broken([{ call: { as: "a", method: "m" } }, { idle: true }]))).toThrow("step 2");
});

test("a vector that leaves a frame unsent fails", () => {
  expect(() => play(broken([{ call: { as: "a", method: "m" } }]))).toThrow("unsent");
});

test("a vector that misses an event fails", () => {
  const req = { kind: "req", cid: "p1", method: "m" };
  expect(() => play(broken([{ receive: req }, { advance: 1 }]))).toThrow("step 2");
});

test("a vector that expects another frame fails", () => {
  const send = { kind: "req", cid: "$a", method: "n" };
  expect(() => play(broken([{ call: { as: "a", method: "m" } }, { send }]))).toThrow("step 2");
});
