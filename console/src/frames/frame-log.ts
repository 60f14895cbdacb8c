/**
 * The frames that passed, as calls: a row for each `cid`. Bounded in bytes: the oldest frames give way, and with its last
 * frame a finished call. Told of once a frame of the screen, however many frames of the protocol arrive.
 */

import { Ring, type Rows } from "../ring.js";

/** Which way a frame went, as the recorded endpoint sees it. */
export type Direction = "received" | "sent";

/** How a call stands. */
export type CallState = "waiting" | "streaming" | "done" | "failed" | "cancelled";

/** Whose frames they are. */
export interface Origin {
  /** Distinguishes connections. */
  id: string;
  /** What to call it. */
  label: string;
}

/** One frame that passed. */
export interface Seen {
  readonly number: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly direction: Direction;
  /** The frame; text where it was no JSON. */
  readonly frame: Readonly<Record<string, unknown>> | string;
  readonly bytes: number;
  readonly call: Call;
}

/** One call, its frames and what they add up to. */
export class Call implements Rows<Seen> {
  readonly number: number;
  readonly cid: string;
  readonly origin: Origin;
  method = "";
  /** Which way the request went; undefined where it was not seen. */
  direction: Direction | undefined;
  state: CallState = "waiting";
  code: string | undefined;
  begunAt: number;
  answeredAt: number | undefined;
  endedAt: number | undefined;
  bytes = 0;
  items = 0;
  /** Frames that gave way. */
  forgotten = 0;
  /** Rises with every change. */
  revision = 0;
  readonly #frames = new Ring<Seen>();

  constructor(number: number, cid: string, origin: Origin, at: number) {
    this.number = number;
    this.cid = cid;
    this.origin = origin;
    this.begunAt = at;
  }

  /** How many of its frames are still there. */
  get length(): number {
    return this.#frames.length;
  }

  /** One of its frames, by its place among those that are still there. */
  at(place: number): Seen | undefined {
    return this.#frames.at(place);
  }

  /** Its frames that are still there. */
  frames(): Seen[] {
    return this.#frames.toArray();
  }

  get isFinished(): boolean {
    return this.state !== "waiting" && this.state !== "streaming";
  }

  /** Milliseconds from the request to the first answer. */
  get latency(): number | undefined {
    return this.answeredAt === undefined || this.direction === undefined ? undefined : this.answeredAt - this.begunAt;
  }

  take(seen: Seen): void {
    this.#frames.push(seen);
    this.bytes += seen.bytes;
    this.revision += 1;
    if (typeof seen.frame !== "string") this.#follow(seen.frame, seen);
  }

  forgetFirst(): void {
    this.#frames.shift();
    this.forgotten += 1;
    this.revision += 1;
  }

  #follow(frame: Readonly<Record<string, unknown>>, { at, direction }: Seen): void {
    if (frame["kind"] === "req") {
      this.method = String(frame["method"] ?? "");
      this.direction = direction;
      this.begunAt = at;
      return;
    }
    if (frame["kind"] !== "can" && direction !== this.direction) this.answeredAt ??= at;
    switch (frame["kind"]) {
      case "nxt":
        if (this.method === "" && typeof frame["method"] === "string") this.method = frame["method"];
        if ("data" in frame || typeof frame["fc"] !== "object") this.items += 1;
        if (!this.isFinished) this.state = "streaming";
        return;
      case "res":
        return this.#finish("done", at);
      case "end":
        return frame["dir"] === "up" ? undefined : this.#finish("done", at);
      case "can":
        return this.#finish("cancelled", at);
      case "err":
        this.code ??= String(frame["code"] ?? "INTERNAL");
        return this.#finish(this.code === "CANCELLED" ? "cancelled" : "failed", at);
    }
  }

  #finish(state: CallState, at: number): void {
    if (this.isFinished) return;
    this.state = state;
    this.endedAt = at;
  }
}

/** What keeping a frame costs besides its text. */
const OVERHEAD = 160;
const MOST_CALLS = 10_000;
/** How many more there may be before the oldest are left out together. */
const SURPLUS = 1_000;

/** Runs something at the next frame of the screen. */
export type Schedule = (run: () => void) => void;

/** Nobody reads a list that changes more often; what comes after a pause is shown with the next frame of the screen. */
const APART_MS = 80;

/** A schedule that waits for a frame of the screen, and leaves some time between two. */
export function calmly(): Schedule {
  let last = -Infinity;
  return (run) => {
    const wait = (now: number): void => {
      if (now - last < APART_MS) return void requestAnimationFrame(wait);
      last = now;
      run();
    };
    requestAnimationFrame(wait);
  };
}

