/**
 * A stream as a value that changes: its items folded into one, for whatever renders. It runs while somebody listens.
 */
import type { HubPeer } from "../hub.js";
/** Whether items may still come. */
export type StreamState = "open" | "ended" | "failed";
/** What is known of a stream. */
export interface StreamView<A> {
    /** The items so far, folded. */
    value: A;
    state: StreamState;
    /** Why it failed. */
    error?: unknown;
    /** How many items came. */
    count: number;
}
/** How items become one value. */
export interface StreamFold<T, A> {
    initial: A;
    /** Answers the value with `item`; does not change `value`. */
    reduce: (value: A, item: T) => A;
}
/**
 * Runs a stream while it has listeners. They hear of the first item and of the end at once, and of the items between them
 * once a frame of the screen.
 */
export declare class StreamStore<T, A> {
    #private;
    /** Calls nothing before the first listener. */
    constructor(peer: HubPeer, method: string, payload: unknown, fold: StreamFold<T, A>);
    /** What is known now; the same object while nothing changes. */
    readonly view: () => StreamView<A>;
    /** Calls `listener` after changes; the answer ends that, and with the last listener the stream. */
    readonly subscribe: (listener: () => void) => (() => void);
}
