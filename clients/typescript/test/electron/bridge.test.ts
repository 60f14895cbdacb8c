import { expect, test } from "vitest";

import { WindowBridge } from "../../src/electron/main.js";
import { RpcEndpoint } from "../../src/index.js";
import { Relay } from "../../src/relay.js";
import { electron as overBridge, electronPort, ElectronTransport } from "../../src/transports/electron.js";
import { memory } from "../../src/transports/memory.js";
import { asWindow, type FakeContents, type FakeDocument, FakeElectron } from "./fake.js";

/** Turns of the event loop in which everything that is under way arrives. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
}

/** Windows, a relay and a backend that says what it sees. */
async function app(options: ConstructorParameters<typeof WindowBridge>[2] = {}) {
  const electron = new FakeElectron();
  const [near, far] = memory();
  const relay = new Relay(near);
  const bridge = new WindowBridge(relay, electron.main, options);
  const backend = new RpcEndpoint(far);
  const stopped: unknown[] = [];
  backend.register("whoami", (_payload, { senderId, meta }) => [senderId, meta.doc]);
  backend.register("echo", (payload) => payload);
  backend.register("tail", async function* (_payload, context) {
    const over = new Promise<void>((resolve) => context.signal.addEventListener("abort", () => resolve()));
    try {
      yield "first";
      await over;
    } finally {
      stopped.push(context.meta.doc);
    }
  });
  backend.start();
  await settled();
  return { electron, relay, bridge, backend, stopped };
}

async function page(contents: FakeContents, document: FakeDocument = contents.load()) {
  const endpoint = new RpcEndpoint(overBridge(document.bridge), { backoff: { first: 1, longest: 1 } });
  endpoint.start();
  await settled();
  return { endpoint, document };
}

/** Opens the stream and takes its first item. */
async function tailing(endpoint: RpcEndpoint): Promise<AsyncIterator<unknown>> {
  const items = endpoint.stream("tail");
  expect(await items.next()).toEqual({ done: false, value: "first" });
  return items;
}

test("windows call the backend and are stamped", async () => {
  const { electron, stopped } = await app();
  const [one, two] = [electron.window(), electron.window()];
  const [first, second] = [await page(one), await page(two)];
  expect(await first.endpoint.request("whoami")).toEqual([1, "1.1"]);
  expect(await second.endpoint.request("whoami", null, { senderId: 1, doc: "1.1" })).toEqual([2, "2.1"]);
  expect(await first.endpoint.request("echo", { at: new Date(0) })).toEqual({ at: new Date(0) });
  const items = await tailing(first.endpoint);
  await items.return?.();
  await settled();
  expect(stopped).toEqual(["1.1"]);
});

// proves: identity.3, relay.8
test("a load ends the work of the document before, and a navigation within the page does not", async () => {
  const { electron, stopped, relay } = await app();
  const window = electron.window();
  const { endpoint } = await page(window);
  await tailing(endpoint);
  window.emit("did-start-navigation", { isMainFrame: true, isSameDocument: true });
  window.emit("did-navigate-in-page");
  window.emit("did-start-navigation", { isMainFrame: false, isSameDocument: false });
  window.emit("did-navigate");
  await settled();
  expect(stopped).toEqual([]);
  const old = window.mainFrame;
  window.load();
  await settled();
  expect(stopped).toEqual(["1.1"]);
  // The old document is not heard any more, though it still speaks.
  old?.bridge.post({ kind: "req", cid: "late", method: "tail" });
  await settled();
  expect(relay.load.calls).toBe(0);
  expect(await (await page(window, window.mainFrame)).endpoint.request("whoami")).toEqual([1, "1.2"]);
});

test("a load that was given up leaves the document, the page of an error does not", async () => {
  const { electron, stopped } = await app();
  const window = electron.window();
  const { endpoint } = await page(window);
  await tailing(endpoint);
  const fail = (code: number, isMainFrame: boolean) => {
    window.emit("did-start-navigation", { isMainFrame: true, isSameDocument: false });
    window.emit("did-fail-load", {}, code, "", "", isMainFrame);
  };
  fail(-3, true);
  fail(-105, false);
  await settled();
  expect(stopped).toEqual([]);
  fail(-105, true);
  await settled();
  expect(stopped).toEqual(["1.1"]);
});

test("closing, crashing and stopping end a window's work", async () => {
  const { electron, stopped, relay } = await app();
  const [closing, crashing, stopping] = [electron.window(), electron.window(), electron.window()];
  for (const window of [closing, crashing]) await tailing((await page(window)).endpoint);
  const { endpoint } = await page(stopping);
  await tailing(endpoint);
  closing.destroy();
  crashing.crash();
  endpoint.stop();
  await settled();
  expect(stopped).toEqual(["1.1", "2.1", "3.1"]);
  expect(relay.load).toMatchObject({ windows: 0, calls: 0, queuedBytes: 0 });
});

test("an answer that cannot be cloned fails its own call", async () => {
  const { electron, backend } = await app();
  const { endpoint } = await page(electron.window());
  backend.register("bad", () => ({ act: () => 1 }));
  await expect(endpoint.request("bad")).rejects.toMatchObject({ code: "INTERNAL" });
  await expect(endpoint.request("echo", () => 1)).rejects.toMatchObject({ code: "INVALID_PAYLOAD" });
  expect(await endpoint.request("whoami")).toEqual([1, "1.1"]);
});

