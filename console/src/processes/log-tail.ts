/**
 * What a sidecar writes, followed over its runs and over breaks of the connection. Bounded in rows and in bytes: the oldest
 * rows give way. Told of once a frame of the screen, however many lines arrive.
 */

import type { Link } from "../connection.js";
import { calmly, type Schedule } from "../frames/frame-log.js";
import { failureOf, passes, type Failure } from "../methods/run.js";
import { Ring, type Rows } from "../ring.js";
import { Store } from "../store.js";
import { plain } from "./ansi.js";
import type { Exit } from "./sidecar.js";

export type StreamName = "stdout" | "stderr";

/** One line that it wrote. */
export interface LogLine {
  readonly kind: "line";
  readonly stream: StreamName;
  readonly generation: number;
  /** Of its first byte in its stream. */
  readonly offset: number;
  /** As it was written. */
  readonly text: string;
  /** Without what is for terminals. */
  readonly plain: string;
  /** Whether it goes on in the next one. */
  readonly partial: boolean;
  /** Whether it is the rest of a line, of which the beginning is missing. */
  readonly rest: boolean;
}

/** Something that was written, said or missed. */
export type LogEntry =
  | LogLine
  | { readonly kind: "gap"; readonly stream: StreamName; readonly generation: number; readonly from: number; readonly to: number }
  /** Whole runs that are not kept any more, the first and the last of them, and what they wrote on one stream. */
  | { readonly kind: "runs"; readonly stream: StreamName; readonly generation: number; readonly last: number; readonly bytes: number }
  | { readonly kind: "started"; readonly generation: number; readonly pid: number | undefined }
  | { readonly kind: "exited"; readonly generation: number; readonly exit: Exit }
  /** The connection was lost here; where the daemon is another one, what follows is that one's. */
  | { readonly kind: "break"; readonly same: boolean };

/** An entry, with its number among all of them. */
export type LogRow = LogEntry & { readonly number: number };

export interface Bounds {
  rows: number;
  bytes: number;
}

const USUAL: Bounds = { rows: 100_000, bytes: 32 << 20 };
/** What a row takes beside its text. */
const OVERHEAD = 160;
const AGAIN_MS = 1_000;

/** The runs that are told apart: the state of the sidecar when its log was asked for. */
interface Told {
  generation?: unknown;
  startedAt?: unknown;
  changedAt?: unknown;
}

