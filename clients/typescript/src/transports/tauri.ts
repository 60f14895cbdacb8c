/**
 * The page's side of Tauri: frames go to the Rust side by `invoke` and come back over a `Channel`. Both are used sparingly:
 * one `invoke` at a time, which carries all that gathered meanwhile, since commands that overlap lose their order.
 */

import type { Frame } from "../frame.js";
import type { Connector, OnClose, OnFrame, Transport } from "../transport.js";
import { postAsText } from "./unsendable.js";

/** What is used of `window.__TAURI__.core`, or of the package `@tauri-apps/api/core`. */
export interface TauriCore {
  invoke<T>(command: string, args?: Record<string, unknown>): Promise<T>;
  Channel: new () => { onmessage: (message: never) => void };
}

/**
 * What arrives over the channel: the text of a frame, several of them, or, as the last message, that there is no more.
 */
export type TauriMessage = string | readonly string[] | { readonly closed: { clean: boolean; reason: string } };

/** How to reach the Rust side. */
export interface TauriOptions {
  core?: TauriCore;
  /** Stands before the commands `sixframe_open`, `sixframe_post` and `sixframe_close`. Default `plugin:sixframe|`. */
  prefix?: string;
}

/**
 * A connection to the plugin.
 *
 * - `sixframe_open {channel}` answers the connection's number.
 * - `sixframe_post {connection, frames}` takes the texts of frames, in order.
 * - `sixframe_close {connection}` ends it, in good order.
 */
export class TauriTransport implements Transport {
  readonly #core: TauriCore;
  readonly #prefix: string;
  #connection: number | undefined;
  #waiting: string[] = [];
  #bytes = 0;
  #sending = false;
  #onClose: OnClose = () => undefined;
  #give: OnFrame = () => undefined;
  #over = false;

  constructor(options: TauriOptions = {}) {
    this.#core = options.core ?? coreOf();
    this.#prefix = options.prefix ?? "plugin:sixframe|";
  }

  async start(onFrame: OnFrame, onClose: OnClose = () => undefined): Promise<void> {
    this.#onClose = onClose;
    this.#give = (message) => {
      if (!this.#over) onFrame(message);
    };
    const channel = new this.#core.Channel();
    channel.onmessage = (message: TauriMessage) => this.#receive(message, onFrame);
    const connection = await this.#invoke<number>("sixframe_open", { channel });
    this.#connection = connection;
    if (!this.#over) return;
    this.#close(connection);
    throw new Error("stopped before it was connected");
  }

  post(frame: Frame): void {
    const connection = this.#connection;
    if (this.#over || connection === undefined) throw new Error("the connection is not open");
    postAsText(frame, this.#give, (text) => {
      this.#waiting.push(text);
      this.#bytes += text.length;
      if (!this.#sending) void this.#send(connection);
    });
  }

  stop(): void {
    if (this.#over) return;
    this.#over = true;
    // What is being sent is sent first, and closes when it is done.
    if (this.#connection !== undefined && !this.#sending) this.#close(this.#connection);
  }

  get buffered(): number {
    return this.#bytes;
  }

  async #send(connection: number): Promise<void> {
    this.#sending = true;
    // A turn's frames go together.
    await Promise.resolve();
    try {
      while (this.#waiting.length > 0) {
        const frames = this.#waiting;
        const bytes = this.#bytes;
        this.#waiting = [];
        await this.#invoke("sixframe_post", { connection, frames });
        this.#bytes -= bytes;
      }
      if (this.#over) this.#close(connection);
    } catch (error) {
      this.#end({ clean: false, reason: `the Rust side took no frame: ${text(error)}` });
    } finally {
      this.#sending = false;
    }
  }

  #receive(message: TauriMessage, onFrame: OnFrame): void {
    if (this.#over) return;
    if (typeof message === "string") return onFrame(message);
    if ("closed" in message) return this.#end(message.closed);
    for (const frame of message) {
      if (!this.#over) onFrame(frame);
    }
  }

  #end(closed: { clean: boolean; reason: string }): void {
    if (this.#over) return;
    this.#over = true;
    this.#onClose(closed);
  }

  #close(connection: number): void {
    // There is nobody left to tell where it fails.
    this.#invoke("sixframe_close", { connection }).catch(() => undefined);
  }

  #invoke<T>(command: string, args: Record<string, unknown>): Promise<T> {
    return this.#core.invoke<T>(`${this.#prefix}${command}`, args);
  }
}

/** Connects to the plugin each time it is asked. */
export function tauri(options: TauriOptions = {}): Connector {
  return () => new TauriTransport(options);
}

function coreOf(): TauriCore {
  const core = (globalThis as { __TAURI__?: { core?: TauriCore } }).__TAURI__?.core;
  if (core === undefined) throw new Error("there is no window.__TAURI__; set app.withGlobalTauri, or give the option core");
  return core;
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
