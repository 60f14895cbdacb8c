/**
 * Frames over the ports of a Chrome extension: between pages, content scripts and the extension's service worker, and to a
 * native messaging host. The worker is put to sleep when nothing arrives for 30 s; its ports then disconnect, and the
 * endpoint connects again, which wakes it. A `pingMs` below that keeps it awake.
 */

import type { Frame } from "../frame.js";
import type { Connector, OnClose, OnFrame, Transport } from "../transport.js";
import { portMessage } from "./port-message.js";
import { failUnsendable } from "./unsendable.js";

/**
 * How the extension's messages travel: `json`, the default of Chrome, or `structured` where the manifest says
 * `"message_serialization": "structured_clone"`.
 */
export type Serialization = "json" | "structured";

/** Whether `stop` says so: a native host reads frames and nothing else, and understands the end of its input. */
export type Goodbye = "spoken" | "silent";

/** What is used of `chrome.runtime.Port`. */
export interface ChromePort {
  readonly name: string;
  readonly sender?: { id?: string | undefined; origin?: string | undefined; url?: string | undefined } | undefined;
  readonly onMessage: ChromeEvent<unknown>;
  readonly onDisconnect: ChromeEvent<ChromePort>;
  postMessage(message: unknown): void;
  disconnect(): void;
}

/** What is used of Chrome's events. */
export interface ChromeEvent<Value> {
  addListener(listener: (value: Value) => void): void;
  removeListener(listener: (value: Value) => void): void;
}

/** What is used of `chrome.runtime`. */
export interface ChromeRuntime {
  readonly id?: string | undefined;
  readonly lastError?: { message?: string | undefined } | undefined;
  readonly onConnect?: ChromeEvent<ChromePort>;
  readonly onConnectExternal?: ChromeEvent<ChromePort>;
  connect?(extensionId: string | undefined, info: { name: string }): ChromePort;
  connectNative?(host: string): ChromePort;
}

/**
 * One port.
 *
 * With `json` serialisation a call fails whose payload or answer holds bytes, since Chrome would turn them into something else
 * without a word. A port that disconnects without a goodbye is not a clean end.
 */
export class ChromePortTransport implements Transport {
  readonly #port: ChromePort;
  readonly #serialization: Serialization;
  readonly #lastError: () => string | undefined;
  readonly #goodbye: Goodbye;
  #release: () => void = () => undefined;
  #give: OnFrame = () => undefined;
  #open = false;
  #isOver = false;

  constructor(
    port: ChromePort,
    serialization: Serialization = "json",
    runtime: ChromeRuntime | undefined = runtimeOf(),
    goodbye: Goodbye = "spoken",
  ) {
    this.#port = port;
    this.#serialization = serialization;
    this.#goodbye = goodbye;
    this.#lastError = () => runtime?.lastError?.message;
  }

  start(onFrame: OnFrame, onClose: OnClose = () => undefined): void {
    const over = (closed: { clean: boolean; reason: string }) => {
      if (this.#isOver) return;
      this.#isOver = true;
      this.#release();
      onClose(closed);
    };
    const hear = (message: unknown) => {
      if (portMessage(message)?.sixframe !== "bye") return onFrame(message);
      this.#port.disconnect();
      over({ clean: true, reason: "the peer closed the port" });
    };
    this.#give = (message) => {
      if (this.#open) onFrame(message);
    };
    const disconnect = () => over({ clean: false, reason: this.#lastError() ?? "the port was disconnected" });
    this.#port.onMessage.addListener(hear);
    this.#port.onDisconnect.addListener(disconnect);
    this.#open = true;
    this.#release = () => {
      this.#open = false;
      this.#port.onMessage.removeListener(hear);
      this.#port.onDisconnect.removeListener(disconnect);
    };
  }

  post(frame: Frame): void {
    if (!this.#open) throw new Error("the port is disconnected");
    try {
      if (this.#serialization === "json") refuseBytes(frame);
      this.#port.postMessage(frame);
    } catch (error) {
      failUnsendable(frame, error, this.#give, (instead) => this.#port.postMessage(instead));
    }
  }

  stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#release();
    if (this.#goodbye === "spoken") this.#port.postMessage({ sixframe: "bye" });
    this.#port.disconnect();
  }
}

/** How to connect to an extension. */
export interface ChromePortOptions {
  /** The extension; needed on pages outside of it, which its manifest must name under `externally_connectable`. */
  extensionId?: string;
  /** The port's name, by which the other side knows what is meant. Default `rpc`, as in version 0.2. */
  name?: string;
  serialization?: Serialization;
  runtime?: ChromeRuntime;
}

/** Connects to the extension's service worker each time it is asked, waking it where it sleeps. */
export function chromePort(options: ChromePortOptions = {}): Connector {
  return () => {
    const runtime = options.runtime ?? runtimeOf();
    if (runtime?.connect === undefined) throw new Error("there is no chrome.runtime here that could connect");
    const port = runtime.connect(options.extensionId ?? runtime.id, { name: options.name ?? "rpc" });
    return new ChromePortTransport(port, options.serialization, runtime);
  };
}

/** Starts the native messaging host `host`, `sixframe stdio --framing native` for example, each time it is asked. */
export function nativeHost(host: string, runtime: ChromeRuntime | undefined = runtimeOf()): Connector {
  return () => {
    if (runtime?.connectNative === undefined) throw new Error("there is no chrome.runtime.connectNative here");
    return new ChromePortTransport(runtime.connectNative(host), "json", runtime, "silent");
  };
}

/** Which ports an extension's service worker accepts. */
export interface AcceptChromePortsOptions {
  /** The name that ports must have. Default `rpc`. */
  name?: string;
  serialization?: Serialization;
  /** Decides over ports from outside of the extension: pages and other extensions. Without it none is accepted. */
  allowExternal?: (sender: NonNullable<ChromePort["sender"]>) => boolean;
  runtime?: ChromeRuntime;
}

/**
 * The service worker's side: gives a transport for every port, until the returned function is called. Call it while the
 * worker's script is first run: Chrome wakes a worker only for listeners that were added then.
 */
export function acceptChromePorts(
  accept: (transport: Transport, port: ChromePort) => void,
  options: AcceptChromePortsOptions = {},
): () => void {
  const runtime = options.runtime ?? runtimeOf();
  if (runtime?.onConnect === undefined) throw new Error("there is no chrome.runtime here that could be connected to");
  // Ports of other names may be somebody else's.
  const isMeant = (port: ChromePort) => port.name === (options.name ?? "rpc");
  const take = (port: ChromePort) => {
    if (isMeant(port)) accept(new ChromePortTransport(port, options.serialization, runtime), port);
  };
  const takeExternal = (port: ChromePort) => {
    if (options.allowExternal?.(port.sender ?? {}) === true) take(port);
    else if (isMeant(port)) port.disconnect();
  };
  runtime.onConnect.addListener(take);
  runtime.onConnectExternal?.addListener(takeExternal);
  return () => {
    runtime.onConnect?.removeListener(take);
    runtime.onConnectExternal?.removeListener(takeExternal);
  };
}

function runtimeOf(): ChromeRuntime | undefined {
  return (globalThis as unknown as { chrome?: { runtime?: ChromeRuntime } }).chrome?.runtime;
}

function refuseBytes(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    throw new TypeError('bytes need "message_serialization": "structured_clone" and the serialization "structured"');
  }
  for (const part of Object.values(value)) refuseBytes(part);
}
