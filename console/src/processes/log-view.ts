/**
 * The part of a log that is shown, and what is found in it. Both grow with the log: only rows that are new are looked at,
 * and rows that gave way leave from the front.
 */

import { count } from "../shell/units.js";
import { placeOf, Ring, type Rows } from "../ring.js";
import type { LogRow, LogTail, StreamName } from "./log-tail.js";
import { ending } from "./sidecar.js";

/** What is shown and found. */
export interface LogFilter {
  stream: StreamName | "both";
  /** Found in lines, whatever its case; nothing where empty. */
  text: string;
  /** Whether lines in which it is not found are left out. */
  only: boolean;
}

/** The part of a log that a view reads. */
export type LogSource = Pick<LogTail, "rows" | "first">;

export class LogView {
  readonly #rows = new Ring<LogRow>();
  readonly #found = new Ring<LogRow>();
  #filter: LogFilter = { stream: "both", text: "", only: false };
  #pattern: RegExp | undefined;
  #next = 0;
  #removed = 0;

  /** Brings the view up to date. */
  look(log: LogSource, filter: LogFilter): void {
    const { stream, text, only } = this.#filter;
    if (filter.stream !== stream || filter.text !== text || filter.only !== only) this.#begin(filter);
    const { first, rows } = log;
    this.#removed += forget(this.#rows, first);
    forget(this.#found, first);
    for (let number = Math.max(first, this.#next); number < first + rows.length; number += 1) {
      const row = rows.at(number - first);
      if (row) this.#take(row);
    }
    this.#next = first + rows.length;
  }

  /** Those that are shown. */
  get rows(): Rows<LogRow> {
    return this.#rows;
  }

  /** How many of those that were shown have left from the front. */
  get removed(): number {
    return this.#removed;
  }

  /** The lines in which the text was found. */
  get found(): Rows<LogRow> {
    return this.#found;
  }

  /** The place among `found` of the row with that number, or -1. */
  placeAmongFound(number: number | undefined): number {
    return placeOf(this.#found, number);
  }

  /** The one that is found behind or before a row, around the end; behind none is the first, before none the last. */
  neighbour(number: number | undefined, direction: "next" | "previous"): LogRow | undefined {
    const { length } = this.#found;
    if (length === 0) return undefined;
    const behind = number === undefined ? 0 : firstAtOrBehind(this.#found, direction === "next" ? number + 1 : number);
    const place = direction === "next" ? behind : number === undefined ? length - 1 : behind - 1;
    return this.#found.at((place + length) % length);
  }

  #begin(filter: LogFilter): void {
    this.#filter = filter;
    this.#pattern = patternOf(filter.text);
    this.#rows.clear();
    this.#found.clear();
    this.#removed = 0;
    this.#next = 0;
  }

  #take(row: LogRow): void {
    const { stream, only } = this.#filter;
    if ("stream" in row && stream !== "both" && row.stream !== stream) return;
    const isFound = this.#pattern !== undefined && row.kind === "line" && this.#pattern.test(row.plain);
    if (isFound) this.#found.push(row);
    if (isFound || !only || this.#pattern === undefined) this.#rows.push(row);
  }
}

/** Finds `text` as it stands, whatever its case. */
export function patternOf(text: string): RegExp | undefined {
  return text === "" ? undefined : new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "i");
}

/** A row in words, as it is shown, copied and saved. */
export function worded(row: LogRow): string {
  switch (row.kind) {
    case "line":
      return row.rest ? `…${row.plain}` : row.plain;
    case "gap":
      return `${count(row.to - row.from)} bytes not kept`;
    case "runs": {
      const runs = row.last === row.generation ? `Run ${count(row.last)}` : `Runs ${count(row.generation)} to ${count(row.last)}`;
      return `${runs}, with ${count(row.bytes)} bytes, not kept`;
    }
    case "started":
      return `Run ${count(row.generation)} began${row.pid === undefined ? "" : `, process ${row.pid}`}`;
    case "exited":
      return `Run ${count(row.generation)} ${ending(row.exit)}`;
    case "break":
      return row.same
        ? "The connection was lost here, and came back"
        : "The connection was lost here; what follows was read anew";
  }
}

/** All rows as text: what is no line stands in brackets. */
export function asText(rows: Rows<LogRow>): string {
  const lines: string[] = [];
  for (let place = 0; place < rows.length; place += 1) {
    const row = rows.at(place) as LogRow;
    lines.push(row.kind === "line" ? worded(row) : `[${worded(row)}]`);
  }
  return lines.join("\n") + (lines.length > 0 ? "\n" : "");
}

function forget(rows: Ring<LogRow>, first: number): number {
  let gone = 0;
  for (let oldest = rows.at(0); oldest !== undefined && oldest.number < first; oldest = rows.at(0)) {
    rows.shift();
    gone += 1;
  }
  return gone;
}

function firstAtOrBehind(rows: Rows<LogRow>, number: number): number {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rows.at(middle) as LogRow).number < number) low = middle + 1;
    else high = middle;
  }
  return low;
}