test("a window that was destroyed while the backend speaks to it is only gone", async () => {
  const { electron, backend } = await app();
  const window = electron.window();
  const { endpoint } = await page(window);
  endpoint.register("ask", () => new Promise(() => undefined));
  const asked = backend.request("ask", null, { to: { senderId: 1 } });
  await settled();
  window.destroy();
  await expect(asked).rejects.toMatchObject({ code: "INDETERMINATE" });
  await expect(backend.request("ask", null, { to: { senderId: 1 } })).rejects.toMatchObject({ code: "NOT_FOUND" });
});

test("what is called in a window that does not listen yet waits for it", async () => {
  const { electron, bridge, backend } = await app();
  const window = electron.window();
  bridge.attach(window as never);
  const asked = backend.request("ask", "now", { to: { senderId: 1 } });
  await settled();
  const document = window.load();
  const endpoint = new RpcEndpoint(overBridge(document.bridge));
  endpoint.register("ask", (payload) => `${payload}!`);
  endpoint.start();
  expect(await asked).toBe("now!");
  expect(await endpoint.request("whoami")).toEqual([1, "1.1"]);
});

test("what waits for a window that never listens is bounded", async () => {
  const { electron, bridge, backend, relay } = await app();
  const window = electron.window();
  bridge.attach(window as never);
  const abort = new AbortController();
  const ask = () => backend.request("ask", "x".repeat(300_000), { to: { senderId: 1 } }, { signal: abort.signal });
  const waiting = [ask(), ask(), ask(), ask()].map((call) => call.catch(({ code }) => code));
  await expect(ask()).rejects.toMatchObject({ code: "RESOURCE_EXHAUSTED" });
  expect(relay.load.calls).toBe(4);
  abort.abort();
  expect(await Promise.all(waiting)).toEqual(["CANCELLED", "CANCELLED", "CANCELLED", "CANCELLED"]);
  await settled();
  expect(relay.load).toMatchObject({ windows: 1, calls: 0 });
});

test("what was meant for the document before does not reach the next", async () => {
  const { electron } = await app();
  const window = electron.window();
  const { document } = await page(window);
  const token = await new Promise((resolve) => {
    document.ipcRenderer.on("bridge:frame", (_event, _frame, meant) => resolve(meant));
    document.bridge.post({ kind: "req", cid: "a", method: "rpc.ping" });
  });
  const next = window.load();
  const heard: unknown[] = [];
  next.bridge.start((frame) => heard.push(frame));
  window.send("bridge:frame", "old", token);
  window.send("bridge:frame", "unmarked");
  await settled();
  expect(heard).toEqual(["unmarked"]);
});

test("a preload of 0.2, which only posts and hears, is served", async () => {
  const { electron, stopped } = await app();
  const window = electron.window();
  const document = window.load(({ contextBridge, ipcRenderer }) => {
    contextBridge.exposeInMainWorld("electronBridge", {
      start: (onFrame: (frame: unknown) => void) => void ipcRenderer.on("bridge:frame", (_event, frame) => onFrame(frame)),
      post: (frame: unknown) => ipcRenderer.send("bridge:post", frame),
    });
  });
  const { endpoint } = await page(window, document);
  expect(await endpoint.request("whoami")).toEqual([1, "1.1"]);
  await tailing(endpoint);
  window.load();
  await settled();
  expect(stopped).toEqual(["1.1"]);
});

test("a port carries the frames of a window that asks for one", async () => {
  const { electron, relay, stopped } = await app();
  const window = electron.window();
  const document = window.load();
  await asWindow(async () => {
    const endpoint = new RpcEndpoint(electronPort({ bridge: document.bridge }));
    endpoint.start();
    expect(await endpoint.request("whoami")).toEqual([1, "1.1"]);
    await tailing(endpoint);
    expect(relay.load.windows).toBe(1);
    endpoint.stop();
  });
  await expect.poll(() => stopped).toEqual(["1.1"]);
});

test("only main frames of windows that are allowed are heard", async () => {
  const { electron, relay } = await app({ allow: ({ id }) => id === 1 });
  const [allowed, other] = [electron.window(), electron.window()];
  await page(allowed);
  await page(other);
  const frame = { sender: allowed, senderFrame: { url: "https://ad.example" } };
  electron.ipcMain.emit("bridge:post", frame, { kind: "req", cid: "a", method: "tail" });
  electron.ipcMain.emit("bridge:post", { sender: allowed, senderFrame: null }, { kind: "req", cid: "b", method: "tail" });
  await settled();
  expect(relay.load).toMatchObject({ windows: 1, calls: 0 });
});

test("a window that hangs takes nothing, and is given what waited when it lives again", async () => {
  const { electron, relay } = await app();
  const window = electron.window();
  const { endpoint } = await page(window);
  window.emit("unresponsive");
  const answer = endpoint.request("echo", 1);
  await settled();
  expect(relay.load).toMatchObject({ calls: 1 });
  window.emit("responsive");
  expect(await answer).toBe(1);
});

test("closing the bridge says goodbye to the windows", async () => {
  const { electron, bridge, relay } = await app();
  const states: string[] = [];
  const endpoint = new RpcEndpoint(new ElectronTransport(electron.window().load().bridge), { onState: (state) => states.push(state) });
  endpoint.start();
  await settled();
  bridge.close();
  await settled();
  expect(states).toEqual(["open", "closed"]);
  expect([relay.load.windows, electron.ipcMain.listenerCount("bridge:post")]).toEqual([0, 0]);
});
