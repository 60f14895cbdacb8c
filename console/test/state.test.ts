import { Hub, type Operation } from "sixframe/hub";
import { expect, test } from "vitest";

import { Network } from "../../clients/typescript/test/hub/network.js";
import { ReferenceHub, type Json } from "../../clients/typescript/test/hub/reference-hub.js";
import { changed } from "../src/json/fresh.js";
import { jsonRows, preview } from "../src/json/json-rows.js";
import { differences } from "../src/state/changes.js";
import { commitEdit, reverse } from "../src/state/edit.js";
import { parsed } from "../src/state/value-editor.js";

const STATE: Json = { global: { model: "a", n: 1 }, list: [{ id: 1 }, { id: 2 }] };

/** A hub whose every request is answered at once, after what `meanwhile` does to it. */
async function connected(
  meanwhile: (hub: ReferenceHub, request: number) => void = () => undefined,
): Promise<{ hub: ReferenceHub; window: Hub<Json> }> {
  const hub = new ReferenceHub(structuredClone(STATE));
  const network = new Network(hub);
  let requests = 0;
  const peer = {
    state: "open",
    stream: network.stream.bind(network),
    request: <T>(method: string, payload?: unknown): Promise<T> => {
      const answer = network.request<T>(method, payload);
      requests += 1;
      meanwhile(hub, requests);
      queueMicrotask(() => network.settle());
      return answer;
    },
  };
  const window = new Hub<Json>(peer);
  await window.ready();
  return { hub, window };
}

const write = (path: string, value: unknown): Operation[] => [{ op: "replace", path, value }];

test("an edit is written where its place is still as its author saw it, whatever changed elsewhere", async () => {
  const { hub, window } = await connected(
    (remote, request) => request <= 4 && remote.commit({ ops: write("/global/n", request * 10) }),
  );
  expect(await commitEdit(window, { path: "/global/model", seen: "a", value: "b" })).toMatchObject({ kind: "done" });
  expect(hub.state).toMatchObject({ global: { model: "b" } });
});

test("an edit of what somebody else has changed is a conflict, and writes nothing", async () => {
  const { hub, window } = await connected(
    (remote, request) => request === 1 && remote.commit({ ops: write("/global/model", "theirs") }),
  );
  expect(await commitEdit(window, { path: "/global/model", seen: "a", value: "mine" })).toEqual({
    kind: "conflict",
    theirs: "theirs",
  });
  expect(hub.state).toMatchObject({ global: { model: "theirs" } });
  expect(await commitEdit(window, { path: "/global/model", seen: "theirs", value: "mine" })).toMatchObject({ kind: "done" });
});

test("keys and elements are added, removed, and put back", async () => {
  const { hub, window } = await connected();
  const removal = { path: "/global/model", seen: "a", value: undefined };
  await commitEdit(window, removal);
  expect(hub.state["global"]).toEqual({ n: 1 });
  await commitEdit(window, reverse(window, removal));
  expect(hub.state["global"]).toEqual({ model: "a", n: 1 });
  await commitEdit(window, { path: "/list/-", seen: undefined, value: { id: 3 } });
  await commitEdit(window, { path: "/list/0", seen: { id: 1 }, value: { id: 9 } });
  expect(hub.state["list"]).toEqual([{ id: 9 }, { id: 2 }, { id: 3 }]);
  await commitEdit(window, { path: "/global/new", seen: undefined, value: [1] });
  expect(hub.state["global"]).toEqual({ model: "a", n: 1, new: [1] });
});

test("an element that was removed is put back where it was, over nothing else", async () => {
  const { hub, window } = await connected();
  const removal = { path: "/list/0", seen: { id: 1 }, value: undefined };
  await commitEdit(window, removal);
  const back = reverse(window, removal);
  expect(await commitEdit(window, back)).toMatchObject({ kind: "done" });
  expect(hub.state["list"]).toEqual([{ id: 1 }, { id: 2 }]);
  expect(await commitEdit(window, reverse(window, back))).toMatchObject({ kind: "done" });
  expect(hub.state["list"]).toEqual([{ id: 2 }]);
  await commitEdit(window, { path: "/list", seen: [{ id: 2 }], value: {} });
  expect(await commitEdit(window, back)).toMatchObject({ kind: "refused", failure: { code: "CONFLICT" } });
});

