import { expect, test } from "vitest";

import {
  acceptChromePorts,
  chromePort,
  nativeHost,
  type ChromeEvent,
  type ChromePort,
  type ChromeRuntime,
} from "../../src/transports/chrome-port.js";
import type { Transport } from "../../src/transport.js";
import { Listening, req, res } from "./listening.js";

class FakeEvent<Value> implements ChromeEvent<Value> {
  readonly #listeners = new Set<(value: Value) => void>();
  addListener(listener: (value: Value) => void): void {
    this.#listeners.add(listener);
  }
  removeListener(listener: (value: Value) => void): void {
    this.#listeners.delete(listener);
  }
  emit(value: Value): void {
    for (const listener of [...this.#listeners]) listener(value);
  }
}

/** A port that passes JSON to its other end, as Chrome does. */
class FakePort implements ChromePort {
  readonly onMessage = new FakeEvent<unknown>();
  readonly onDisconnect = new FakeEvent<FakePort>();
  readonly name: string;
  readonly sender: { origin: string } | undefined;
  other!: FakePort;
  isDisconnected = false;

  constructor(name: string, sender?: { origin: string }) {
    this.name = name;
    this.sender = sender;
  }

  postMessage(message: unknown): void {
    this.other.onMessage.emit(JSON.parse(JSON.stringify(message)));
  }
  disconnect(): void {
    this.isDisconnected = true;
    this.other.onDisconnect.emit(this.other);
  }
}

class FakeRuntime implements ChromeRuntime {
  readonly id = "own";
  lastError: { message: string } | undefined;
  readonly onConnect = new FakeEvent<FakePort>();
  readonly onConnectExternal = new FakeEvent<FakePort>();
  readonly asked: unknown[] = [];

  connect(extensionId: string | undefined, { name }: { name: string }): ChromePort {
    this.asked.push(extensionId);
    return this.#pair(name, extensionId === this.id ? this.onConnect : this.onConnectExternal);
  }

  connectNative(host: string): ChromePort {
    return this.#pair(host, this.onConnect);
  }

  #pair(name: string, event: FakeEvent<FakePort>): FakePort {
    const [near, far] = [new FakePort(name), new FakePort(name, { origin: "https://page.example" })];
    near.other = far;
    far.other = near;
    event.emit(far);
    return near;
  }
}

async function connected(runtime: FakeRuntime) {
  const accepted: Transport[] = [];
  acceptChromePorts((transport) => accepted.push(transport), { runtime });
  const page = await chromePort({ runtime })();
  const worker = accepted[0];
  if (worker === undefined) throw new Error("not accepted");
  return { page, worker, ofPage: await Listening.to(page), ofWorker: await Listening.to(worker) };
}

/** A connection whose worker was stopped by the browser. */
async function disconnected(runtime: FakeRuntime, why?: string) {
  const ports: FakePort[] = [];
  runtime.onConnect.addListener((port: FakePort) => ports.push(port));
  const made = await connected(runtime);
  if (why !== undefined) runtime.lastError = { message: why };
  ports[0]?.disconnect();
  return made;
}

test("frames pass between a page and the worker", async () => {
  const { page, worker, ofPage, ofWorker } = await connected(new FakeRuntime());
  page.post(req("a"));
  expect(await ofWorker.next()).toEqual(req("a"));
  worker.post(res("a"));
  expect(await ofPage.next()).toEqual(res("a"));
  page.stop();
  expect(await ofWorker.closed).toEqual({ clean: true, reason: "the peer closed the port" });
  expect(() => page.post(req("b"))).toThrow("disconnected");
});

test("a worker that was put to sleep is no clean end, and the next port wakes it", async () => {
  const runtime = new FakeRuntime();
  const { ofPage } = await disconnected(runtime);
  expect(await ofPage.closed).toEqual({ clean: false, reason: "the port was disconnected" });
  const again = await connected(runtime);
  again.page.post(req("b"));
  expect(await again.ofWorker.next()).toEqual(req("b"));
});

test("Chrome's own reason is told", async () => {
  const runtime = new FakeRuntime();
  const { ofPage } = await disconnected(runtime, "Could not establish connection.");
  expect(await ofPage.closed).toEqual({ clean: false, reason: "Could not establish connection." });
});

test("bytes are refused where Chrome would change them", async () => {
  const runtime = new FakeRuntime();
  const { page, ofPage, ofWorker } = await connected(runtime);
  for (const bytes of [new Uint8Array(1), new ArrayBuffer(1), new DataView(new ArrayBuffer(1))]) {
    page.post(req("a", "m", { deep: [bytes] }));
    const message = expect.stringContaining('"message_serialization": "structured_clone"');
    expect(await ofPage.next()).toMatchObject({ kind: "err", cid: "a", code: "INVALID_PAYLOAD", message });
  }
  expect(ofWorker.frames).toEqual([]);
  const structured = await chromePort({ runtime, serialization: "structured" })();
  await Listening.to(structured);
  structured.post(req("a", "m", new Uint8Array(1)));
});

test("pages outside of the extension come in only where they are allowed", async () => {
  const runtime = new FakeRuntime();
  const accepted: string[] = [];
  // Another acceptor, for ports of another name, leaves these alone.
  acceptChromePorts(() => accepted.push("wrong"), { runtime, name: "other" });
  const stop = acceptChromePorts((_, { sender }) => accepted.push(sender?.origin ?? ""), {
    runtime,
    allowExternal: ({ origin }) => origin === "https://page.example",
  });
  const ports: FakePort[] = [];
  runtime.onConnectExternal.addListener((port) => ports.push(port));
  const connect = chromePort({ runtime, extensionId: "other" });
  await connect();
  expect(accepted).toEqual(["https://page.example"]);
  expect(ports[0]?.isDisconnected).toBe(false);
  stop();
  acceptChromePorts((_, { sender }) => accepted.push(sender?.origin ?? ""), { runtime });
  await connect();
  expect(accepted.length).toBe(1);
  expect(ports[1]?.isDisconnected).toBe(true);
  expect(runtime.asked).toEqual(["other", "other"]);
});

test("a port that is stopped before it was started is disconnected all the same", async () => {
  const runtime = new FakeRuntime();
  const accepted: Transport[] = [];
  acceptChromePorts((transport) => accepted.push(transport), { runtime });
  const page = await chromePort({ runtime })();
  const ofWorker = await Listening.to(accepted[0] as Transport);
  page.stop();
  expect((await ofWorker.closed).clean).toBe(true);
});

test("ports of other names are somebody else's", async () => {
  const runtime = new FakeRuntime();
  const accepted: unknown[] = [];
  acceptChromePorts((transport) => accepted.push(transport), { runtime });
  await chromePort({ runtime, name: "devtools" })();
  expect(accepted).toEqual([]);
});

test("a native host hears frames and no goodbye", async () => {
  const runtime = new FakeRuntime();
  const hosts: FakePort[] = [];
  runtime.onConnect.addListener((port: FakePort) => hosts.push(port));
  const transport = await nativeHost("dev.sixframe", runtime)();
  await Listening.to(transport);
  const heard: unknown[] = [];
  hosts[0]?.onMessage.addListener((message: unknown) => heard.push(message));
  const ended = new Promise<void>((resolve) => hosts[0]?.onDisconnect.addListener(() => resolve()));
  transport.post(req("a"));
  transport.stop();
  await ended;
  expect([hosts[0]?.name, heard]).toEqual(["dev.sixframe", [req("a")]]);
});
