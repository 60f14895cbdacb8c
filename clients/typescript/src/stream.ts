/** A stream in flight, as its consumer holds it. */

import type { RpcEndpoint } from "./endpoint.js";
import { RpcError } from "./errors.js";
import type { Item } from "./item.js";
import type { Call } from "./session/call.js";

/** Who is told of a stream's items. */
export interface Observer<T> {
  next?(value: T): void;
  error?(error: unknown): void;
  complete?(): void;
}

type Result<T> = IteratorResult<T, undefined>;

const DONE = { done: true, value: undefined } as const;

/** Not in every engine, nor in every set of types. */
const DISPOSE = ((Symbol as { asyncDispose?: symbol }).asyncDispose ?? "@@asyncDispose") as "@@asyncDispose";

/** It has everything that the types of an async generator have where they are compiled. */
export interface RpcStream<T> extends AsyncGenerator<T, undefined, unknown> {}

/**
 * A stream of items. `return()` (which leaving a `for await` calls) and the signal cancel it at once, also while the next
 * item is awaited. A stream that nobody iterates holds the items that fit its window; call `return()` on one that is not
 * wanted any more.
 */
export class RpcStream<T> {
  readonly #endpoint: RpcEndpoint;
  readonly #call: Call;
  #isReset = false;
  /** Those who wait, in order: each takes what comes next, where there is something. */
  readonly #waiting: (() => unknown)[] = [];

  /** @internal Made by {@link RpcEndpoint.stream}. */
  constructor(endpoint: RpcEndpoint, call: Call) {
    this.#endpoint = endpoint;
    this.#call = call;
    call._wake = () => this.#wake();
    endpoint._run();
  }

  /** The next value. Rejects, once, where the stream fails. */
  next(): Promise<Result<T>> {
    return this.#pull(false);
  }

  /** Cancels the stream: the peer is told at once, and everybody who awaits an item learns that there is none. */
  async return(): Promise<Result<T>> {
    this.#cancel();
    return DONE;
  }

  /** Cancels the stream as {@link RpcStream.return} does, and rejects with `error`, as a generator that does not catch it. */
  async throw(error?: unknown): Promise<Result<T>> {
    this.#cancel();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** What `await using` calls, where there is such a thing. */
  async [DISPOSE](): Promise<void> {
    this.#cancel();
  }

  /** The items with where they stand: `pos`, `epoch`, `reset`, `skipped`. Takes from the same stream. `spec: resume.8` */
  items(): AsyncIterableIterator<Item<T>, undefined> {
    return {
      next: () => this.#pull<Item<T>>(true),
      return: () => this.return() as Promise<Result<never>>,
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /**
   * Takes the stream as an observable, as RxJS's `from` does: unsubscribing cancels at once, where the loop of an async
   * iterable would wait for the next item.
   */
  subscribe(observer: Observer<T>): { unsubscribe(): void } {
    const ask = () => void this.next().then(take, (error: unknown) => observer.error?.(error));
    const take = ({ done, value }: Result<T>) => {
      if (done) return observer.complete?.();
      observer.next?.(value);
      ask();
    };
    ask();
    return { unsubscribe: () => this.#cancel() };
  }

  /** What makes RxJS use {@link RpcStream.subscribe}. */
  "@@observable"(): this {
    return this;
  }

  #cancel(): void {
    this.#endpoint._abort(this.#call);
    this.#call._outcome = {};
    this.#wake();
  }

  #wake(): void {
    while (this.#waiting[0]?.()) this.#waiting.shift();
  }

  #pull<V>(isFull: boolean): Promise<Result<V>> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => {
        const step = this.#step(isFull);
        if (step instanceof RpcError) reject(step);
        else if (step) resolve(step as Result<V>);
        return step;
      });
      this.#wake();
      // What was taken may have made room for more.
      this.#endpoint._run();
    });
  }

  /** What comes next, where that is known. */
  #step(isFull: boolean): Result<unknown> | RpcError | undefined {
    const call = this.#call;
    for (let item; (item = call._next()); ) {
      item.reset ||= this.#isReset;
      // A reset without a value stands before the item that follows it.
      this.#isReset = item.reset && item.data === null;
      if (!this.#isReset) return { done: false, value: isFull ? item : item.data };
    }
    const { _outcome } = call;
    if (!_outcome) return undefined;
    // An error is told once.
    call._outcome = {};
    return _outcome.error ?? DONE;
  }
}
