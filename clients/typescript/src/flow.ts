/**
 * Credit and buffers of one direction of one call: what a producer may send, what a consumer has room for. Knows no
 * frames on the wire, no calls and no clock.
 */

import { limitError, RpcError } from "./errors.js";
import type { Grant, Nxt, OnLag } from "./frame.js";
import { Item } from "./item.js";

/** The bounds of one stream. */
export interface StreamLimits {
  stream_bytes: number;
  stream_items: number;
}

/** Counts the bytes that a producer has sent ahead of what was acknowledged, where its consumer bounds them. */
export interface SentAhead {
  /** @internal Whether nothing may be sent until more is acknowledged. */
  _isFull(): boolean;
  /** @internal An item was sent. */
  _send(seq: number, data: unknown): void;
  /** @internal The items up to this number were consumed. */
  _acknowledge(ack: number): void;
}

/** Counts the bytes that a consumer has let its producer send ahead, where it bounds them. */
export interface ReceivedAhead {
  /** @internal What is said under a new `cid`. */
  _offer(): number;
  /** @internal An item has arrived in a message of about this size. */
  _receive(data: unknown, size: number): void;
  /** @internal What has arrived was handed over; what was handed over before is consumed. */
  _take(): void;
  /** @internal Whether what was consumed must be acknowledged; if so, it counts as that. */
  _isDue(): boolean;
}

/** Items that a source without credit limits is asked for before others have their turn. */
export const BATCH = 64;

/** Items that wait, and what happens when they are too many. */
class Buffer {
  _items: Item[] = [];
  _bytes = 0;
  declare _lag: OnLag;
  declare readonly _limits: StreamLimits;

  constructor(lag: OnLag, limits: StreamLimits) {
    this._lag = lag;
    this._limits = limits;
  }

  /** Adds an item, dropping others as the policy says. What it returns is why the stream must end instead. */
  _add(item: Item, lag: OnLag, maxItems = this._limits.stream_items): RpcError | undefined {
    const { _items, _limits } = this;
    for (;;) {
      const excess =
        this._bytes + item._size > _limits.stream_bytes ? "bytes" : _items.length >= maxItems ? "items" : undefined;
      if (lag === "latest" ? !_items.length : !excess) break;
      if (excess && lag !== "latest" && lag !== "dropOldest") {
        return limitError("stream " + excess, _limits[`stream_${excess}`], "stream_" + excess, "SLOW_CONSUMER");
      }
      const oldest = _items.shift();
      if (!oldest) break;
      this._bytes -= oldest._size;
      // What a dropped item said of its source holds for the one behind it: without an epoch a consumer could not
      // resume, and without the reset it would go on from what is void.
      const next = _items[0] ?? item;
      if (lag === "dropOldest") next.skipped += oldest.skipped + 1;
      next.reset ||= oldest.reset;
      next.epoch ??= oldest.epoch;
    }
    this._bytes += item._size;
    _items.push(item);
    return undefined;
  }

  /** Hands over everything. */
  _take(): Item[] {
    const items = this._items;
    this._items = [];
    this._bytes = 0;
    return items;
  }
}

/** The sending end of a stream: a queue, credit, and what to do when both run out. */
export class Producer extends Buffer {
  _sent = 0;
  /** The highest number allowed; undefined where the consumer knows no credit. */
  declare _upto: number | undefined;
  declare _ahead: SentAhead | undefined;

  constructor(upto: number | undefined, lag: OnLag, limits: StreamLimits) {
    super(lag, limits);
    this._upto = upto;
  }

  /** How many items the source may be asked for now. */
  _room(): number {
    if (this._lag !== "block" || this._upto === undefined) return BATCH;
    return this._ahead?._isFull() ? 0 : this._upto - this._sent - this._items.length;
  }

  /** Whether the consumer allows another item now. */
  _hasCredit(): boolean {
    return !(this._upto! <= this._sent || this._ahead?._isFull());
  }

  /** Queues an item. What it returns is why the stream must end instead. */
  _push(item: Item): RpcError | undefined {
    return this._lag === "block" ? this._add(item, "close", Infinity) : this._add(item, this._lag);
  }

