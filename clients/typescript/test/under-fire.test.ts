/** Two endpoints over a connection that misbehaves, and one whose peer does. */

import { describe, expect, test } from "vitest";
import { type EndpointOptions, type Extension, Item, RpcEndpoint } from "../src/index.js";
import { aheadOf } from "../src/ahead.js";
import { lanes } from "../src/lanes.js";
import { limits } from "../src/limits.js";
import { memory } from "../src/transports/memory.js";
import { duplex, upload, uploads } from "../src/upload.js";
import { chances, type Faults, faulty } from "./faults.js";
import { open, Peer, turns } from "./peer.js";

/** So few bytes ahead that every stream has to wait. */
const small: Extension = (session) => aheadOf(session, 10);

const SEEDS = Number(process.env.SIXFRAME_SEEDS ?? 40);

function serve(endpoint: RpcEndpoint, chance: () => number): void {
  endpoint.register("echo", (payload) => payload);
  endpoint.register("slow", async (payload, cx) => {
    await turns(Math.floor(chance() * 6));
    return cx.signal.aborted ? undefined : payload;
  });
  endpoint.register("fail", () => {
    throw new Error("as it should");
  });
  endpoint.register("ask", async (payload, cx) => cx.peer.request("echo", payload));
  endpoint.register("count", async function* (to: number) {
    for (let n = 1; n <= to; n++) yield n;
  });
  endpoint.register("log", async function* (to: number, cx) {
    for (let pos = (cx.resume?.after ?? 0) + 1; pos <= to; pos++) yield new Item(pos, { pos, epoch: "e" });
  });
  endpoint.register("sum", async (_, cx) => {
    let sum = 0;
    for await (const n of cx.uploads) sum += n as number;
    return sum;
  }, { uploads: true });
  endpoint.register("double", async function* (_, cx) {
    for await (const n of cx.uploads) yield (n as number) * 2;
  }, { uploads: true });
}

async function drain(stream: AsyncIterable<unknown>, most: number): Promise<void> {
  for await (const _ of stream) if (!most--) return;
}

/** One call of some kind; returns when it has settled. */
async function call(endpoint: RpcEndpoint, chance: () => number): Promise<void> {
  const pick = <T>(choices: T[]): T => choices[Math.floor(chance() * choices.length)]!;
  const abort = new AbortController();
  const signal = chance() < 0.2 ? abort.signal : undefined;
  if (signal) void turns(Math.floor(chance() * 4)).then(() => abort.abort());
  const options = { signal, timeoutMs: 300, lane: chance() < 0.3 ? pick(["a", "b"]) : undefined };
  const numbers = Array.from({ length: Math.floor(chance() * 50) }, (_, n) => n);
  const most = pick([0, 3, Infinity]);
  await pick<() => Promise<unknown>>([
    () => endpoint.request(pick(["echo", "slow", "fail", "ask", "none"]), numbers, { tenant: "é\u2028" }, options),
    () => drain(endpoint.stream(pick(["count", "log", "echo", "none"]), numbers.length, {}, options), most),
    () => upload(endpoint, pick(["sum", "echo"]), numbers, 0, {}, options),
    () => drain(duplex(endpoint, pick(["double", "none"]), numbers, 0, {}, options), most),
  ])().catch((error: { code?: unknown }) => expect(error.code).toBeTypeOf("string"));
}

async function play(seed: number): Promise<void> {
  const chance = chances(seed);
  const faults: Faults = { cut: 0, duplicate: 0, delay: 0, truncate: 0 };
  for (const fault in faults) if (chance() < 0.5) faults[fault as keyof Faults] = chance() * (fault === "cut" ? 0.01 : 0.05);
  const options: EndpointOptions = {
    use: chance() < 0.5 ? [uploads, lanes, limits] : [uploads, lanes, limits, small],
    onWarning: () => {},
    window: 1 + Math.floor(chance() * 8),
    windowBytes: chance() < 0.5 ? 0 : 4096,
    timeoutMs: 300,
    backoff: { first: 1, longest: 5 },
    limits: { malformed: 1000 },
  };
  const ends: RpcEndpoint[] = [];
  const near = new RpcEndpoint(() => {
    const [here, there] = memory({ text: true });
    const far = new RpcEndpoint(there, options);
    serve(far, chance);
    far.start();
    ends.push(far);
    return faulty(here, faults, chance);
  }, options);
  ends.push(near);
  serve(near, chance);
  near.start();
  const calls: Promise<void>[] = [];
  for (let round = 0; round < 12; round++) {
    for (const end of [near, ends.at(-1)!]) if (end.state !== "closed") calls.push(call(end, chance), call(end, chance));
    await turns(Math.floor(chance() * 3));
  }
  await Promise.all(calls);
  await turns(3);
  near.stop();
  await turns(3);
  for (const end of ends) {
    const left = { size: open(end), ...end._tally!() };
    expect(left, `seed ${seed}`).toEqual({ size: 0, queued: 0, inbound: 0, inFlight: 0, streams: 0 });
    expect(end.state).toBe("closed");
  }
}

