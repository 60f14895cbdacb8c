/**
 * Calls whose caller sends items too. {@link upload} and {@link duplex} make them on any endpoint; an endpoint that answers
 * them is made with `use: [uploads]` and registers its handler with `{ uploads: true }`. `spec: up.*`
 */
import type { Extension, RequestOptions, RpcEndpoint, StreamOptions } from "./endpoint.js";
import type { Meta } from "./frame.js";
import { RpcStream } from "./stream.js";
/** What a caller sends: anything that can be iterated. It is asked for an item when the peer has room for one. */
export type Source<U> = AsyncIterable<U> | Iterable<U>;
/**
 * Calls a method that takes items and answers once. When the call ends early, by its answer too, the source's `return()` is
 * called; when the source throws, the call is cancelled and rejects with what was thrown.
 */
export declare function upload<R = unknown, U = unknown>(endpoint: RpcEndpoint, method: string, source: Source<U>, payload?: unknown, meta?: Meta, options?: RequestOptions): Promise<R>;
/** Calls a method with items both ways. When the source throws, the stream is cancelled and fails with what was thrown. */
export declare function duplex<T = unknown, U = unknown>(endpoint: RpcEndpoint, method: string, source: Source<U>, payload?: unknown, meta?: Meta, options?: StreamOptions): RpcStream<T>;
/** Lets the endpoint's handlers take what their callers send, from `context.uploads`. */
export declare const uploads: Extension;
