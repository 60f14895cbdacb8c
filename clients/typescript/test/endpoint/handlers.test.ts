/** Requests that this side answers. */

import { from, Subject } from "rxjs";
import { describe, expect, test } from "vitest";
import { type Context, type EndpointOptions, RpcError } from "../../src/index.js";
import { turns } from "../peer.js";
import { code, connected } from "./ends.js";

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
