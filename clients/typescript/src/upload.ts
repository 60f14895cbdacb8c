/**
 * Calls whose caller sends items too. {@link upload} and {@link duplex} make them on any endpoint; an endpoint that answers
 * them is made with `use: [uploads]` and registers its handler with `{ uploads: true }`. `spec: up.*`
 */

import type { Context } from "./context.js";
import type { Extension, RequestOptions, RpcEndpoint, StreamOptions } from "./endpoint.js";
import { RpcError } from "./errors.js";
import type { Meta } from "./frame.js";
import { Consumer, Producer } from "./flow.js";
import { Item } from "./item.js";
import type { Session } from "./session.js";
import { type Exchange, LIVE, type Millis, OVER } from "./session/exchange.js";
import { enter, pushItem, roomFor, sendGrant, takeItems } from "./session/streams.js";
import type { RpcStream } from "./stream.js";

/** What a caller sends: anything that can be iterated. It is asked for an item when the peer has room for one. */
export type Source<U> = AsyncIterable<U> | Iterable<U>;

/**
 * Calls a method that takes items and answers once. When the call ends early, by its answer too, the source's `return()` is
 * called; when the source throws, the call is cancelled and rejects with an error whose `cause` is what was thrown.
 */
export function upload<R = unknown, U = unknown>(
  endpoint: RpcEndpoint,
  method: string,
  source: Source<U>,
  payload?: unknown,
  meta?: Meta,
  options: RequestOptions = {},
): Promise<R> {
  const { timeoutMs } = endpoint._options;
  const call = endpoint._call({ timeoutMs, method, payload, meta, up: queue(endpoint) }, options);
  const answer = endpoint._answer<R>(call, options);
  feed(endpoint, call, source);
  return answer;
}

/** Calls a method with items both ways. When the source throws, the stream is cancelled and fails likewise. */
export function duplex<T = unknown, U = unknown>(
  endpoint: RpcEndpoint,
  method: string,
  source: Source<U>,
  payload?: unknown,
  meta?: Meta,
  options: StreamOptions = {},
): RpcStream<T> {
  const call = endpoint._call({ method, payload, meta, streams: true, up: queue(endpoint) }, options);
  const stream = endpoint._stream<T>(call, options);
  feed(endpoint, call, source);
  return stream;
}

/** Lets the endpoint's handlers take what their callers send, from `context.uploads`. */
export const uploads: Extension = (_, endpoint) => {
  const open = new WeakMap<Context, Received>();
  endpoint._uploads = (context) => {
    if (!context.meta.up) throw new RpcError("INVALID_PAYLOAD", "the method takes upstream items; call it with meta.up");
    let received = open.get(context);
    if (!received) open.set(context, (received = new Received(endpoint, context)));
    return received;
  };
};

/** The handler takes upstream items: the peer gets its first credit. `spec: up.2` */
export function accept(session: Session, now: Millis, request: Exchange): void {
  const { window, limits } = session._config;
  if (request._stage !== LIVE) return;
  const consumer = (request._in = new Consumer(window, "block", limits));
  // The sender of upstream items always obeys credit.
  consumer._obeys = true;
  consumer._ahead = session._ahead?._consumer();
  const bytes = consumer._ahead?._offer();
  sendGrant(session, request, { upto: consumer._upto, ...(bytes && { bytes }) });
  session._changed(now);
}

/** No more upstream items: the direction is half closed once what is queued has gone. `spec: up.5` */
export function halfClose(session: Session, now: Millis, call: Exchange): void {
  call._tail = { kind: "end", cid: call.cid, dir: "up" };
  enter(session, call);
  session._changed(now);
}

function queue(endpoint: RpcEndpoint): Producer {
  return new Producer(0, "block", endpoint._session._config.limits);
}

/** Moves items from a source to a call, as far as credit goes. */
function feed<U>(endpoint: RpcEndpoint, call: Exchange | RpcError, source: Source<U>): void {
  if (call instanceof RpcError) return;
  const session = endpoint._session;
  const before = call.wake;
  const isAsync = Symbol.asyncIterator in source;
  let iterator: AsyncIterator<U> | Iterator<U> | undefined;
  let isAsking = false;

  const ask = async () => {
    if (isAsking || call._tail) return;
    isAsking = true;
    try {
      while (!call.outcome && !call._tail && roomFor(session, call) > 0) {
        iterator ??= isAsync ? source[Symbol.asyncIterator]() : (source as Iterable<U>)[Symbol.iterator]();
        const { done, value } = await iterator.next();
        if (done) iterator = undefined;
        if (call.outcome) break;
        if (done) halfClose(session, endpoint._now(), call);
        else pushItem(session, endpoint._now(), call, new Item(value));
        endpoint._run();
        if (done) return;
      }
    } catch (thrown) {
      const error = new RpcError("CANCELLED", "the source of the call failed");
      error.cause = thrown;
      iterator = undefined;
      endpoint._abort(call, error);
    }
    isAsking = false;
    if (call.outcome) release();
  };
  const release = () => {
    const over = iterator;
    iterator = undefined;
    // How a source ends that is not wanted any more is its own matter.
    void (async () => over?.return?.())().catch(() => {});
  };
  call.wake = () => {
    before?.();
    if (call.outcome) release();
    else void ask();
  };
}

/** What the caller of a request sends. */
class Received implements AsyncIterableIterator<unknown, undefined> {
  readonly #endpoint: RpcEndpoint;
  readonly #context: Context;
  #taken: Item[] = [];
  readonly #waiting: Array<{ resolve(result: IteratorResult<unknown, undefined>): void; reject(error: RpcError): void }> = [];

  constructor(endpoint: RpcEndpoint, context: Context) {
    this.#endpoint = endpoint;
    this.#context = context;
    const request = context._request;
    const before = request.wake;
    request.wake = () => {
      before?.();
      this.#wake();
    };
    accept(endpoint._session, endpoint._now(), request);
    endpoint._run();
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#wake();
    });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #wake(): void {
    const endpoint = this.#endpoint;
    const { _request, signal } = this.#context;
    for (let first = this.#waiting[0]; first; first = this.#waiting[0]) {
      if (!this.#taken.length && _request._in) {
        this.#taken = takeItems(endpoint._session, endpoint._now(), _request);
        endpoint._run();
      }
      const item = this.#taken.shift();
      const isOver = _request._isHalfClosed || _request._stage === OVER;
      if (!item && !isOver) return;
      this.#waiting.shift();
      if (item) first.resolve({ done: false, value: item.data });
      else if (signal.aborted) first.reject(new RpcError("CANCELLED", "the request is over"));
      else first.resolve({ done: true, value: undefined });
    }
  }
}
