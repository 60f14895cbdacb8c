import { expect, test } from "vitest";

import { splice } from "../../src/relay/splice.js";
import { err, nxt, PlayedText, relayed, req, res, windowOf } from "./played.js";

const STAMP = { senderId: "3", doc: "3.2", lane: "3/" };

// proves: identity.1, relay.1, relay.2
test("in text nothing changes but the id and the stamp", () => {
  for (const [frame, expected] of [
    [
      `{"kind":"req","cid":"a","method":"m"}`,
      `{"kind":"req","cid":"r0.1","method":"m","meta":{"senderId":"3","doc":"3.2"}}`,
    ],
    [
      `{"kind":"req","cid":"a","method":"m","meta":{},"payload":[1, 2]}`,
      `{"kind":"req","cid":"r0.1","method":"m","meta":{"senderId":"3","doc":"3.2"},"payload":[1, 2]}`,
    ],
    [
      `{"kind":"req","cid":"a","method":"m","meta":{"timeoutMs":5,"lane":"hub","x":1.0},"payload":1e2}`,
      `{"kind":"req","cid":"r0.1","method":"m","meta":{"senderId":"3","doc":"3.2","timeoutMs":5,"lane":"3/hub","x":1.0},"payload":1e2}`,
    ],
    [
      `{"kind":"req","cid":"a","method":"m","meta":{"doc":"9","x":null,"sender\\u0049d":{"root":true}}}`,
      `{"kind":"req","cid":"r0.1","method":"m","meta":{"doc":"3.2","x":null,"sender\\u0049d":"3"}}`,
    ],
    [
      `{"kind":"req","cid":"a","method":"m","meta":{"senderId":1,"lane":null}}`,
      `{"kind":"req","cid":"r0.1","method":"m","meta":{"doc":"3.2","senderId":"3","lane":null}}`,
    ],
    [
      ` { "payload" : { "cid" : "}mine\\"" } , "new":[ ], "m\\u0065ta" : null,\n"method":"m","c\\u0069d":"\\u0061","kind":"req"}`,
      ` { "payload" : { "cid" : "}mine\\"" } , "new":[ ], "m\\u0065ta" : {"senderId":"3","doc":"3.2"},\n"method":"m","c\\u0069d":"r0.1","kind":"req"}`,
    ],
    [
      `{"payload":12345678901234567890,"n":-1 ,"cid":"a","kind":"req","method":"m"}`,
      `{"payload":12345678901234567890,"n":-1 ,"cid":"r0.1","kind":"req","method":"m","meta":{"senderId":"3","doc":"3.2"}}`,
    ],
  ] as const) {
    expect(splice(frame, "r0.1", STAMP)).toBe(expected);
  }
  const item = `{"kind":"nxt","cid":"a","dir":"up","meta":{"senderId":"x"},"data":"é"}`;
  expect(splice(item, 'r"0')).toBe(item.replace('"a"', '"r\\"0"'));
});

// proves: relay.1
test("two windows with the same ids get their own answers", async () => {
  const { relay, upstream } = await relayed();
  const [one, two] = [windowOf(relay, "1").window, windowOf(relay, "2").window];
  one.say(req("a"));
  two.say(req("a"));
  const [first, second] = upstream.take();
  expect(first?.cid).not.toBe(second?.cid);
  upstream.say(res(second?.cid, "two"));
  upstream.say(res(first?.cid, "one"));
  expect([one.take(), two.take()]).toEqual([[res("a", "one")], [res("a", "two")]]);
  expect(relay.load).toEqual({ windows: 2, calls: 0, queuedBytes: 0, dropped: 0 });
});

// proves: identity.1
test("what a window claims to be is overwritten", async () => {
  const { relay, upstream } = await relayed();
  const { window } = windowOf(relay, 3, "3.2");
  window.say(req("a", "m", { meta: { senderId: 1, doc: "9", tenant: "acme", timeoutMs: 5 } }));
  expect(upstream.only().meta).toEqual({ senderId: 3, doc: "3.2", tenant: "acme", timeoutMs: 5 });
  window.say(req("b", "m", { meta: null }));
  expect(upstream.only().meta).toEqual({ senderId: 3, doc: "3.2" });
});

