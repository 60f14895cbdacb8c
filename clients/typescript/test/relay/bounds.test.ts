import { expect, test, vi } from "vitest";

import { weigh } from "../../src/relay/weigh.js";
import type { Frame } from "../../src/frame.js";
import type { Transport } from "../../src/transport.js";
import { err, nxt, Played, relayed, req, res, windowOf } from "./played.js";

const KB = "x".repeat(1000);

/** A window that does not take what it is given. */
function stuckWindow(relay: Parameters<typeof windowOf>[0], senderId = "1") {
  const made = windowOf(relay, senderId);
  made.window.held = 1 << 30;
  return made;
}

// proves: relay.6
test("a stuck window without credit loses its stream and others live on", async () => {
  const { relay, upstream } = await relayed({ limits: { stream_bytes: 10_000 } });
  const { window } = stuckWindow(relay);
  const { window: live } = windowOf(relay, "2");
  window.say(req("a"));
  live.say(req("a"));
  const [stuck, lively] = upstream.take();
  for (let n = 0; n < 20; n += 1) {
    upstream.say(nxt(stuck?.cid, KB));
    upstream.say(nxt(lively?.cid, n));
  }
  expect(upstream.only()).toEqual({ kind: "can", cid: stuck?.cid });
  expect(live.take().length).toBe(20);
  window.held = 0;
  live.say(req("b"));
  upstream.say(req("u", "m", { meta: { to: { senderId: "1" } } }));
  expect(window.take()[0]).toMatchObject({
    ...(err("a", "SLOW_CONSUMER") as object),
    details: { limit: "bytes waiting in a stream", value: 10_000, setting: "limits.stream_bytes" },
  });
});

test("a window that takes nothing for too long is freed of what it grants no credit for", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  try {
    const { relay, upstream } = await relayed({ limits: { soft_bytes: 5_000, stall: 1_000 } });
    const { window } = stuckWindow(relay);
    window.say(req("a"));
    window.say(req("b"));
    const [stream, unary] = upstream.take();
    for (let n = 0; n < 10; n += 1) upstream.say(nxt(stream?.cid, KB));
    upstream.say(res(unary?.cid, 1));
    await vi.advanceTimersByTimeAsync(999);
    expect(upstream.take()).toEqual([]);
    await vi.advanceTimersByTimeAsync(2);
    expect(upstream.only()).toEqual({ kind: "can", cid: stream?.cid });
    expect(relay.load.windows).toBe(1);
    window.held = 0;
    await vi.advanceTimersByTimeAsync(10);
    expect(window.take().map(({ cid }) => cid)).toEqual(["a", "b"]);
  } finally {
    vi.useRealTimers();
  }
});

test("a window that takes nothing of what it granted credit for is detached in the end", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  try {
    const { relay, upstream } = await relayed({ limits: { soft_bytes: 5_000, stall: 1_000 } });
    const { window, handle } = stuckWindow(relay);
    window.say(req("a", "m", { meta: { fc: { upto: 100 } } }));
    const { cid } = upstream.only();
    for (let n = 1; n < 10; n += 1) upstream.say(nxt(cid, KB, { seq: n, fc: 1 }));
    await vi.advanceTimersByTimeAsync(1_001);
    expect(upstream.only()).toEqual({ kind: "can", cid, reason: "disconnect" });
    expect(await handle.closed).toContain("limits.stall");
  } finally {
    vi.useRealTimers();
  }
});

test("a window that breaks its promise of credit is detached", async () => {
  const { relay, upstream } = await relayed({ limits: { hard_bytes: 10_000, soft_bytes: 5_000 } });
  const { window, handle } = stuckWindow(relay);
  window.say(req("a", "m", { meta: { fc: { upto: 100 } } }));
  const { cid } = upstream.only();
  for (let n = 1; n < 20; n += 1) upstream.say(nxt(cid, KB, { seq: n, fc: 1 }));
  expect(await handle.closed).toContain("limits.hard_bytes");
  expect(upstream.only()).toEqual({ kind: "can", cid, reason: "disconnect" });
});

