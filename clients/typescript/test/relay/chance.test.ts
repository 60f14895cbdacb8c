import { expect, test, vi } from "vitest";

import { splice } from "../../src/relay/splice.js";
import { Played, relayed, windowOf } from "./played.js";

// Chance takes its time on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

/** Numbers below a bound, the same for the same seed. */
type Random = (below: number) => number;

function seeded(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const STRINGS = ["", "a", 'q"uote', "back\\slash", "\\", "é😀", "}", "]", ",", ":", "cid", "meta", "\n", "senderId"];
const SPACES = ["", "", "", " ", "\n", "\t  "];

function one<T>(random: Random, list: readonly T[]): T {
  return list[random(list.length)] as T;
}

/** A value as JSON, with spaces and escapes where they may be. */
function json(random: Random, depth: number): string {
  const space = () => one(random, SPACES);
  const text = (value: string) => (random(4) === 0 ? escaped(value) : JSON.stringify(value));
  const list = (part: () => string) => Array.from({ length: random(4) }, () => space() + part() + space()).join(",");
  switch (random(depth > 0 ? 6 : 4)) {
    case 0:
      return one(random, ["0", "-1.50", "1e400", "12345678901234567890"]);
    case 1:
      return one(random, ["true", "false", "null"]);
    case 4:
      return `[${list(() => json(random, depth - 1))}]`;
    case 5:
      return `{${list(() => `${text(one(random, STRINGS))}${space()}:${space()}${json(random, depth - 1)}`)}}`;
    default:
      return text(one(random, STRINGS));
  }
}

function escaped(value: string): string {
  return `"${[...value].map((char) => [...char].map(unit).join("")).join("")}"`;
}

function unit(char: string): string {
  return Array.from({ length: char.length }, (_, at) => `\\u${char.charCodeAt(at).toString(16).padStart(4, "0")}`).join("");
}

test("a text that is spliced says the same under another id and a stamp", () => {
  for (let seed = 1; seed <= 2_000; seed += 1) {
    const random = seeded(seed);
    const space = () => one(random, SPACES);
    const key = (name: string) => (random(3) === 0 ? escaped(name) : JSON.stringify(name));
    const meta = [
      [key("senderId"), json(random, 1)],
      [key("doc"), json(random, 1)],
      [key("lane"), json(random, 1)],
      [key("other"), json(random, 2)],
    ].filter(() => random(2) === 0);
    const fields = [
      [key("kind"), '"req"'],
      [key("cid"), random(2) === 0 ? '"a"' : escaped("a")],
      [key("method"), '"m"'],
      ...(random(4) === 0 ? [] : [[key("payload"), json(random, 3)]]),
      ...(random(4) === 0 ? [] : [[key("meta"), random(6) === 0 ? "null" : object(meta, space)]]),
    ].sort(() => random(3) - 1);
    const text = space() + object(fields as [string, string][], space) + space();
    const before = JSON.parse(text) as { meta?: Record<string, unknown> | null };
    const after = JSON.parse(splice(text, "r.1", { senderId: 3, doc: "3.2", lane: "3/" })) as unknown;
    const lane = typeof before.meta?.lane === "string" ? { lane: `3/${before.meta.lane}` } : {};
    expect(after, text).toEqual({ ...before, cid: "r.1", meta: { ...before.meta, senderId: 3, doc: "3.2", ...lane } });
  }
});

function object(fields: readonly (readonly string[])[], space: () => string): string {
  return `{${fields.map(([key, value]) => space() + key + space() + ":" + space() + value + space()).join(",")}}`;
}

/** Something like a frame, mostly wrong in something. */
function almostFrame(random: Random, cids: readonly unknown[]): unknown {
  const maybe = (make: () => unknown) => (random(3) === 0 ? {} : make());
  const odd = () => one(random, [undefined, null, 0, -1, 1.5, "x", [], {}, true, Number.NaN, new Uint8Array(2)]);
  const frame: unknown = {
    ...(maybe(() => ({ kind: one(random, ["req", "res", "err", "nxt", "end", "can", "pub", 7]) })) as object),
    ...(maybe(() => ({ cid: one(random, [...cids, odd()]) })) as object),
    ...(maybe(() => ({ method: one(random, ["m", "rpc.ping", "rpc.hello", odd()]) })) as object),
    ...(maybe(() => ({ dir: one(random, ["up", "down", odd()]) })) as object),
    ...(maybe(() => ({ fc: one(random, [1, { upto: 3 }, odd()]) })) as object),
    ...(maybe(() => ({ meta: one(random, [{ to: { senderId: one(random, ["1", "2", "3", odd()]) } }, { lane: odd() }, odd()]) })) as object),
    data: odd(),
  };
  return random(3) === 0 ? JSON.stringify(frame) : frame;
}

test("whatever either side says, nothing breaks, nothing unstamped passes, and nothing is left", async () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const random = seeded(seed);
    const upstream = new Played();
    const { relay } = await relayed({ limits: { malformed: 1_000_000 } }, upstream);
    const windows = ["1", "2"].map((id) => windowOf(relay, id));
    const known: unknown[] = ["a", "b", "c"];
    for (let step = 0; step < 300; step += 1) {
      const speaker = one(random, [upstream, ...windows.map(({ window }) => window)]);
      speaker.say(almostFrame(random, known.slice(-12)));
      for (const { kind, cid, meta } of upstream.take()) {
        if (kind === "req") expect(meta).toMatchObject({ senderId: expect.stringMatching(/^[12]$/), doc: "1" });
        known.push(cid);
      }
      for (const { window } of windows) known.push(...window.take().map(({ cid }) => cid));
    }
    for (const { handle } of windows) handle.close();
    expect(relay.load).toMatchObject({ windows: 0, calls: 0, queuedBytes: 0 });
    relay.close();
  }
});
