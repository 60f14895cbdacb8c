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
  const session = endpoint._session;
  const { cid, method, payload, meta } = request.req;
  const finish = (answer: Parameters<typeof finishRequest>[3]) => finishRequest(session, endpoint._now(), request, answer);
  if (!registered) return finish(new RpcError("NO_HANDLER", "there is no method " + method, { method }));
  const { handler, options } = registered;
  if (meta?.up && !(options.uploads && endpoint._uploads)) {
    return finish(new RpcError("UNSUPPORTED", method + " takes no upstream items"));
  }

  const context = new Context(endpoint, request);
  let isOver = false;
  let iterator: AsyncIterator<unknown> | undefined;
  /** Lets go of where the items come from. */
  let release: (() => unknown) | undefined;

  const end = (thrown?: unknown, isFailure = false) => {
    if (isOver) return;
    isOver = true;
    finish(isFailure ? endpoint._errorOf(thrown, method) : { kind: "end", cid });
    endpoint._run();
  };
  const fail = (thrown: unknown) => end(thrown, true);

  const push = (value: unknown) => {
    if (isOver) return;
    try {
      pushItem(session, endpoint._now(), request, value instanceof Item ? new Item(value.data, value) : new Item(value));
    } catch (error) {
      fail(error);
    }
    endpoint._run();
  };

  let isAsking = false;
  /** Items that came without a pause in which others could have their turn. */
  let inRow = 0;
  /** Asks the source for an item, where there is room for one. */
  const ask = () => {
    if (isOver || isAsking) return;
    if (roomFor(session, request) <= 0) {
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
      iterator!.next().then(take, fail);
    } catch (error) {
      fail(error);
    }
  };
  const resume = () => {
    isAsking = false;
    ask();
  };
  const take = ({ done, value }: IteratorResult<unknown>) => {
    if (done) return end();
    push(value);
    resume();
  };

  const answer = (result: unknown) => {
    const source = result as (AsyncIterable<unknown> & Observable) | undefined;
    const pushes = isFunction(source?.subscribe) && !source[Symbol.asyncIterator];
    try {
      if (!pushes && !isFunction(source?.[Symbol.asyncIterator])) {
        isOver = true;
        finish({ kind: "res", cid, ok: true, result });
      } else if (startStream(session, endpoint._now(), request, options.onLag ?? "block", pushes)) {
        if (pushes) {
          const subscription = source.subscribe({ next: push, error: fail, complete: () => end() });
          release = () => (isFunction(subscription) ? subscription() : subscription?.unsubscribe());
          // It may have been stopped before it could be told how.
          if (isOver) release();
        } else {
          iterator = source[Symbol.asyncIterator]();
          release = () => iterator!.return?.();
          const before = request.wake;
          request.wake = () => {
            before?.();
            ask();
          };
          ask();
        }
      }
    } catch (error) {
      fail(error);
    }
    endpoint._run();
  };

  request.stop = () => {
    isOver = true;
    context._stop();
    try {
      (release?.() as Promise<unknown> | undefined)?.then?.(undefined, warn);
    } catch (error) {
      warn(error);
    }
  };
  const warn = (error: unknown) => endpoint._warn(method + " failed when it was stopped", error);

  try {
    const result = handler(payload as never, context) as PromiseLike<unknown> | undefined;
    if (isFunction(result?.then)) result.then(answer, fail);
    else answer(result);
  } catch (error) {
    fail(error);
  }
}

/** Lets everything else have its turn first: what came from the transport too. */
const later = (globalThis as { setImmediate?: (act: () => void) => void }).setImmediate ?? setTimeout;

function isFunction(value: unknown): value is (...args: never[]) => unknown {
  return typeof value === "function";
}
