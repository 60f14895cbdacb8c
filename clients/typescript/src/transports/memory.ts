/** Two ends of a connection in one place: for tests, and for two parts of one page that shall not know of each other. */

import type { Frame } from "../frame.js";
import type { OnClose, OnFrame, Transport } from "../transport.js";

/** How the two ends treat what passes. */
export interface MemoryOptions {
  /** Passes each frame as JSON text, as a wire would. Otherwise frames pass as they are: their values are shared. */
  text?: boolean;
}

/** Two transports, each of which is the other's peer. Frames pass in a microtask, never while `post` runs. */
export function memory(options: MemoryOptions = {}): [MemoryTransport, MemoryTransport] {
  const near = new MemoryTransport(options.text ?? false);
  const far = new MemoryTransport(options.text ?? false);
  near._peer = far;
  far._peer = near;
  return [near, far];
}

/** One end of a connection in memory. */
export class MemoryTransport implements Transport {
  /** @internal */
  _peer!: MemoryTransport;
  readonly #isText: boolean;
  #queue: unknown[] = [];
  #onFrame: OnFrame | undefined;
  #onClose: OnClose | undefined;
  #isScheduled = false;
  #isStopped = false;
  /** Why no more will come, once what was sent before has been delivered. */
  #closed: { clean: boolean; reason: string } | undefined;

  /** @internal Made by {@link memory}. */
  constructor(isText: boolean) {
    this.#isText = isText;
  }

  start(onFrame: OnFrame, onClose?: OnClose): void {
    this.#onFrame = onFrame;
    this.#onClose = onClose;
    this.#schedule();
  }

  post(frame: Frame): void {
    if (this.#isStopped) throw new Error("the connection is closed");
    this._peer._receive(this.#isText ? JSON.stringify(frame) : frame);
  }

  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#queue = [];
    this._peer._close({ clean: true, reason: "the peer closed the connection" });
  }

  /** Breaks the connection for both ends, as a cable that is pulled. */
  cut(reason = "the connection was cut"): void {
    for (const end of [this, this._peer]) {
      end.#queue = [];
      end._close({ clean: false, reason });
    }
  }

  /** @internal */
  _receive(message: unknown): void {
    if (this.#isStopped || this.#closed) return;
    this.#queue.push(message);
    this.#schedule();
  }

  /** @internal */
  _close(closed: { clean: boolean; reason: string }): void {
    this.#closed ??= closed;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled || !this.#onFrame) return;
    this.#isScheduled = true;
    queueMicrotask(this.#deliver);
  }

  readonly #deliver = (): void => {
    const queue = this.#queue;
    this.#queue = [];
    this.#isScheduled = false;
    for (const message of queue) {
      if (this.#isStopped) return;
      this.#onFrame?.(message);
    }
    if (this.#isStopped || this.#queue.length || !this.#closed) return;
    this.#isStopped = true;
    this.#onClose?.(this.#closed);
  };
}
