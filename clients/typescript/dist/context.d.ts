/** A request's surroundings: who asks, how much time is left, whether it is still wanted, and the way back to the peer. */
import type { RequestOptions, RpcEndpoint, StreamOptions } from "./endpoint.js";
import type { Meta } from "./frame.js";
import type { Exchange } from "./session/exchange.js";
import type { RpcStream } from "./stream.js";
/** The peer as the handler of a request sees it. */
export interface Peer {
    /** As {@link RpcEndpoint.request}, as a child of the request. */
    request<T = unknown>(method: string, payload?: unknown, meta?: Meta, options?: RequestOptions): Promise<T>;
    /** As {@link RpcEndpoint.stream}, as a child of the request. */
    stream<T = unknown>(method: string, payload?: unknown, meta?: Meta, options?: StreamOptions): RpcStream<T>;
}
/**
 * The surroundings of one request: the second argument of its handler. The fields of `meta` that are the application's
 * stand on it too, as version 0.2 passed `meta` in its place.
 */
export declare class Context {
    #private;
    /** The request's `meta`, as it came. */
    readonly meta: Meta;
    /** What was called. */
    readonly method: string;
    /** @internal */
    readonly _endpoint: RpcEndpoint;
    /** @internal */
    readonly _request: Exchange;
    /** Who sends, as the trusted hop stamped it. `spec: identity.1` */
    readonly senderId?: string | number;
    /** Where a broken stream is to go on: the epoch and the position of the last item that its consumer has. */
    readonly resume?: Meta["resume"];
    /** The application's own fields of `meta`. */
    [key: string]: unknown;
    /** @internal */
    constructor(endpoint: RpcEndpoint, request: Exchange);
    /** Aborted when the request is cancelled, times out or loses its connection; not when it was answered. */
    get signal(): AbortSignal;
    /** Milliseconds that are left for the request; infinite where its caller set no limit. */
    get remainingMs(): number;
    /**
     * The peer that asked. Calls through it are children of this request: they inherit what is left of its time and are
     * cancelled with it. `spec: cancel.6, time.7`
     */
    get peer(): Peer;
    /** What the caller sends beside the payload; of a handler registered with `uploads`. `spec: up.*` */
    get uploads(): AsyncIterableIterator<unknown>;
    /** @internal The request is over, and was not answered by its handler. */
    _stop(): void;
}