  /** The next item, where credit allows one; its number is how many were sent then. */
  _pop(): Item | undefined {
    const item = this._hasCredit() ? this._items.shift() : undefined;
    if (item) {
      this._bytes -= item._size;
      this._sent++;
      this._ahead?._send(this._sent, item.data);
    }
    return item;
  }

  /** Raises the credit; whether that was news. A grant that is late or repeated changes nothing. `spec: fc.4` */
  _grant({ upto, ack }: Grant): boolean {
    const wasFull = this._ahead?._isFull();
    const isMore = upto > this._upto!;
    if (isMore) this._upto = upto;
    if (ack != null) this._ahead?._acknowledge(ack);
    return isMore || (!!wasFull && !this._ahead?._isFull());
  }
}

function invalid(message: string): RpcError {
  return new RpcError("INVALID_FRAME", message);
}

/** The receiving end of a stream: what has arrived and was not yet taken, and the credit given for more. */
export class Consumer extends Buffer {
  /** Items received under the present `cid`. */
  _received = 0;
  /** Items consumed under the present `cid`; begins below zero where items of an earlier one are still buffered. */
  _consumed = 0;
  /** Items handed over and perhaps not yet consumed. */
  _lent = 0;
  declare _upto: number;
  declare _window: number;
  declare _obeys: boolean | undefined;
  declare _isNumbered: boolean | undefined;
  _mean = 0;
  declare _isResumed: boolean | undefined;
  declare _epoch: string | undefined;
  declare _pos: number | undefined;
  declare _ahead: ReceivedAhead | undefined;

  constructor(window: number, lag: OnLag, limits: StreamLimits) {
    super(lag, limits);
    this._window = this._upto = Math.max(1, window);
  }

  /** Whether the producer may send and has not: the time in which a gap counts as idle. `spec: time.8` */
  _isWaiting(): boolean {
    return !this._obeys || this._received < this._upto;
  }

  /** Takes in an item of about `size` bytes. What it returns fails the stream; false says that it came before. */
  _receive(nxt: Nxt, size: number): RpcError | boolean {
    const obeys = (this._obeys ??= nxt.fc === 1);
    const { seq } = nxt;
    const expected = this._received + 1;
    if (seq == null) {
      if (obeys) return invalid("an item under credit has no seq");
    } else if (obeys || this._isNumbered) {
      if (seq < expected) return false;
      if (seq > expected) return invalid(`items are missing: expected number ${expected}, got ${seq}`);
    }
    // A 0.2 producer may count from anywhere; what counts is that it goes on by one.
    this._received = seq ?? expected;
    this._isNumbered = seq != null;
    if (obeys && expected > this._upto) return invalid("the producer exceeded its credit");
    const item = new Item(nxt.data ?? null, nxt, size);
    if (this._isResumed && item.epoch !== this._epoch) {
      // It starts over without saying so. `spec: resume.7`
      item.reset = true;
      this._epoch = this._pos = undefined;
    }
    this._isResumed = false;
    this._epoch = item.epoch ?? this._epoch;
    this._pos = item.pos ?? this._pos;
    this._ahead?._receive(nxt.data, size);
    this._mean = this._mean ? (this._mean * 7 + item._size) / 8 : item._size;
    return (obeys ? this._add(item, "close", Infinity) : this._add(item, this._lag)) ?? true;
  }

  /** Hands over everything buffered; what was handed over before counts as consumed from now on. */
  override _take(): Item[] {
    this._consumed += this._lent;
    this._lent = this._items.length;
    this._ahead?._take();
    return super._take();
  }

  /** Whether a grant is due, which `_upto` then is. At half a window, so that a running stream never waits for it. */
  _dueGrant(windowBytes: number): boolean {
    if (windowBytes && this._mean) this._window = Math.min(4096, Math.max(1, Math.floor(windowBytes / this._mean)));
    const reach = this._consumed + this._window;
    const isDue = this._obeys && (reach >= this._upto + Math.ceil(this._window / 2) || (this._consumed > 0 && this._ahead?._isDue()));
    if (isDue) this._upto = Math.max(this._upto, reach);
    return !!isDue;
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
