/** What the program around an endpoint sees, and what its mistakes cost. */

import { describe, expect, test, vi } from "vitest";
import { open } from "../peer.js";
import { code, connected } from "./ends.js";

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
