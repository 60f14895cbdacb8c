/** One forwarded call: who made it, what waits on its two ways, and how far it got. */

import { RpcError } from "../errors.js";
import type { Message } from "./message.js";
import type { Window } from "./window.js";

/** From a window to the upstream, or the other way. */
export type Way = "up" | "down";

/** The other way. */
export function back(way: Way): Way {
  return way === "up" ? "down" : "up";
}

export class Call {
  /** Its id on the responder's side. */
  readonly id: string;
  readonly window: Window;
  /** The way of its request: up where the window made the call. */
  readonly way: Way;
  /** The id that its caller gave it. */
  readonly cid: string;
  /** Whether the caller grants credit for items. */
  readonly hasCredit: boolean;
  readonly up = new Queue();
  readonly down = new Queue();
  /** Whether the request was handed to the responder's transport. */
  isSent = false;
  /** Whether it asks the upstream what that can do, for a window's `rpc.hello`. */
  introduces = false;
  /** Whether its answer is a stream, as far as that is known. */
  streams: boolean;
  /** Whether its terminal frame is on the way to the caller. */
  isFinished = false;

  constructor(id: string, window: Window, way: Way, cid: string, hasCredit: boolean) {
    this.id = id;
    this.window = window;
    this.way = way;
    this.cid = cid;
    this.hasCredit = hasCredit;
    this.streams = hasCredit;
  }

  /** What its caller is told when the responder's connection ends. `spec: close.2` */
  broken(why: string): RpcError {
    return new RpcError(this.isSent && !this.streams ? "INDETERMINATE" : "CONNECTION_CLOSED", why);
  }
}

/** Messages in order, and how many bytes they are. */
export class Queue {
  #messages: Message[] = [];
  #from = 0;
  bytes = 0;

  get isEmpty(): boolean {
    return this.#from === this.#messages.length;
  }

  push(message: Message): void {
    this.#messages.push(message);
    this.bytes += message.bytes;
  }

  shift(): Message | undefined {
    const message = this.#messages[this.#from];
    if (message === undefined) return undefined;
    this.#from += 1;
    this.bytes -= message.bytes;
    if (this.#from * 2 > this.#messages.length) {
      this.#messages = this.#messages.slice(this.#from);
      this.#from = 0;
    }
    return message;
  }

  /** Discards everything; how many bytes that were. */
  clear(): number {
    const { bytes } = this;
    this.#messages = [];
    this.#from = 0;
    this.bytes = 0;
    return bytes;
  }
}
