/**
 * A part of a state, as a value that changes: what React, RxJS and plain listeners watch.
 */
/** Where a selection's state comes from. */
export interface Source<S> {
    /** The state now; undefined before it is known. Immutable: another state is another object. */
    readonly state: S | undefined;
    /** Calls `listener` after each change; the answer ends that. */
    onChange(listener: () => void): () => void;
}
/**
 * A part of the state. Its value keeps its identity while it stays equal, whatever the selector builds anew; parts of it
 * that stay equal keep theirs.
 */
export declare class Selection<S, T> implements AsyncIterable<T> {
    #private;
    /** The part of `source` that `selector`, a pure function, picks; it keeps what it can of `previous`. */
    constructor(source: Source<S>, selector: (state: S) => T, previous?: T);
    /** The value now; undefined before the state is known. */
    get value(): T | undefined;
    /** Calls `listener` whenever the value is another one, with what it was; the answer ends that. */
    subscribe(listener: (value: T, previous: T | undefined) => void): () => void;
    /** The value now, once it is known, then each newer one; a consumer that lags sees the newest alone. */
    [Symbol.asyncIterator](): AsyncIterableIterator<T>;
}
