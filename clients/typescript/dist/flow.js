/**
 * Credit and buffers of one direction of one call: what a producer may send, what a consumer has room for. Knows no
 * frames on the wire, no calls and no clock.
 */
import { limitError, RpcError } from "./errors.js";
import { Item, weigh } from "./item.js";
import { Queue } from "./queue.js";
/** Items that a source without credit limits is asked for before others have their turn. */
export const BATCH = 64;
/** The largest window, in items. */
const MAX_WINDOW = 4096;
/** What an item costs beside its value. */
const ITEM_BYTES = 64;
function overflow(bytes, items, limits) {
    if (bytes > limits.stream_bytes)
        return limitError("stream bytes", limits.stream_bytes, "stream_bytes", "SLOW_CONSUMER");
    if (items > limits.stream_items)
        return limitError("stream items", limits.stream_items, "stream_items", "SLOW_CONSUMER");
    return undefined;
}
/** The sending end of a stream: a queue, credit, and what to do when both run out. */
export class Producer {
    _queue = new Queue();
    _bytes = 0;
    _sent = 0;
    _skipped = 0;
    /** The highest number allowed; undefined where the consumer knows no credit. */
    _upto;
    _lag;
    constructor(upto, lag) {
        this._upto = upto;
        this._lag = lag;
    }
    /** How many items the source may be asked for now. */
    _room() {
        const { _upto } = this;
        return this._lag === "block" && _upto !== undefined ? Math.max(0, _upto - this._sent - this._queue.size) : BATCH;
    }
    /** Whether the consumer allows another item now. */
    _hasCredit() {
        return this._upto === undefined || this._upto > this._sent;
    }
    _canSend() {
        return this._queue.size > 0 && this._hasCredit();
    }
    /** Queues an item. What it returns is why the stream must end instead. */
    _push(item, limits) {
        const queue = this._queue;
        item._size = weigh(item.data) + ITEM_BYTES;
        const excess = () => overflow(this._bytes + item._size, queue.size + 1, limits);
        if (this._lag === "latest") {
            for (const older of queue.take())
                inherit(item, older);
            this._bytes = 0;
        }
        else if (this._lag === "dropOldest") {
            while (queue.size && excess()) {
                const oldest = queue.shift();
                this._bytes -= oldest._size;
                this._skipped += oldest.skipped + 1;
                inherit(queue.peek() ?? item, oldest);
            }
        }
        else if (this._lag === "close") {
            const error = excess();
            if (error)
                return error;
        }
        else if (this._upto === undefined) {
            const error = overflow(this._bytes + item._size, 1, limits);
            if (error)
                return error;
        }
        this._bytes += item._size;
        queue.push(item);
        return undefined;
    }
    /** The next item, where credit allows one; its number is how many were sent then. */
    _pop() {
        if (!this._hasCredit())
            return undefined;
        const item = this._queue.shift();
        if (item) {
            this._bytes -= item._size;
            this._sent++;
            item.skipped += this._skipped;
            this._skipped = 0;
        }
        return item;
    }
    /** Raises the credit. A grant that is late or repeated changes nothing. `spec: fc.4` */
    _grant(upto) {
        if (this._upto === undefined || upto <= this._upto)
            return false;
        this._upto = upto;
        return true;
    }
    _clear() {
        this._queue.take();
        this._bytes = 0;
    }
}
/** The receiving end of a stream: what has arrived and was not yet taken, and the credit given for more. */
export class Consumer {
    _inbox = [];
    _bytes = 0;
    /** Items received under the present `cid`. */
    _received = 0;
    /** Items consumed under the present `cid`; begins below zero where items of an earlier one are still buffered. */
    _consumed = 0;
    /** Items handed over and perhaps not yet consumed. */
    _lent = 0;
    _upto;
    _obeys;
    _numbered = false;
    _window;
    _mean = 0;
    _lag;
    _resumed = false;
    _epoch;
    _pos;
    constructor(window, lag) {
        this._window = this._upto = Math.max(1, window);
        this._lag = lag;
    }
    /** Whether the producer may send and has not: the time in which a gap counts as idle. `spec: time.8` */
    _isWaiting() {
        return !this._obeys || this._received < this._upto;
    }
    /** Takes in an item of about `size` bytes. What it returns fails the stream; false says that it came before. */
    _receive(nxt, size, limits) {
        const obeys = (this._obeys ??= nxt.fc === 1);
        const wrong = this._checkNumber(nxt.seq ?? undefined, obeys);
        if (wrong !== true)
            return wrong;
        const item = new Item(nxt.data === undefined ? null : nxt.data, { pos: nxt.pos ?? undefined, epoch: nxt.epoch ?? undefined, reset: nxt.reset ?? undefined }, nxt.skipped ?? 0);
        this._noteSource(item);
        size = item._size = (size || weigh(nxt.data)) + ITEM_BYTES;
        this._mean = this._mean ? (this._mean * 7 + size) / 8 : size;
        const error = obeys ? overflow(this._bytes + size, 0, limits) : this._makeRoom(item, limits);
        if (error)
            return error;
        this._bytes += size;
        this._inbox.push(item);
        return true;
    }
    /** Hands over everything buffered; what was handed over before counts as consumed from now on. */
    _take() {
        const items = this._inbox;
        this._consumed += this._lent;
        this._lent = items.length;
        this._bytes = 0;
        this._inbox = [];
        return items;
    }
    /** Whether a grant is due, which `upto` then is. At half a window, so that a running stream never waits for it. */
    _dueGrant(windowBytes) {
        if (!this._obeys)
            return false;
        if (windowBytes && this._mean) {
            this._window = Math.min(MAX_WINDOW, Math.max(1, Math.floor(windowBytes / this._mean)));
        }
        const reach = this._consumed + this._window;
        if (reach < this._upto + Math.ceil(this._window / 2))
            return false;
        this._upto = reach;
        return true;
    }
    /** Begins anew under another `cid`, after a break; what is buffered stays and counts against the window. */
    _restart() {
        const held = this._inbox.length + this._lent;
        this._received = 0;
        this._consumed = -held;
        this._upto = Math.max(1, this._window - held);
        this._obeys = undefined;
        this._numbered = false;
        this._resumed = this._epoch !== undefined;
    }
    _checkNumber(seq, obeys) {
        const expected = this._received + 1;
        if (seq === undefined) {
            if (obeys)
                return new RpcError("INVALID_FRAME", "an item under credit has no seq");
            this._received = expected;
        }
        else if (!obeys && !this._numbered) {
            // A 0.2 producer may count from anywhere; what counts is that it goes on by one.
            this._received = seq;
        }
        else if (seq < expected) {
            return false;
        }
        else if (seq > expected) {
            return new RpcError("INVALID_FRAME", `items are missing: expected number ${expected}, got ${seq}`);
        }
        else {
            this._received = expected;
        }
        this._numbered = seq !== undefined;
        if (obeys && this._received > this._upto)
            return new RpcError("INVALID_FRAME", "the producer exceeded its credit");
        return true;
    }
    /** Keeps the cursor, and marks an item that starts over without saying so. `spec: resume.7` */
    _noteSource(item) {
        if (this._resumed && item.epoch !== this._epoch) {
            item.reset = true;
            this._epoch = this._pos = undefined;
        }
        this._resumed = false;
        this._epoch = item.epoch ?? this._epoch;
        this._pos = item.pos ?? this._pos;
    }
    _makeRoom(item, limits) {
        const inbox = this._inbox;
        const excess = () => overflow(this._bytes + item._size, inbox.length + 1, limits);
        if (this._lag === "latest") {
            for (const older of inbox)
                inherit(item, older);
            inbox.length = this._bytes = 0;
        }
        else if (this._lag === "dropOldest") {
            // The hole stands before the oldest item that is left.
            while (inbox.length && excess()) {
                const oldest = inbox.shift();
                this._bytes -= oldest._size;
                const next = inbox[0] ?? item;
                next.skipped += oldest.skipped + 1;
                inherit(next, oldest);
            }
        }
        else {
            return excess();
        }
        return undefined;
    }
}
/**
 * What a dropped item said of its source holds for the one behind it: without an epoch a consumer could not resume, and
 * without the reset it would go on from what is void.
 */
function inherit(next, dropped) {
    next.reset ||= dropped.reset;
    next.epoch ??= dropped.epoch;
}
//# sourceMappingURL=flow.js.map