export class LogTail {
  readonly name: string;
  /** Why there is nothing more; undefined while it is followed. */
  readonly failure = new Store<Failure | undefined>(undefined);
  readonly #link: Link;
  readonly #bounds: Bounds;
  readonly #schedule: Schedule;
  readonly #rows = new Ring<LogRow>();
  readonly #listeners = new Set<() => void>();
  /** How far each stream of the present run was read, so that what is read again is left out. */
  readonly #read = new Map<string, number>();
  #run: string | undefined;
  #bytes = 0;
  #number = 0;
  #told = 0;
  #scheduled = false;
  #isOpen = false;
  /** Counts askings, so that what an earlier one still brings is left out. */
  #turn = 0;
  /** Whether anything came since the log was asked for last. */
  #cameAny = false;
  #stream: AsyncIterableIterator<unknown> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(link: Link, name: string, bounds: Bounds = USUAL, schedule: Schedule = calmly()) {
    this.#link = link;
    this.name = name;
    this.#bounds = bounds;
    this.#schedule = schedule;
  }

  /** Rises whenever listeners are told. */
  readonly version = (): number => this.#told;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Those that are kept, oldest first. */
  get rows(): Rows<LogRow> {
    return this.#rows;
  }

  /** The number of the first row that is kept: as many gave way. */
  get first(): number {
    return this.#number - this.#rows.length;
  }

  /** Begins to follow. */
  open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    void this.#follow();
  }

  /** Asks again, after a failure that does not pass by itself. */
  retry(): void {
    this.close();
    this.open();
  }

  /** Stops following; what was read stays. */
  close(): void {
    this.#isOpen = false;
    clearTimeout(this.#timer);
    void this.#stream?.return?.();
    this.#stream = undefined;
  }

  async #follow(): Promise<void> {
    this.#turn += 1;
    const turn = this.#turn;
    const isWanted = (): boolean => this.#isOpen && this.#turn === turn;
    try {
      const told = await this.#link.request<Told>("sidecar.status", { name: this.name });
      if (!isWanted()) return;
      this.#begin(`${told.generation} ${told.startedAt} ${told.changedAt}`);
      const payload = { name: this.name, stream: "both", from: "start", follow: true };
      this.#stream = this.#link.stream<unknown>("sidecar.logs", payload, undefined, { resume: false });
      this.failure.set(undefined);
      for await (const item of this.#stream) if (isWanted()) this.#take(item as Record<string, unknown>);
    } catch (error) {
      const failure = failureOf(error);
      if (!isWanted()) return;
      this.failure.set(failure);
      if (!passes(failure)) return;
    }
    if (isWanted()) this.#timer = setTimeout(() => void this.#follow(), AGAIN_MS);
  }

  /** A run that stands as it did is the same daemon's: what was read of it is left out. */
  #begin(run: string): void {
    const same = run === this.#run;
    if (this.#cameAny) this.#push({ kind: "break", same }, 0);
    this.#cameAny = false;
    if (!same) this.#read.clear();
    this.#run = run;
  }

  #take(item: Record<string, unknown>): void {
    const generation = Number(item["generation"] ?? 0);
    this.#cameAny = true;
    switch (item["kind"]) {
      case "line":
        return this.#line(item, generation);
      case "gap":
        return this.#gap(item, generation);
      case "started":
        return this.#once(`started ${generation}`, {
          kind: "started",
          generation,
          pid: typeof item["pid"] === "number" ? item["pid"] : undefined,
        });
      case "exited":
        return this.#once(`exited ${generation}`, { kind: "exited", generation, exit: exitOf(item["exit"]) });
    }
  }

  #line(item: Record<string, unknown>, generation: number): void {
    const text = String(item["text"] ?? "");
    const stream = streamOf(item);
    const offset = Number(item["offset"] ?? 0);
    const partial = item["partial"] === true;
    // The rest of one whose end was not written yet may come as the whole when it is read again.
    if (!this.#reads(stream, generation, offset, partial ? offset - 1 : offset)) return;
    const rest = item["rest"] === true;
    const row = { kind: "line", stream, generation, offset, text, plain: plain(text), partial, rest } as const;
    this.#push(row, text.length * 2);
  }

  #gap(item: Record<string, unknown>, generation: number): void {
    const stream = streamOf(item);
    const [from, to] = [Number(item["from"] ?? 0), Number(item["to"] ?? 0)];
    if (from === to) return;
    const last = item["lastGeneration"];
    if (typeof last === "number") {
      return this.#once(`runs ${stream} ${last}`, { kind: "runs", stream, generation, last, bytes: to - from });
    }
    const read = this.#read.get(`${stream} ${generation}`) ?? -1;
    if (this.#reads(stream, generation, to - 1, to - 1))
      this.#push({ kind: "gap", stream, generation, from: Math.max(from, read), to }, 0);
  }

  /** Whether what begins at `offset` was not read before; if so, what begins up to `last` was now. */
  #reads(stream: StreamName, generation: number, offset: number, last: number): boolean {
    const key = `${stream} ${generation}`;
    if (offset <= (this.#read.get(key) ?? -1)) return false;
    this.#read.set(key, last);
    return true;
  }

  #once(key: string, entry: LogEntry): void {
    if (this.#read.has(key)) return;
    this.#read.set(key, 0);
    this.#push(entry, 0);
  }

  #push(entry: LogEntry, bytes: number): void {
    this.#rows.push({ ...entry, number: this.#number });
    this.#number += 1;
    this.#bytes += bytes + OVERHEAD;
    while (this.#rows.length > this.#bounds.rows || (this.#bytes > this.#bounds.bytes && this.#rows.length > 1)) {
      const gone = this.#rows.shift() as LogRow;
      this.#bytes -= (gone.kind === "line" ? gone.text.length * 2 : 0) + OVERHEAD;
    }
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#schedule(() => {
      this.#scheduled = false;
      this.#told += 1;
      for (const listener of this.#listeners) listener();
    });
  }
}

function streamOf(item: Record<string, unknown>): StreamName {
  return item["stream"] === "stderr" ? "stderr" : "stdout";
}

function exitOf(told: unknown): Exit {
  const { code, signal } = (told ?? {}) as Record<string, unknown>;
  return {
    code: typeof code === "number" ? code : undefined,
    signal: typeof signal === "number" || typeof signal === "string" ? signal : undefined,
  };
}
