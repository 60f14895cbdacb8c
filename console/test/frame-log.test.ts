import { expect, test } from "vitest";

import { filtered, USUAL } from "../src/frames/filter.js";
import { FrameLog, jsonLength, type Direction } from "../src/frames/frame-log.js";
import { recording, redacted } from "../src/frames/recording.js";
import { Strip } from "../src/frames/strip.js";

const PAGE = { id: "page", label: "this page" };

function log(
  bound?: number,
): FrameLog & { put: (direction: Direction, frame: object | string, at?: number, origin?: typeof PAGE) => void } {
  const made = new FrameLog(bound, (run) => run());
  return Object.assign(made, {
    put: (direction: Direction, frame: object | string, at = 0, origin = PAGE) => made.push(origin, direction, frame, at),
  });
}

const req = (cid: string, method = "m"): object => ({ kind: "req", cid, method });

test("a call is one row, from its request to its end", () => {
  const frames = log();
  frames.put("sent", req("1", "fs.tail"), 100);
  frames.put("received", { kind: "nxt", cid: "1", data: 1, fc: 1 }, 103);
  frames.put("sent", { kind: "nxt", cid: "1", dir: "up", fc: { upto: 48, ack: 1 } }, 104);
  frames.put("received", { kind: "nxt", cid: "1", data: null }, 110);
  const [call] = frames.calls;
  expect(call).toMatchObject({
    method: "fs.tail",
    direction: "sent",
    state: "streaming",
    items: 2,
    latency: 3,
    isFinished: false,
  });
  frames.put("received", { kind: "end", cid: "1" }, 120);
  expect(frames.calls).toEqual([call]);
  expect(call).toMatchObject({ state: "done", endedAt: 120, length: 5 });
});

test.each([
  [[{ kind: "res", ok: true }], "done"],
  [[{ kind: "err", ok: false, code: "NOT_FOUND" }], "failed"],
  [[{ kind: "can" }, { kind: "err", ok: false, code: "CANCELLED" }], "cancelled"],
  [[{ kind: "nxt" }, { kind: "err", ok: false, code: "SLOW_CONSUMER" }], "failed"],
  [[], "waiting"],
] as const)("after %j a call is %s", (answers, state) => {
  const frames = log();
  frames.put("sent", req("1"));
  for (const answer of answers) frames.put(answer.kind === "can" ? "sent" : "received", { ...answer, cid: "1" });
  expect(frames.calls[0]?.state).toBe(state);
});

test("the same cid on two connections, or again after its end, is another call", () => {
  const frames = log();
  frames.put("sent", req("1"));
  frames.put("received", req("1"), 0, { id: "other", label: "other" });
  frames.put("received", { kind: "res", cid: "1", ok: true });
  frames.put("sent", req("1", "again"));
  expect(frames.calls.map(({ origin, method }) => [origin.id, method])).toEqual([
    ["page", "m"],
    ["other", "m"],
    ["page", "again"],
  ]);
});

test("memory is bounded: the oldest frames give way, and finished calls with their last one", () => {
  const frames = log(10_000);
  frames.put("sent", req("open", "hub.watch"));
  for (let n = 0; n < 1_000; n += 1) {
    frames.put("sent", req(`c${n}`));
    frames.put("received", { kind: "res", cid: `c${n}`, ok: true, result: "x".repeat(20) });
  }
  expect(frames.bytes).toBeLessThanOrEqual(10_000);
  expect(frames.calls.length).toBeLessThan(40);
  expect(frames.calls[0]).toMatchObject({ method: "hub.watch", forgotten: 1, length: 0 });
  expect(frames.calls.at(-1)?.cid).toBe("c999");
});

test("of very many calls the oldest finished ones are left out", () => {
  const frames = log(1 << 30);
  frames.put("sent", req("open"));
  for (let n = 0; n < 12_000; n += 1) {
    frames.put("sent", req(`c${n}`));
    frames.put("received", { kind: "res", cid: `c${n}`, ok: true });
  }
  expect(frames.calls.length).toBeLessThanOrEqual(11_000);
  expect(frames.calls[0]?.cid).toBe("open");
});

test("listeners are told once for everything that came before the screen's next frame", () => {
  const waiting: (() => void)[] = [];
  const frames = new FrameLog(undefined, (run) => void waiting.push(run));
  let told = 0;
  frames.subscribe(() => (told += 1));
  for (let n = 0; n < 1_000; n += 1) frames.push(PAGE, "sent", req(`c${n}`), n);
  expect([told, waiting.length]).toEqual([0, 1]);
  waiting.forEach((run) => run());
  expect(told).toBe(1);
});

