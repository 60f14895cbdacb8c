/** What an endpoint makes of transports that are not this package's, and of what arrives by them. */

import { describe, expect, test } from "vitest";
import { type EndpointOptions, RpcEndpoint } from "../../src/index.js";
import { open, turns } from "../peer.js";
import { code, connected, silent } from "./ends.js";

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