describe("over a connection that misbehaves", () => {
  test("every call settles, and nothing is left in the tables", { timeout: 60_000 }, async () => {
    for (let seed = 0; seed < SEEDS; seed += 10) {
      await Promise.all(Array.from({ length: Math.min(10, SEEDS - seed) }, (_, n) => play(seed + n)));
    }
  });
});

describe("a hostile peer", () => {
  const words = ["kind", "cid", "req", "res", "err", "nxt", "end", "can", "up", "down", "p1", "m", "echo", "__proto__", "rpc.ping"];
  const keys = ["kind", "cid", "method", "payload", "meta", "data", "seq", "fc", "dir", "upto", "timeoutMs", "resume", "epoch", "pos"];

  function junk(chance: () => number, depth = 0): unknown {
    const pick = <T>(choices: readonly T[]): T => choices[Math.floor(chance() * choices.length)]!;
    const simple = [null, true, false, 0, 1, -1, 0.5, 1e300, 2 ** 53, "", undefined, Number.NaN, ...words];
    if (depth > 3 || chance() < 0.4) return pick(simple);
    if (chance() < 0.2) return Array.from({ length: 3 }, () => junk(chance, depth + 1));
    const object: Record<string, unknown> = {};
    for (let n = chance() * 6; n > 0; n--) object[pick(keys)] = junk(chance, depth + 1);
    if (depth === 0 && chance() < 0.9) object.kind = pick(["req", "res", "err", "nxt", "end", "can"]);
    if (depth === 0 && chance() < 0.9) object.cid = pick(["p1", "p2", "p3"]);
    if (depth === 0 && chance() < 0.8) object.method = pick(["echo", "count", "slow", "sum", "log", "rpc.ping"]);
    if (depth === 0 && chance() < 0.3) object.dir = "up";
    return object;
  }

  test("cannot make the endpoint throw, nor keep anything in its tables", async () => {
    for (let seed = 0; seed < 40; seed++) {
      const chance = chances(seed);
      const [peer, transport] = Peer.pair();
      const endpoint = new RpcEndpoint(transport, {
        use: seed % 2 ? [uploads, lanes, limits] : [],
        onWarning: () => {},
        limits: { malformed: 500 },
      });
      serve(endpoint, chance);
      endpoint.start();
      const stream = drain(endpoint.stream("x"), Infinity).catch(() => {});
      const answer = endpoint.request("x").catch(() => {});
      const ours = [await peer.next(), await peer.next()].map(({ cid }) => cid);
      for (let n = 0; n < 400; n++) {
        const message = junk(chance) as Record<string, unknown>;
        if (message?.cid && chance() < 0.1) message.cid = ours[n % 2];
        let sent: unknown = message;
        if (chance() < 0.5) {
          const text = JSON.stringify(message) ?? "";
          sent = chance() < 0.1 ? text.slice(0, chance() * text.length) : text;
        }
        peer.transport._peer._receive(sent);
        if (n % 50 === 0) await turns(1);
      }
      await turns(2);
      endpoint.stop();
      await Promise.all([stream, answer]);
      await turns(2);
      expect(open(endpoint), `seed ${seed}`).toBe(0);
      expect(endpoint._tally?.().inbound ?? 0, `seed ${seed}`).toBe(0);
    }
  });

  test("that sends what is no JSON at all is heard out up to the limit", async () => {
    const [peer, transport] = Peer.pair();
    const endpoint = new RpcEndpoint(transport, { use: [limits], onWarning: () => {} });
    endpoint.start();
    const circle: Record<string, unknown> = { kind: "nxt", cid: "x", seq: 1 };
    circle.data = circle;
    const next = endpoint.stream("m").next();
    const { cid } = await peer.expect({ method: "m" });
    for (const message of [1n, Symbol("x"), () => {}, new Date(), new Map(), new Uint8Array([255]), circle, [[]]]) {
      peer.transport._peer._receive(message);
    }
    await turns();
    expect(endpoint.state).toBe("open");
    peer.transport._peer._receive({ ...circle, cid });
    await expect(next).rejects.toMatchObject({ code: "SLOW_CONSUMER" });
    for (let n = 0; n < 64; n++) peer.sendRaw("x");
    await turns();
    expect(endpoint.state).toBe("closed");
  });
});
