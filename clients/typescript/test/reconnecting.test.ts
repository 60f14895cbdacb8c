/** Connections that break and are made again. */

import { describe, expect, test, vi } from "vitest";
import { aheadOf } from "../src/ahead.js";
import { hello } from "../src/hello.js";
import { type EndpointOptions, type Frame, Item, type OnFrame, RpcEndpoint, RpcError } from "../src/index.js";
import { Peer, turns } from "./peer.js";

const code = (promise: Promise<unknown>) => promise.then(() => "no error", (error: RpcError) => error.code);

/** An endpoint over a connector, and the peers that it meets one after another. */
function reconnecting(options: EndpointOptions = {}) {
  const peers: Peer[] = [];
  let isDown = false;
  const connector = async () => {
    if (isDown) throw new Error("nobody listens");
    const [peer, transport] = Peer.pair();
    peers.push(peer);
    return transport;
  };
  const endpoint = new RpcEndpoint(connector, { onWarning: () => {}, backoff: { first: 1, longest: 1 }, ...options });
  endpoint.start();
  const peer = async (index: number) => {
    while (!peers[index] || endpoint.state !== "open") await turns(1);
    return peers[index];
  };
  return { endpoint, peer, peers, down: (down: boolean) => (isDown = down) };
}

describe("a connector", () => {
  test("is asked again after a break, and calls that have not left wait for it", async () => {
    const { endpoint, peer } = reconnecting();
    const first = await peer(0);
    const sent = code(endpoint.request("sent"));
    await first.expect({ method: "sent" });
    first.transport.cut();
    expect(await sent).toBe("INDETERMINATE");
    expect(endpoint.state).toBe("connecting");
    const waits = endpoint.request("waits");
    const second = await peer(1);
    const { cid } = await second.expect({ method: "waits" });
    second.send({ kind: "res", cid, ok: true, result: 1 });
    expect(await waits).toBe(1);
    endpoint.stop();
  });

  test("is asked until it succeeds", async () => {
    const states: unknown[] = [];
    const { endpoint, peer, down } = reconnecting({ onState: (state) => states.push(state) });
    const first = await peer(0);
    down(true);
    first.transport.cut();
    await vi.waitFor(() => expect(states.length).toBeGreaterThan(1));
    const answer = code(endpoint.request("m"));
    down(false);
    const { cid } = await (await peer(1)).expect({ method: "m" });
    (await peer(1)).send({ kind: "res", cid });
    expect(await answer).toBe("no error");
    expect([states[0], new Set(states.slice(1, -1)), states.at(-1)]).toEqual(["open", new Set(["connecting"]), "open"]);
    endpoint.stop();
    expect(endpoint.state).toBe("closed");
  });

  test("says why each attempt failed, the first one too", async () => {
    const told: unknown[] = [];
    let attempts = 0;
    const connector = async () => {
      throw new Error(`refused ${++attempts}`);
    };
    const onState = (...state: unknown[]) => told.push(state);
    const endpoint = new RpcEndpoint(connector, { onState, backoff: { first: 1, longest: 1 } });
    endpoint.start();
    await vi.waitFor(() => expect(told.length).toBeGreaterThan(1));
    expect(told.slice(0, 2)).toEqual([["connecting", "refused 1"], ["connecting", "refused 2"]]);
    endpoint.stop();
    const start = () => Promise.reject(new Error("a wrong token"));
    const only = new RpcEndpoint({ start, post() {}, stop() {} }, { onState });
    only.start();
    await vi.waitFor(() => expect(told.at(-1)).toEqual(["closed", "a wrong token"]));
  });

  test("that says that trying again is of no use ends the endpoint, and who waits learns why", async () => {
    const told: unknown[] = [];
    let attempts = 0;
    const refuse = () => {
      attempts++;
      throw new RpcError("UNAUTHORIZED", "this token is not known here");
    };
    const onState = (...state: unknown[]) => told.push(state);
    const transport = { start: refuse, post() {}, stop() {} };
    for (const connector of [refuse, () => transport]) {
      const endpoint = new RpcEndpoint(connector, { onState });
      const answer = endpoint.request("m");
      const item = endpoint.stream("s").next();
      endpoint.start();
      await expect(answer).rejects.toMatchObject({ code: "UNAUTHORIZED", message: "this token is not known here" });
      await expect(item).rejects.toMatchObject({ code: "UNAUTHORIZED" });
      expect(endpoint.state).toBe("closed");
      await expect(endpoint.request("later")).rejects.toMatchObject({
        code: "CONNECTION_CLOSED",
        message: "connection closed: this token is not known here",
      });
    }
    expect(told).toEqual([["closed", "this token is not known here"], ["closed", "this token is not known here"]]);
    expect(attempts).toBe(2);
  });

  test("that finds no connection lets the time of a call run out, which names the reason", async () => {
    const endpoint = new RpcEndpoint(() => Promise.reject(new Error("nobody listens there")));
    const answer = endpoint.request("m", 0, {}, 20);
    endpoint.start();
    await expect(answer).rejects.toMatchObject({ code: "RPC_TIMEOUT", message: /nobody listens there$/ });
    endpoint.stop();
  });

  test("may make transports of 0.2, which have nothing to stop", async () => {
    const posted: Frame[] = [];
    let deliver = (_: unknown) => {};
    const endpoint = new RpcEndpoint(() => ({
      start: (onFrame: OnFrame) => void (deliver = onFrame),
      post: (frame: Frame) => void posted.push(frame),
    }));
    endpoint.start();
    const answer = endpoint.request("m");
    await turns();
    deliver({ kind: "res", cid: posted[0]!.cid, result: 1 });
    expect(await answer).toBe(1);
    endpoint.stop();
  });

  test("that is stopped while it connects ends what it makes", async () => {
    const [peer, transport] = Peer.pair();
    let connect = (_: typeof transport) => {};
    const endpoint = new RpcEndpoint(() => new Promise((resolve) => (connect = resolve)));
    endpoint.start();
    const waits = code(endpoint.request("m"));
    endpoint.stop();
    expect(await waits).toBe("CONNECTION_CLOSED");
    connect(transport);
    await peer.ended();
  });

  test("whose transport opens later does not lose what was called before", async () => {
    const [peer, transport] = Peer.pair();
    let open = () => {};
    const slow = {
      start: (onFrame: (message: unknown) => void) => {
        transport.start(onFrame);
        return new Promise<void>((resolve) => (open = resolve));
      },
      post: (frame: never) => transport.post(frame),
      stop: () => transport.stop(),
      decode: transport.decode,
    };
    const endpoint = new RpcEndpoint(slow);
    endpoint.start();
    const answer = endpoint.request("m");
    await peer.silent();
    open();
    const { cid } = await peer.expect({ method: "m" });
    peer.send({ kind: "res", cid, ok: true, result: 1 });
    expect(await answer).toBe(1);
    expect(endpoint.state).toBe("open");
  });
});

