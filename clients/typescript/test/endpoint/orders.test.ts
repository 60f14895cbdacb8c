/** What is plugged in works alone, beside everything else in whatever order, and against a peer that has none of it. */

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { aheadOf } from "../../src/ahead.js";
import { drain } from "../../src/drain.js";
import { heartbeat } from "../../src/heartbeat.js";
import { hello } from "../../src/hello.js";
import { idle } from "../../src/idle.js";
import { type EndpointOptions, type Extension, type Frame, RpcEndpoint } from "../../src/index.js";
import { lanes } from "../../src/lanes.js";
import { limits } from "../../src/limits.js";
import { memory } from "../../src/transports/memory.js";
import { duplex, upload, uploads } from "../../src/upload.js";
import { open, turns } from "../peer.js";
import { code, controller } from "./ends.js";

const PLUG_INS: Record<string, Extension> = {
  limits,
  idle,
  ahead: (session) => aheadOf(session, 40),
  uploads,
  lanes,
};
const NAMES = Object.keys(PLUG_INS);
const IN_FLIGHT = 6;

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => void vi.useRealTimers());

function permutations<T>(of: T[]): T[][] {
  return of.length ? of.flatMap((first) => permutations(of.filter((each) => each !== first)).map((rest) => [first, ...rest])) : [[]];
}

function connected(near: Extension[], far: Extension[]) {
  const trace: unknown[] = [];
  const [here, there] = memory({ text: true });
  // The prefix of a connection's ids is random.
  const onFrame = (direction: string, { cid, ...rest }: Frame) => trace.push([direction, cid.replace(/^\w+-/, ""), rest]);
  const common: EndpointOptions = { onWarning: () => {}, window: 8, limits: { in_flight: IN_FLIGHT } };
  const caller = new RpcEndpoint(here, { ...common, use: near, onFrame });
  const server = new RpcEndpoint(there, { ...common, use: far });
  return { caller, server, trace };
}

function serve(server: RpcEndpoint) {
  const running = { now: 0, most: 0 };
  server.register("slow", async () => {
    running.most = Math.max(running.most, ++running.now);
    await turns();
    running.now--;
    return "done";
  });
  server.register("hang", () => new Promise(() => {}));
  server.register("count", async function* (to: number) {
    for (let n = 1; n <= to; n++) yield `item ${n}`;
  });
  server.register("never", async function* () {
    await new Promise(() => {});
    yield 0;
  });
  const sum = async (_: unknown, { uploads }: { uploads: AsyncIterable<unknown> }) => {
    let all = 0;
    for await (const n of uploads) all += n as number;
    return all;
  };
  server.register("sum", sum, { uploads: true });
  server.register(
    "double",
    async function* (_, { uploads }) {
      for await (const n of uploads) yield (n as number) * 2;
    },
    { uploads: true },
  );
  return running;
}

/** Everything that can be plugged in is used once; returns how it went. */
async function play(near: Extension[], far: Extension[]) {
  const { caller, server, trace } = connected(near, far);
  const running = serve(server);
  caller.start();
  server.start();
  const all = async (stream: AsyncIterable<unknown>) => {
    const items: unknown[] = [];
    for await (const item of stream) items.push(item);
    return items;
  };
  const numbers = Array.from({ length: 30 }, (_, n) => n);
  const went: Record<string, unknown> = {};

  const inLane = Array.from({ length: IN_FLIGHT + 1 }, () => code(caller.request("slow", 0, {}, { lane: "a" })));
  went.inLane = (await Promise.all(inLane)).filter((each) => each !== "no error");
  went.most = running.most;
  const [abort, signal] = controller();
  const held = code(caller.request("hang", 0, {}, { lane: "b", signal }));
  const behind = code(caller.request("slow", 0, {}, { lane: "b" }));
  await turns();
  abort.abort();
  went.lane = [await held, await behind];
  went.counted = (await all(caller.stream("count", 40))).length;
  went.summed = await upload(caller, "sum", numbers).catch(({ code }) => code);
  went.doubled = await all(duplex(caller, "double", numbers)).then((items) => items.length, ({ code }) => code);
  const idle = code(caller.stream("never", 0, {}, { idleMs: 1000 }).next());
  await turns();
  vi.advanceTimersByTime(1001);
  await turns();
  const waits = code(caller.stream("never").next());
  await turns();
  went.left = [open(caller), open(server)];
  const drained = drain(caller);
  await turns();
  await drained;
  went.idle = await idle;
  went.drained = await waits;
  await turns();
  went.open = [open(caller), open(server)];
  went.kept = [caller, server].map((end) => Object.values(end._tally?.() ?? {}).every((count) => count === 0));
  went.ends = [caller.state, server.state];
  return { went, trace };
}

