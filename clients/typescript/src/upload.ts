/**
 * Calls whose caller sends items too. {@link upload} and {@link duplex} make them on any endpoint; an endpoint that answers
 * them is made with `use: [uploads]` and registers its handler with `{ uploads: true }`. `spec: up.*`
 */

import type { Context } from "./context.js";
import type { Extension, RequestOptions, RpcEndpoint, StreamOptions } from "./endpoint.js";
import { RpcError } from "./errors.js";
import { type Grant, isCredit, isGrant, type Meta, type Nxt } from "./frame.js";
import type { Consumer, Producer } from "./flow.js";
import { Item } from "./item.js";
import type { Session } from "./session.js";
import type { Call } from "./session/call.js";
import { LIVE, OVER } from "./session/phase.js";
import type { Request } from "./session/request.js";
import { RpcStream } from "./stream.js";

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
  const call = endpoint._place({ timeoutMs, method, payload, meta, up: queue(endpoint) }, options);
  expectCredit(call);
  const answer = endpoint._answer<R>(call);
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
  const call = endpoint._place({ method, payload, meta, streams: true, up: queue(endpoint) }, options);
  expectCredit(call);
  const stream = new RpcStream<T>(endpoint, call);
  feed(endpoint, call, source);
  return stream;
}

/** Lets the endpoint's handlers take what their callers send, from `context.uploads`. */
export const uploads: Extension = (endpoint) => {
  const open = new WeakMap<Context, Received>();
  (endpoint._capabilities ??= []).push("up");
  endpoint._uploads = (context) => {
    if (!context.meta.up) throw new RpcError("INVALID_PAYLOAD", "the method takes upstream items; call it with meta.up");
    let received = open.get(context);
    if (!received) open.set(context, (received = new Received(endpoint, context)));
    return received;
  };
};

/** The handler takes upstream items: the peer gets its first credit. `spec: up.2` */
export function accept(request: Request): void {
  const { _session } = request;
  const { window, limits } = _session._options;
  if (request._stage !== LIVE) return;
  const consumer = (request._in = new _session._Consumer(window, "block", limits));
  // The sender of upstream items always obeys credit.
  consumer._obeys = true;
  takeUpstream(request, consumer);
  const bytes = consumer._offer?.();
  request._offer({ upto: consumer._upto, ...(bytes && { bytes }) });
}

/** What comes upstream is kept until it is taken, or until the request is over. */
function takeUpstream(request: Request, consumer: Consumer): void {
  const take = request._take.bind(request);
  const finish = request._finish.bind(request);
  const drop = request._drop.bind(request);
  const discard = () => {
    if (request._stage !== OVER) return;
    consumer._clear();
    request._notify();
  };
  request._take = (frame, size) => {
    const { kind, fc } = frame as Nxt;
    if (frame.kind === "can" || (kind === "nxt" && isGrant(frame as Nxt))) return take(frame, size);
    if (request._isHalfClosed || request._stage !== LIVE) return false;
    if (kind === "nxt") {
      if (isCredit(fc)) request._grant(fc);
      return request._receive(frame as Nxt, size);
    }
    request._isHalfClosed = true;
    consumer._obeys = false;
    request._notify();
    return true;
  };
  request._finish = (answer) => {
    finish(answer);
    discard();
  };
  request._drop = () => {
    drop();
    discard();
  };
}

/** Any other first frame than credit or a failure means that the responder does not know uploads. `spec: up.3` */
export function expectCredit(call: Call): void {
  const take = call._take.bind(call);
  call._take = (frame, size) => {
    const isKnown = call._head || call._out!._upto! >= 0 || frame.kind === "err" || (frame.kind === "nxt" && isGrant(frame));
    if (isKnown) return take(frame, size);
    call._fail(new RpcError("UNSUPPORTED", "the method takes no items"));
    return true;
  };
}

/** No more upstream items: the direction is half closed once what is queued has gone. `spec: up.5` */
export function halfClose(call: Call): void {
  call._tail = { kind: "end", cid: call._cid, dir: "up" };
  call._enter();
}

/** What a call sends; nothing before the first credit. */
export function queue(session: Session): Producer {
  return new session._Producer(-1, "block", session._options.limits);
}

/** Moves items from a source to a call, as far as credit goes. */
function feed<U>(endpoint: RpcEndpoint, call: Call, source: Source<U>): void {
  const before = call._wake;
  const isAsync = Symbol.asyncIterator in source;
  let iterator: AsyncIterator<U> | Iterator<U> | undefined;
  let isAsking = false;

  const ask = async () => {
    if (isAsking || call._tail) return;
    isAsking = true;
    try {
      while (!call._outcome && !call._tail && call._room() > 0) {
        iterator ??= isAsync ? source[Symbol.asyncIterator]() : (source as Iterable<U>)[Symbol.iterator]();
        const { done, value } = await iterator.next();
        if (done) iterator = undefined;
        if (call._outcome) break;
        if (done) halfClose(call);
        else call._push(new Item(value));
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
    if (call._outcome) release();
  };
  const release = () => {
    const over = iterator;
    iterator = undefined;
    // How a source ends that is not wanted any more is its own matter.
    void (async () => over?.return?.())().catch(() => {});
  };
  call._wake = () => {
    before?.();
    if (call._outcome) release();
    else void ask();
  };
}

/** What the caller of a request sends. */
class Received implements AsyncIterableIterator<unknown, undefined> {
  readonly #endpoint: RpcEndpoint;
  readonly #context: Context;
  readonly #waiting: Array<{ resolve(result: IteratorResult<unknown, undefined>): void; reject(error: RpcError): void }> = [];

  constructor(endpoint: RpcEndpoint, context: Context) {
    this.#endpoint = endpoint;
    this.#context = context;
    const request = context._request;
    const notify = request._notify.bind(request);
    request._notify = () => {
      notify();
      endpoint._events.push(() => this.#wake());
    };
    accept(request);
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
    const { _request, signal } = this.#context;
    for (let first = this.#waiting[0]; first; first = this.#waiting[0]) {
      const item = _request._in && _request._next();
      const isOver = _request._isHalfClosed || _request._stage === OVER;
      if (!item && !isOver) break;
      this.#waiting.shift();
      if (item) first.resolve({ done: false, value: item.data });
      else if (signal.aborted) first.reject(new RpcError("CANCELLED", "the request is over"));
      else first.resolve({ done: true, value: undefined });
    }
    // What was taken may have made room for more.
    this.#endpoint._run();
  }
}