// proves: relay.3
test("a key that stands twice does not pass", async () => {
  const { relay, upstream } = await relayed();
  const { window } = windowOf(relay);
  window.say(`{"kind":"req","cid":"a","method":"m","meta":{"senderId":1,"sender\\u0049d":2}}`);
  expect(window.only()).toMatchObject(err("a", "INVALID_FRAME") as object);
  expect(upstream.heard).toEqual([]);
});

// proves: relay.2
test("fields, meta keys and payloads that nobody knows pass as they are", async () => {
  const text = new PlayedText();
  const { relay, upstream } = await relayed({}, text);
  const window = new PlayedText();
  relay.attach(window, { senderId: "1", doc: "1" });
  window.say(`{"kind":"req","cid":"a","method":"m","later":[1.50],"payload":{"n":12345678901234567890,"n":1}}`);
  const [sent] = upstream.take() as unknown as string[];
  const id = (JSON.parse(sent ?? "") as { cid: string }).cid;
  expect(sent).toBe(
    `{"kind":"req","cid":"${id}","method":"m","meta":{"senderId":"1","doc":"1"},"later":[1.50],"payload":{"n":12345678901234567890,"n":1}}`,
  );
  upstream.say(`{"kind":"res","result":1e400,"z":0,"cid":"${id}"}`);
  expect(window.take()).toEqual([`{"kind":"res","result":1e400,"z":0,"cid":"a"}`]);
});

// proves: relay.1
test("lanes are prefixed by the window, and no two windows share one", async () => {
  const { relay, upstream } = await relayed();
  for (const senderId of ["a/b", "a%2Fb", "a"]) {
    windowOf(relay, senderId).window.say(req("c", "m", { meta: { lane: senderId === "a" ? "b/x" : "x" } }));
  }
  const lanes = upstream.take().map(({ meta }) => (meta as { lane: string }).lane);
  expect(lanes).toEqual(["a%2Fb/x", "a%252Fb/x", "a/b/x"]);
});

// proves: relay.5
test("hello and ping are answered by the relay", async () => {
  const { relay, upstream } = await relayed();
  const { window } = windowOf(relay);
  window.say(req("a", "rpc.ping", { payload: [7] }));
  expect(window.only()).toEqual(res("a", [7]));
  window.say(req("b", "rpc.hello"));
  const asked = upstream.only();
  expect(asked).toMatchObject({ method: "rpc.hello" });
  upstream.say(res(asked.cid, { capabilities: ["up", "fc", "att:bin", 7], methodsHash: "x" }));
  const { result } = window.only() as { result: Record<string, unknown> };
  expect(Object.keys(result)).toEqual(["versions", "capabilities", "limits", "serverId", "epoch"]);
  expect(result.capabilities).toEqual(["up", "fc"]);
  expect(result.versions).toContain("0.2");
  upstream.say(req("u", "rpc.ping", { payload: 1 }));
  expect(upstream.only()).toEqual(res("u", 1));
  expect(relay.load).toEqual({ windows: 1, calls: 0, queuedBytes: 0, dropped: 0 });
});

