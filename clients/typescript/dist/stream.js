/** A stream in flight, as its consumer holds it. */
import { RpcError } from "./errors.js";
import { dropItems, takeItems } from "./session/calls.js";
/**
 * A stream of items. `return()` (which leaving a `for await` calls) and the signal cancel it at once, also while the next
 * item is awaited. A stream that nobody iterates holds the items that fit its window; call `return()` on one that is not
 * wanted any more.
 */
export class RpcStream {
    #endpoint;
    #call;
    /** Why there will be no more, where that is an error which nobody was told yet. */
    #error;
    #taken = [];
    #at = 0;
    #reset = false;
    #waiting = [];
    /** @internal Made by {@link RpcEndpoint.stream}. */
    constructor(endpoint, start) {
        this.#endpoint = endpoint;
        if (start instanceof RpcError)
            this.#error = start;
        else
            (this.#call = start).waiter = this;
    }
    /** The next value. Rejects, once, where the stream fails. */
    next() {
        return this.#pull(false);
    }
    /** Cancels the stream: the peer is told at once, and everybody who awaits an item learns that there is none. */
    return() {
        this._cancel();
        return Promise.resolve(DONE);
    }
    [Symbol.asyncIterator]() {
        return this;
    }
    /** The items with where they stand: `pos`, `epoch`, `reset`, `skipped`. Takes from the same stream. `spec: resume.8` */
    items() {
        return {
            next: () => this.#pull(true),
            return: () => this.return(),
            [Symbol.asyncIterator]() {
                return this;
            },
        };
    }
    /**
     * Takes the stream as an observable, as RxJS's `from` does: unsubscribing cancels at once, where the loop of an async
     * iterable would wait for the next item.
     */
    subscribe(observer) {
        const ask = () => void this.next().then(take, (error) => observer.error?.(error));
        const take = ({ done, value }) => {
            if (done)
                return observer.complete?.();
            observer.next?.(value);
            ask();
        };
        ask();
        return { unsubscribe: () => this._cancel() };
    }
    /** What makes RxJS use {@link RpcStream.subscribe}. */
    "@@observable"() {
        return this;
    }
    /** @internal Ends the stream on this side, with what its consumer is told, and tells the peer. */
    _cancel(error) {
        const call = this.#call;
        if (!call)
            return;
        this.#end(error);
        this.#taken = [];
        dropItems(this.#endpoint._session, call);
        this.#endpoint._abort(call, error ?? new RpcError("CANCELLED", "the stream was cancelled"));
        this.wake();
    }
    /** @internal Called when the stream is over on this side. */
    _release;
    /** @internal */
    wake() {
        while (this.#waiting.length) {
            const result = this.#step(this.#waiting[0].full);
            if (!result)
                return;
            const { resolve, reject } = this.#waiting.shift();
            if (result instanceof RpcError)
                reject(result);
            else
                resolve(result);
        }
    }
    #pull(full) {
        const result = this.#waiting.length ? undefined : this.#step(full);
        if (!result)
            return new Promise((resolve, reject) => this.#waiting.push({ full, resolve, reject }));
        return result instanceof RpcError ? Promise.reject(result) : Promise.resolve(result);
    }
    /** What comes next, where that is known. */
    #step(full) {
        for (;;) {
            const item = this.#taken[this.#at];
            if (item) {
                this.#at++;
                // A reset without a value stands before the item that follows it.
                if (item.reset && item.data === null) {
                    this.#reset = true;
                    continue;
                }
                item.reset ||= this.#reset;
                this.#reset = false;
                return { done: false, value: full ? item : item.data };
            }
            const call = this.#call;
            if (!call) {
                const error = this.#error;
                this.#error = undefined;
                return error ?? DONE;
            }
            this.#taken = takeItems(this.#endpoint._session, this.#endpoint._now(), call);
            this.#at = 0;
            if (this.#taken.length) {
                this.#endpoint._run();
                continue;
            }
            if (!call.outcome) {
                this.#endpoint._run();
                return undefined;
            }
            this.#end(call.outcome.error);
        }
    }
    #end(error) {
        this.#error = error;
        if (this.#call)
            this.#call.waiter = undefined;
        this.#call = undefined;
        this._release?.();
    }
}
const DONE = { done: true, value: undefined };
//# sourceMappingURL=stream.js.map