/**
 * The renderer's side of Electron: frames over the preload's `window.electronBridge`, or over a `MessagePort` that the main
 * process hands over by way of the preload.
 */

import type { Frame } from "../frame.js";
import type { Connector, OnClose, OnFrame, Transport } from "../transport.js";
import { MessagePortTransport } from "./message-port.js";
import { portMessage } from "./port-message.js";
import { randomId } from "./random-id.js";
import { failUnsendable } from "./unsendable.js";

/**
 * What the preload exposes. Version 0.2 exposed `start` and `post`, and its `start` gave nothing back.
 */
export interface ElectronBridge {
  /** Gives the frames for this window to `onFrame`, until what it returns is called. */
  start(onFrame: (frame: unknown) => void): (() => void) | void;
  /** Sends a frame to the main process. */
  post(frame: unknown): void;
  stop?(): void;
  /** Asks for a port, which arrives as a message of this window with the data `{sixframe: "port", id}`. */
  connect?(id: string): void;
}

/**
 * Frames over the bridge. A bridge cannot tell a dead main process, but without one there is no window either.
 *
 * A payload that cannot be cloned fails its own call.
 */
export class ElectronTransport implements Transport {
  readonly #bridge: ElectronBridge;
  #off: () => void = () => undefined;
  #give: OnFrame = () => undefined;
  #open = false;

  constructor(bridge: ElectronBridge = bridgeOf()) {
    this.#bridge = bridge;
  }

  start(onFrame: OnFrame, onClose: OnClose = () => undefined): void {
    this.#open = true;
    this.#give = (message) => {
      if (this.#open) onFrame(message);
    };
    const off = this.#bridge.start((message) => {
      if (!this.#open) return;
      if (portMessage(message)?.sixframe !== "bye") return onFrame(message);
      this.#release();
      onClose({ clean: true, reason: "the main process closed the connection" });
    });
    if (typeof off === "function") this.#off = off;
  }

  post(frame: Frame): void {
    if (!this.#open) throw new Error("the bridge is closed");
    try {
      this.#bridge.post(frame);
    } catch (error) {
      failUnsendable(frame, error, this.#give, (instead) => this.#bridge.post(instead));
    }
  }

  stop(): void {
    if (!this.#open) return;
    this.#release();
    this.#bridge.stop?.();
  }

  #release(): void {
    this.#open = false;
    this.#off();
  }
}

/** Over the bridge each time it is asked. */
export function electron(bridge?: ElectronBridge): Connector {
  return () => new ElectronTransport(bridge);
}

/** How a port is asked for. */
export interface ElectronPortOptions {
  bridge?: ElectronBridge;
  /** Milliseconds within which the port must come. Default 10,000. */
  portMs?: number;
}

/**
 * Over a port of its own each time it is asked: for streams of many items, since a port does not go through the preload.
 */
export function electronPort(options: ElectronPortOptions = {}): Connector {
  return async () => {
    const bridge = options.bridge ?? bridgeOf();
    if (bridge.connect === undefined) throw new Error("this preload hands over no ports; see sixframe/electron/preload");
    return new MessagePortTransport(await portFrom(bridge.connect, options.portMs ?? 10_000));
  };
}

async function portFrom(connect: (id: string) => void, portMs: number): Promise<MessagePort> {
  const id = randomId();
  return await new Promise((resolve, reject) => {
    const over = () => {
      clearTimeout(tooLate);
      window.removeEventListener("message", hear);
    };
    const tooLate = setTimeout(() => {
      over();
      reject(new Error(`the main process handed over no port within ${portMs} ms`));
    }, portMs);
    const hear = ({ source, data, ports }: MessageEvent) => {
      const message = portMessage(data);
      // Frames from other windows could say the same, but not as this one.
      if (source !== window || message?.sixframe !== "port" || message.id !== id || ports[0] === undefined) return;
      over();
      resolve(ports[0]);
    };
    window.addEventListener("message", hear);
    connect(id);
  });
}

function bridgeOf(): ElectronBridge {
  const bridge = (globalThis as { electronBridge?: ElectronBridge }).electronBridge;
  if (bridge === undefined) throw new Error("there is no window.electronBridge; does the preload expose it?");
  return bridge;
}
