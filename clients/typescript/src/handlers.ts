/** Runs handlers: what they return becomes an answer or a stream, and what they throw an error. */

import { Context } from "./context.js";
import type { RpcEndpoint } from "./endpoint.js";
import { RpcError } from "./errors.js";
import { BATCH } from "./flow.js";
import type { OnLag } from "./frame.js";
import { Item } from "./item.js";
import { finish, type Handler, pushItem, reply, type Request, startStream, streamRoom } from "./session/requests.js";

/** What is declared of a method beside its handler. */
export interface HandlerOptions {
  /** What happens to items for which there is no credit, where the consumer does not choose. Default `block`. `spec: fc.8` */
  onLag?: OnLag;
  /** Whether the caller sends items too, which the handler takes from `context.uploads`. Needs `use: [uploads]`. */
  uploads?: boolean;
}

/** A registered handler. */
export interface Handle {
  handler: (payload: unknown, context: Context) => unknown;
  options: HandlerOptions;
}

/** Something that pushes its items: RxJS's observables and their like. */
interface Observable {
  subscribe(observer: Observer): Subscription;
}

interface Observer {
  next(value: unknown): void;
  error(error: unknown): void;
  complete(): void;
}

type Subscription = { unsubscribe(): void } | (() => void) | undefined;

/** Starts the handler of a request. */
export function answer(endpoint: RpcEndpoint, request: Request, handle: Handle | undefined): void {
  const { method } = request;
  const now = endpoint._now();
  if (!handle) {
    const error = new RpcError("NO_HANDLER", `there is no method ${method}`, { method });
    return finish(endpoint._session, now, request, error);
  }
  const { handler, options } = handle;
  if (request.meta.up && !(options.uploads && endpoint._uploads)) {
    return finish(endpoint._session, now, request, new RpcError("UNSUPPORTED", `${method} takes no upstream items`));
  }
  const running = new Running(endpoint, request, options);
  request.waiter = running;
  try {
    const result = handler(request.payload, running.context);
    if (isThenable(result)) result.then(running.answer, running.fail);
    else running.answer(result);
  } catch (error) {
    running.fail(error);
  }
}

/** A handler that has been started. */
class Running implements Handler {
  readonly context: Context;
  readonly #endpoint: RpcEndpoint;
  readonly #request: Request;
  readonly #options: HandlerOptions;
  #isStopped = false;
  /** Where the items come from: one that is asked for them, or one that pushes them. */
  #source: AsyncIterator<unknown> | undefined;
  #subscription: Subscription;
  #isAsking = false;
  /** Items that came without a pause in which others could have their turn. */
  #inRow = 0;

  constructor(endpoint: RpcEndpoint, request: Request, options: HandlerOptions) {
    this.#endpoint = endpoint;
    this.#request = request;
    this.#options = options;
    this.context = new Context(endpoint, request);
  }

  /** There may be room for more items. */
  wake(): void {
    this.context._wake?.();
    if (this.#source && !this.#isAsking) this.#ask();
  }

  stop(): void {
    this.#isStopped = true;
    this.context._stop();
    this.context._wake?.();
    this.#release();
  }

  readonly answer = (result: unknown): void => {
    const endpoint = this.#endpoint;
    try {
      if (isIterable(result)) this.#iterate(result);
      else if (isObservable(result)) this.#subscribe(result);
      else reply(endpoint._session, endpoint._now(), this.#request, result);
    } catch (error) {
      this.fail(error);
    }
    endpoint._run();
  };

  readonly fail = (thrown: unknown): void => {
    if (this.#isStopped) return;
    this.#finish(this.#endpoint._errorOf(thrown, this.#request.method));
  };

  #iterate(iterable: AsyncIterable<unknown>): void {
    if (!this.#start(false)) return;
    this.#source = iterable[Symbol.asyncIterator]();
    this.#ask();
  }

  /** Asks the source for an item, where there is room for one. */
  #ask(): void {
    const source = this.#source;
    if (this.#isStopped || !source || streamRoom(this.#endpoint._session, this.#request) <= 0) {
      this.#inRow = 0;
      return;
    }
    this.#isAsking = true;
    if (++this.#inRow > BATCH) {
      this.#inRow = 0;
      later(this.#resume);
      return;
    }
    try {
      source.next().then(this.#onItem, this.#onError);
    } catch (error) {
      this.#onError(error);
    }
  }

  readonly #resume = (): void => {
    this.#isAsking = false;
    this.#ask();
  };

  readonly #onItem = ({ done, value }: IteratorResult<unknown>): void => {
    this.#isAsking = false;
    if (this.#isStopped) return;
    if (done) {
      this.#source = undefined;
      this.#finish();
      return;
    }
    this.#push(value);
    this.#ask();
  };

  readonly #onError = (error: unknown): void => {
    this.#isAsking = false;
    this.#source = undefined;
    this.fail(error);
  };

  #subscribe(observable: Observable): void {
    if (!this.#start(true)) return;
    const subscription = observable.subscribe({
      next: (value) => this.#push(value),
      error: (error) => this.fail(error),
      complete: () => this.#finish(),
    });
    this.#subscription = subscription;
    // It may have ended, or have been stopped, before it could be told whom to unsubscribe.
    if (this.#isStopped) this.#release();
  }

  #start(pushes: boolean): boolean {
    const endpoint = this.#endpoint;
    const declared = this.#options.onLag ?? "block";
    return startStream(endpoint._session, endpoint._now(), this.#request, declared, pushes);
  }

  #push(value: unknown): void {
    if (this.#isStopped) return;
    const endpoint = this.#endpoint;
    const item = value instanceof Item ? new Item(value.data, value, value.skipped) : new Item(value);
    pushItem(endpoint._session, endpoint._now(), this.#request, item);
    endpoint._run();
  }

  #finish(error?: RpcError): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    const endpoint = this.#endpoint;
    finish(endpoint._session, endpoint._now(), this.#request, error);
    endpoint._run();
  }

  /** Lets go of the source; what it does on its way out is its own matter. */
  #release(): void {
    const source = this.#source;
    const subscription = this.#subscription;
    this.#source = this.#subscription = undefined;
    try {
      source?.return?.()?.then(undefined, ignore);
      if (typeof subscription === "function") subscription();
      else subscription?.unsubscribe();
    } catch (error) {
      this.#endpoint._warn(`the source of ${this.#request.method} failed when it was cancelled`, error);
    }
  }
}

/** Lets everything else have its turn first: what came from the transport too. */
const later = (globalThis as { setImmediate?: (act: () => void) => void }).setImmediate ?? setTimeout;

function ignore(): void {}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === "function";
}

function isIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof (value as AsyncIterable<unknown> | undefined)?.[Symbol.asyncIterator] === "function";
}

function isObservable(value: unknown): value is Observable {
  return typeof (value as Observable | undefined)?.subscribe === "function";
}