/** How it goes where nobody has anything plugged in. */
const BARE = {
  inLane: [],
  most: IN_FLIGHT + 1,
  lane: ["CANCELLED", "no error"],
  counted: 40,
  summed: "UNSUPPORTED",
  doubled: "UNSUPPORTED",
  left: [2, 2],
  idle: "CANCELLED",
  drained: "CANCELLED",
  open: [0, 0],
  kept: [true, true],
  ends: ["closed", "closed"],
};

/** What is otherwise where both have everything. */
const WHOLE = {
  ...BARE,
  inLane: ["RESOURCE_EXHAUSTED"],
  most: 1,
  summed: 435,
  doubled: 30,
  left: [1, 1],
  idle: "RPC_TIMEOUT",
};

/** What is otherwise where a caller, or who serves, has one thing. */
const CALLER: Record<string, object> = { idle: { left: [1, 1], idle: "RPC_TIMEOUT" } };
const SERVER: Record<string, object> = {
  limits: { inLane: ["RESOURCE_EXHAUSTED"], most: IN_FLIGHT },
  idle: { left: [1, 1], idle: "RPC_TIMEOUT" },
  uploads: { summed: 435, doubled: 30 },
  lanes: { most: 1 },
};

describe("what is plugged in", () => {
  test("is missed by nobody who does not use it", async () => {
    expect((await play([], [])).went).toEqual(BARE);
  });

  test.each(NAMES)("does alone what it is for: %s", async (name) => {
    expect((await play([], [PLUG_INS[name]!])).went).toEqual({ ...BARE, ...SERVER[name] });
  });

  test.each(NAMES)("calls a peer that lacks it: %s", async (name) => {
    expect((await play([PLUG_INS[name]!], [])).went).toEqual({ ...BARE, ...CALLER[name] });
  });

  test("works together in every order, and says the same", async () => {
    const first = await play(NAMES.map((name) => PLUG_INS[name]!), NAMES.map((name) => PLUG_INS[name]!));
    expect(first.went).toEqual(WHOLE);
    for (const names of permutations(NAMES)) {
      const order = names.map((name) => PLUG_INS[name]!);
      const { went, trace } = await play(order, [...order].reverse());
      expect(went, names.join()).toEqual(WHOLE);
      expect(trace, names.join()).toEqual(first.trace);
    }
  });

  test("leaves the introduction first and the heartbeat heard, before it or after it", async () => {
    const rest = Object.values(PLUG_INS);
    for (const use of permutations([hello({ name: "page" }), heartbeat(1000), limits, lanes])) {
      const { caller, server, trace } = connected([...use, ...rest], rest);
      serve(server);
      const answer = caller.request("slow");
      caller.start();
      server.start();
      expect(await answer).toBe("done");
      expect(trace[0]).toMatchObject(["out", "0", { method: "rpc.hello", payload: { name: "page" } }]);
      vi.advanceTimersByTime(1000);
      await turns();
      expect(trace.at(-2)).toMatchObject(["out", "", { method: "rpc.ping" }]);
      expect(trace.at(-1)).toMatchObject(["in", "", { kind: "res" }]);
      caller.stop();
    }
  });
});

describe("a consumer that takes its time over bytes", () => {
  test("is not idle while its producer waits for it", async () => {
    const use = [idle, PLUG_INS.ahead!];
    for (const order of [use, [...use].reverse()]) {
      const { caller, server } = connected(order, order);
      caller.start();
      server.start();
      server.register("hang", () => new Promise(() => {}));
  server.register("count", async function* () {
        for (let n = 1; n <= 20; n++) yield "x".repeat(30);
      });
      const stream = caller.stream("count", 0, {}, { idleMs: 1000 });
      let taken = 0;
      for await (const _ of stream) {
        taken++;
        await turns();
        vi.advanceTimersByTime(1500);
      }
      expect(taken).toBe(20);
      caller.stop();
      server.stop();
    }
  });
});
