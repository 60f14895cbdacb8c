/**
 * The times at which a connection has something to do. There is no timer for each call: the session remembers the
 * earliest moment at which something can be due, and asks its calls and requests when that has come.
 */

/** Monotonic time in milliseconds, from whatever moment the driver chose. */
export type Millis = number;

/** The next moment at which something may be due; infinite where nothing can be. */
export class Deadlines {
  _next: Millis = Infinity;

  _soon(at: Millis): void {
    if (at < this._next) this._next = at;
  }

  /** Whether that moment has come; whatever is due later must be named again. */
  _isDue(now: Millis): boolean {
    if (now < this._next) return false;
    this._next = Infinity;
    return true;
  }
}
