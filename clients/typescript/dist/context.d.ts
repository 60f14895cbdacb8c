/** A request's surroundings: who asks, how much time is left, whether it is still wanted, and the way back to the peer. */
import type { RequestOptions, RpcEndpoint, StreamOptions } from "./endpoint.js";
import type { Meta } from "./frame.js";
import type { Request } from "./session/requests.js";
import type { RpcStream } from "./stream.js";
/**
 * The surroundings of one request: the second argument of its handler. The fields of `meta` that are the application's
 * stand on it too, as version 0.2 passed `meta` in its place.
 */
export declare class Context {
    /** The request's `meta`, as it came. */
    readonly meta: Meta;
    /** What was called. */
    readonly method: string;
    /** @internal */
    readonly _endpoint: RpcEndpoint;
    /** @internal */
    readonly _request: Request;
    /** @internal Set when it is first asked for. */
    _abort: AbortController | undefined;
    /** @internal */
    _isStopped: boolean;
    /** @internal */
    _peer: Peer | undefined;
    /** @internal Something has come for whoever takes upstream items. */
    _wake: (() => void) | undefined;
    /** The application's own fields of `meta`. */
    [key: string]: unknown;
    /** @internal */
    constructor(endpoint: RpcEndpoint, request: Request);
    /** Who sends, as the trusted hop stamped it. `spec: identity.1` */
    get senderId(): string | number | undefined;
    /** Aborted when the request is cancelled, times out or loses its connection; not when it was answered. */
    get signal(): AbortSignal;
    /** Milliseconds that are left for the request; infinite where its caller set no limit. */
    get remainingMs(): number;
    /** Where a broken stream is to go on: the epoch and the position of the last item that its consumer has. */
    get resume(): Meta["resume"];
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
/** The peer as the handler of a request sees it. */
export declare class Peer {
    #private;
    /** @internal */
    constructor(endpoint: RpcEndpoint, parent: Context);
    /** As {@link RpcEndpoint.request}, as a child of the request. */
    request<T = unknown>(method: string, payload?: unknown, meta?: Meta, options?: number | RequestOptions): Promise<T>;
    /** As {@link RpcEndpoint.stream}, as a child of the request. */
    stream<T = unknown>(method: string, payload?: unknown, meta?: Meta, options?: StreamOptions): RpcStream<T>;
}
