/**
 * What a preload exposes to its page: frames both ways, events of named channels, and requests to named handlers. Nothing of
 * Electron itself reaches the page.
 */

import type { ContextBridge, IpcRenderer, IpcRendererEvent } from "electron";

import type { ElectronBridge } from "../transports/electron.js";
import { randomId } from "../transports/random-id.js";
import { CONNECT, FRAME, PORT, POST, START, STOP } from "./channels.js";
import { EVENT_PREFIX } from "./events.js";

/** What `window.electronBridge` is. */
export interface PreloadBridge extends ElectronBridge {
  start(onFrame: (frame: unknown) => void): () => void;
  stop(): void;
  connect(id: string): void;
  /** Gives the payloads of a channel to `handler`, until what it returns is called. Throws for channels that are closed. */
  on(channel: string, handler: (payload: unknown) => void): () => void;
}

/** What `window.rpc` is. */
export interface PreloadRpc {
  /** Asks what `ipcMain.handle(channel)` answers. Rejects for channels that are closed. */
  request(channel: string, payload?: unknown): Promise<unknown>;
}

/** The parts of Electron that a preload has: `import { contextBridge, ipcRenderer } from "electron"`. */
export interface PreloadElectron {
  contextBridge: Pick<ContextBridge, "exposeInMainWorld">;
  ipcRenderer: Pick<IpcRenderer, "on" | "removeListener" | "send" | "invoke">;
}

/** What is open to the page beside frames. */
export interface PreloadOptions {
  /** Which channels `on` may listen to. Default: those that begin with `agentos:`. */
  events?: (channel: string) => boolean;
  /** Which channels `rpc.request` may ask. Default: none. */
  requests?: readonly string[] | ((channel: string) => boolean);
}

/** Exposes `window.electronBridge` and `window.rpc`. Call it once, while the preload runs. */
export function exposeBridge({ contextBridge, ipcRenderer }: PreloadElectron, options: PreloadOptions = {}): void {
  const document = randomId();
  const { events = (channel) => channel.startsWith(EVENT_PREFIX), requests = [] } = options;
  const mayAsk = typeof requests === "function" ? requests : (channel: string) => requests.includes(channel);

  const listen = (channel: string, hear: (event: IpcRendererEvent, ...values: unknown[]) => void) => {
    ipcRenderer.on(channel, hear);
    return () => void ipcRenderer.removeListener(channel, hear);
  };

  const bridge: PreloadBridge = {
    start(onFrame) {
      const off = listen(FRAME, (_event, frame, meant) => {
        if (meant === undefined || meant === document) onFrame(frame);
      });
      ipcRenderer.send(START, document);
      return off;
    },
    post: (frame) => ipcRenderer.send(POST, frame),
    stop: () => ipcRenderer.send(STOP, document),
    connect: (id) => ipcRenderer.send(CONNECT, document, id),
    on(channel, handler) {
      if (!events(channel)) throw new Error(`the preload does not open ${channel} to this page`);
      return listen(channel, (_event, payload) => handler(payload));
    },
  };
  const rpc: PreloadRpc = {
    async request(channel, payload) {
      if (!mayAsk(channel)) throw new Error(`the preload does not open ${channel} to this page`);
      return ipcRenderer.invoke(channel, payload) as Promise<unknown>;
    },
  };

  // A port cannot pass the context bridge; a message of the window itself carries it to the page.
  listen(PORT, ({ ports }, id) => window.postMessage({ sixframe: "port", id }, "*", [...ports]));
  contextBridge.exposeInMainWorld("electronBridge", bridge);
  contextBridge.exposeInMainWorld("rpc", rpc);
}
