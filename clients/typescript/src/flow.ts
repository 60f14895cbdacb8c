/**
 * Credit and buffers of one direction of one call: what a producer may send, what a consumer has room for. Knows no
 * frames on the wire, no calls and no clock.
 */

import { limitError, RpcError } from "./errors.js";
import type { Grant, Nxt, OnLag } from "./frame.js";
import { Item } from "./item.js";
import type { Limits } from "./limits.js";

/** Items that a source without credit limits is asked for before others have their turn. */
export const BATCH = 64;

/** Items that wait, and what happens when they are too many. */
class Buffer {
  _items: Item[] = [];
  declare _lag: OnLag;
  declare readonly _limits: Partial<Limits>;
  /** How many bytes wait; where `limits` are plugged in. */
  declare _bytes: number | undefined;

  constructor(lag: OnLag, limits: Partial<Limits>) {
    this._lag = lag;
    this._limits = limits;
  }

  /** Adds an item, dropping others as the policy says. What it returns is why the stream must end instead. */
  _add(item: Item): RpcError | undefined {
    const { _items, _lag } = this;
    for (let excess; (excess = this._excess(item)); ) {
      if (_lag === "block" || _lag === "close") return excess;
      const oldest = this._shift();
      if (!oldest) break;
      // What a dropped item said of its source holds for the one behind it: without an epoch a consumer could not
      // resume, and without the reset it would go on from what is void.
      const next = _items[0] ?? item;
      if (_lag === "dropOldest") next.skipped += oldest.skipped + 1;
      next.reset ||= oldest.reset;
      next.epoch ??= oldest.epoch;
    }
    _items.push(item);
    return undefined;
  }

  /** Why there is no room for an item. */
  _excess(_item: Item): RpcError | undefined {
    const { _items, _lag, _limits } = this;
    const { stream_items = 1024 } = _limits;
    const most = _lag === "block" ? Infinity : _lag === "latest" ? 1 : stream_items;
    return _items.length < most ? undefined : limitError("stream items", stream_items, "stream_items", "SLOW_CONSUMER");
  }

  /** Takes the oldest item. */
  _shift(): Item | undefined {
    return this._items.shift();
  }

  /** Throws everything away. */
  _clear(): void {
    this._items = [];
  }
}

/** The sending end of a stream: a queue, credit, and what to do when both run out. */
export class Producer extends Buffer {
  _sent = 0;
  /** The highest number allowed; undefined where the consumer knows no credit. */
  declare _upto: number | undefined;

  constructor(upto: number | undefined, lag: OnLag, limits: Partial<Limits>) {
    super(lag, limits);
    this._upto = upto;
  }

  /** How many items the source may be asked for now. */
  _room(): number {
    if (this._lag !== "block" || this._upto === undefined) return BATCH;
    return this._upto - this._sent - this._items.length;
  }

  /** Whether the consumer allows another item now. */
  _hasCredit(): boolean {
    return !(this._upto! <= this._sent);
  }

  /** The next item, where credit allows one; its number is how many were sent then. */
  _pop(): Item | undefined {
    const item = this._hasCredit() ? this._shift() : undefined;
    if (item) this._sent++;
    return item;
  }

  /** Raises the credit; whether that was news. A grant that is late or repeated changes nothing. `spec: fc.4` */
  _grant({ upto }: Grant): boolean {
    const isMore = upto > this._upto!;
    if (isMore) this._upto = upto;
    return isMore;
  }
}

/** An item that is missing, unnumbered or beyond the credit. */
function invalid(expected: number, got?: number | null): RpcError {
  return new RpcError("INVALID_FRAME", got === undefined ? `no credit for item ${expected}` : `item ${expected} expected, not ${got}`);
}

/** The receiving end of a stream: what has arrived and was not yet taken, and the credit given for more. */
export class Consumer extends Buffer {
  /** Items received under the present `cid`. */
  declare _received: number;
  /** Items consumed under the present `cid`; begins below zero where items of an earlier one are still buffered. */
  declare _consumed: number;
  /** 1 where an item is handed over and perhaps not yet consumed. */
  _lent = 0;
  declare _upto: number;
  declare _window: number;
  /** The mean size of what comes, where that is known. */
  declare _mean: number | undefined;
  declare _obeys: boolean | undefined;
  declare _isNumbered: boolean | undefined;
  declare _isResumed: boolean | undefined;
  declare _epoch: string | undefined;
  declare _pos: number | undefined;
  /** What is said of bytes in the first grant under a `cid`; where `ahead` is plugged in. */
  declare _offer?: () => number;
  /** Whether the producer may be without credit for what was not taken; where `ahead` is plugged in. */
  declare _isHeld?: () => boolean;

  constructor(window: number, lag: OnLag, limits: Partial<Limits>) {
    super(lag, limits);
    this._window = Math.max(1, window);
    this._restart();
  }

  /** Takes in an item of about `size` bytes. What it returns fails the stream; false says that it came before. */
  _receive(nxt: Nxt, size: number): RpcError | boolean {
    const obeys = (this._obeys ??= nxt.fc === 1);
    // A producer that obeys credit sees to the policy by itself. `spec: fc.14`
    if (obeys) this._lag = "block";
    else if (this._lag === "block") this._lag = "close";
    const { seq } = nxt;
    const expected = this._received + 1;
    if (seq == null) {
      if (obeys) return invalid(expected, null);
    } else if (obeys || this._isNumbered) {
      if (seq < expected) return false;
      if (seq > expected) return invalid(expected, seq);
    }
    // A 0.2 producer may count from anywhere; what counts is that it goes on by one.
    this._received = seq ?? expected;
    this._isNumbered = seq != null;
    if (obeys && expected > this._upto) return invalid(expected);
    const item = new Item(nxt.data ?? null, nxt, size);
    if (size) this._mean = this._mean ? (this._mean * 7 + size) / 8 : size;
    if (this._isResumed && item.epoch !== this._epoch) {
      // It starts over without saying so. `spec: resume.7`
      item.reset = true;
      this._epoch = this._pos = undefined;
    }
    this._isResumed = false;
    this._epoch = item.epoch ?? this._epoch;
    this._pos = item.pos ?? this._pos;
    return this._add(item) ?? true;
  }

  /** Hands over the next item; the one that was handed over before counts as consumed from now on. */
  _take(): Item | undefined {
    const item = this._shift();
    this._consumed += this._lent;
    this._lent = item ? 1 : 0;
    return item;
  }

  /** Whether a grant is due, which `_upto` then is. At half a window, so that a running stream never waits for it. */
  _dueGrant(windowBytes: number): boolean {
    if (windowBytes && this._mean) this._window = Math.min(4096, Math.max(1, Math.floor(windowBytes / this._mean)));
    const reach = this._consumed + this._window;
    const isDue = !!this._obeys && reach >= this._upto + Math.ceil(this._window / 2);
    if (isDue) this._upto = reach;
    return isDue;
  }

  /** Begins anew under another `cid`, after a break; what is buffered stays and counts against the window. */
  _restart(): void {
    const held = this._items.length + this._lent;
    this._received = 0;
    this._consumed = -held;
    this._upto = Math.max(1, this._window - held);
    this._obeys = this._isNumbered = undefined;
    this._isResumed = this._epoch !== undefined;
  }
}