// proves: relay.4
test("each window has its own calls in flight", async () => {
  const { relay, upstream } = await relayed({ limits: { in_flight: 2 } });
  const [one, two] = [windowOf(relay, "1").window, windowOf(relay, "2").window];
  for (const cid of ["a", "b", "c"]) one.say(req(cid));
  expect(one.only()).toMatchObject({
    ...(err("c", "RESOURCE_EXHAUSTED") as object),
    details: { limit: "calls in flight", value: 2, setting: "limits.in_flight" },
  });
  two.say(req("a"));
  const sent = upstream.take();
  expect(sent.length).toBe(3);
  upstream.say(res(sent[0]?.cid));
  one.say(req("d"));
  expect(upstream.take().length).toBe(1);
});

test("requests are refused while too much of the window waits for the upstream", async () => {
  const stuck = new Played();
  stuck.held = 1 << 30;
  const { relay } = await relayed({ limits: { soft_bytes: 2_500 } }, stuck);
  const { window } = windowOf(relay);
  for (const cid of ["a", "b", "c", "d"]) window.say(req(cid, "m", { payload: KB }));
  expect(window.only()).toMatchObject(err("d", "RESOURCE_EXHAUSTED") as object);
  windowOf(relay, "2").window.say(req("a"));
  expect(relay.load.calls).toBe(4);
});

test("a window that sends garbage is detached and its neighbour is not", async () => {
  const { relay } = await relayed();
  const { window, handle } = windowOf(relay, "1");
  windowOf(relay, "2");
  for (let n = 0; n < 64; n += 1) window.say([1, "{", null, [], new Uint8Array([255]), { kind: "req" }, undefined][n % 7]);
  expect(await handle.closed).toContain("limits.malformed");
  expect(relay.load.windows).toBe(1);
});

// proves: limit.2
test("a message that is too long is refused where its call is known", async () => {
  const { relay, upstream } = await relayed({ limits: { message_bytes: 1_000 } });
  const { window } = windowOf(relay);
  window.say(req("a", "m", { payload: KB }));
  expect(window.only()).toMatchObject(err("a", "RESOURCE_EXHAUSTED") as object);
  window.say(JSON.stringify(req("b", "m", { payload: KB })));
  expect(window.only()).toMatchObject(err("b", "RESOURCE_EXHAUSTED") as object);
  window.say(req("c"));
  const { cid } = upstream.only();
  upstream.say(nxt(cid, KB));
  expect(window.only()).toMatchObject(err("c", "RESOURCE_EXHAUSTED") as object);
  expect(upstream.only()).toEqual({ kind: "can", cid });
  const { window: other, handle } = windowOf(relay, "2");
  other.say(`{"payload":"${KB}"}`);
  expect(await handle.closed).toContain("limits.message_bytes");
});

// proves: limit.3
test("what is nested too deeply, or in itself, is refused", async () => {
  const { relay } = await relayed({ limits: { depth: 8 } });
  const { window } = windowOf(relay);
  const circle: unknown[] = [];
  circle.push(circle);
  window.say(req("a", "m", { payload: circle }));
  window.say(`{"kind":"req","cid":"b","method":"m","payload":${"[".repeat(9)}${"]".repeat(9)}}`);
  for (const cid of ["a", "b"]) {
    expect(window.heard.shift()).toMatchObject({ cid, code: "RESOURCE_EXHAUSTED", details: { setting: "limits.depth" } });
  }
});

test("what is repeated is weighed as often, without an end", () => {
  let bomb: unknown = "x".repeat(100);
  for (let level = 0; level < 40; level += 1) bomb = [bomb, bomb];
  expect(weigh(bomb, 64, 1 << 20)).toBe("heavy");
  expect(weigh({ a: [1, "é"], b: new Uint8Array(50) }, 64, 1 << 20)).toEqual({ bytes: 76 });
});

