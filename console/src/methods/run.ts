/** One call that was made from the console, and what came of it. */

import type { MethodFacts } from "sixframe";

import { methods } from "../api.js";
import type { Link } from "../connection.js";
import { calmly, jsonLength } from "../frames/frame-log.js";
import type { Schedule } from "../frames/frame-log.js";
import { Ring, type Rows } from "../ring.js";
import { Store } from "../store.js";

/** One item of a stream. */
export interface RunItem {
  /** From 1. */
  number: number;
  /** Milliseconds since the call. */
  after: number;
  value: unknown;
  bytes: number;
}

/** An error, as a peer says it or as it came about here. */
export interface Failure {
  code: string;
  message: string;
  domain: string;
  details: unknown;
}

export interface RunView {
  state: "running" | "done" | "failed" | "cancelled";
  endedAt?: number;
  /** The answer of a call. */
  result?: { value: unknown };
  failure?: Failure;
  /** Those that are kept, oldest first. The view is another one whenever they are others. */
  items: Rows<RunItem>;
  /** How many came. */
  count: number;
}

/** A stream that says more of an item than its data. */
interface Itemised<T> extends AsyncIterableIterator<T> {
  items?(): AsyncIterableIterator<{ data: T }>;
}

const KEPT_BYTES = 8 << 20;
const OVERHEAD = 100;

export class Run {
  readonly number: number;
  readonly method: string;
  readonly payload: unknown;
  readonly mode: "call" | "stream";
  /** Milliseconds since 1970. */
  readonly at = Date.now();
  readonly view = new Store<RunView>({ state: "running", items: new Ring(), count: 0 });
  readonly #began = performance.now();
  readonly #abort = new AbortController();
  readonly #schedule: Schedule;
  #stream: AsyncIterableIterator<unknown> | undefined;
  readonly #items = new Ring<RunItem>();
  #bytes = 0;
  #count = 0;
  #scheduled = false;

  constructor(number: number, method: string, payload: unknown, mode: "call" | "stream", schedule: Schedule = calmly()) {
    this.number = number;
    this.method = method;
    this.payload = payload;
    this.mode = mode;
    this.#schedule = schedule;
  }

  /** Milliseconds that it took, or takes so far. */
  get duration(): number {
    return (this.view.get().endedAt ?? performance.now()) - this.#began;
  }

  async start(link: Link): Promise<void> {
    try {
      const result = this.mode === "call" ? await this.#call(link) : await this.#follow(link);
      this.#end({ state: "done", ...result });
    } catch (error) {
      const failure = failureOf(error);
      this.#end(failure.code === "CANCELLED" ? { state: "cancelled" } : { state: "failed", failure });
    }
  }

  /** Cancels it, here and at the peer. */
  cancel(): void {
    this.#end({ state: "cancelled" });
    this.#abort.abort();
    void this.#stream?.return?.();
  }

  /** Gives up the items, so that memory stays bounded over many runs. */
  forget(): void {
    this.#items.clear();
    this.#bytes = 0;
    this.view.update((view) => ({ ...view, items: this.#items }));
  }

  async #call(link: Link): Promise<Pick<RunView, "result">> {
    const value = await link.request<unknown>(this.method, this.payload, undefined, { signal: this.#abort.signal });
    return { result: { value } };
  }

  async #follow(link: Link): Promise<Pick<RunView, "result">> {
    const facts: MethodFacts = methods;
    const resume = facts[this.method]?.resumable;
    const options = resume === undefined ? {} : { resume };
    const stream: Itemised<unknown> = link.stream<unknown>(this.method, this.payload, undefined, options);
    this.#stream = stream;
    for await (const value of stream) this.#take(value);
    return {};
  }

  #take(value: unknown): void {
    if (this.view.get().state !== "running") return;
    this.#count += 1;
    const item = { number: this.#count, after: performance.now() - this.#began, value, bytes: jsonLength(value) };
    this.#items.push(item);
    this.#bytes += item.bytes + OVERHEAD;
    while (this.#bytes > KEPT_BYTES && this.#items.length > 1)
      this.#bytes -= (this.#items.shift() as RunItem).bytes + OVERHEAD;
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#schedule(() => {
      this.#scheduled = false;
      if (this.view.get().state === "running") this.view.update((view) => ({ ...view, ...this.#taken() }));
    });
  }

  #taken(): Pick<RunView, "items" | "count"> {
    return { items: this.#items, count: this.#count };
  }

  #end(outcome: Partial<RunView> & Pick<RunView, "state">): void {
    if (this.view.get().state !== "running") return;
    this.view.set({ ...this.view.get(), ...this.#taken(), endedAt: performance.now(), ...outcome });
  }
}

/** Limits that a message is over as long as it is the same, as an engine names those that it keeps here, there, and between. */
const OF_THE_MESSAGE: ReadonlySet<unknown> = new Set(["depth", "message bytes", "message bytes to the peer"]);

/**
 * Whether it is gone once the connection is back, or there is less to do: then it is worth to ask again unasked for the same.
 */
export function passes({ code, details }: Failure): boolean {
  if (code === "CONNECTION_CLOSED") return true;
  return code === "RESOURCE_EXHAUSTED" && !OF_THE_MESSAGE.has((details as { limit?: unknown } | null | undefined)?.limit);
}

/** What an error says. */
export function failureOf(error: unknown): Failure {
  const said = typeof error === "object" && error !== null ? (error as Partial<Record<keyof Failure, unknown>>) : {};
  return {
    code: typeof said.code === "string" ? said.code : "INTERNAL",
    message: typeof said.message === "string" ? said.message : String(error),
    domain: typeof said.domain === "string" ? said.domain : "page",
    details: said.details,
  };
}