describe("streams across a break", () => {
  test("go on after the last item received, under a new id", async () => {
    const { endpoint, peer } = reconnecting({ windowBytes: 0 });
    const stream = endpoint.stream("log");
    const first = await peer(0);
    const { cid } = await first.expect({ method: "log" });
    first.send({ kind: "nxt", cid, seq: 1, fc: 1, pos: 7, epoch: "e", data: "a" });
    first.send({ kind: "nxt", cid, seq: 2, pos: 8, data: "b" });
    await turns();
    first.transport.cut();
    const second = await peer(1);
    const again = await second.expect({ method: "log", meta: { resume: { epoch: "e", after: 8 } } });
    expect(again.cid).not.toBe(cid);
    second.send({ kind: "nxt", cid: again.cid, seq: 1, fc: 1, pos: 9, epoch: "e", data: "c" });
    second.send({ kind: "end", cid: again.cid });
    const seen: unknown[] = [];
    for await (const value of stream) seen.push(value);
    expect(seen).toEqual(["a", "b", "c"]);
    endpoint.stop();
  });

  test("show that the source began anew", async () => {
    const { endpoint, peer } = reconnecting({ windowBytes: 0 });
    const items = endpoint.stream<string>("log").items();
    const first = await peer(0);
    const { cid } = await first.expect({ method: "log" });
    first.send({ kind: "nxt", cid, seq: 1, fc: 1, pos: 7, epoch: "e", data: "a" });
    expect((await items.next()).value).toMatchObject({ data: "a", reset: false });
    first.transport.cut();
    const second = await peer(1);
    const again = await second.expect({ method: "log" });
    second.send({ kind: "nxt", cid: again.cid, seq: 1, fc: 1, pos: 1, epoch: "f", data: "z" });
    expect((await items.next()).value).toMatchObject({ data: "z", reset: true, pos: 1 });
    endpoint.stop();
  });

  test("of a peer that says no epoch end with the connection", async () => {
    const { endpoint, peer } = reconnecting({ windowBytes: 0 });
    const stream = endpoint.stream("log");
    const first = await peer(0);
    const { cid } = await first.expect({ method: "log" });
    first.send({ kind: "nxt", cid, data: "a" });
    await turns();
    first.transport.cut();
    expect(await stream.next()).toMatchObject({ value: "a" });
    expect(await code(stream.next())).toBe("CONNECTION_CLOSED");
    endpoint.stop();
  });

  test("whose bytes were held over a break are acknowledged before their producer has to wait for it", async () => {
    const { endpoint, peer } = reconnecting({ windowBytes: 0, use: [(session) => aheadOf(session, 20)] });
    const stream = endpoint.stream("log");
    const first = await peer(0);
    const { cid } = await first.expect({ method: "log", meta: { fc: { upto: 32, bytes: 20 } } });
    first.send({ kind: "nxt", cid, seq: 1, fc: 1, pos: 1, epoch: "e", data: "1234567890123456" });
    await turns();
    first.transport.cut();
    const second = await peer(1);
    const again = await second.expect({ method: "log", meta: { fc: { upto: 31, bytes: 5 } } });
    second.send({ kind: "nxt", cid: again.cid, seq: 1, fc: 1, pos: 2, epoch: "e", data: "abc" });
    await turns();
    expect(await stream.next()).toMatchObject({ value: "1234567890123456" });
    expect(await stream.next()).toMatchObject({ value: "abc" });
    const third = stream.next();
    await second.expect({ kind: "nxt", cid: again.cid, dir: "up", fc: { ack: 1 } });
    second.send({ kind: "nxt", cid: again.cid, seq: 2, pos: 3, epoch: "e", data: "d" });
    expect(await third).toMatchObject({ value: "d" });
    endpoint.stop();
  });

  test("are not issued again before an item has told an epoch, for nobody knows what they began", async () => {
    const { endpoint, peer } = reconnecting();
    const next = code(endpoint.stream("process.run", { program: "make" }).next());
    await (await peer(0)).expect({ method: "process.run" });
    (await peer(0)).transport.cut();
    const second = await peer(1);
    await second.silent();
    expect(await next).toBe("CONNECTION_CLOSED");
    endpoint.stop();
  });

  test("are issued again before their first item where they are known to be resumable", async () => {
    const { endpoint, peer } = reconnecting();
    const next = endpoint.stream("log", 0, {}, { resume: true }).next();
    await (await peer(0)).expect({ method: "log" });
    (await peer(0)).transport.cut();
    const { cid } = await (await peer(1)).expect({ method: "log" });
    (await peer(1)).send({ kind: "nxt", cid, seq: 1, fc: 1, pos: 1, epoch: "e", data: "a" });
    expect(await next).toMatchObject({ value: "a" });
    endpoint.stop();
  });

  test("whose items told an epoch are not issued again either where that is not wanted", async () => {
    const { endpoint, peer } = reconnecting({ windowBytes: 0 });
    const stream = endpoint.stream("log", 0, {}, { resume: false });
    const { cid } = await (await peer(0)).expect({ method: "log" });
    (await peer(0)).send({ kind: "nxt", cid, seq: 1, fc: 1, pos: 1, epoch: "e", data: "a" });
    expect(await stream.next()).toMatchObject({ value: "a" });
    (await peer(0)).transport.cut();
    expect(await code(stream.next())).toBe("CONNECTION_CLOSED");
    endpoint.stop();
  });

  test("are not issued again where that is not wanted", async () => {
    const { endpoint, peer } = reconnecting();
    const next = code(endpoint.stream("log", 0, {}, { resume: false }).next());
    await (await peer(0)).expect({ method: "log" });
    (await peer(0)).transport.cut();
    expect(await next).toBe("CONNECTION_CLOSED");
    endpoint.stop();
  });

  test("are served by a handler that knows positions", async () => {
    const [peer, transport] = Peer.pair();
    const endpoint = new RpcEndpoint(transport);
    endpoint.register("log", async function* (_, cx) {
      for (let pos = (cx.resume?.after ?? 0) + 1; pos < 4; pos++) yield new Item(`#${pos}`, { pos, epoch: "e" });
    });
    endpoint.start();
    peer.send({ kind: "req", cid: "p1", method: "log", meta: { fc: { upto: 8 }, resume: { epoch: "e", after: 2 } } });
    await peer.expect({ kind: "nxt", seq: 1, fc: 1, pos: 3, epoch: "e", data: "#3" });
    await peer.expect({ kind: "end" });
  });
});

