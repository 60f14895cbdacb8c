/** The endpoint against a scripted peer, and two endpoints against each other. */

import { from, Subject } from "rxjs";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { drain } from "../src/drain.js";
import { heartbeat } from "../src/heartbeat.js";
import { type Context, type EndpointOptions, Item, RpcEndpoint, RpcError } from "../src/index.js";
import { lanes } from "../src/lanes.js";
import { limits } from "../src/limits.js";
import { memory } from "../src/transports/memory.js";
import { open, Peer, turns } from "./peer.js";

const silent = { onWarning: () => {} };

function connected(options: EndpointOptions = {}): [Peer, RpcEndpoint] {
  const [peer, transport] = Peer.pair();
  const endpoint = new RpcEndpoint(transport, { ...silent, ...options });
  endpoint.start();
  return [peer, endpoint];
}

function two(options: EndpointOptions = {}): [RpcEndpoint, RpcEndpoint] {
  const [near, far] = memory();
  const ends = [new RpcEndpoint(near, { ...silent, ...options }), new RpcEndpoint(far, { ...silent, ...options })] as const;
  for (const end of ends) end.start();
  return [...ends];
}

const code = (promise: Promise<unknown>) => promise.then(() => "no error", (error: RpcError) => error.code);

function controller(): [AbortController, AbortSignal] {
  const abort = new AbortController();
  return [abort, abort.signal];
}

/** A source whose end can be seen. */
function endless() {
  const seen = { asked: 0, returned: 0 };
  const source: AsyncIterableIterator<number> = {
    next: () => (++seen.asked, new Promise(() => {})),
    return: () => (++seen.returned, Promise.resolve({ done: true, value: undefined })),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
  return { seen, source };
}

describe("calls", () => {
  test("a request is answered", async () => {
    const [peer, endpoint] = connected();
    const answer = endpoint.request("add", [1, 2]);
    const { cid } = await peer.expect({ kind: "req", method: "add", payload: [1, 2], meta: { timeoutMs: 60_000 } });
    peer.send({ kind: "res", cid, ok: true, result: 3 });
    expect(await answer).toBe(3);
    expect(open(endpoint)).toBe(0);
  });

  test("a failure keeps its code, domain and details", async () => {
    const [peer, endpoint] = connected();
    const answer = endpoint.request("add");
    const { cid } = await peer.expect({ method: "add" });
    peer.send({ kind: "err", cid, code: "E", message: "m", domain: "d", details: { x: 1 } });
    await expect(answer).rejects.toMatchObject({ name: "RpcError", code: "E", message: "m", domain: "d", details: { x: 1 } });
  });

  test("version 0.2's positional arguments are meta and a timeout", async () => {
    const [peer, endpoint] = connected();
    const answer = code(endpoint.request("m", 1, { tenant: "acme" }, 5000));
    await peer.expect({ payload: 1, meta: { tenant: "acme", timeoutMs: 5000 } });
    endpoint.stop();
    expect(await answer).toBe("INDETERMINATE");
  });

  test("calls made before the start are sent by it", async () => {
    const [peer, transport] = Peer.pair();
    const endpoint = new RpcEndpoint(transport);
    const answer = endpoint.request("m");
    endpoint.start();
    const { cid } = await peer.expect({ method: "m" });
    peer.send({ kind: "res", cid });
    expect(await answer).toBeNull();
  });

  test("a timeout settles the call and cancels it at the peer", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const [peer, endpoint] = connected();
    const answer = code(endpoint.request("slow", undefined, undefined, 1000));
    await peer.expect({ method: "slow" });
    vi.advanceTimersByTime(1001);
    expect(await answer).toBe("RPC_TIMEOUT");
    await peer.expect({ kind: "can", reason: "deadline" });
    vi.useRealTimers();
  });

  test("a signal cancels at once", async () => {
    const [peer, endpoint] = connected();
    const [abort, signal] = controller();
    const answer = endpoint.request("slow", undefined, undefined, { signal });
    const { cid } = await peer.expect({ method: "slow" });
    abort.abort("enough");
    await expect(answer).rejects.toMatchObject({ code: "CANCELLED", cause: "enough" });
    await peer.expect({ kind: "can", cid });
    expect(await code(endpoint.request("never", undefined, undefined, { signal }))).toBe("CANCELLED");
    await peer.silent();
  });

  test("stopping settles every call, idempotent or not", async () => {
    const [peer, endpoint] = connected();
    const calls = [endpoint.request("a"), endpoint.request("b", 0, {}, { idempotent: true }), endpoint.stream("c").next()];
    await peer.expect({ method: "a" });
    endpoint.stop();
    expect(await Promise.all(calls.map(code))).toEqual(["INDETERMINATE", "CONNECTION_CLOSED", "CONNECTION_CLOSED"]);
    await peer.ended();
    expect(endpoint.state).toBe("closed");
    expect(await code(endpoint.request("d"))).toBe("CONNECTION_CLOSED");
  });

  test("a transport that throws ends the connection", async () => {
    const post = () => {
      throw new Error("gone");
    };
    const endpoint = new RpcEndpoint({ start() {}, post, stop() {} });
    endpoint.start();
    expect(await code(endpoint.request("m"))).toBe("INDETERMINATE");
    expect(endpoint.state).toBe("closed");
  });

  test("closing lets requests finish, refuses new ones and then ends the connection", async () => {
    const [peer, endpoint] = connected();
    const answers: ((value: string) => void)[] = [];
    endpoint.register("slow", () => new Promise((resolve) => answers.push(resolve)));
    peer.send({ kind: "req", cid: "p1", method: "slow" });
    await turns();
    const closed = drain(endpoint);
    peer.send({ kind: "req", cid: "p2", method: "slow" });
    await peer.expect({ kind: "err", cid: "p2", code: "CONNECTION_CLOSED" });
    expect(peer.isEnded).toBe(false);
    answers[0]!("done");
    await peer.expect({ kind: "res", cid: "p1", result: "done" });
    await closed;
    await peer.ended();
  });
});

