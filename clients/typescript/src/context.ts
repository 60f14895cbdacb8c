/** A request's surroundings: who asks, how much time is left, whether it is still wanted, and the way back to the peer. */

import type { RequestOptions, RpcEndpoint, StreamOptions } from "./endpoint.js";
import { cancelled } from "./errors.js";
import type { Meta } from "./frame.js";
import type { Request } from "./session/request.js";
import type { RpcStream } from "./stream.js";

/** The peer as the handler of a request sees it. */
export interface Peer {
  /** As {@link RpcEndpoint.request}, as a child of the request. */
  request<T = unknown, P = unknown>(method: string, payload?: P, meta?: Meta, options?: RequestOptions): Promise<T>;
  /** As {@link RpcEndpoint.stream}, as a child of the request. */
  stream<T = unknown, P = unknown>(method: string, payload?: P, meta?: Meta, options?: StreamOptions): RpcStream<T>;
}

/**
 * The surroundings of one request: the second argument of its handler. The fields of `meta` that are the application's
 * stand on it too, as version 0.2 passed `meta` in its place.
 */
export class Context {
  /** The request's `meta`, as it came. */
  declare readonly meta: Meta;
  /** What was called. */
  declare readonly method: string;
  /** @internal */
  declare readonly _endpoint: RpcEndpoint;
  /** @internal */
  declare readonly _request: Request;
  /** Who sends, as the trusted hop stamped it. `spec: identity.1` */
  declare readonly senderId?: string | number;
  /** Where a broken stream is to go on: the epoch and the position of the last item that its consumer has. */
  declare readonly resume?: Meta["resume"];
  #abort: AbortController | undefined;
  #isStopped = false;
  /** The application's own fields of `meta`. */
  [key: string]: unknown;

  /** @internal */
  constructor(endpoint: RpcEndpoint, request: Request) {
    const meta = request._req.meta ?? {};
    this._endpoint = endpoint;
    this._request = request;
    this.meta = meta;
    this.method = request._req.method;
    for (const key in meta) if (meta[key] !== undefined && !(key in this)) this[key] = meta[key];
  }

  /** Aborted when the request is cancelled, times out or loses its connection; not when it was answered. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#isStopped) this._stop();
    return this.#abort.signal;
  }

  /** Milliseconds that are left for the request; infinite where its caller set no limit. */
  get remainingMs(): number {
    return Math.max(0, this._request._deadline - this._endpoint._now());
  }

  /**
   * The peer that asked. Calls through it are children of this request: they inherit what is left of its time and are
   * cancelled with it. `spec: cancel.6, time.7`
   */
  get peer(): Peer {
    const { _endpoint } = this;
    return {
      request: (method, payload, meta, options) => _endpoint.request(method, payload, meta, { ...options, parent: this }),
      stream: (method, payload, meta, options) => _endpoint.stream(method, payload, meta, { ...options, parent: this }),
    };
  }

  /** What the caller sends beside the payload; of a handler registered with `uploads`. `spec: up.*` */
  get uploads(): AsyncIterableIterator<unknown> {
    return this._endpoint._uploads!(this);
  }

  /** @internal The request is over, and was not answered by its handler. */
  _stop(): void {
    this.#isStopped = true;
    this.#abort?.abort(cancelled());
  }
}
