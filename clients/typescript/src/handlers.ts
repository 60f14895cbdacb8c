/** Runs handlers: what they return becomes an answer or a stream, and what they throw an error. */

import { Context } from "./context.js";
import type { RpcEndpoint } from "./endpoint.js";
import { errFrame, RpcError } from "./errors.js";
import { BATCH } from "./flow.js";
import type { End, Err, OnLag, Res } from "./frame.js";
import { Item } from "./item.js";
import { LIVE } from "./session/phase.js";
import type { Request } from "./session/request.js";

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
export function run(endpoint: RpcEndpoint, request: Request): void {
  const { _cid: cid } = request;
  const { method, meta, payload } = request._req;
  const finish = (answer: Res | End | Err) => {
    request._finish(answer);
    endpoint._run();
  };
  const registered = endpoint._handlers.get(method);
  const refuse = (error: RpcError) => finish(errFrame(cid, error));
  if (!registered) return refuse(new RpcError("NO_HANDLER", "no method " + method, { method }));
  const { handler, options } = registered;
  if (meta?.up && !(options.uploads && endpoint._uploads)) {
    return refuse(new RpcError("UNSUPPORTED", "the method takes no items"));
  }
  const context = new Context(endpoint, request);
  /** Lets go of where the items come from. */
  let release: (() => unknown) | undefined;

  const fail = (thrown: unknown) => {
    if (request._stage === LIVE) refuse(endpoint._errorOf(thrown, method));
  };
  const end = () => finish({ kind: "end", cid });
  const push = (value: unknown) => {
    request._push(value instanceof Item ? new Item(value.data, value) : new Item(value));
    endpoint._run();
  };

  const subscribe = (observable: Observable) => {
    const subscription = observable.subscribe({ next: push, error: fail, complete: end });
    const unsubscribe = () => (isFunction(subscription) ? subscription() : subscription?.unsubscribe());
    // It may have been stopped before it could be told how.
    if (request._stage === LIVE) release = unsubscribe;
    else unsubscribe();
  };
  const iterate = (iterator: AsyncIterator<unknown>) => {
    let isAsking = false;
    let asked = 0;
    const take = ({ done, value }: IteratorResult<unknown>) => {
      if (done) return end();
      push(value);
      resume();
    };
    const resume = () => {
      isAsking = false;
      ask();
    };
    /** Asks for an item, where there is room for one; now and then everybody else has their turn first. */
    const ask = () => {
      if (isAsking || request._room() <= 0) return;
      isAsking = true;
      if (++asked % BATCH) after(() => iterator.next(), take, fail);
      else later(resume);
    };
    release = () => iterator.return?.();
    request._wake = ask;
    ask();
  };

  const answer = (result: unknown) => {
    const source = result as (AsyncIterable<unknown> & Observable) | undefined;
    const iterates = isFunction(source?.[Symbol.asyncIterator]);
    const pushes = !iterates && isFunction(source?.subscribe);
    if (!iterates && !pushes) finish({ kind: "res", cid, ok: true, result });
    else if (request._open(options.onLag ?? "block", pushes)) {
      if (iterates) iterate(source![Symbol.asyncIterator]());
      else subscribe(source!);
    }
    endpoint._run();
  };

  request._stop = () => {
    context._stop();
    after(
      () => release?.(),
      () => {},
      (error) => endpoint._warn(method + " failed when it was stopped", error),
    );
  };
  after(() => handler(payload as never, context), answer, fail);
}

/** Goes on with what `act` makes: at once, where that is no promise. */
export function after<T>(act: () => T | PromiseLike<T>, then: (made: T) => void, failed: (error: unknown) => void): void {
  try {
    const made = act() as PromiseLike<T> | undefined;
    if (isFunction(made?.then)) made.then((value) => after(() => value, then, failed), failed);
    else then(made as T);
  } catch (error) {
    failed(error);
  }
}

/** Lets everything else have its turn first: what came from the transport too. */
const later = (globalThis as { setImmediate?: (act: () => void) => void }).setImmediate ?? setTimeout;

function isFunction(value: unknown): value is (...args: never[]) => unknown {
  return typeof value === "function";
}
