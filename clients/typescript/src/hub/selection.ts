/**
 * A part of a state, as a value that changes: what React, RxJS and plain listeners watch.
 */

import { share } from "./json.js";

/** Where a selection's state comes from. */
export interface Source<S> {
  /** The state now; undefined before it is known. Immutable: another state is another object. */
  readonly state: S | undefined;
  /** Calls `listener` after each change; the answer ends that. */
  onChange(listener: () => void): () => void;
}

/**
 * A part of the state. Its value keeps its identity while it stays equal, whatever the selector builds anew; parts of it
 * that stay equal keep theirs.
 */
export class Selection<S, T> implements AsyncIterable<T> {
  readonly #source: Source<S>;
  readonly #selector: (state: S) => T;
  #state: S | undefined;
  #value: T | undefined;

  /** The part of `source` that `selector`, a pure function, picks; it keeps what it can of `previous`. */
  constructor(source: Source<S>, selector: (state: S) => T, previous?: T) {
    this.#source = source;
    this.#selector = selector;
    this.#value = previous;
  }

  /** The value now; undefined before the state is known. */
  get value(): T | undefined {
    const state = this.#source.state;
    if (state !== undefined && !Object.is(state, this.#state)) {
      this.#value = share(this.#value, this.#selector(state));
      this.#state = state;
    }
    return state === undefined ? undefined : this.#value;
  }

  /** Calls `listener` whenever the value is another one, with what it was; the answer ends that. */
  subscribe(listener: (value: T, previous: T | undefined) => void): () => void {
    let previous = this.value;
    return this.#source.onChange(() => {
      const value = this.value;
      if (Object.is(value, previous)) return;
      const was = previous;
      previous = value;
      listener(value as T, was);
    });
  }

  /** What makes RxJS's `from` take it as an observable: the value now, once it is known, then each newer one. */
  "@@observable"(): { subscribe(observer: { next?(value: T): void }): { unsubscribe(): void } } {
    return {
      subscribe: (observer) => {
        const value = this.value;
        const unsubscribe = this.subscribe((newer) => observer.next?.(newer));
        if (value !== undefined) observer.next?.(value);
        return { unsubscribe };
      },
    };
  }

  /** The value now, once it is known, then each newer one; a consumer that lags sees the newest alone. */
  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    return new Values(this);
  }
}

/** Iterates by hand: `return` takes effect while `next` waits. */
class Values<S, T> implements AsyncIterableIterator<T> {
  #fresh: { value: T } | undefined;
  #waiting: ((result: IteratorResult<T>) => void)[] = [];
  #off: (() => void) | undefined;

  constructor(selection: Selection<S, T>) {
    const value = selection.value;
    if (value !== undefined) this.#fresh = { value };
    this.#off = selection.subscribe((newer) => this.#arrived(newer));
  }

  next(): Promise<IteratorResult<T>> {
    if (!this.#off) return Promise.resolve({ done: true, value: undefined });
    const fresh = this.#fresh;
    this.#fresh = undefined;
    if (fresh) return Promise.resolve({ done: false, value: fresh.value });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  return(): Promise<IteratorResult<T>> {
    this.#off?.();
    this.#off = undefined;
    for (const resolve of this.#waiting.splice(0)) resolve({ done: true, value: undefined });
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #arrived(value: T): void {
    const resolve = this.#waiting.shift();
    if (resolve) resolve({ done: false, value });
    else this.#fresh = { value };
  }
}
