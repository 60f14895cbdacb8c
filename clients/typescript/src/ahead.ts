/**
 * Bounds the bytes of a stream that are sent ahead of what its consumer has acknowledged: a producer of large items waits,
 * where it would otherwise be cut off at `limits.stream_bytes`. Plugged in with `new RpcEndpoint(transport, { use: [ahead]
 * })`. `spec: fc.17, fc.18`
 */

import type { ReceivedAhead, SentAhead } from "./flow.js";
import type { Session } from "./session.js";

/** The bytes that a consumer lets its producer send ahead, unless the stream's own bound is less. */
const AHEAD_BYTES = 8 << 20;

/** There is a mark for every such part of the bound, so that a consumer that acknowledges half of it is always heard. */
const MARKS = 8;

/** What stands around an item's data in its message, at most. */
const ENVELOPE = 128;

/** Heeds the bound that consumers set, and sets one. */
export function ahead(session: Session): void {
  const { stream_bytes } = session._config.limits;
  aheadOf(session, Math.min(AHEAD_BYTES, stream_bytes >> 2));
}

/** As {@link ahead}, with this many bytes; 0 sets no bound, and heeds others'. */
export function aheadOf(session: Session, bytes: number): void {
  session._ahead = {
    _producer: (bound) => new Sent(bound),
    _consumer: () => (bytes ? new Received(bytes) : undefined),
  };
}

class Sent implements SentAhead {
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

class Received implements ReceivedAhead {
  readonly #bound: number;
  #buffered = 0;
  #lent = 0;
  #unacknowledged = 0;

  constructor(bound: number) {
    this.#bound = bound;
  }

  _offer(): number {
    this.#unacknowledged = 0;
    return Math.max(1, this.#bound - this.#buffered - this.#lent);
  }

  _receive(data: unknown, size: number): void {
    // Its sender may have written it longer than this side would, and counts that. What is counted must never be less
    // than half of it, or both would wait for the other.
    this.#buffered += Math.max(jsonBytes(data), size - ENVELOPE);
  }

  _take(): void {
    this.#unacknowledged += this.#lent;
    this.#lent = this.#buffered;
    this.#buffered = 0;
  }

  _isDue(): boolean {
    if (this.#unacknowledged < this.#bound / 2) return false;
    this.#unacknowledged = 0;
    return true;
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