describe("an introduction", () => {
  test("goes first, with the token, on every connection", async () => {
    let count = 0;
    const { endpoint, peer } = reconnecting({ use: [hello({ token: async () => `t${++count}`, session: "s" })] });
    const answer = code(endpoint.request("m", 0, {}, { idempotent: true }));
    for (const [index, token] of ["t1", "t2"].entries()) {
      const one = await peer(index);
      const hello = await one.expect({ method: "rpc.hello", payload: { session: "s" }, meta: { token } });
      one.send({ kind: "err", cid: hello.cid, code: "NOT_FOUND", message: "NO_HANDLER" });
      if (index === 0) {
        await one.expect({ method: "m" });
        one.transport.cut();
      }
    }
    expect(await answer).toBe("CONNECTION_CLOSED");
    endpoint.stop();
  });

  test("warns of methods that are others", async () => {
    const warnings: string[] = [];
    const { endpoint, peer } = reconnecting({ use: [hello({ methodsHash: "a" })], onWarning: (message) => warnings.push(message) });
    const one = await peer(0);
    const { cid } = await one.expect({ method: "rpc.hello" });
    one.send({ kind: "res", cid, ok: true, result: { methodsHash: "b" } });
    await vi.waitFor(() => expect(warnings.join()).toContain("generate"));
    endpoint.stop();
  });
});
