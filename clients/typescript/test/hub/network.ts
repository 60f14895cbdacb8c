/** A connection to the reference hub on which nothing moves by itself: the test says what arrives, and when. */

import type { HubPeer, Operation, Version } from "../../src/hub.js";
import type { Commit } from "../../src/hub/outbox.js";
import { Refusal, type ReferenceHub } from "./reference-hub.js";

interface Request {
  commit: Commit;
  settle: (error?: Refusal) => void;
  answer?: Version | Refusal;
  reply: (answer: Version | Refusal) => void;
}

class Watch {
  queue: unknown[] = [];
  waiting: { resolve: (result: IteratorResult<unknown>) => void; reject: (error: unknown) => void } | undefined;
  /** Up to where its items were made. */
  cursor = 0;
  open = true;
  error: Refusal | undefined;

  deliver(item: unknown): void {
    if (!this.open) return;
    const waiting = this.waiting;
    this.waiting = undefined;
    if (waiting) waiting.resolve({ done: false, value: item });
    else this.queue.push(item);
  }

  fail(error: Refusal): void {
    this.open = false;
    this.error = error;
    this.waiting?.reject(error);
    this.waiting = undefined;
  }

  iterator(): AsyncIterableIterator<unknown> {
    const next = (): Promise<IteratorResult<unknown>> => {
      if (this.queue.length > 0) return Promise.resolve({ done: false, value: this.queue.shift() });
      if (this.error) return Promise.reject(this.error);
      if (!this.open) return Promise.resolve({ done: true, value: undefined });
      return new Promise((resolve, reject) => (this.waiting = { resolve, reject }));
    };
    const end = (): Promise<IteratorResult<unknown>> => {
      this.open = false;
      this.waiting?.resolve({ done: true, value: undefined });
      this.waiting = undefined;
      return Promise.resolve({ done: true, value: undefined });
    };
    const iterator: AsyncIterableIterator<unknown> = { next, return: end, [Symbol.asyncIterator]: () => iterator };
    return iterator;
  }
}

export class Network implements HubPeer {
  state = "open";
  /** With what watches are refused, while they are. */
  refusal: string | undefined;
  requests: Request[] = [];
  watches: Watch[] = [];
  /** The payloads that `hub.watch` was called with. */
  readonly asked: { since?: Version; paths?: string[] }[] = [];
  #hub: ReferenceHub;

  constructor(hub: ReferenceHub) {
    this.#hub = hub;
  }

  request<T>(method: string, payload?: unknown): Promise<T> {
    if (method !== "hub.commit") return Promise.reject(new Refusal("NO_HANDLER"));
    return new Promise((resolve, reject) => {
      const reply = (answer: Version | Refusal): void => (answer instanceof Refusal ? reject(answer) : resolve(answer as T));
      this.requests.push({ commit: structuredClone(payload) as Commit, reply, settle: (error) => reject(error) });
    });
  }

  stream<T>(_method: string, payload?: unknown): AsyncIterableIterator<T> {
    const { since } = this.asked[this.asked.push(payload as { since?: Version }) - 1] as { since?: Version };
    const watch = new Watch();
    this.watches.push(watch);
    if (this.refusal !== undefined) {
      watch.fail(new Refusal(this.refusal));
      return watch.iterator() as AsyncIterableIterator<T>;
    }
    const first = this.#hub.open(since);
    watch.cursor = this.#hub.revision;
    watch.deliver(first);
    return watch.iterator() as AsyncIterableIterator<T>;
  }

  /** The watch that is open, if there is one. */
  get watch(): Watch | undefined {
    return this.watches.findLast(({ open }) => open);
  }

  /** The hub handles the oldest request that it has not handled. */
  handle(): void {
    const request = this.requests.find(({ answer }) => !answer);
    if (!request) return;
    try {
      request.answer = this.#hub.commit(request.commit);
    } catch (error) {
      request.answer = error as Refusal;
    }
  }

  /** The oldest answer arrives. */
  answer(): void {
    const at = this.requests.findIndex(({ answer }) => answer);
    const [request] = at < 0 ? [] : this.requests.splice(at, 1);
    if (request?.answer) request.reply(request.answer);
  }

  /** What the watch has not told yet arrives, up to `to`; `times` 0 loses it, 2 doubles it. */
  tell(times = 1, upTo = Infinity): void {
    const watch = this.watch;
    const to = Math.min(upTo, this.#hub.revision);
    if (!watch || watch.cursor >= to) return;
    const item = this.#hub.remembers(watch.cursor) ? this.#hub.patch(watch.cursor, to) : this.#hub.snapshot();
    watch.cursor = "to" in item ? to : this.#hub.revision;
    for (let time = 0; time < times; time += 1) watch.deliver(structuredClone(item));
  }

  /** Behind the connection stands another hub now. */
  replace(hub: ReferenceHub): void {
    this.#hub = hub;
  }

  /** The connection breaks: requests without an answer stay without one. */
  cut(): void {
    for (const { settle, answer } of this.requests.splice(0))
      settle(new Refusal(answer ? "INDETERMINATE" : "CONNECTION_CLOSED"));
    this.watch?.fail(new Refusal("CONNECTION_CLOSED"));
  }

  /** Everything arrives. */
  settle(): void {
    while (this.requests.some(({ answer }) => !answer)) this.handle();
    while (this.requests.length > 0) this.answer();
    this.tell();
  }
}

export function op(kind: "add" | "replace", path: string, value: unknown): Operation {
  return { op: kind, path, value };
}
