/** Calls for one answer, against a scripted peer. */

import { describe, expect, onTestFinished, test, vi } from "vitest";
import { drain } from "../../src/drain.js";
import { RpcEndpoint } from "../../src/index.js";
import { open, Peer, turns } from "../peer.js";
import { code, connected, controller } from "./ends.js";

/** No time passes between a call and its frame, which tells how much is left. */
function stillstand(): void {
  vi.useFakeTimers({ toFake: ["performance"] });
  onTestFinished(() => void vi.useRealTimers());
}

describe("calls", () => {
  test("a request is answered", async () => {
    stillstand();
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
    stillstand();
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

  test("nothing of a call that is over listens to its signal", async () => {
    const [peer, endpoint] = connected();
    const [abort, signal] = controller();
    const listening = new Set<unknown>();
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
    signal.addEventListener = (type: string, listener: never) => (listening.add(listener), add(type, listener));
    signal.removeEventListener = (type: string, listener: never) => (listening.delete(listener), remove(type, listener));
    const answered = endpoint.request("answered", 0, {}, { signal });
    const refused = code(endpoint.request("refused", 0, {}, { signal, timeoutMs: 0 }));
    expect(listening.size).toBeGreaterThan(0);
    const { cid } = await peer.expect({ method: "answered" });
    peer.send({ kind: "res", cid, ok: true });
    await answered;
    expect(await refused).toBe("RPC_TIMEOUT");
    const cancelled = code(endpoint.request("cancelled", 0, {}, { signal }));
    abort.abort();
    expect(await cancelled).toBe("CANCELLED");
    expect(listening.size).toBe(0);
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