describe("streams", () => {
  test("items come in order, with credit granted as they are consumed", async () => {
    const [near, far] = two({ window: 4, windowBytes: 0 });
    far.register("count", async function* (to: number) {
      for (let n = 1; n <= to; n++) yield n;
    });
    const seen: number[] = [];
    for await (const n of near.stream<number>("count", 100)) seen.push(n);
    expect(seen).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
    await turns();
    expect([open(near), open(far)]).toEqual([0, 0]);
  });

  test("leaving a loop cancels the stream and its source", async () => {
    const [near, far] = two();
    const { seen, source } = endless();
    const once = new Item("first");
    far.register("watch", () => ({
      [Symbol.asyncIterator]: () => ({
        next: () => (seen.asked++ ? source.next() : Promise.resolve({ done: false, value: once })),
        return: () => source.return!(),
      }),
    }));
    for await (const value of near.stream("watch")) {
      expect(value).toBe("first");
      break;
    }
    await turns();
    expect(seen.returned).toBe(1);
    expect(open(far)).toBe(0);
  });

  test("return cancels at once while the next item is awaited", async () => {
    const [peer, endpoint] = connected();
    const stream = endpoint.stream("watch");
    const pending = stream.next();
    const { cid } = await peer.expect({ method: "watch", meta: { fc: { upto: 32 } } });
    expect(await stream.return()).toEqual({ done: true, value: undefined });
    expect(await pending).toEqual({ done: true, value: undefined });
    await peer.expect({ kind: "can", cid });
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  test("a signal fails the stream at once while the next item is awaited", async () => {
    const [peer, endpoint] = connected();
    const [abort, signal] = controller();
    const pending = code(endpoint.stream("watch", 0, {}, { signal }).next());
    await peer.expect({ method: "watch" });
    abort.abort();
    expect(await pending).toBe("CANCELLED");
    await peer.expect({ kind: "can" });
  });

  test("what was buffered comes before the failure", async () => {
    const [peer, endpoint] = connected();
    const stream = endpoint.stream("watch");
    const { cid } = await peer.expect({ method: "watch" });
    peer.send({ kind: "nxt", cid, seq: 1, fc: 1, data: "a" });
    peer.send({ kind: "err", cid, code: "E", message: "" });
    await turns();
    expect(await stream.next()).toEqual({ done: false, value: "a" });
    expect(await code(stream.next())).toBe("E");
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  test("is an async generator, also to `throw`: it is cancelled, and what was thrown comes back", async () => {
    const [peer, endpoint] = connected();
    const generator: AsyncGenerator<unknown, void, unknown> = endpoint.stream("watch");
    const { cid } = await peer.expect({ method: "watch" });
    const pending = generator.next();
    await expect(generator.throw(new Error("enough"))).rejects.toThrow("enough");
    expect(await pending).toEqual({ done: true, value: undefined });
    await peer.expect({ kind: "can", cid });
  });

  test("several who await the next item get one each", async () => {
    const [peer, endpoint] = connected();
    const stream = endpoint.stream("watch");
    const pending = [stream.next(), stream.next(), stream.next()];
    const { cid } = await peer.expect({ method: "watch" });
    for (const data of ["a", "b"]) peer.send({ kind: "nxt", cid, data });
    peer.send({ kind: "end", cid });
    expect((await Promise.all(pending)).map(({ value }) => value as unknown)).toEqual(["a", "b", undefined]);
  });

  test("items() shows where an item stands, and folds a bare reset into the next", async () => {
    const [peer, endpoint] = connected({ windowBytes: 0 });
    const items = endpoint.stream("log").items();
    const { cid } = await peer.expect({ method: "log" });
    peer.send({ kind: "nxt", cid, seq: 1, fc: 1, pos: 7, epoch: "e", data: null, reset: true });
    peer.send({ kind: "nxt", cid, seq: 2, pos: 8, data: "a", skipped: 3 });
    const { value } = await items.next();
    expect(value).toMatchObject({ data: "a", pos: 8, skipped: 3, reset: true });
    await items.return!();
    await peer.expect({ kind: "can" });
  });

  test("the consumers of RxJS take a stream by from()", async () => {
    const [near, far] = two();
    far.register("count", async function* () {
      yield* [1, 2, 3];
    });
    const seen: unknown[] = [];
    await from(near.stream("count")).forEach((value) => void seen.push(value));
    expect(seen).toEqual([1, 2, 3]);
  });

  test("unsubscribing from from() cancels while the next item is awaited", async () => {
    const [peer, endpoint] = connected();
    const subscription = from(endpoint.stream("watch")).subscribe();
    const { cid } = await peer.expect({ method: "watch" });
    subscription.unsubscribe();
    await peer.expect({ kind: "can", cid });
  });

  test("a source that never pauses does not keep out what arrives", async () => {
    const [peer, endpoint] = connected();
    let isReturned = false;
    endpoint.register("flood", async function* () {
      try {
        for (let n = 0; ; n++) yield n;
      } finally {
        isReturned = true;
      }
    });
    peer.send({ kind: "req", cid: "p1", method: "flood" });
    await peer.expect({ kind: "nxt", cid: "p1", seq: 1, data: 0 });
    peer.send({ kind: "can", cid: "p1" });
    for (;;) {
      const frame = await peer.next();
      if (frame.kind === "err") break;
    }
    await turns();
    expect(isReturned).toBe(true);
  });
});

describe("handlers", () => {
  const ask = async (handler: (payload: never, cx: Context) => unknown, frame = {}, options: EndpointOptions = {}) => {
    const [peer, endpoint] = connected(options);
    endpoint.register("m", handler);
    peer.send({ kind: "req", cid: "p1", method: "m", ...frame });
    return [peer, endpoint, await peer.next()] as const;
  };

  test("may return a value or a promise", async () => {
    expect((await ask(() => 1))[2]).toEqual({ kind: "res", cid: "p1", ok: true, result: 1 });
    expect((await ask(async () => 2))[2]).toEqual({ kind: "res", cid: "p1", ok: true, result: 2 });
    expect((await ask(() => {}))[2]).toEqual({ kind: "res", cid: "p1", ok: true });
  });

  test("may return an observable, which is unsubscribed on cancel", async () => {
    const subject = new Subject<number>();
    const [peer, endpoint] = connected();
    endpoint.register("m", () => subject);
    peer.send({ kind: "req", cid: "p1", method: "m", meta: { fc: { upto: 8 } } });
    await turns();
    subject.next(1);
    await peer.expect({ kind: "nxt", seq: 1, data: 1, fc: 1 });
    peer.send({ kind: "can", cid: "p1" });
    await peer.expect({ kind: "err", code: "CANCELLED" });
    expect(subject.observed).toBe(false);
  });

  test("an observable that ends or fails ends its stream", async () => {
    expect((await ask(() => from([])))[2]).toEqual({ kind: "end", cid: "p1" });
    const subject = new Subject();
    const [peer, endpoint] = connected();
    endpoint.register("m", () => subject);
    peer.send({ kind: "req", cid: "p1", method: "m" });
    await turns();
    subject.error(new RpcError("E", "m", undefined, "d"));
    await peer.expect({ kind: "err", code: "E", domain: "d" });
  });

  test("an unknown method is NO_HANDLER", async () => {
    const [peer] = connected();
    peer.send({ kind: "req", cid: "p1", method: "x" });
    await peer.expect({ kind: "err", code: "NO_HANDLER", details: { method: "x" } });
  });

  test("an error with a code and a domain travels; anything else is INTERNAL without its text", async () => {
    const core = Object.assign(new Error("no agent"), { code: "AGENT", domain: "agent", details: { id: 1 } });
    const thrown = (error: unknown) => () => {
      throw error;
    };
    expect((await ask(thrown(core)))[2]).toMatchObject({ code: "AGENT", domain: "agent", message: "no agent", details: { id: 1 } });
    const missing = Object.assign(new Error("ENOENT: /srv/secret"), { code: "ENOENT" });
    for (const error of [missing, "text", undefined, null, new Error("secret")]) {
      const [, , frame] = await ask(thrown(error));
      expect(frame).toMatchObject({ kind: "err", code: "INTERNAL", domain: "common" });
      expect(JSON.stringify(frame)).not.toContain("secret");
    }
    const [, , exposed] = await ask(async () => Promise.reject(new Error("why")), {}, { exposeInternalErrors: true });
    expect(exposed.message).toContain("why");
  });

  test("a handler's failure is a warning on its own side", async () => {
    const warnings: unknown[] = [];
    const failure = new Error("why");
    await ask(() => Promise.reject(failure), {}, { onWarning: (_, cause) => warnings.push(cause) });
    expect(warnings).toEqual([failure]);
  });

  test("see meta, the sender and the application's fields as 0.2 did", async () => {
    const [, , frame] = await ask((_, cx) => [cx.senderId, cx.tenant, cx.meta.tenant, cx.remainingMs > 900], {
      meta: { senderId: 3, tenant: "acme", timeoutMs: 1000 },
    });
    expect(frame.result).toEqual([3, "acme", "acme", true]);
  });

  test("meta cannot take the place of what the engine gives", async () => {
    const [, , frame] = await ask((_, cx) => [typeof cx.peer, cx.signal instanceof AbortSignal, {}.constructor === Object], {
      meta: JSON.parse('{"peer":1,"signal":1,"_endpoint":1,"constructor":1,"__proto__":{"x":1}}'),
    });
    expect(frame.result).toEqual(["object", true, true]);
  });

  test("learn by their signal that they are not wanted any more", async () => {
    const [peer, endpoint] = connected();
    const stopped = new Promise((resolve) => {
      endpoint.register("m", (_, cx) => new Promise(() => cx.signal.addEventListener("abort", resolve)));
    });
    peer.send({ kind: "req", cid: "p1", method: "m" });
    await turns();
    peer.send({ kind: "can", cid: "p1" });
    await stopped;
    await peer.expect({ kind: "err", code: "CANCELLED" });
  });

  test("call their peer in the name of their request", async () => {
    const [peer, endpoint] = connected();
    const outcome = new Promise((resolve) => {
      endpoint.register("m", async (_, cx) => resolve(await code(cx.peer.request("ask", 1))));
    });
    peer.send({ kind: "req", cid: "p1", method: "m", meta: { timeoutMs: 1000 } });
    const child = await peer.expect({ kind: "req", method: "ask", payload: 1 });
    expect((child.meta as { timeoutMs: number }).timeoutMs).toBeLessThanOrEqual(1000);
    peer.send({ kind: "can", cid: "p1" });
    const frames = [await peer.next(), await peer.next()];
    expect(frames).toContainEqual({ kind: "can", cid: child.cid });
    expect(await outcome).toBe("CANCELLED");
  });

  test("a result that comes too late is nobody's", async () => {
    const [peer, endpoint] = connected();
    let answer = (_: unknown) => {};
    endpoint.register("m", () => new Promise((resolve) => (answer = resolve)));
    peer.send({ kind: "req", cid: "p1", method: "m" });
    await turns();
    peer.send({ kind: "can", cid: "p1" });
    await peer.expect({ kind: "err" });
    answer(1);
    await peer.silent();
  });
});

describe("what is seen from outside", () => {
  test("every frame, both ways, without its token", async () => {
    const log: unknown[] = [];
    const seen: unknown[] = [];
    const [peer, endpoint] = connected({
      onLog: (frame) => log.push(frame),
      onFrame: (direction, frame, bytes) => seen.push([direction, frame.kind, bytes]),
    });
    const answer = endpoint.request("m", 1, { token: "secret" });
    const { cid } = await peer.expect({ meta: { token: "secret" } });
    peer.send({ kind: "res", cid, ok: true });
    await answer;
    expect(JSON.stringify(log)).not.toContain("secret");
    expect(log.length).toBe(2);
    expect(seen).toEqual([["out", "req", undefined], ["in", "res", expect.any(Number)]]);
  });

  test("the state", async () => {
    const states: unknown[] = [];
    const [, endpoint] = connected({ onState: (state) => states.push(state) });
    expect(endpoint.state).toBe("open");
    endpoint.stop();
    expect(states).toEqual(["open", "closed"]);
  });
});

describe("a silent peer", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
  afterEach(() => void vi.useRealTimers());

  test("is asked for a sign of life, and given up when it gives none", async () => {
    const [peer, endpoint] = connected({ use: [heartbeat(1000)] });
    vi.advanceTimersByTime(1000);
    const { cid } = await peer.expect({ kind: "req", method: "rpc.ping" });
    peer.send({ kind: "res", cid, ok: true, result: null });
    await turns();
    vi.advanceTimersByTime(1000);
    await peer.expect({ kind: "req", method: "rpc.ping" });
    expect(endpoint.state).toBe("open");
    vi.advanceTimersByTime(1000);
    expect(endpoint.state).toBe("closed");
  });
});

describe("what goes wrong on this side", () => {
  test("a value that cannot travel fails its call alone", async () => {
    const [peer, endpoint] = connected();
    const circle: Record<string, unknown> = {};
    circle.circle = circle;
    const answer = endpoint.request("fine");
    const { cid } = await peer.expect({ method: "fine" });
    expect(await code(endpoint.request("m", circle))).toBe("INVALID_PAYLOAD");
    endpoint.register("circle", () => circle);
    endpoint.register("circles", async function* () {
      yield 1;
      yield { big: 1n };
    });
    peer.send({ kind: "req", cid: "p1", method: "circle" });
    await peer.expect({ kind: "err", cid: "p1", code: "INTERNAL" });
    peer.send({ kind: "req", cid: "p2", method: "circles" });
    await peer.expect({ kind: "nxt", cid: "p2", data: 1 });
    await peer.expect({ kind: "err", cid: "p2", code: "INTERNAL" });
    peer.send({ kind: "res", cid, ok: true });
    await answer;
    expect(open(endpoint)).toBe(0);
  });

  test("a source that breaks its contract fails its stream alone", async () => {
    const thrower = (next: () => unknown) => ({ [Symbol.asyncIterator]: () => ({ next }) });
    const [peer, endpoint] = connected();
    const sources = [
      thrower(() => {
        throw new Error("at once");
      }),
      thrower(() => undefined),
      { [Symbol.asyncIterator]: () => undefined },
      thrower(async () => ({ done: false, value: new Proxy({}, { ownKeys: () => [][0]!, get: () => [][0]! }) })),
    ];
    for (const [index, source] of sources.entries()) {
      endpoint.register(`m${index}`, () => source);
      peer.send({ kind: "req", cid: `p${index}`, method: `m${index}` });
      await peer.expect({ kind: "err", cid: `p${index}`, code: "INTERNAL" });
    }
    expect(endpoint.state).toBe("open");
  });

  test("a callback that throws does not stop the engine", async () => {
    const thrown: unknown[] = [];
    const onUncaught = (error: unknown) => thrown.push(error);
    const before = process.rawListeners("uncaughtException").slice();
    process.removeAllListeners("uncaughtException").on("uncaughtException", onUncaught);
    const failing = () => {
      throw new Error("in a callback");
    };
    const [peer, endpoint] = connected({ onFrame: failing, onLog: failing, onState: failing });
    const answer = endpoint.request("m");
    const { cid } = await peer.expect({ method: "m" });
    peer.send({ kind: "res", cid, ok: true, result: 1 });
    expect(await answer).toBe(1);
    endpoint.stop();
    await vi.waitFor(() => expect(thrown.length).toBe(6));
    process.removeAllListeners("uncaughtException");
    for (const listener of before) process.on("uncaughtException", listener as (error: Error) => void);
  });
});

describe("what arrives", () => {
  const bytes = (frame: unknown) => new TextEncoder().encode(JSON.stringify(frame));

  test("may be bytes", async () => {
    const [peer, endpoint] = connected();
    endpoint.register("echo", (payload) => payload);
    peer.transport._peer._receive(bytes({ kind: "req", cid: "p1", method: "echo", payload: "é" }));
    await peer.expect({ kind: "res", cid: "p1", result: "é" });
  });

  test("is refused where it is too long, and the call it names with it", async () => {
    const [peer, endpoint] = connected({ limits: { message_bytes: 2000 } });
    const answer = endpoint.request("m");
    const { cid } = await peer.expect({ method: "m" });
    const long = "x".repeat(2000);
    peer.send({ kind: "req", cid: "p1", method: "m", payload: long });
    await peer.expect({ kind: "err", cid: "p1", code: "RESOURCE_EXHAUSTED", details: { setting: "limits.message_bytes" } });
    peer.transport._peer._receive(bytes({ kind: "res", cid, ok: true, result: long }));
    await expect(answer).rejects.toMatchObject({ code: "RESOURCE_EXHAUSTED" });
    peer.transport._peer._receive(bytes(long));
    await peer.ended();
    expect(endpoint.state).toBe("closed");
  });

  test("as a failure or an answer for a request of its own is nobody's, whatever direction it claims", async () => {
    const [peer, endpoint] = connected();
    const answers: ((value: string) => void)[] = [];
    endpoint.register("slow", () => new Promise((resolve) => answers.push(resolve)));
    peer.send({ kind: "req", cid: "p1", method: "slow" });
    peer.send({ kind: "err", cid: "p1", dir: "up", code: "CONNECTION_CLOSED" });
    peer.send({ kind: "res", cid: "p1", dir: "up", result: 1 });
    await turns();
    answers[0]!("done");
    await peer.expect({ kind: "res", cid: "p1", result: "done" });
    expect(open(endpoint)).toBe(0);
  });

  test("is refused where it is nested too deep", async () => {
    const [peer] = connected({ limits: { depth: 5 } });
    peer.send({ kind: "req", cid: "p1", method: "m", payload: [[[[[]]]]] });
    await peer.expect({ kind: "err", cid: "p1", code: "RESOURCE_EXHAUSTED", details: { setting: "limits.depth" } });
  });
});

describe("a transport of version 0.2", () => {
  test("serves as it did: no end is told, no promise, frames are objects", async () => {
    const posted: Record<string, unknown>[] = [];
    let deliver = (_: unknown) => {};
    const endpoint = new RpcEndpoint({
      start: (onFrame) => void (deliver = onFrame),
      post: (frame) => void posted.push(frame as never),
      stop() {},
    });
    endpoint.start();
    const answer = endpoint.request("hub.getSnapshot");
    const stream = endpoint.stream("hub.watchGlobal");
    expect(posted.map(({ method }) => method)).toEqual(["hub.getSnapshot", "hub.watchGlobal"]);
    deliver({ kind: "res", cid: posted[0]!.cid, result: { global: {} } });
    expect(await answer).toEqual({ global: {} });
    deliver({ kind: "nxt", cid: posted[1]!.cid, data: "a", method: "hub.watchGlobal" });
    deliver({ kind: "err", cid: posted[1]!.cid, message: "boom" });
    expect((await stream.next()).value).toBe("a");
    await expect(stream.next()).rejects.toMatchObject({ code: "INTERNAL", domain: "common", message: "boom" });
    expect(posted.length).toBe(2);
  });

  test("need not have anything to stop", async () => {
    const states: unknown[] = [];
    const endpoint = new RpcEndpoint({ start() {}, post() {} }, { onState: (...state) => void states.push(state) });
    endpoint.start();
    const answer = code(endpoint.request("m"));
    endpoint.stop();
    expect(await answer).toBe("INDETERMINATE");
    expect(states.at(-1)).toEqual(["closed", "closed by this side"]);
    // What is thrown by somebody else's code comes up as an error that nobody caught, a turn later.
    await turns();
  });
});

describe("a transport without decode", () => {
  const bare = (options: EndpointOptions = {}) => {
    let deliver = (_: unknown) => {};
    const posted: Record<string, unknown>[] = [];
    const endpoint = new RpcEndpoint(
      { start: (onFrame) => void (deliver = onFrame), post: (frame) => void posted.push(frame as never), stop() {} },
      { ...silent, ...options },
    );
    endpoint.start();
    return { endpoint, posted, deliver: (message: unknown) => deliver(message) };
  };

  test("that carries text is ended with the reason", () => {
    const reasons: unknown[] = [];
    const { endpoint, deliver } = bare({ onState: (_, reason) => reasons.push(reason) });
    deliver('{"kind":"res","cid":"1"}');
    expect(endpoint.state).toBe("closed");
    expect(reasons.at(-1)).toContain("sixframe/codec");
  });

  test("cannot make the engine throw, whatever its objects hold", async () => {
    const odd: unknown[] = [undefined, null, 0, "", NaN, 1n, true, [], {}, { upto: 1n }, { toString: 1, valueOf: 1 }, new Uint8Array(3)];
    for (const value of odd) {
      for (const field of ["kind", "cid", "method", "meta", "data", "fc", "seq", "code", "message", "dir", "skipped", "epoch"]) {
        const { endpoint, posted, deliver } = bare();
        endpoint.register("m", async function* (payload) {
          yield payload;
        });
        const stream = endpoint.stream("s").next().catch(() => {});
        const { cid } = posted[0]!;
        for (const meta of ["timeoutMs", "idleMs", "fc", "rpcSpecVersion", "up", "resume"]) {
          deliver({ kind: "req", cid: meta, method: "m", meta: { [meta]: value } });
        }
        for (const kind of ["req", "nxt", "err", "res"]) deliver({ kind, cid, method: "m", fc: 1, seq: 1, [field]: value });
        deliver({ kind: "req", cid: "alive", method: "none" });
        await turns(1);
        if (endpoint.state === "open") expect(posted).toContainEqual(expect.objectContaining({ cid: "alive", code: "NO_HANDLER" }));
        endpoint.stop();
        await stream;
      }
    }
  });
});

describe("a transport that is full", () => {
  test("keeps sources waiting and lets control through", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const posted: { kind: string }[] = [];
    let deliver = (_: unknown) => {};
    const transport = {
      buffered: 0,
      start: (onFrame: (frame: unknown) => void) => void (deliver = onFrame),
      post: (frame: never) => void posted.push(frame),
      stop() {},
    };
    const endpoint = new RpcEndpoint(transport, silent);
    let asked = 0;
    endpoint.register("count", async function* () {
      for (;;) yield ++asked;
    });
    endpoint.start();
    transport.buffered = 2 << 20;
    deliver({ kind: "req", cid: "p1", method: "count", meta: { fc: { upto: 8 } } });
    deliver({ kind: "req", cid: "p2", method: "count" });
    deliver({ kind: "can", cid: "p2" });
    await turns();
    expect(posted.map(({ kind }) => kind)).toEqual(["err"]);
    expect(asked).toBeLessThan(3);
    transport.buffered = 0;
    vi.advanceTimersByTime(20);
    await turns();
    expect(posted.filter(({ kind }) => kind === "nxt").length).toBe(8);
    endpoint.stop();
    vi.useRealTimers();
  });
});

describe("what is plugged in", () => {
  test("lanes start their requests one after another", async () => {
    const [peer, endpoint] = connected({ use: [lanes] });
    const answers: (() => void)[] = [];
    endpoint.register("slow", () => new Promise<void>((resolve) => answers.push(resolve)));
    for (const cid of ["p1", "p2"]) peer.send({ kind: "req", cid, method: "slow", meta: { lane: "a" } });
    await turns();
    expect(answers.length).toBe(1);
    answers[0]!();
    await peer.expect({ kind: "res", cid: "p1" });
    await turns();
    expect(answers.length).toBe(2);
    endpoint.stop();
  });

  test("limits refuse what is too much, by the name of the setting", async () => {
    const [peer, endpoint] = connected({ use: [limits], limits: { in_flight: 1 } });
    endpoint.register("slow", () => new Promise(() => {}));
    for (const cid of ["p1", "p2"]) peer.send({ kind: "req", cid, method: "slow" });
    await peer.expect({ kind: "err", cid: "p2", code: "RESOURCE_EXHAUSTED", details: { setting: "limits.in_flight", value: 1 } });
    endpoint.stop();
  });
});
