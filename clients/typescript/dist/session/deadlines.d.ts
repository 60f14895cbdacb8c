/**
 * The times at which a connection has something to do. There is no timer for each call: the session remembers the
 * earliest moment at which something can be due, and asks its calls and requests when that has come.
 */
/** Monotonic time in milliseconds, from whatever moment the driver chose. */
export type Millis = number;
/** The next moment at which something may be due; infinite where nothing can be. */
export declare class Deadlines {
    _next: Millis;
    _soon(at: Millis): void;
    /** Whether that moment has come; whatever is due later must be named again. */
    _isDue(now: Millis): boolean;
}
