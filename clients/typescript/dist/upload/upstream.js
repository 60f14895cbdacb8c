/** The state of upstream items, on both sides. Knows no endpoint, no clock and no iterators. `spec: up.*` */
import { RpcError } from "../errors.js";
import { Consumer, Producer } from "../flow.js";
import { Item } from "../item.js";
import { enter } from "../session/calls.js";
import { abortRequest } from "../session/requests.js";
/** What a caller has to send, and the credit for it. */
export class UpstreamQueue {
    _accepted = false;
    #session;
    #producer = new Producer(0, "block");
    #isFinished = false;
    #isEndSent = false;
    constructor(session) {
        this.#session = session;
    }
    /** How many items may be pushed now; negative when the call takes no more. */
    room(call) {
        if (call.outcome || this.#isFinished)
            return -1;
        return this.#session._bounds?._isOver() ? 0 : this.#producer._room();
    }
    /** Queues an item. */
    push(call, now, data) {
        const outbox = this.#session._outbox;
        const before = this.#producer._bytes;
        this.#producer._push(new Item(data), this.#session.config.limits);
        outbox._bytes += this.#producer._bytes - before;
        enter(this.#session, call);
        this.#session._changed(now);
    }
    /** No more items: the direction is half closed once what is queued has gone. `spec: up.5` */
    finish(call, now) {
        this.#isFinished = true;
        enter(this.#session, call);
        this.#session._changed(now);
    }
    _grant(_call, upto) {
        this.#producer._grant(upto);
    }
    _next({ _cid: cid }) {
        const producer = this.#producer;
        const before = producer._bytes;
        const item = producer._pop();
        if (item) {
            this.#session._outbox._bytes += producer._bytes - before;
            return { kind: "nxt", cid, dir: "up", seq: producer._sent, data: item.data === undefined ? null : item.data };
        }
        if (!this.#wantsEnd)
            return undefined;
        this.#isEndSent = true;
        return { kind: "end", cid, dir: "up" };
    }
    _isReady() {
        return this.#producer._canSend() || this.#wantsEnd;
    }
    _clear() {
        this.#session._outbox._bytes -= this.#producer._bytes;
        this.#producer._clear();
    }
    get #wantsEnd() {
        return this._accepted && this.#isFinished && !this.#isEndSent && !this.#producer._queue.size;
    }
}
/** What a caller has sent, and the credit for more. */
export class UpstreamInbox {
    #session;
    #request;
    _consumer;
    #isHalfClosed = false;
    #isOver = false;
    constructor(session, request) {
        this.#session = session;
        this.#request = request;
        this._consumer = new Consumer(session.config.window, "block");
        // The sender of upstream items always obeys credit.
        this._consumer._obeys = true;
    }
    /** The items that have arrived; what was taken before counts as consumed with this, and credit is granted for it. */
    take(now) {
        const session = this.#session;
        const consumer = this._consumer;
        session._inbound -= consumer._bytes;
        const items = consumer._take();
        if (!this.#isHalfClosed && !this.#isOver && consumer._dueGrant(session.config.windowBytes)) {
            const fc = { upto: consumer._upto, ack: Math.max(0, consumer._consumed) };
            session._outbox._pushControl({ kind: "nxt", cid: this.#request.cid, fc });
            session._changed(now);
        }
        return items;
    }
    /** Whether the caller has half-closed. */
    get isEnded() {
        return this.#isHalfClosed;
    }
    /** Whether the request is over, and no item will come any more. */
    get isOver() {
        return this.#isOver;
    }
    _item(nxt, size) {
        if (this.#isHalfClosed || this.#isOver)
            return false;
        const session = this.#session;
        const before = this._consumer._bytes;
        const { limits } = session.config;
        const taken = session._inbound + size > limits.hard_bytes
            ? new RpcError("SLOW_CONSUMER", "too many bytes wait; raise it with limits.hard_bytes")
            : this._consumer._receive(nxt, size, limits);
        session._inbound += this._consumer._bytes - before;
        if (taken === true)
            session._wake(this.#request);
        else if (taken)
            abortRequest(session, this.#request, taken);
        return taken !== false;
    }
    _end() {
        if (this.#isHalfClosed)
            return false;
        this.#isHalfClosed = true;
        this.#session._wake(this.#request);
        return true;
    }
    _clear() {
        this.#isOver = true;
        this.#session._inbound -= this._consumer._bytes;
        this._consumer._take();
    }
}
/** The handler takes upstream items: the peer gets its first credit. `spec: up.2` */
export function acceptUpstream(session, request) {
    const inbox = new UpstreamInbox(session, request);
    request._up = inbox;
    session._outbox._pushControl({ kind: "nxt", cid: request.cid, fc: { upto: inbox._consumer._upto } });
    return inbox;
}
//# sourceMappingURL=upstream.js.map