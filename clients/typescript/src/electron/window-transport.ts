/**
 * One document of a window, as the relay sees it. What is meant for it waits until it listens; how it listens, over the
 * preload's channel or a port, is found out then.
 */

import type { MessagePortMain, WebContents } from "electron";

import type { Frame } from "../frame.js";
import { Probed } from "../relay/probed.js";
import type { OnClose, OnFrame, Transport } from "../transport.js";
import { MessagePortTransport, type MessageTarget } from "../transports/message-port.js";
import { failUnsendable } from "../transports/unsendable.js";
import { FRAME } from "./channels.js";

export class WindowTransport implements Transport {
  readonly #contents: WebContents;
  readonly #isUnresponsive: () => boolean;
  #onFrame: OnFrame = () => undefined;
  #onClose: OnClose = () => undefined;
  /** What carries frames, once the document listens. */
  #carrier: Transport | undefined;
  #isOver = false;
  /** How the document calls itself, where its preload says so. */
  document: string | undefined;
  /** Takes in frames of the preload's channel. */
  receive: OnFrame = () => undefined;

  constructor(contents: WebContents, isUnresponsive: () => boolean) {
    this.#contents = contents;
    this.#isUnresponsive = isUnresponsive;
  }

  /** Whether the document listens. */
  get isStarted(): boolean {
    return this.#carrier !== undefined;
  }

  /** It listens on the preload's channel. */
  useChannel(document: string | undefined): void {
    this.document = document;
    const send = (message: unknown) => this.#contents.send(FRAME, message, document);
    this.#use({
      start: (onFrame) => void (this.receive = onFrame),
      post: (frame) => {
        try {
          send(frame);
        } catch (error) {
          if (this.#contents.isDestroyed()) throw error;
          failUnsendable(frame, error, (instead) => this.receive(instead), send);
        }
      },
      stop: () => {
        // To a window that is gone there is no goodbye.
        if (!this.#contents.isDestroyed()) send({ sixframe: "bye" });
      },
    });
  }

  /** It listens on a port. */
  usePort(document: string, port: MessagePortMain): void {
    this.document = document;
    this.#use(new MessagePortTransport(targetOf(port)));
  }

  start(onFrame: OnFrame, onClose: OnClose = () => undefined): void {
    this.#onFrame = onFrame;
    this.#onClose = onClose;
  }

  post(frame: Frame): void {
    if (this.#carrier === undefined) throw new Error("the window does not listen yet");
    this.#carrier.post(frame);
  }

  stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#carrier?.stop();
  }

  /** Everything waits for a window that does not listen, or hangs. */
  get buffered(): number {
    if (this.#carrier === undefined || this.#isUnresponsive()) return Infinity;
    return this.#carrier.buffered ?? 0;
  }

  #use(transport: Transport): void {
    const carrier = new Probed(transport);
    this.#carrier = carrier;
    void carrier.start(
      (message) => {
        if (!this.#isOver) this.#onFrame(message);
      },
      (closed) => {
        if (!this.#isOver) this.#onClose(closed);
      },
    );
  }
}

/** Electron's ports give their messages within an event, as pages do, but by `on`. */
function targetOf(port: MessagePortMain): MessageTarget {
  return {
    postMessage: (message) => port.postMessage(message),
    on: (type, listener) => {
      if (type === "message") port.on("message", ({ data }) => listener(data));
      if (type === "close") port.on("close", () => listener(undefined));
    },
    start: () => port.start(),
    close: () => port.close(),
  };
}