// proves: limit.6
test("requests a second are counted for each window", async () => {
  const { relay, upstream } = await relayed({ limits: { requests_per_second: 2 } });
  const { window } = windowOf(relay);
  for (const cid of ["a", "b", "c"]) window.say(req(cid));
  const refusal = window.only() as { details: { retryAfterMs: number } };
  expect(refusal).toMatchObject(err("c", "RESOURCE_EXHAUSTED") as object);
  expect(refusal.details.retryAfterMs).toBeGreaterThan(0);
  windowOf(relay, "2").window.say(req("a"));
  expect(upstream.take().length).toBe(3);
});

test("cancels and pings do not wait behind data", async () => {
  const stuck = new Played();
  const { relay, upstream } = await relayed({}, stuck);
  const { window } = windowOf(relay);
  window.say(req("sent"));
  const { cid } = upstream.only();
  stuck.held = window.held = 1 << 30;
  for (let n = 0; n < 5; n += 1) window.say(req(`r${n}`));
  for (let n = 0; n < 5; n += 1) upstream.say(nxt(cid, n));
  window.say(req("ping", "rpc.ping"));
  window.say({ kind: "can", cid: "sent" });
  stuck.held = window.held = 0;
  window.say({ kind: "can", cid: "r4" });
  // A transport that has room again is found by looking.
  await expect.poll(() => upstream.heard.length, { interval: 1 }).toBe(5);
  expect(upstream.take().map(({ kind }) => kind)).toEqual(["can", "req", "req", "req", "req"]);
  expect(window.take().map(({ kind, cid }) => [kind, cid])).toEqual([
    ["res", "ping"],
    ["err", "sent"],
    ["err", "r4"],
  ]);
  expect(relay.load.queuedBytes).toBe(0);
});

test("windows take turns at the upstream", async () => {
  const stuck = new Played();
  stuck.held = 1 << 30;
  const { relay, upstream } = await relayed({}, stuck);
  const [one, two] = [windowOf(relay, 1).window, windowOf(relay, 2).window];
  for (let n = 0; n < 3; n += 1) one.say(req(`a${n}`));
  two.say(req("b"));
  stuck.held = 0;
  one.say(req("last"));
  const order = upstream.take().map(({ meta }) => (meta as { senderId: number }).senderId);
  expect(order).toEqual([1, 2, 1, 1, 1]);
});

/** A window that cannot say what it buffers. */
class Silent implements Transport {
  readonly played = new Played();
  start(...listeners: Parameters<Transport["start"]>): void {
    this.played.start(...listeners);
  }
  post(frame: Frame): void {
    this.played.post(frame);
  }
  stop(): void {
    this.played.stop();
  }
}

test("a window that cannot say what it buffers is pinged, and waited for once it has answered", async () => {
  const { relay, upstream } = await relayed();
  const silent = new Silent();
  const window = silent.played;
  relay.attach(silent, { senderId: 1, doc: "1" });
  window.say(req("a", "m", { meta: { fc: { upto: 10_000 } } }));
  const { cid } = upstream.only();
  const pour = () => {
    for (let n = 0; n < 500; n += 1) upstream.say(nxt(cid, KB));
    return window.take();
  };
  const first = pour();
  const ping = first.find(({ method }) => method === "rpc.ping");
  expect(first.length).toBe(501);
  window.say(res(ping?.cid));
  const second = pour();
  let lastPing = second.find(({ method }) => method === "rpc.ping")?.cid;
  const waiting = 1_000 - second.filter(({ kind }) => kind === "nxt").length;
  // It proved that it answers, and now it answers no more.
  expect(pour()).toEqual([]);
  expect(relay.load.queuedBytes).toBeGreaterThan(500_000);
  // Every answer tells of more room, until all has been taken.
  const taken: unknown[] = [];
  await expect
    .poll(() => {
      window.say(res(lastPing));
      for (const frame of window.take()) {
        if (frame.method === "rpc.ping") lastPing = frame.cid;
        else taken.push(frame);
      }
      return [taken.length, relay.load.queuedBytes];
    })
    .toEqual([waiting, 0]);
});
