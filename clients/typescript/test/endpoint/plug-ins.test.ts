/** What is plugged into an endpoint. */

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { heartbeat } from "../../src/heartbeat.js";
import { type Frame, RpcEndpoint } from "../../src/index.js";
import { idle } from "../../src/idle.js";
import { lanes } from "../../src/lanes.js";
import { limits } from "../../src/limits.js";
import { turns } from "../peer.js";
import { code, connected, silent } from "./ends.js";

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

  // proves: bytes.3
  test("limits start what waited for the peer one after another, so that their answers do not exceed them together", async () => {
    const reader = new SlowReader();
    const closed: unknown[] = [];
    const endpoint = new RpcEndpoint(reader, {
      use: [limits],
      limits: { soft_bytes: 16 << 10, hard_bytes: 64 << 10 },
      onState: (state, reason) => state === "closed" && closed.push(reason),
    });
    endpoint.start();
    endpoint.register("big", async () => {
      await turns();
      return "a".repeat(10_000);
    });
    reader.buffered = FULL;
    for (let n = 0; n < 60; n++) {
      reader.ask(`p${n}`);
      if (n < 3) await turns(20);
    }
    while (reader.answers < 60 && closed.length === 0) {
      reader.buffered = 0;
      await new Promise((resolve) => setTimeout(resolve));
    }
    expect(closed).toEqual([]);
    expect(reader.answers).toBe(60);
    endpoint.stop();
  });
});

/** What a transport holds that takes no more. */
const FULL = 2 << 20;

/** Takes two frames at a time. */
class SlowReader {
  buffered = 0;
  answers = 0;
  #hear: (frame: Frame) => void = () => {};
  #taken = 0;

  start(hear: (frame: Frame) => void): void {
    this.#hear = hear;
  }

  ask(cid: string): void {
    this.#hear({ kind: "req", cid, method: "big" });
  }

  post(frame: Frame): void {
    if (frame.kind === "res") this.answers++;
    if (++this.#taken % 2 === 0) this.buffered = FULL;
  }

  stop(): void {}
}

describe("a stream in which nothing comes", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
  afterEach(() => void vi.useRealTimers());

  test("ends on this side too, with idle timeouts plugged in", async () => {
    const [peer, endpoint] = connected({ use: [idle], windowBytes: 0 });
    const stream = endpoint.stream("s", 0, {}, { idleMs: 1000 });
    const { cid } = await peer.expect({ method: "s", meta: { idleMs: 1000 } });
    vi.advanceTimersByTime(900);
    peer.send({ kind: "nxt", cid, seq: 1, data: "a", fc: 1 });
    expect((await stream.next()).value).toBe("a");
    const item = code(stream.next());
    vi.advanceTimersByTime(900);
    await turns();
    vi.advanceTimersByTime(101);
    expect(await item).toBe("RPC_TIMEOUT");
    await peer.expect({ kind: "can", cid, reason: "idle" });
  });

  test("is its producer's matter without them", async () => {
    const [peer, endpoint] = connected();
    void endpoint.stream("s", 0, {}, { idleMs: 1000 });
    await peer.expect({ method: "s", meta: { idleMs: 1000 } });
    vi.advanceTimersByTime(5000);
    await peer.silent();
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
    const endpoint = new RpcEndpoint(transport, { ...silent, use: [limits] });
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
