/** The frames of a call over time, in so many columns as there is room for. */

import type { Call, Seen } from "./frame-log.js";

/** One column of the strip. */
export interface Column {
  received: number;
  sent: number;
  /** Whether an error is among them. */
  failed: boolean;
}

/** The narrowest column, in milliseconds. */
const NARROWEST = 0.25;

/** Counts frames by their time. A frame costs the same however many there were: when time runs out of columns, they double. */
export class Strip {
  columns: readonly Column[];
  #first: number | undefined;
  #last = 0;
  #number = 0;
  #width = NARROWEST;

  constructor(size: number) {
    this.columns = Array.from({ length: size }, empty);
  }

  /** Milliseconds from the first frame to the last. */
  get span(): number {
    return this.#first === undefined ? 0 : this.#last - this.#first;
  }

  /** Columns that the time so far takes. */
  get used(): number {
    return Math.min(this.columns.length, Math.floor(this.span / this.#width) + 1);
  }

  /** The most frames in one column. */
  get most(): number {
    return this.columns.reduce((most, { received, sent }) => Math.max(most, received, sent), 1);
  }

  /** Counts the frames of `call` that came since. */
  follow(call: Call): void {
    let place = call.length;
    while (place > 0 && (call.at(place - 1)?.number ?? 0) > this.#number) place -= 1;
    for (; place < call.length; place += 1) this.#count(call.at(place) as Seen);
  }

  #count({ number, at, direction, frame }: Seen): void {
    this.#number = number;
    this.#first ??= at;
    this.#last = Math.max(this.#last, at);
    const since = Math.max(0, at - this.#first);
    while (since / this.#width >= this.columns.length) this.#double();
    const column = this.columns[Math.floor(since / this.#width)] as Column;
    column[direction] += 1;
    column.failed ||= typeof frame === "object" && frame["kind"] === "err";
  }

  #double(): void {
    this.#width *= 2;
    const narrow = this.columns;
    this.columns = narrow.map((_, at) => both(narrow[at * 2] ?? empty(), narrow[at * 2 + 1] ?? empty()));
  }
}

function empty(): Column {
  return { received: 0, sent: 0, failed: false };
}

function both(one: Column, other: Column): Column {
  return { received: one.received + other.received, sent: one.sent + other.sent, failed: one.failed || other.failed };
}