test("what the hub refuses is told with its reason", async () => {
  const { window } = await connected();
  const outcome = await commitEdit(window, { path: "/nowhere/at/all", seen: undefined, value: 1 });
  expect(outcome).toMatchObject({ kind: "refused", failure: { code: "INVALID_PAYLOAD" } });
});

test("a tree has a row for each value that can be seen", () => {
  const rows = jsonRows(STATE, {
    depth: 1,
    chosen: new Map([
      ["/list", true],
      ["/list/1", true],
    ]),
  });
  expect(rows.map(({ path, depth, isOpen }) => [path, depth, isOpen])).toEqual([
    ["", 0, true],
    ["/global", 1, false],
    ["/list", 1, true],
    ["/list/0", 2, false],
    ["/list/1", 2, true],
    ["/list/1/id", 3, false],
  ]);
  expect(rows[4]).toMatchObject({ place: 2, siblings: 2, size: 1 });
});

test("only what changed and can be seen is marked", () => {
  const state = { ...STATE, global: { model: "b", n: 1, x: 1 } };
  expect(changed(STATE, jsonRows(state, { depth: 3, chosen: new Map() }))).toEqual(["/global/model", "/global/x"]);
  expect(changed(STATE, jsonRows(state, { depth: 1, chosen: new Map() }))).toEqual(["/global"]);
});

test("differences are told at the places where they are", () => {
  expect(differences(STATE, { ...STATE, global: { model: "b", more: true }, list: [{ id: 1 }] })).toEqual([
    { path: "/global/model", before: "a", after: "b" },
    { path: "/global/n", before: 1, after: undefined },
    { path: "/global/more", before: undefined, after: true },
    { path: "/list/1", before: { id: 2 }, after: undefined },
  ]);
  expect(differences(STATE, STATE)).toEqual([]);
  expect(differences({ a: 1 }, [1])).toHaveLength(1);
});

test("of many places that differ within one, that one is told", () => {
  const list = Array.from({ length: 10_000 }, (_, n) => ({ n }));
  const before = { list, few: { a: 1 }, more: list };
  expect(differences(before, { list: list.slice(1), few: { a: 2 }, more: list })).toEqual([
    { path: "/list", before: list, after: list.slice(1) },
    { path: "/few/a", before: 1, after: 2 },
  ]);
  const nested = (value: number): unknown =>
    Object.fromEntries(Array.from({ length: 30 }, (_, n) => [n, { a: value, b: value, c: value }]));
  const found = differences(nested(1), nested(2));
  expect(found.length).toBeLessThanOrEqual(60);
  expect(found.at(-1)).toEqual({ path: "/29", before: { a: 1, b: 1, c: 1 }, after: { a: 2, b: 2, c: 2 } });
});

test("a line shows the beginning of a long value, without writing all of it", () => {
  const long = {
    text: "x".repeat(1_000),
    get rest(): never {
      throw new Error("was looked at");
    },
  };
  expect(preview(long, 40)).toHaveLength(40);
  expect(preview({ a: [1, "two", null], b: {} })).toBe('{ a: [1, "two", null], b: {} }');
});

test.each([
  ["12", "number", { value: 12 }],
  ["12", "string", { value: "12" }],
  ["", "number", { wrong: "no number" }],
  ["yes", "boolean", { wrong: "true or false" }],
  ["[1", "json", { wrong: "no JSON" }],
  ["[1]", "json", { value: [1] }],
  ["x", "null", { value: null }],
] as const)("%j as %s is %j", (text, kind, result) => {
  expect(parsed(text, kind)).toEqual(result);
});
