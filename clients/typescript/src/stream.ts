/** A stream in flight, as its consumer holds it. */

import type { RpcEndpoint } from "./endpoint.js";
import { RpcError } from "./errors.js";
import type { Item } from "./item.js";
import { type Call, dropItems, takeItems } from "./session/calls.js";

/**
 * A stream of items. `return()` (which leaving a `for await` calls) and the signal cancel it at once, also while the next
 * item is awaited. A stream that nobody iterates holds the items that fit its window; call `return()` on one that is not
 * wanted any more.
 */
export class RpcStream<T> implements AsyncIterableIterator<T> {
  readonly #endpoint: RpcEndpoint;
  #call: Call | undefined;
  /** Why there will be no more, where that is an error which nobody was told yet. */
  #error: RpcError | undefined;
  #taken: Item[] = [];
  #at = 0;
  #reset = false;
  readonly #waiting: Array<Pending<T>> = [];

  /** @internal Made by {@link RpcEndpoint.stream}. */
  constructor(endpoint: RpcEndpoint, start: Call | RpcError) {
    this.#endpoint = endpoint;
    if (start instanceof RpcError) this.#error = start;
    else (this.#call = start).waiter = this;
  }

  /** The next value. Rejects, once, where the stream fails. */
  next(): Promise<IteratorResult<T, undefined>> {
    return this.#pull(false) as Promise<IteratorResult<T, undefined>>;
  }

  /** Cancels the stream: the peer is told at once, and everybody who awaits an item learns that there is none. */
  return(): Promise<IteratorResult<T, undefined>> {
    this._cancel();
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The items with where they stand: `pos`, `epoch`, `reset`, `skipped`. Takes from the same stream. `spec: resume.8` */
  items(): AsyncIterableIterator<Item<T>> {
    return {
      next: () => this.#pull(true) as Promise<IteratorResult<Item<T>, undefined>>,
      return: () => this.return() as Promise<IteratorResult<never, undefined>>,
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
    const take = ({ done, value }: IteratorResult<T, undefined>) => {
      if (done) return observer.complete?.();
      observer.next?.(value);
      ask();
    };
    ask();
    return { unsubscribe: () => this._cancel() };
  }

  /** What makes RxJS use {@link RpcStream.subscribe}. */
  "@@observable"(): this {
    return this;
  }

  /** @internal Ends the stream on this side, with what its consumer is told, and tells the peer. */
  _cancel(error?: RpcError): void {
    const call = this.#call;
    if (!call) return;
    this.#end(error);
    this.#taken = [];
    dropItems(this.#endpoint._session, call);
    this.#endpoint._abort(call, error ?? new RpcError("CANCELLED", "the stream was cancelled"));
    this.wake();
  }

  /** @internal Called when the stream is over on this side. */
  _release: (() => void) | undefined;

  /** @internal */
  wake(): void {
    while (this.#waiting.length) {
      const result = this.#step(this.#waiting[0]!.full);
      if (!result) return;
      const { resolve, reject } = this.#waiting.shift()!;
      if (result instanceof RpcError) reject(result);
      else resolve(result);
    }
  }

  #pull(full: boolean): Promise<IteratorResult<T | Item<T>, undefined>> {
    const result = this.#waiting.length ? undefined : this.#step(full);
    if (!result) return new Promise((resolve, reject) => this.#waiting.push({ full, resolve, reject }));
    return result instanceof RpcError ? Promise.reject(result) : Promise.resolve(result);
  }

  /** What comes next, where that is known. */
  #step(full: boolean): IteratorResult<T | Item<T>, undefined> | RpcError | undefined {
    for (;;) {
      const item = this.#taken[this.#at] as Item<T> | undefined;
      if (item) {
        this.#at++;
        // A reset without a value stands before the item that follows it.
        if (item.reset && item.data === null) {
          this.#reset = true;
          continue;
        }
        item.reset ||= this.#reset;
        this.#reset = false;
        return { done: false, value: full ? item : item.data };
      }
      const call = this.#call;
      if (!call) {
        const error = this.#error;
        this.#error = undefined;
        return error ?? DONE;
      }
      this.#taken = takeItems(this.#endpoint._session, this.#endpoint._now(), call);
      this.#at = 0;
      if (this.#taken.length) {
        this.#endpoint._run();
        continue;
      }
      if (!call.outcome) {
        this.#endpoint._run();
        return undefined;
      }
      this.#end(call.outcome.error);
    }
  }

  #end(error: RpcError | undefined): void {
    this.#error = error;
    if (this.#call) this.#call.waiter = undefined;
    this.#call = undefined;
    this._release?.();
  }
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** Who is told of a stream's items. */
export interface Observer<T> {
  next?(value: T): void;
  error?(error: unknown): void;
  complete?(): void;
}

interface Pending<T> {
  full: boolean;
  resolve(result: IteratorResult<T | Item<T>, undefined>): void;
  reject(error: RpcError): void;
}
