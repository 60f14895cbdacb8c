import { expect, test } from "vitest";

import { Relay, type RelayEvent } from "../../src/relay.js";
import { err, nxt, Played, relayed, req, res, windowOf } from "./played.js";

/** A relay that connects to one upstream after the other. */
async function reconnecting() {
  const upstreams: Played[] = [];
  const events: RelayEvent[] = [];
  let isThere = true;
  const connect = () => {
    if (!isThere) throw new Error("nobody listens");
    upstreams.push(new Played());
    return upstreams.at(-1) as Played;
  };
  const relay = new Relay(connect, { backoff: { first: 0, longest: 0 }, onLog: (event) => events.push(event) });
  await expect.poll(() => upstreams.length, { interval: 1 }).toBe(1);
  await new Promise(setImmediate);
  return { relay, upstreams, events, setThere: (there: boolean) => (isThere = there) };
}

// proves: relay.7, close.2
test("a broken upstream settles each call as far as it had come", async () => {
  const { relay, upstreams, events, setThere } = await reconnecting();
  const { window } = windowOf(relay);
  const upstream = upstreams[0] as Played;
  for (const cid of ["unary", "stream", "credit"]) {
    window.say(req(cid, cid, cid === "credit" ? { meta: { fc: { upto: 1 } } } : {}));
  }
  const ids = new Map(upstream.take().map(({ method, cid }) => [method, cid]));
  upstream.say(nxt(ids.get("stream"), 1));
  window.take();
  upstream.held = 1 << 30;
  window.say(req("unsent"));
  setThere(false);
  upstream.leave("the daemon died");
  const told = new Map(window.take().map(({ cid, code, message }) => [cid, [code, message]]));
  expect(Object.fromEntries(told)).toEqual({
    unary: ["INDETERMINATE", "the daemon died"],
    stream: ["CONNECTION_CLOSED", "the daemon died"],
    credit: ["CONNECTION_CLOSED", "the daemon died"],
    unsent: ["CONNECTION_CLOSED", "the daemon died"],
  });
  expect(relay.load).toMatchObject({ calls: 0, queuedBytes: 0, windows: 1 });
  window.say(req("waits"));
  setThere(true);
  await expect.poll(() => upstreams[1]?.heard.length, { interval: 1 }).toBe(1);
  const again = upstreams[1]?.only();
  upstreams[1]?.say(res(again?.cid, "healed"));
  expect(window.only()).toEqual(res("waits", "healed"));
  expect(events.filter(({ event }) => event === "connected").length).toBe(2);
  relay.close();
});

test("an upstream that broke is not heard any more, and breaks but once", async () => {
  const { relay, upstreams, events } = await reconnecting();
  const { window } = windowOf(relay);
  const [broken] = upstreams;
  broken?.leave();
  await expect.poll(() => upstreams.length, { interval: 1 }).toBe(2);
  await new Promise(setImmediate);
  broken?.say(req("u", "ui.ask", { meta: { to: { senderId: "1" } } }));
  broken?.leave();
  expect(window.take()).toEqual([]);
  expect(events.map(({ event }) => event)).toEqual(["connected", "disconnected", "connected"]);
  relay.close();
});

test("a broken upstream cancels what it had asked of windows", async () => {
  const { relay, upstreams } = await reconnecting();
  const { window } = windowOf(relay);
  upstreams[0]?.say(req("u", "ui.ask", { meta: { to: { senderId: "1" } } }));
  const { cid } = window.only();
  upstreams[0]?.leave();
  expect(window.only()).toEqual({ kind: "can", cid, reason: "disconnect" });
  relay.close();
});

// proves: relay.8
test("a window that goes cancels its calls and fails those to it", async () => {
  const { relay, upstream } = await relayed();
  const { window, handle } = windowOf(relay);
  window.say(req("a"));
  const { cid } = upstream.only();
  upstream.say(req("u", "ui.ask", { meta: { to: { senderId: "1" } } }));
  window.take();
  window.leave("closed");
  expect(await handle.closed).toBe("closed");
  const heard = upstream.take();
  expect(heard).toContainEqual({ kind: "can", cid, reason: "disconnect" });
  expect(heard).toContainEqual(expect.objectContaining(err("u", "INDETERMINATE") as object));
  expect(relay.load).toEqual({ windows: 0, calls: 0, queuedBytes: 0, dropped: 0 });
});

test("a cancel that waits for the upstream survives its window", async () => {
  const { relay, upstream } = await relayed();
  const { window, handle } = windowOf(relay);
  window.say(req("a"));
  const { cid } = upstream.only();
  upstream.held = 1 << 30;
  window.say({ kind: "can", cid: "a" });
  handle.close();
  upstream.held = 0;
  windowOf(relay, "2").window.say(req("b"));
  expect(upstream.take()[0]).toEqual({ kind: "can", cid, reason: "disconnect" });
});

test("when there will be no upstream any more the windows end, told what became of their calls", async () => {
  const { relay, upstream } = await relayed();
  const { window, handle } = windowOf(relay);
  window.say(req("a"));
  upstream.leave("it crashed");
  expect(window.only()).toMatchObject(err("a", "INDETERMINATE") as object);
  expect(await handle.closed).toBe("the upstream is gone: it crashed");
  expect(window.isStopped).toBe(true);
  expect(await windowOf(relay, "late").handle.closed).toBe("the relay is closed");
});

test("closing the relay ends everything", async () => {
  const { relay, upstream } = await relayed();
  const { window, handle } = windowOf(relay);
  window.say(req("a"));
  relay.close();
  expect(await handle.closed).toBe("the relay was closed");
  expect(upstream.take().map(({ kind }) => kind)).toEqual(["req", "can"]);
  expect([window.isStopped, upstream.isStopped]).toEqual([true, true]);
});

test("a window whose transport cannot even be stopped is gone all the same", async () => {
  const { relay, upstream } = await relayed();
  const { window, handle } = windowOf(relay);
  window.stop = () => {
    throw new Error("it is a brick");
  };
  window.say(req("a"));
  handle.close();
  expect(upstream.take().map(({ kind }) => kind)).toEqual(["req", "can"]);
  expect(relay.load).toMatchObject({ windows: 0, calls: 0 });
});

test("a window whose transport cannot start is gone", async () => {
  const { relay } = await relayed();
  const window = new Played();
  window.start = () => {
    throw new Error("no such window");
  };
  expect(await relay.attach(window, { senderId: "1", doc: "1" }).closed).toBe("no such window");
  expect(relay.load.windows).toBe(0);
});
