/**
 * Frames over a `MessagePort`, or anything that posts and receives messages as one does. Frames travel as structured
 * clones; what `transfer()` marked is moved.
 */

import type { Frame } from "../frame.js";
import type { OnClose, OnFrame, Transport } from "../transport.js";
import { portMessage } from "./port-message.js";
import { takeTransferables } from "./transfer.js";
import { failUnsendable } from "./unsendable.js";

/** What a transport over messages needs: `MessagePort`, `Worker`, the global scope of a worker, and Node's twins of them. */
export interface MessageTarget {
  postMessage(message: unknown, transfer: never[]): void;
  addEventListener?(type: string, listener: (event: unknown) => void): void;
  removeEventListener?(type: string, listener: (event: unknown) => void): void;
  on?(type: string, listener: (value: unknown) => void): unknown;
  off?(type: string, listener: (value: unknown) => void): unknown;
  start?(): void;
  close?(): void;
}

/**
 * One end of a port.
 *
 * `stop` says goodbye and closes the port, which is a clean end for the peer. A peer that dies without a word is noticed
 * where the platform tells (the `close` event of ports); elsewhere give the endpoint `pingMs`. What cannot be cloned fails its
 * own call; a message that cannot be read on this side ends the connection, since a frame is missing.
 */
export class MessagePortTransport implements Transport {
  readonly #target: MessageTarget;
  #onFrame: OnFrame = () => undefined;
  #onClose: OnClose = () => undefined;
  #unlisten: (() => void)[] = [];
  #open = false;
  #isOver = false;

  constructor(target: MessageTarget) {
    this.#target = target;
  }

  start(onFrame: OnFrame, onClose: OnClose = () => undefined): void {
    this.#onFrame = onFrame;
    this.#onClose = onClose;
    this.#open = true;
    this.#unlisten = [
      listen(this.#target, "message", (message) => this.#receive(message)),
      listen(this.#target, "messageerror", () => this.end({ clean: false, reason: "a message could not be cloned" })),
      listen(this.#target, "close", () => this.end({ clean: false, reason: "the other end of the port is gone" })),
    ];
    this.#target.start?.();
  }

  post(frame: Frame): void {
    if (!this.#open) throw new Error("the port is closed");
    try {
      this.#target.postMessage(frame, takeTransferables(frame) as never[]);
    } catch (error) {
      failUnsendable(frame, error, this.#give, (instead) => this.#target.postMessage(instead, []));
    }
  }

  stop(): void {
    if (this.#isOver) return;
    this.#release();
    this.#target.postMessage({ sixframe: "bye" }, []);
    this.#target.close?.();
  }

  /** Ends the connection for a reason that the port itself cannot know. */
  end(closed: { clean: boolean; reason: string }): void {
    if (!this.#open) return;
    this.#release();
    this.#target.close?.();
    this.#onClose(closed);
  }

  readonly #give: OnFrame = (message) => {
    if (this.#open) this.#onFrame(message);
  };

  #receive(message: unknown): void {
    const ours = portMessage(message);
    if (ours === undefined) return this.#onFrame(message);
    if (ours.sixframe === "bye") this.end({ clean: true, reason: "the peer closed the port" });
  }

  #release(): void {
    this.#open = false;
    this.#isOver = true;
    for (const unlisten of this.#unlisten) unlisten();
  }
}

/** Listens in the manner of the web, else in that of Node; gives what ends it. */
export function listen(target: MessageTarget, type: string, act: (value: unknown) => void): () => void {
  if (target.addEventListener !== undefined) {
    const listener = (event: unknown) => act(type === "message" ? (event as MessageEvent).data : event);
    target.addEventListener(type, listener);
    return () => target.removeEventListener?.(type, listener);
  }
  target.on?.(type, act);
  return () => target.off?.(type, act);
}
