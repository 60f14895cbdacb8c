/**
 * As much of Electron as the bridge uses, in one process: values pass as clones, a window has documents, and a document that
 * was replaced is not heard. What it cannot show is shown in Chromium, and by Electron itself where that is installed.
 */

import { EventEmitter } from "node:events";
import { MessageChannel, type MessagePort as NodePort } from "node:worker_threads";

import { exposeBridge, type PreloadBridge, type PreloadOptions, type PreloadRpc } from "../../src/electron/preload.js";
import type { MainElectron } from "../../src/electron/main.js";

type Loose = (...values: never[]) => unknown;

class FakePortMain extends EventEmitter {
  readonly inner: NodePort;
  constructor(inner: NodePort) {
    super();
    this.inner = inner;
    inner.on("message", (data) => this.emit("message", { data, ports: [] }));
    inner.on("close", () => this.emit("close"));
  }
  postMessage(message: unknown): void {
    this.inner.postMessage(message);
  }
  start(): void {
    this.inner.start();
  }
  close(): void {
    this.inner.close();
  }
}

export class FakeElectron {
  readonly ipcMain = new EventEmitter();
  readonly handlers = new Map<string, (payload: unknown) => unknown>();
  readonly MessageChannelMain = class {
    readonly port1: FakePortMain;
    readonly port2: FakePortMain;
    constructor() {
      const { port1, port2 } = new MessageChannel();
      this.port1 = new FakePortMain(port1);
      this.port2 = new FakePortMain(port2);
    }
  };
  #ids = 0;

  get main(): MainElectron {
    return this as unknown as MainElectron;
  }

  window(): FakeContents {
    this.#ids += 1;
    return new FakeContents(this, this.#ids);
  }
}

export class FakeContents extends EventEmitter {
  readonly id: number;
  readonly electron: FakeElectron;
  mainFrame: FakeDocument | undefined;
  #isDestroyed = false;

  constructor(electron: FakeElectron, id: number) {
    super();
    this.electron = electron;
    this.id = id;
  }

  isDestroyed(): boolean {
    return this.#isDestroyed;
  }

  send(channel: string, ...values: unknown[]): void {
    if (this.#isDestroyed) throw new TypeError("Object has been destroyed");
    const target = this.mainFrame;
    const cloned = structuredClone(values);
    queueMicrotask(() => target?.ipcRenderer.emit(channel, {}, ...cloned));
  }

  /** Loads a document, with a preload or with one that the test writes. */
  load(options?: PreloadOptions | ((document: FakeDocument) => void)): FakeDocument {
    this.emit("did-start-navigation", { isMainFrame: true, isSameDocument: false });
    this.mainFrame = new FakeDocument(this);
    this.emit("did-navigate");
    if (typeof options === "function") options(this.mainFrame);
    else exposeBridge(this.mainFrame as never, options);
    return this.mainFrame;
  }

  /** The renderer dies, and its document with it. */
  crash(): void {
    this.mainFrame = undefined;
    this.emit("render-process-gone", {}, { reason: "crashed" });
  }

  destroy(): void {
    this.#isDestroyed = true;
    this.mainFrame = undefined;
    this.emit("destroyed");
  }
}

/** A document, and what its preload and its page have. */
export class FakeDocument {
  readonly contents: FakeContents;
  readonly exposed: Record<string, unknown> = {};
  readonly contextBridge = { exposeInMainWorld: (name: string, api: unknown) => void (this.exposed[name] = api) };
  readonly ports: ((id: unknown, port: NodePort) => void)[] = [];

  readonly ipcRenderer = Object.assign(new EventEmitter(), {
    send: (channel: string, ...values: unknown[]) => {
      const cloned = structuredClone(values);
      const event = { sender: this.contents, senderFrame: this };
      queueMicrotask(() => this.contents.electron.ipcMain.emit(channel, event, ...cloned));
    },
    invoke: async (channel: string, payload: unknown) => this.contents.electron.handlers.get(channel)?.(payload),
  });

  constructor(contents: FakeContents) {
    this.contents = contents;
  }

  get bridge(): PreloadBridge {
    return this.exposed.electronBridge as PreloadBridge;
  }

  get rpc(): PreloadRpc {
    return this.exposed.rpc as PreloadRpc;
  }

  /** A port for this document. */
  postMessage(channel: string, id: unknown, [port]: FakePortMain[]): void {
    queueMicrotask(() => this.ipcRenderer.emit(channel, { ports: [port?.inner] }, id));
  }
}

/** Does something as a page's `window`, to which a preload posts ports. */
export async function asWindow<T>(act: () => Promise<T>): Promise<T> {
  const listeners = new Set<Loose>();
  const window = {
    addEventListener: (_type: string, listener: Loose) => listeners.add(listener),
    removeEventListener: (_type: string, listener: Loose) => listeners.delete(listener),
    postMessage: (data: unknown, _origin: string, ports: unknown[]) => {
      for (const listener of listeners) listener({ source: window, data, ports } as never);
    },
  };
  Object.assign(globalThis, { window });
  try {
    return await act();
  } finally {
    Reflect.deleteProperty(globalThis, "window");
  }
}
