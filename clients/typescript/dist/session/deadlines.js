/**
 * The times at which a connection has something to do. There is no timer for each call: the session remembers the
 * earliest moment at which something can be due, and asks its calls and requests when that has come.
 */
/** The next moment at which something may be due; infinite where nothing can be. */
export class Deadlines {
    _next = Infinity;
    _soon(at) {
        if (at < this._next)
            this._next = at;
    }
    /** Whether that moment has come; whatever is due later must be named again. */
    _isDue(now) {
        if (now < this._next)
            return false;
        this._next = Infinity;
        return true;
    }
}
//# sourceMappingURL=deadlines.js.map