/**
 * A part of a state, as a value that changes: what React, RxJS and plain listeners watch.
 */
import { share } from "./json.js";
/**
 * A part of the state. Its value keeps its identity while it stays equal, whatever the selector builds anew; parts of it
 * that stay equal keep theirs.
 */
export class Selection {
    #source;
    #selector;
    #state;
    #value;
    /** The part of `source` that `selector`, a pure function, picks; it keeps what it can of `previous`. */
    constructor(source, selector, previous) {
        this.#source = source;
        this.#selector = selector;
        this.#value = previous;
    }
    /** The value now; undefined before the state is known. */
    get value() {
        const state = this.#source.state;
        if (state !== undefined && !Object.is(state, this.#state)) {
            this.#value = share(this.#value, this.#selector(state));
            this.#state = state;
        }
        return state === undefined ? undefined : this.#value;
    }
    /** Calls `listener` whenever the value is another one, with what it was; the answer ends that. */
    subscribe(listener) {
        let previous = this.value;
        return this.#source.onChange(() => {
            const value = this.value;
            if (Object.is(value, previous))
                return;
            const was = previous;
            previous = value;
            listener(value, was);
        });
    }
    /** The value now, once it is known, then each newer one; a consumer that lags sees the newest alone. */
    [Symbol.asyncIterator]() {
        return new Values(this);
    }
}
/** Iterates by hand: `return` takes effect while `next` waits. */
class Values {
    #fresh;
    #waiting = [];
    #off;
    constructor(selection) {
        const value = selection.value;
        if (value !== undefined)
            this.#fresh = { value };
        this.#off = selection.subscribe((newer) => this.#arrived(newer));
    }
    next() {
        if (!this.#off)
            return Promise.resolve({ done: true, value: undefined });
        const fresh = this.#fresh;
        this.#fresh = undefined;
        if (fresh)
            return Promise.resolve({ done: false, value: fresh.value });
        return new Promise((resolve) => this.#waiting.push(resolve));
    }
    return() {
        this.#off?.();
        this.#off = undefined;
        for (const resolve of this.#waiting.splice(0))
            resolve({ done: true, value: undefined });
        return Promise.resolve({ done: true, value: undefined });
    }
    [Symbol.asyncIterator]() {
        return this;
    }
    #arrived(value) {
        const resolve = this.#waiting.shift();
        if (resolve)
            resolve({ done: false, value });
        else
            this.#fresh = { value };
    }
}
//# sourceMappingURL=selection.js.map