// proves: relay.5, relay.9
test("a window is told what the upstream can do, and the upstream of no session", async () => {
  for (const text of [false, true]) {
    const { relay, upstream } = await relayed({}, text ? new PlayedText() : undefined);
    const window = text ? new PlayedText() : windowOf(relay, "1", "1").window;
    if (window instanceof PlayedText) relay.attach(window, { senderId: "1", doc: "1" });
    const hello = (cid: string) =>
      req(cid, "rpc.hello", { meta: { token: "secret" }, payload: { session: "s-1", name: "main" } });
    const say = (peer: { say(message: unknown): void }, frame: unknown) => peer.say(text ? JSON.stringify(frame) : frame);
    const read = (peer: { take(): unknown[] }) =>
      peer.take().map((heard) => (typeof heard === "string" ? JSON.parse(heard) : heard) as Record<string, unknown>);

    say(window, hello("a"));
    const [asked] = read(upstream);
    expect(asked).toEqual({ kind: "req", cid: asked?.cid, method: "rpc.hello", meta: { senderId: "1", doc: "1" } });
    say(upstream, err(String(asked?.cid), "NO_HANDLER"));
    expect(read(window)).toMatchObject([{ kind: "res", cid: "a", result: { capabilities: [] } }]);

    say(window, hello("b"));
    say(upstream, { ...(err(String(read(upstream)[0]?.cid), "UNAUTHORIZED") as object), message: "not you" });
    expect(read(window)).toMatchObject([{ kind: "err", cid: "b", code: "UNAUTHORIZED", message: "not you" }]);

    say(window, hello("c"));
    say(upstream, res(read(upstream)[0]?.cid, "welcome"));
    expect(read(window)).toMatchObject([{ kind: "res", cid: "c", result: { capabilities: [] } }]);

    say(upstream, req("u", "rpc.hello"));
    expect(read(upstream)).toMatchObject([{ kind: "res", cid: "u", result: { capabilities: [] } }]);
    say(upstream, req("v", "rpc.hello", { meta: { to: { senderId: "1" } }, payload: { session: "s" } }));
    expect(read(window)).toMatchObject([{ method: "rpc.hello", payload: { session: "s" } }]);
  }
});

// proves: identity.4
test("the upstream calls the window that it names", async () => {
  const { relay, upstream } = await relayed();
  const { window } = windowOf(relay, 3, "3.2");
  windowOf(relay, 4);
  for (const to of [{ senderId: 3 }, { senderId: "3", doc: "3.2" }]) {
    upstream.say(req("u", "ui.confirm", { payload: "Delete?", meta: { to } }));
    const asked = window.only();
    expect(asked).toMatchObject({ method: "ui.confirm", payload: "Delete?", meta: { to } });
    expect(asked.cid).not.toBe("u");
    window.say(res(asked.cid, true));
    expect(upstream.only()).toEqual(res("u", true));
  }
  for (const [to, code] of [
    [{ senderId: 5 }, "NOT_FOUND"],
    [{ senderId: 3, doc: "3.1" }, "NOT_FOUND"],
    [undefined, "NOT_FOUND"],
    [{ senderId: [] }, "INVALID_FRAME"],
    ["3", "INVALID_FRAME"],
  ] as const) {
    upstream.say(req("u", "ui.confirm", { meta: { to } }));
    expect(upstream.only()).toMatchObject(err("u", code) as object);
  }
  expect(window.heard).toEqual([]);
});

// proves: identity.3
test("a new document fences the old one", async () => {
  const { relay, upstream } = await relayed();
  const { window: old, handle } = windowOf(relay, 3, "3.1");
  old.say(req("a"));
  const { cid } = upstream.only();
  const { window: young } = windowOf(relay, 3, "3.2");
  expect(upstream.only()).toEqual({ kind: "can", cid, reason: "disconnect" });
  expect(old.isStopped).toBe(true);
  expect(await handle.closed).toBe("another document took the window's place");
  old.say(req("b"));
  upstream.say(res(cid));
  expect([upstream.take(), old.take(), young.take()]).toEqual([[], [], []]);
  handle.close();
  young.say(req("c"));
  expect(upstream.only().meta).toEqual({ senderId: 3, doc: "3.2" });
});

test("a window cannot answer or cancel what is not its own", async () => {
  const { relay, upstream } = await relayed();
  const [own, thief] = [windowOf(relay, "1").window, windowOf(relay, "2").window];
  own.say(req("a"));
  const { cid } = upstream.only();
  thief.say(res(cid, "stolen"));
  thief.say({ kind: "can", cid: "a" });
  thief.say({ kind: "can", cid });
  upstream.say(req("u", "m", { meta: { to: { senderId: "1" } } }));
  const asked = own.only();
  thief.say(res(asked.cid, "stolen"));
  expect([own.take(), upstream.take(), thief.take()]).toEqual([[], [], []]);
  expect(relay.load).toMatchObject({ calls: 2, dropped: 4 });
});

