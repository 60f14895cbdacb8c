/**
 * Splits what one stream carries by a name, such as the method of a frame or the type of an event, so that many consumers
 * share one subscription.
 */

/** Options of a demultiplexer. */
export interface DemultiplexerOptions {
  /** How many values wait for a consumer that lags, before the oldest are left out. 1,024 by default. */
  bound?: number;
}

/** The values of one name. Iterating ends it when it stops. */
export interface Channel<T> extends AsyncIterableIterator<T> {
  /** How many values were left out because the consumer lagged. */
  readonly skipped: number;
  return(): Promise<IteratorResult<T>>;
}

/**
 * One source, split by name. `of("agent.message")` gives the values of one name, `of("agent.")` those of every name that
 * begins so.
 *
 * ```ts
 * const events = new Demultiplexer<Event>(({ type }) => type);
 * void events.feed(endpoint.stream<Event>("events.watch"));
 * for await (const { payload } of events.of("agent.message")) …
 * ```
 */
export class Demultiplexer<T> {
  readonly #nameOf: (value: T) => string | undefined;
  readonly #bound: number;
  readonly #queues = new Set<Queue<T>>();
  #ended: { error?: unknown } | undefined;

  /** `nameOf` says the name of a value; values without one reach nobody. */
  constructor(nameOf: (value: T) => string | undefined, options: DemultiplexerOptions = {}) {
    this.#nameOf = nameOf;
    this.#bound = options.bound ?? 1024;
  }

  /** The values of `name`, or, where it ends with a dot, of every name that begins with it; those from now on. */
  of(name: string): Channel<T> {
    const queue: Queue<T> = new Queue(name, this.#bound, () => this.#queues.delete(queue));
    if (this.#ended) queue.end(this.#ended);
    else this.#queues.add(queue);
    return queue;
  }

  /** Hands a value to the consumers of its name. Costs one look at each of them. */
  push(value: T): void {
    const name = this.#nameOf(value);
    if (name === undefined) return;
    for (const queue of this.#queues) if (queue.takes(name)) queue.push(value);
  }

  /** Hands over everything that `source` gives; its end and its error reach all consumers. */
  async feed(source: AsyncIterable<T>): Promise<void> {
    try {
      for await (const value of source) this.push(value);
      this.end();
    } catch (error) {
      this.end({ error });
    }
  }

  /** Ends every consumer, with `error` if there is one, after what waits for it. */
  end(cause: { error?: unknown } = {}): void {
    this.#ended = cause;
    for (const queue of this.#queues) queue.end(cause);
    this.#queues.clear();
  }
}

interface Waiting<T> {
  resolve: (result: IteratorResult<T>) => void;
  reject: (error: unknown) => void;
}

class Queue<T> implements Channel<T> {
  skipped = 0;
  readonly #name: string;
  readonly #bound: number;
  readonly #off: () => void;
  #values: T[] = [];
  #waiting: Waiting<T>[] = [];
  #ended: { error?: unknown } | undefined;

  constructor(name: string, bound: number, off: () => void) {
    this.#name = name;
    this.#bound = bound;
    this.#off = off;
  }

  takes(name: string): boolean {
    return name === this.#name || (this.#name.endsWith(".") && name.startsWith(this.#name));
  }

  push(value: T): void {
    const waiting = this.#waiting.shift();
    if (waiting) return waiting.resolve({ done: false, value });
    this.#values.push(value);
    if (this.#values.length <= this.#bound) return;
    this.#values.shift();
    this.skipped += 1;
  }

  end(cause: { error?: unknown }): void {
    this.#ended ??= cause;
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      if ("error" in cause) reject(cause.error);
      else resolve({ done: true, value: undefined });
    }
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#values.length > 0) return Promise.resolve({ done: false, value: this.#values.shift() as T });
    const ended = this.#ended;
    if (!ended) return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
    if (!("error" in ended)) return Promise.resolve({ done: true, value: undefined });
    this.#ended = {};
    return Promise.reject(ended.error);
  }

  return(): Promise<IteratorResult<T>> {
    this.#off();
    this.#values = [];
    this.end({});
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
