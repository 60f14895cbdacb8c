/** A stream in flight, as its consumer holds it. */

import type { RpcEndpoint } from "./endpoint.js";
import { cancelled, RpcError } from "./errors.js";
import type { Item } from "./item.js";
import type { Exchange } from "./session/exchange.js";
import { takeItems } from "./session/streams.js";

/** Who is told of a stream's items. */
export interface Observer<T> {
  next?(value: T): void;
  error?(error: unknown): void;
  complete?(): void;
}

type Result<T> = IteratorResult<T, undefined>;

interface Pending<T> {
  isFull: boolean;
  resolve(result: Result<T>): void;
  reject(error: RpcError): void;
}

/**
 * A stream of items. `return()` (which leaving a `for await` calls) and the signal cancel it at once, also while the next
 * item is awaited. A stream that nobody iterates holds the items that fit its window; call `return()` on one that is not
 * wanted any more.
 */
export class RpcStream<T> implements AsyncGenerator<T, undefined, unknown> {
  readonly #endpoint: RpcEndpoint;
  #call: Exchange | undefined;
  /** Why there will be no more, where that is an error which nobody was told yet. */
  #error: RpcError | undefined;
  #taken: Item[] = [];
  #at = 0;
  #isReset = false;
  readonly #pending: Pending<unknown>[] = [];

  /** @internal Made by {@link RpcEndpoint.stream}. */
  constructor(endpoint: RpcEndpoint, call: Exchange | RpcError) {
    this.#endpoint = endpoint;
    if (call instanceof RpcError) this.#error = call;
    else {
      this.#call = call;
      call.wake = () => this.#wake();
      call._cancel = (error) => this._cancel(error);
    }
  }

  /** The next value. Rejects, once, where the stream fails. */
  next(): Promise<Result<T>> {
    return this.#pull(false);
  }

  /** Cancels the stream: the peer is told at once, and everybody who awaits an item learns that there is none. */
  return(): Promise<Result<T>> {
    this._cancel();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Cancels the stream as {@link RpcStream.return} does, and rejects with `error`, as a generator that does not catch it. */
  throw(error?: unknown): Promise<Result<T>> {
    this._cancel();
    return Promise.reject(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
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
    const endpoint = this.#endpoint;
    endpoint._abort(call, error ?? cancelled());
    takeItems(endpoint._session, 0, call);
    this.#wake();
  }

  #wake(): void {
    const pending = this.#pending;
    for (let first = pending[0]; first; first = pending[0]) {
      const step = this.#step(first.isFull);
      if (!step) return;
      pending.shift();
      if (step instanceof RpcError) first.reject(step);
      else first.resolve(step);
    }
  }

  #pull<V>(isFull: boolean): Promise<Result<V>> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ isFull, resolve: resolve as Pending<unknown>["resolve"], reject });
      if (this.#pending.length < 2) this.#wake();
    });
  }

  /** What comes next, where that is known. */
  #step(isFull: boolean): Result<unknown> | RpcError | undefined {
    for (;;) {
      const item = this.#taken[this.#at++];
      const call = this.#call;
      if (item) {
        item.reset ||= this.#isReset;
        // A reset without a value stands before the item that follows it.
        this.#isReset = item.reset && item.data === null;
        if (!this.#isReset) return { done: false, value: isFull ? item : item.data };
      } else if (!call) {
        const error = this.#error;
        this.#error = undefined;
        return error ?? { done: true, value: undefined };
      } else {
        const endpoint = this.#endpoint;
        this.#taken = takeItems(endpoint._session, endpoint._now(), call);
        this.#at = 0;
        endpoint._run();
        if (this.#taken.length) continue;
        if (!call.outcome) return undefined;
        this.#end(call.outcome.error);
      }
    }
  }

  #end(error: RpcError | undefined): void {
    this.#error = error;
    this.#call!.wake = this.#call = undefined;
  }
}
