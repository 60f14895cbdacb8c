/** A stream in flight, as its consumer holds it. */
import type { RpcEndpoint } from "./endpoint.js";
import { RpcError } from "./errors.js";
import type { Item } from "./item.js";
import { type Call } from "./session/calls.js";
/**
 * A stream of items. `return()` (which leaving a `for await` calls) and the signal cancel it at once, also while the next
 * item is awaited. A stream that nobody iterates holds the items that fit its window; call `return()` on one that is not
 * wanted any more.
 */
export declare class RpcStream<T> implements AsyncIterableIterator<T> {
    #private;
    /** @internal Made by {@link RpcEndpoint.stream}. */
    constructor(endpoint: RpcEndpoint, start: Call | RpcError);
    /** The next value. Rejects, once, where the stream fails. */
    next(): Promise<IteratorResult<T, undefined>>;
    /** Cancels the stream: the peer is told at once, and everybody who awaits an item learns that there is none. */
    return(): Promise<IteratorResult<T, undefined>>;
    [Symbol.asyncIterator](): this;
    /** The items with where they stand: `pos`, `epoch`, `reset`, `skipped`. Takes from the same stream. `spec: resume.8` */
    items(): AsyncIterableIterator<Item<T>>;
    /**
     * Takes the stream as an observable, as RxJS's `from` does: unsubscribing cancels at once, where the loop of an async
     * iterable would wait for the next item.
     */
    subscribe(observer: Observer<T>): {
        unsubscribe(): void;
    };
    /** What makes RxJS use {@link RpcStream.subscribe}. */
    "@@observable"(): this;
    /** @internal Ends the stream on this side, with what its consumer is told, and tells the peer. */
    _cancel(error?: RpcError): void;
    /** @internal Called when the stream is over on this side. */
    _release: (() => void) | undefined;
    /** @internal */
    wake(): void;
}
/** Who is told of a stream's items. */
export interface Observer<T> {
    next?(value: T): void;
    error?(error: unknown): void;
    complete?(): void;
}
