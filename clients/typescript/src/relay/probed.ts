/**
 * A transport that cannot say what it buffers, asked in another way: the window behind it is pinged, and what was posted
 * since the last ping that it answered counts as buffered. A window that never answered a ping (one of 0.2 may not) is
 * believed to keep up.
 */

import type { Frame } from "../frame.js";
import { isObject } from "../frame/decode.js";
import type { OnClose, OnFrame, Transport } from "../transport.js";
import { weigh } from "./weigh.js";

/** Bytes between two pings. */
const STEP = 64 * 1024;

/** Begins the ids of these pings, which no call of the relay has. */
const PREFIX = "probe.";

export class Probed implements Transport {
  readonly #transport: Transport;
  #posted = 0;
  #answered = 0;
  /** What had been posted when the ping left that is under way. */
  #asked: number | undefined;
  #answers = false;
  #nth = 0;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  start(onFrame: OnFrame, onClose?: OnClose): void | Promise<void> {
    return this.#transport.start((message) => {
      if (!this.#isAnswer(message)) onFrame(message);
    }, onClose);
  }

  post(frame: Frame): void {
    this.#transport.post(frame);
    const weight = weigh(frame, 1_000, Number.MAX_SAFE_INTEGER);
    this.#posted += typeof weight === "string" ? STEP : weight.bytes;
    if (this.#asked === undefined && this.#posted - this.#answered > STEP) this.#ask();
  }

  stop(): void {
    this.#transport.stop();
  }

  get buffered(): number {
    return this.#answers ? this.#posted - this.#answered : 0;
  }

  #ask(): void {
    this.#asked = this.#posted;
    this.#nth += 1;
    this.#transport.post({ kind: "req", cid: `${PREFIX}${this.#nth}`, method: "rpc.ping" });
  }

  #isAnswer(message: unknown): boolean {
    if (this.#asked === undefined || !isObject(message) || message.cid !== `${PREFIX}${this.#nth}`) return false;
    if (message.kind !== "res" && message.kind !== "err") return false;
    this.#answered = this.#asked;
    this.#asked = undefined;
    this.#answers = true;
    if (this.#posted - this.#answered > STEP) this.#ask();
    return true;
  }
}
