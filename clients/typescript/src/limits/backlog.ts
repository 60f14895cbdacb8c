/** What waits for the peer: how many bytes, since when, and whom that holds back. `spec: bytes.3` to `bytes.5` */

import { limitError } from "../errors.js";
import type { Frame } from "../frame.js";
import type { Limits } from "../limits.js";
import type { Session } from "../session.js";
import type { Exchange, Millis } from "../session/exchange.js";
import { LIVE, WAITING } from "../session/phase.js";
import type { Request } from "../session/request.js";
import { weigh } from "./weigh.js";

/** Bytes that a transport may hold before sources wait for it. */
const FULL = 1 << 20;
/** How often a full transport is looked at, in milliseconds. */
const DRAIN_MS = 10;
/** How long a request that waited is left to answer before the next one starts, in milliseconds. */
const ANSWER_MS = 10;

/** A session, and how much is in what carries its frames, where that can be told. */
export type Carried = Session & { readonly _transport?: { readonly buffered?: number } | undefined };

/** What was counted of one exchange. */
interface Count {
  frame: Frame | undefined;
  size: number;
  queued: number;
  uncredited: number;
}

/** Counts what is queued, and ends a connection whose peer does not take it. */
export class Backlog {
  /** Whether more is queued than the soft bound. */
  _isOverSoft = false;
  readonly #session: Carried;
  readonly #bounds: Limits;
  readonly #counts = new WeakMap<Exchange, Count>();
  #unstarted: Request[] = [];
  #isStarting = false;
  #started: Request | undefined;
  #nextStart: Millis = 0;
  /** About how many bytes wait for the writer, in the control lane and beside it; and for their consumers' credit. */
  #control = 0;
  #queued = 0;
  #uncredited = 0;
  /** When the writer last made progress, while more than the soft bound is queued. */
  #progress: Millis | undefined;
  #isClosing = false;
  /** Whether the transport was full when it was last looked at. */
  #wasFull = false;

  constructor(session: Carried, bounds: Limits) {
    this.#session = session;
    this.#bounds = bounds;
    this.#watchWriter();
  }

  /** About how many bytes are queued, with and without credit. */
  get _bytes(): number {
    return this.#control + this.#queued + this.#uncredited;
  }

  /** What waits in an exchange may have changed. */
  _count(x: Exchange): void {
    const { _out } = x;
    const frame = x._head ?? x._tail;
    let count = this.#counts.get(x);
    if (!count) {
      if (!frame && !_out?._bytes) return;
      this.#counts.set(x, (count = { frame: undefined, size: 0, queued: 0, uncredited: 0 }));
    }
    if (frame !== count.frame) {
      count.frame = frame;
      count.size = frame ? weigh(frame) : 0;
    }
    const bytes = _out?._bytes ?? 0;
    const hasCredit = _out?._hasCredit();
    this.#queued -= count.queued;
    this.#uncredited -= count.uncredited;
    this.#queued += count.queued = count.size + (hasCredit ? bytes : 0);
    this.#uncredited += count.uncredited = hasCredit ? 0 : bytes;
    this.#keep();
  }

  /** Whether sources must wait now: for what is queued, or for the transport, which is looked at again soon. */
  get _isFull(): boolean {
    return this._isOverSoft || this.#isTransportFull();
  }

  /** Whether requests must wait for their start now. */
  get _holds(): boolean {
    return this._isOverSoft || (this.#unstarted.length > 0 && !this.#isStarting);
  }

  /** Starts a request once less is queued. */
  _hold(request: Request): void {
    this.#unstarted.push(request);
  }

  #watchWriter(): void {
    const session = this.#session;
    const send = session._send.bind(session);
    const poll = session._poll.bind(session);
    const advance = session._advance.bind(session);
    const disconnect = session._disconnect.bind(session);
    session._send = (frame) => {
      send(frame);
      this.#control += weigh(frame);
      this.#keep();
    };
    session._poll = () => {
      const isControl = session._control.length > 0;
      // A transport that is full takes control alone.
      const frame = isControl || !this.#isTransportFull() ? poll() : undefined;
      if (frame && isControl) this.#control -= weigh(frame);
      if (frame) this.#keep(true);
      return frame;
    };
    session._advance = () => {
      advance();
      if (this.#wasFull && !this.#isTransportFull()) this.#wake();
      this.#keep();
    };
    session._disconnect = (reason, again) => {
      // Nothing that waits may start in the place of what is dropped.
      this.#unstarted = [];
      this.#control = 0;
      this.#progress = undefined;
      disconnect(reason, again);
      this._isOverSoft = this.#isClosing = false;
    };
  }

  #isTransportFull(): boolean {
    const { _transport } = this.#session;
    this.#wasFull = _transport?.buffered! > FULL;
    if (this.#wasFull) this.#session._soon(this.#session._now() + DRAIN_MS);
    return this.#wasFull;
  }

  /** Sources that had to wait may go on. */
  #wake(): void {
    const { _calls, _requests } = this.#session;
    for (const x of [..._calls.values(), ..._requests.values()]) x._notify();
  }

  /** Something has changed; `isProgress` where the transport took a frame. */
  #keep(isProgress?: boolean): void {
    const { soft_bytes, hard_bytes, stall } = this.#bounds;
    const wasOver = this._isOverSoft;
    const isOver = (this._isOverSoft = this.#control + this.#queued > soft_bytes);
    if (this._bytes > hard_bytes) this.#close(limitError("queued bytes", hard_bytes, "hard_bytes").message);
    else if (isOver) this.#await(stall, isProgress);
    if (isOver) return;
    this.#progress = undefined;
    if (wasOver) this.#wake();
    this.#start();
  }

  /** Starts what waited, one request after another: what each answers counts before the next one starts. */
  #start(): void {
    const waiting = this.#unstarted;
    if (this.#isStarting || !waiting[0]) return;
    const now = this.#session._now();
    this.#isStarting = true;
    while (!this._isOverSoft && waiting[0] && (this.#hasAnswered() || now >= this.#nextStart)) {
      this.#started = waiting.shift()!;
      this.#nextStart = now + ANSWER_MS;
      if (this.#started._stage === WAITING) this.#started._start();
    }
    this.#isStarting = false;
    if (waiting[0]) this.#session._soon(this.#nextStart);
  }

  /** Whether the request that was started last has been answered, or has begun to. */
  #hasAnswered(): boolean {
    return this.#started?._stage !== LIVE || !!this.#started._out;
  }

  /** Ends the connection once the peer has taken nothing for too long. */
  #await(stall: Millis, isProgress?: boolean): void {
    const now = this.#session._now();
    this.#progress = isProgress ? now : (this.#progress ?? now);
    if (this.#progress + stall > now) return this.#session._soon(this.#progress + stall);
    const what = `the peer took nothing for ${stall} ms with over ${this.#bounds.soft_bytes} bytes queued`;
    this.#close(what + "; see limits.stall and limits.soft_bytes");
  }

  #close(reason: string): void {
    const session = this.#session;
    if (!this.#isClosing) session._events.push(() => session._lose(reason));
    this.#isClosing = true;
  }
}