test("what passes during a pause is counted, not kept", () => {
  const frames = log();
  frames.pause(true);
  frames.put("sent", req("1"));
  expect([frames.calls.length, frames.missed]).toEqual([0, 1]);
  frames.pause(false);
  frames.put("sent", req("2"));
  expect(frames.calls.map(({ cid }) => cid)).toEqual(["2"]);
  frames.clear();
  expect([frames.calls.length, frames.length, frames.bytes, frames.missed]).toEqual([0, 0, 0, 0]);
});

test("filters find calls by their words, state, connection and failure", () => {
  const frames = log();
  frames.put("sent", req("1", "fs.tail"));
  frames.put("sent", req("2", "fs.watch"));
  frames.put("received", { kind: "err", cid: "2", ok: false, code: "FORBIDDEN" });
  frames.put("received", req("1", "ui.ask"), 0, { id: "7", label: "#7 unix" });
  const cids = (filter: Partial<typeof USUAL>): string[] =>
    filtered(frames.calls, { ...USUAL, ...filter }).map(({ method }) => method);
  expect(cids({})).toHaveLength(3);
  frames.put("sent", req("3", "rpc.ping"));
  expect(cids({})).toHaveLength(3);
  expect(cids({ pings: true })).toHaveLength(4);
  expect(cids({ text: "FS." })).toEqual(["fs.tail", "fs.watch"]);
  expect(cids({ text: "forbidden" })).toEqual(["fs.watch"]);
  expect(cids({ text: "unix" })).toEqual(["ui.ask"]);
  expect(cids({ errorsOnly: true })).toEqual(["fs.watch"]);
  expect(cids({ states: new Set(["waiting"]) })).toEqual(["fs.tail", "ui.ask"]);
  expect(cids({ origin: "7" })).toEqual(["ui.ask"]);
});

test("a recording has a line for each message, as the engine's recorder writes it", () => {
  const frames = log();
  frames.put("sent", req("1"), 1_000);
  frames.put("sent", req("2"), 1_001);
  frames.put("received", { kind: "res", cid: "1", ok: true, result: 1 }, 1_007.4);
  frames.put("received", "no JSON", 1_009);
  expect(recording(frames.calls)).toBe(
    '{"at":0,"direction":"sent","frame":{"kind":"req","cid":"1","method":"m"}}\n' +
      '{"at":1,"direction":"sent","frame":{"kind":"req","cid":"2","method":"m"}}\n' +
      '{"at":7,"direction":"received","frame":{"kind":"res","cid":"1","ok":true,"result":1}}\n' +
      '{"at":9,"direction":"received","garbage":"no JSON"}\n',
  );
  frames.put("sent", req("1"), 1_010, { id: "7", label: "#7 unix" });
  expect(recording(frames.calls).trim().split("\n").at(-1)).toContain('"connection":"#7 unix"');
  expect(recording([])).toBe("");
});

test("no secret stands in a recording", () => {
  const frames = log();
  frames.put("sent", {
    ...req("1"),
    meta: { token: "s3cr3t", $sensitive: ["pin"] },
    payload: [{ Password: "s3cr3t", pin: "s3cr3t", name: "n" }],
  });
  const text = recording(frames.calls);
  expect(text).not.toContain("s3cr3t");
  expect(text).toContain('"name":"n"');
  expect(redacted({ token: null })).toEqual({ token: null });
});

test("lengths are those of the text, near enough", () => {
  for (const value of [null, true, "text", 1.5, [], {}, { a: [1, "two", { b: null }], c: "" }]) {
    expect(Math.abs(jsonLength(value) - JSON.stringify(value).length)).toBeLessThanOrEqual(3);
  }
});

test("a strip of any span fits its columns and counts every frame once", () => {
  const frames = log();
  frames.put("sent", req("1"), 0);
  const [call] = frames.calls;
  const strip = new Strip(8);
  for (let n = 1; n <= 500; n += 1) {
    frames.put("received", { kind: "nxt", cid: "1", data: n }, n * n);
    if (n % 7 === 0 && call) strip.follow(call);
  }
  if (call) strip.follow(call);
  expect(strip.span).toBe(250_000);
  expect(strip.columns).toHaveLength(8);
  expect(strip.columns.reduce((sum, { received }) => sum + received, 0)).toBe(500);
  expect(strip.columns.reduce((sum, { sent }) => sum + sent, 0)).toBe(1);
});
