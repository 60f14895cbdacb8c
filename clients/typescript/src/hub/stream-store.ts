/**
 * A stream as a value that changes: its items folded into one, for whatever renders. It runs while somebody listens.
 */

import type { HubPeer } from "../hub.js";
import { Listeners } from "./listeners.js";

/** Whether items may still come. */
export type StreamState = "open" | "ended" | "failed";

/** What is known of a stream. */
export interface StreamView<A> {
  /** The items so far, folded. */
  value: A;
  state: StreamState;
  /** Why it failed. */
  error?: unknown;
  /** How many items came. */
  count: number;
}

/** How items become one value. */
export interface StreamFold<T, A> {
  initial: A;
  /** Answers the value with `item`; does not change `value`. */
  reduce: (value: A, item: T) => A;
}

/**
 * Runs a stream while it has listeners. They hear of the first item and of the end at once, and of the items between them
 * once a frame of the screen.
 */
export class StreamStore<T, A> {
  readonly #peer: HubPeer;
  readonly #method: string;
  readonly #payload: unknown;
  readonly #fold: StreamFold<T, A>;
  readonly #options: { resume?: boolean };
  readonly #listeners = new Listeners();
  #listening = 0;
  #items: AsyncIterableIterator<T> | undefined;
  #view: StreamView<A>;
  #telling = false;

  /** Calls nothing before the first listener. */
  constructor(peer: HubPeer, method: string, payload: unknown, fold: StreamFold<T, A>, options: { resume?: boolean } = {}) {
    this.#peer = peer;
    this.#method = method;
    this.#payload = payload;
    this.#fold = fold;
    this.#options = options;
    this.#view = { value: fold.initial, state: "open", count: 0 };
  }

  /** What is known now; the same object while nothing changes. */
  readonly view = (): StreamView<A> => this.#view;

  /** Calls `listener` after changes; the answer ends that, and with the last listener the stream. */
  readonly subscribe = (listener: () => void): (() => void) => {
    const off = this.#listeners.add(listener);
    this.#listening += 1;
    if (this.#listening === 1) this.#start();
    return () => {
      off();
      this.#listening -= 1;
      if (this.#listening === 0) this.#stop();
    };
  };

  #start(): void {
    if (!this.#peer.stream) throw new TypeError("the connection has no streams");
    this.#view = { value: this.#fold.initial, state: "open", count: 0 };
    const items = this.#peer.stream<T>(this.#method, this.#payload, undefined, this.#options);
    this.#items = items;
    void this.#follow(items);
  }

  #stop(): void {
    void this.#items?.return?.();
    this.#items = undefined;
  }

  async #follow(items: AsyncIterableIterator<T>): Promise<void> {
    try {
      for await (const item of items) {
        if (this.#items !== items) return;
        this.#become({ ...this.#view, value: this.#fold.reduce(this.#view.value, item), count: this.#view.count + 1 });
      }
      if (this.#items === items) this.#become({ ...this.#view, state: "ended" });
    } catch (error) {
      if (this.#items === items) this.#become({ ...this.#view, state: "failed", error });
    }
  }

  #become(view: StreamView<A>): void {
    this.#view = view;
    if (view.state !== "open" || view.count === 1) return this.#listeners.tell();
    if (this.#telling) return;
    this.#telling = true;
    soon(() => {
      this.#telling = false;
      this.#listeners.tell();
    });
  }
}

function soon(run: () => void): void {
  if (typeof requestAnimationFrame === "function") requestAnimationFrame(run);
  else queueMicrotask(run);
}