/** Everything that passed and has not given way. */
export class FrameLog {
  readonly #bound: number;
  readonly #schedule: Schedule;
  readonly #listeners = new Set<() => void>();
  readonly #byKey = new Map<string, Call>();
  #calls: Call[] = [];
  /** Whether calls that are gone stand among them. */
  #stale = false;
  readonly #seen = new Ring<Seen>();
  #kept = 0;
  #number = 0;
  #callNumber = 0;
  #told = 0;
  #scheduled = false;
  /** Whether frames are let pass without keeping them. */
  #paused = false;
  /** Frames that passed in the meantime, or that their source left out. */
  #missed = 0;

  /** Keeps about `bound` bytes. */
  constructor(bound = 32 << 20, schedule: Schedule = calmly()) {
    this.#bound = bound;
    this.#schedule = schedule;
  }

  /** Rises whenever listeners are told. */
  readonly version = (): number => this.#told;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** The calls, oldest first. */
  get calls(): readonly Call[] {
    if (this.#stale) this.#calls = this.#calls.filter((call) => !isGone(call));
    this.#stale = false;
    return this.#calls;
  }

  get length(): number {
    return this.#seen.length;
  }

  /** Bytes that are kept. */
  get bytes(): number {
    return this.#kept;
  }

  get missed(): number {
    return this.#missed;
  }

  get isPaused(): boolean {
    return this.#paused;
  }

  /** Keeps a frame. `bytes` is the length of its text, where that is known. */
  push(origin: Origin, direction: Direction, frame: unknown, at: number, bytes = jsonLength(frame)): void {
    if (this.#paused) return this.miss(1);
    const content = isFrame(frame) ? frame : typeof frame === "string" ? frame : JSON.stringify(frame);
    const call = this.#callOf(origin, typeof content === "string" ? {} : content, at);
    this.#number += 1;
    const seen: Seen = { number: this.#number, at, direction, frame: content, bytes, call };
    call.take(seen);
    this.#seen.push(seen);
    this.#kept += bytes + OVERHEAD;
    this.#forget();
    this.#tell();
  }

  /** Counts frames that could not be kept. */
  miss(count: number): void {
    this.#missed += count;
    this.#tell();
  }

  pause(paused: boolean): void {
    this.#paused = paused;
    this.#tell();
  }

  clear(): void {
    this.#calls = [];
    this.#stale = false;
    this.#seen.clear();
    this.#byKey.clear();
    this.#kept = 0;
    this.#missed = 0;
    this.#tell();
  }

  #callOf(origin: Origin, frame: Readonly<Record<string, unknown>>, at: number): Call {
    const cid = typeof frame["cid"] === "string" ? frame["cid"] : "";
    const key = keyOf(origin, cid);
    const known = this.#byKey.get(key);
    if (known && !(frame["kind"] === "req" && known.isFinished)) return known;
    this.#callNumber += 1;
    const call = new Call(this.#callNumber, cid, origin, at);
    this.#byKey.set(key, call);
    this.#calls.push(call);
    if (this.#calls.length > MOST_CALLS + SURPLUS) this.#thin();
    return call;
  }

  #forget(): void {
    while (this.#kept > this.#bound && this.length > 1) {
      const oldest = this.#seen.shift() as Seen;
      this.#kept -= oldest.bytes + OVERHEAD;
      oldest.call.forgetFirst();
      if (isGone(oldest.call)) {
        this.#unlink(oldest.call);
        this.#stale = true;
      }
    }
  }

  /** Leaves out the oldest calls that are finished; where there are too few of them, the oldest. */
  #thin(): void {
    let surplus = this.#calls.length - MOST_CALLS;
    const kept = this.#calls.filter((call) => !(call.isFinished && surplus-- > 0));
    const gone = new Set(this.#calls);
    this.#calls = kept.slice(-MOST_CALLS);
    for (const call of this.#calls) gone.delete(call);
    for (const call of gone) this.#unlink(call);
  }

  #unlink(call: Call): void {
    const key = keyOf(call.origin, call.cid);
    if (this.#byKey.get(key) === call) this.#byKey.delete(key);
  }

  #tell(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#schedule(() => {
      this.#scheduled = false;
      this.#told += 1;
      for (const listener of [...this.#listeners]) listener();
    });
  }
}

function keyOf(origin: Origin, cid: string): string {
  return `${origin.id} ${cid}`;
}

function isGone(call: Call): boolean {
  return call.isFinished && call.length === 0;
}

function isFrame(frame: unknown): frame is Readonly<Record<string, unknown>> {
  return typeof frame === "object" && frame !== null && !Array.isArray(frame);
}

/** The length of `value` as JSON, near enough: escapes count once. */
export function jsonLength(value: unknown): number {
  switch (typeof value) {
    case "string":
      return value.length + 2;
    case "number":
      return String(value).length;
    case "boolean":
      return value ? 4 : 5;
    case "object":
      return value === null ? 4 : containerLength(value);
    default:
      return 0;
  }
}

function containerLength(value: object): number {
  let length = 2;
  if (Array.isArray(value)) for (const element of value) length += jsonLength(element) + 1;
  else for (const key in value) length += key.length + 4 + jsonLength((value as Record<string, unknown>)[key]);
  return length;
}
