/**
 * Bounds the bytes of a stream that are sent ahead of what its consumer has acknowledged: a producer of large items waits,
 * where it would otherwise be cut off at `limits.stream_bytes`. Plugged in with `new RpcEndpoint(transport, { use: [ahead]
 * })`. `spec: fc.17, fc.18`
 */

import type { RpcError } from "./errors.js";
import type { Consumer, Producer } from "./flow.js";
import type { Grant, Nxt } from "./frame.js";
import type { Item } from "./item.js";
import type { Session } from "./session.js";

/** The bytes that a consumer lets its producer send ahead, unless the stream's own bound is less. */
const AHEAD_BYTES = 8 << 20;

/** There is a mark for every such part of the bound, so that a consumer that acknowledges half of it is always heard. */
const MARKS = 8;

/** What stands around an item's data in its message, at most. */
const ENVELOPE = 128;

/** Heeds the bound that consumers set, and sets one. */
export function ahead(session: Session): void {
  const { stream_bytes = 32 << 20 } = session._options.limits;
  (session._capabilities ??= []).push("ahead");
  aheadOf(session, Math.min(AHEAD_BYTES, stream_bytes >> 2));
}

/** As {@link ahead}, with this many bytes; 0 sets no bound, and heeds others'. */
export function aheadOf(session: Session, bytes: number): void {
  session._Producer = heeding(session._Producer);
  if (bytes) session._Consumer = bounding(session._Consumer, bytes);
}

/** A producer that heeds the bound which its consumer sets. */
function heeding(Base: typeof Producer): typeof Producer {
  return class extends Base {
    #sent: Sent | undefined;

    override _room(): number {
      return this._lag === "block" && this.#sent?._isFull() ? 0 : super._room();
    }

    override _hasCredit(): boolean {
      return super._hasCredit() && !this.#sent?._isFull();
    }

    override _pop(): Item | undefined {
      const item = super._pop();
      if (item) this.#sent?._send(this._sent, item.data);
      return item;
    }

    override _grant(fc: Grant): boolean {
      if (fc.bytes && !this._sent) this.#sent ??= new Sent(fc.bytes);
      const wasFull = this.#sent?._isFull();
      if (fc.ack != null) this.#sent?._acknowledge(fc.ack);
      return super._grant(fc) || (!!wasFull && !this.#sent?._isFull());
    }
  };
}

/** A consumer that sets one. */
function bounding(Base: typeof Consumer, bytes: number): typeof Consumer {
  return class extends Base {
    readonly #received = new Received(bytes);
    override _offer = (): number => this.#received._offer();
    override _isHeld = (): boolean => this.#received._isHalf();

    override _receive(nxt: Nxt, size: number): RpcError | boolean {
      const taken = super._receive(nxt, size);
      if (taken === true && this._obeys) this.#received._receive(nxt.data, size);
      return taken;
    }

    override _take(): Item | undefined {
      this.#received._take();
      return super._take();
    }

    override _dueGrant(windowBytes: number): boolean {
      if (super._dueGrant(windowBytes)) {
        this.#received._acknowledge();
        return true;
      }
      if (!this._obeys || this._consumed <= 0 || !this.#received._isDue()) return false;
      this._upto = Math.max(this._upto, this._consumed + this._window);
      return true;
    }
  };
}

/** Counts the bytes sent ahead of what was acknowledged. */
class Sent {
  readonly #bound: number;
  #sent = 0;
  #acknowledged = 0;
  /** Now and then the number of an item, and the bytes sent up to it. */
  readonly #marks: [seq: number, sent: number][] = [];

  constructor(bound: number) {
    this.#bound = bound;
  }

  _isFull(): boolean {
    return this.#sent - this.#acknowledged >= this.#bound;
  }

  _send(seq: number, data: unknown): void {
    this.#sent += jsonBytes(data);
    const marked = this.#marks.at(-1)?.[1] ?? this.#acknowledged;
    if ((this.#sent - marked) * MARKS >= this.#bound) this.#marks.push([seq, this.#sent]);
  }

  _acknowledge(ack: number): void {
    for (let first = this.#marks[0]; first && first[0] <= ack; first = this.#marks[0]) {
      this.#acknowledged = first[1];
      this.#marks.shift();
    }
  }
}

/** Counts the bytes that a producer may send ahead. */
class Received {
  readonly #bound: number;
  /** What was offered under the present `cid`. */
  #offered = 0;
  /** The bytes of each item that waits, and of all of them. */
  readonly #sizes: number[] = [];
  #buffered = 0;
  #lent = 0;
  #unacknowledged = 0;

  constructor(bound: number) {
    this.#bound = bound;
  }

  /** What is held from before a break takes from the offer, but not all of it. */
  _offer(): number {
    this.#unacknowledged = 0;
    this.#offered = Math.max(this.#bound - this.#buffered - this.#lent, Math.ceil(this.#bound / 4));
    return this.#offered;
  }

  _receive(data: unknown, size: number): void {
    // Its sender may have written it longer than this side would, and counts that. What is counted must never be less
    // than half of it, or both would wait for the other.
    const bytes = Math.max(jsonBytes(data), size - ENVELOPE);
    this.#sizes.push(bytes);
    this.#buffered += bytes;
  }

  _take(): void {
    this.#unacknowledged += this.#lent;
    this.#lent = this.#sizes.shift() ?? 0;
    this.#buffered -= this.#lent;
  }

  /** What was taken is about to be acknowledged. */
  _acknowledge(): void {
    this.#unacknowledged = 0;
  }

  _isDue(): boolean {
    // Half of the bound could be more than the producer may send.
    const isDue = this.#unacknowledged >= this.#offered / 2;
    if (isDue) this._acknowledge();
    return isDue;
  }

  /** Whether half of what was offered, or more, is under way, as it cannot be where the consumer waits for an item. */
  _isHalf(): boolean {
    return this.#buffered + this.#lent + this.#unacknowledged >= this.#offered / 2;
  }
}

/** The bytes of a value's JSON text in UTF-8; of what is no JSON, its bytes. */
function jsonBytes(data: unknown): number {
  if (ArrayBuffer.isView(data) || data instanceof ArrayBuffer) return data.byteLength;
  let text: string | undefined;
  try {
    text = JSON.stringify(data);
  } catch {
    // A circle, or a number that JSON has not: only a port carries it, and its size is anybody's guess.
  }
  return text === undefined ? 4 : new TextEncoder().encode(text).length;
}
