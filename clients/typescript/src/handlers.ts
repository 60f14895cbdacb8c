/** Runs handlers: what they return becomes an answer or a stream, and what they throw an error. */

import { Context } from "./context.js";
import type { RpcEndpoint } from "./endpoint.js";
import { RpcError } from "./errors.js";
import { BATCH } from "./flow.js";
import type { OnLag } from "./frame.js";
import { Item } from "./item.js";
import type { Exchange } from "./session/exchange.js";
import { finishRequest, startStream } from "./session/requests.js";
import { pushItem, roomFor } from "./session/streams.js";

/** What is declared of a method beside its handler. */
export interface HandlerOptions {
  /** What happens to items for which there is no credit, where the consumer does not choose. Default `block`. `spec: fc.8` */
  onLag?: OnLag;
  /** Whether the caller sends items too, which the handler takes from `context.uploads`. Needs `use: [uploads]`. */
  uploads?: boolean;
}

/** A registered handler. */
export interface Registered {
  handler: (payload: never, context: Context) => unknown;
  options: HandlerOptions;
}

/** Something that pushes its items: RxJS's observables and their like. */
interface Observable {
  subscribe(observer: {
    next(value: unknown): void;
    error(error: unknown): void;
    complete(): void;
  }): { unsubscribe(): void } | (() => void) | undefined;
}

/** Starts the handler of a request. */
export function run(endpoint: RpcEndpoint, request: Exchange, registered: Registered | undefined): void {
  const { method, meta, payload } = request.req;
  const refuse = (error: RpcError) => finishRequest(endpoint._session, endpoint._now(), request, error);
  if (!registered) return refuse(new RpcError("NO_HANDLER", "there is no method " + method, { method }));
  const { handler, options } = registered;
  if (meta?.up && !(options.uploads && endpoint._uploads)) {
    return refuse(new RpcError("UNSUPPORTED", method + " takes no upstream items"));
  }
  const running = new Running(endpoint, request, options);
  request.stop = () => running.stop();
  try {
    const result = handler(payload as never, running.context) as PromiseLike<unknown> | undefined;
    if (isFunction(result?.then)) {
      result.then(
        (result) => running.answer(result),
        (thrown: unknown) => running.end(thrown, true),
      );
    } else running.answer(result);
  } catch (thrown) {
    running.end(thrown, true);
  }
}

/** A handler that has been started, and where its items come from. */
class Running {
  readonly context: Context;
  readonly #endpoint: RpcEndpoint;
  readonly #request: Exchange;
  readonly #options: HandlerOptions;
  #isOver = false;
  /** Lets go of where the items come from. */
  #release: (() => unknown) | undefined;

  constructor(endpoint: RpcEndpoint, request: Exchange, options: HandlerOptions) {
    this.#endpoint = endpoint;
    this.#request = request;
    this.#options = options;
    this.context = new Context(endpoint, request);
  }

  /** The handler has returned, or what it promised has come. */
  answer(result: unknown): void {
    const request = this.#request;
    const endpoint = this.#endpoint;
    const source = result as (AsyncIterable<unknown> & Observable) | undefined;
    const iterates = isFunction(source?.[Symbol.asyncIterator]);
    const pushes = !iterates && isFunction(source?.subscribe);
    if (!iterates && !pushes) this.#finish({ kind: "res", cid: request.cid, ok: true, result });
    else if (startStream(endpoint._session, endpoint._now(), request, this.#options.onLag ?? "block", pushes)) {
      try {
        if (iterates) this.#iterate(source![Symbol.asyncIterator]());
        else this.#subscribe(source!);
      } catch (thrown) {
        this.end(thrown, true);
      }
    }
    endpoint._run();
  }

  /** The handler has failed, or its stream is complete. */
  end(thrown?: unknown, isFailure = false): void {
    const { cid, req } = this.#request;
    if (this.#isOver) return;
    this.#finish(isFailure ? this.#endpoint._errorOf(thrown, req.method) : { kind: "end", cid });
    this.#endpoint._run();
  }

  /** The request is over, and was not answered by the handler. */
  stop(): void {
    const warn = (error: unknown) => this.#endpoint._warn(this.#request.req.method + " failed when it was stopped", error);
    this.#isOver = true;
    this.context._stop();
    try {
      (this.#release?.() as Promise<unknown> | undefined)?.then?.(undefined, warn);
    } catch (error) {
      warn(error);
    }
  }

  #finish(answer: Parameters<typeof finishRequest>[3]): void {
    this.#isOver = true;
    finishRequest(this.#endpoint._session, this.#endpoint._now(), this.#request, answer);
  }

  #push(value: unknown): void {
    const endpoint = this.#endpoint;
    if (this.#isOver) return;
    try {
      const item = value instanceof Item ? new Item(value.data, value) : new Item(value);
      pushItem(endpoint._session, endpoint._now(), this.#request, item);
    } catch (thrown) {
      this.end(thrown, true);
    }
    endpoint._run();
  }

  #subscribe(observable: Observable): void {
    const subscription = observable.subscribe({
      next: (value) => this.#push(value),
      error: (error) => this.end(error, true),
      complete: () => this.end(),
    });
    this.#release = () => (isFunction(subscription) ? subscription() : subscription?.unsubscribe());
    // It may have been stopped before it could be told how.
    if (this.#isOver) this.#release();
  }

  #iterate(iterator: AsyncIterator<unknown>): void {
    const request = this.#request;
    const before = request.wake;
    let isAsking = false;
    /** Items that came without a pause in which others could have their turn. */
    let inRow = 0;
    /** Asks for an item, where there is room for one. */
    const ask = () => {
      if (this.#isOver || isAsking) return;
      if (roomFor(this.#endpoint._session, request) <= 0) {
        inRow = 0;
        return;
      }
      isAsking = true;
      if (++inRow > BATCH) {
        inRow = 0;
        later(resume);
        return;
      }
      try {
        iterator.next().then(take, fail);
      } catch (thrown) {
        fail(thrown);
      }
    };
    const resume = () => {
      isAsking = false;
      ask();
    };
    const take = ({ done, value }: IteratorResult<unknown>) => {
      if (done) return this.end();
      this.#push(value);
      resume();
    };
    const fail = (thrown: unknown) => this.end(thrown, true);
    this.#release = () => iterator.return?.();
    request.wake = () => {
      before?.();
      ask();
    };
    ask();
  }
}

/** Lets everything else have its turn first: what came from the transport too. */
const later = (globalThis as { setImmediate?: (act: () => void) => void }).setImmediate ?? setTimeout;

function isFunction(value: unknown): value is (...args: never[]) => unknown {
  return typeof value === "function";
}