// proves: cid.5
test("a cid that is in use ends its call", async () => {
  const { relay, upstream } = await relayed();
  const { window } = windowOf(relay);
  window.say(req("a"));
  const { cid } = upstream.only();
  window.say(req("a"));
  expect(window.only()).toMatchObject(err("a", "DUPLICATE_CID") as object);
  expect(upstream.only()).toEqual({ kind: "can", cid });
  expect(relay.load.calls).toBe(0);
});

test("a cancel passes and is answered once", async () => {
  const { relay, upstream } = await relayed();
  const { window } = windowOf(relay);
  window.say(req("a"));
  const { cid } = upstream.only();
  upstream.say(nxt(cid, 1, { seq: 1 }));
  window.take();
  window.say({ kind: "can", cid: "a", reason: "user", x: 1 });
  expect(upstream.only()).toEqual({ kind: "can", cid, reason: "user", x: 1 });
  expect(window.only()).toMatchObject(err("a", "CANCELLED") as object);
  upstream.say({ ...(err(String(cid), "CANCELLED") as object), message: "" });
  expect(window.take()).toEqual([]);
});

test("a malformed answer fails its call on both sides", async () => {
  const { relay, upstream } = await relayed();
  const { window } = windowOf(relay);
  window.say(req("a"));
  const { cid } = upstream.only();
  upstream.say({ kind: "res", cid, ok: false });
  expect(window.only()).toMatchObject(err("a", "INVALID_FRAME") as object);
  expect(upstream.only()).toEqual({ kind: "can", cid });
});

test("every shape of call passes, with its credit", async () => {
  const { relay, upstream } = await relayed();
  const { window } = windowOf(relay);
  window.say(req("a", "m", { meta: { fc: { upto: 2 }, up: {} } }));
  const { cid } = upstream.only();
  const fromUp = [nxt(cid, undefined, { fc: { upto: 4 } }), nxt(cid, "x", { seq: 1, fc: 1 }), { kind: "end", cid }];
  const toUp = [
    { kind: "nxt", cid: "a", dir: "up", fc: { upto: 9, ack: 1 } },
    { kind: "nxt", cid: "a", dir: "up", seq: 1, data: 1 },
    { kind: "end", cid: "a", dir: "up" },
  ];
  for (const frame of fromUp.slice(0, 2)) upstream.say(frame);
  for (const frame of toUp) window.say(frame);
  upstream.say(fromUp[2]);
  expect(window.take()).toEqual(fromUp.map((frame) => ({ ...frame, cid: "a" })));
  expect(upstream.take()).toEqual(toUp.map((frame) => ({ ...frame, cid })));
  expect(relay.load.calls).toBe(0);
});

test("what answers a call before it was sent is no answer", async () => {
  const { relay, upstream } = await relayed();
  const { window } = windowOf(relay);
  window.say(req("first"));
  const [prefix] = String(upstream.only().cid).split(".");
  upstream.held = 1 << 30;
  window.say(req("a"));
  upstream.say(res(`${prefix}.1`, "guessed"));
  expect([window.take(), relay.load.calls]).toEqual([[], 2]);
  window.say({ kind: "can", cid: "a" });
  expect(window.only()).toMatchObject(err("a", "CANCELLED") as object);
  upstream.held = 0;
  window.say(req("b"));
  expect(upstream.only()).toMatchObject({ kind: "req", cid: `${prefix}.2` });
  expect(relay.load).toMatchObject({ calls: 2, queuedBytes: 0 });
});

test("peers that answer while they are posted to are heard in order, however many", async () => {
  const { relay, upstream } = await relayed();
  const { window } = windowOf(relay);
  const order: unknown[] = [];
  upstream.post = (frame) => {
    if (frame.kind === "req") upstream.say(res(frame.cid));
  };
  window.post = (frame) => {
    order.push(frame.cid);
    if (order.length < 20_000) window.say(req(String(order.length)));
  };
  window.say(req("0"));
  expect(order).toEqual(Array.from({ length: 20_000 }, (_, n) => String(n)));
  expect(relay.load).toEqual({ windows: 1, calls: 0, queuedBytes: 0, dropped: 0 });
});
