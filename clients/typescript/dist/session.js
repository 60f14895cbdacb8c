/**
 * The protocol's state machine: the tables of calls and requests, the two lanes of the writer, credit, deadlines, resume.
 * Frames go in, events and frames come out, and the time is an argument. No I/O, no clock, no user code.
 */
import { errFrame, limitError, RpcError } from "./errors.js";
import { Queue } from "./queue.js";
import * as calls from "./session/calls.js";
import { Deadlines } from "./session/deadlines.js";
import { Outbox } from "./session/outbox.js";
import * as requests from "./session/requests.js";
/** The versions of the protocol that this engine serves. `spec: version.2` */
export const VERSIONS = ["0.2", "0.3"];
/** The heartbeat, which the session answers itself; it and its answer go by the control lane. `spec: discover.5` */
export const PING = "rpc.ping";
/** There is a connection. */
export const OPEN = 0;
/** There is none yet, or none any more, and there may be one. */
export const DISCONNECTED = 1;
/** Nothing new is taken on. */
export const DRAINING = 2;
/** There will be no connection. */
export const CLOSED = 3;
/** The state of one connection, seen from one side. */
export class Session {
    config;
    /** Frames for finished or unknown calls, and messages that are no frames, so far on this connection. */
    counters = { dropped: 0, malformed: 0 };
    _prefix = "";
    _count = 0;
    _calls = new Map();
    /** Calls that wait for a connection. */
    _detached = new Set();
    _requests = new Map();
    _outbox = new Outbox();
    _deadlines = new Deadlines();
    _events = new Queue();
    /** Bytes that have been received and wait to be taken. */
    _inbound = 0;
    _inFlight = 0;
    _streams = 0;
    _phase = DISCONNECTED;
    /** Why the connection ended. */
    _closed = "";
    _lanes;
    _bounds;
    /** A session that waits for its first connection; calls may be made meanwhile. */
    constructor(config) {
        this.config = config;
    }
    /** Takes in one decoded frame of about `size` bytes, 0 where that is not known; undefined for an unknown kind. */
    receive(now, frame, size = 0) {
        if (!this.isConnected)
            return;
        if (!frame || !this._take(now, frame, size))
            this.counters.dropped++;
        this._changed(now);
    }
    /** Takes in a message that is no frame. `spec: frame.7` to `frame.10` */
    receiveMalformed(now, { error, head }) {
        if (!this.isConnected)
            return;
        const { kind, cid } = head;
        const count = ++this.counters.malformed;
        const limit = Math.max(16, this.config.limits.malformed);
        if (kind === "req" && cid !== undefined) {
            const live = this._requests.get(cid);
            if (live)
                requests.abortRequest(this, live, error);
            else
                this._outbox._pushControl(errFrame(cid, error));
        }
        else if (kind && kind !== "can" && cid !== undefined && head.dir !== "up") {
            const call = this._pending(cid);
            if (call)
                calls.abortCall(this, call, error);
        }
        else if (error.details?.limit === "message bytes") {
            this._close("a message that names no call is too long: " + error.message);
        }
        if (count >= limit)
            this._close(limitError("malformed messages", limit, "malformed").message);
        this._changed(now);
    }
    /** The next frame for the transport. What is returned counts as handed over. */
    poll(now) {
        if (!this.isConnected)
            return undefined;
        let frame = this._outbox._popControl();
        while (!frame) {
            const turn = this._outbox._nextTurn();
            if (!turn)
                return undefined;
            frame = turn instanceof requests.Request ? requests.popRequest(this, turn) : calls.popCall(this, turn);
        }
        this._bounds?._progress(now);
        return frame;
    }
    /** The next frame that waits for nothing, for a transport that is full. */
    pollControl() {
        return this.isConnected ? this._outbox._popControl() : undefined;
    }
    /** Whether a frame may be waiting for the transport. */
    get hasFrames() {
        return this.isConnected && this._outbox._control.size + this._outbox._ring.size > 0;
    }
    /** The next thing for the driver to do. */
    pollEvent() {
        return this._events.shift();
    }
    /** When {@link Session.advance} wants to be called; infinite where it need not be. */
    get nextDeadline() {
        return this._deadlines._next;
    }
    /** Lets time pass. */
    advance(now) {
        if (!this._deadlines._isDue(now))
            return;
        for (const call of this._calls.values())
            calls.advanceCall(this, now, call);
        for (const call of this._detached)
            calls.advanceCall(this, now, call);
        for (const request of this._requests.values())
            requests.advanceRequest(this, now, request);
        this._changed(now);
    }
    /** Makes a call. Throws an {@link RpcError} where that cannot be done. */
    call(now, spec) {
        const call = calls.makeCall(this, now, spec);
        this._changed(now);
        return call;
    }
    /** Settles a call on this side and tells the peer. */
    abort(now, call, error, reason) {
        calls.abortCall(this, call, error, reason);
        this._changed(now);
    }
    /** Asks the peer for a sign of life. Whatever it sends next is one. */
    ping() {
        this._outbox._pushControl({ kind: "req", cid: this._prefix + "ping", method: PING });
    }
    /**
     * The connection ended. Every call and request is settled, but for what may wait for the next connection where the
     * session reconnects. `spec: close.1` to `close.3`
     */
    disconnect(reason) {
        if (this._phase === CLOSED)
            return;
        const again = this.config.reconnects && (this._phase === OPEN || this._phase === DISCONNECTED);
        this._closed = reason;
        requests.stopRequests(this);
        this._outbox._clear();
        calls.breakCalls(this, again);
        this._phase = again ? DISCONNECTED : CLOSED;
        this._bounds?._clear();
    }
    /** A new connection is there. What waited is sent by {@link Session.reissue}. */
    open() {
        this._phase = OPEN;
        this._prefix = Math.random().toString(36).slice(2, 8) + "-";
        this.counters = { dropped: 0, malformed: 0 };
    }
    /** Sends what waited for a connection, under new ids. `spec: resume.3` */
    reissue(now) {
        for (const call of this._detached)
            calls.reissue(this, now, call);
        this._changed(now);
    }
    /** No connection will come any more: everything is settled. */
    giveUp(reason) {
        if (this._phase !== CLOSED)
            this._phase = DRAINING;
        this.disconnect(reason);
    }
    /** Begins to drain: new calls and requests are refused, streams end, unary calls may finish. `spec: close.6` */
    drain(now) {
        if (this._phase === DISCONNECTED) {
            this.giveUp("the endpoint was closed");
        }
        else if (this._phase === OPEN) {
            this._phase = DRAINING;
            requests.endStreams(this);
            calls.cancelStreams(this);
            this._changed(now);
        }
    }
    /** Whether a draining session has nothing left to finish or send. */
    get isDrained() {
        return this._phase === CLOSED || (this._phase === DRAINING && !this._inFlight && !this._calls.size && !this.hasFrames);
    }
    /** Whether there is a connection now. */
    get isConnected() {
        return this._phase === OPEN || this._phase === DRAINING;
    }
    /** Calls and requests in the tables. */
    get size() {
        return this._calls.size + this._detached.size + this._requests.size;
    }
    _newCid() {
        return this._prefix + (this._count++).toString(36);
    }
    _wake(target) {
        this._events.push({ kind: "wake", target });
    }
    _close(reason) {
        this._events.push({ kind: "close", reason });
    }
    _changed(now) {
        this._bounds?._keep(now);
    }
    /** A call that the peer knows of. */
    _pending(cid) {
        const call = this._calls.get(cid);
        return call?._req ? undefined : call;
    }
    /** False for a frame that concerns nothing. */
    _take(now, frame, size) {
        const { kind, cid } = frame;
        if (kind === "req") {
            requests.onReq(this, now, frame, size);
            return true;
        }
        if (kind === "can" || ("dir" in frame && frame.dir === "up")) {
            const request = this._requests.get(cid);
            if (!request)
                return false;
            if (kind === "nxt")
                return requests.onUpItem(this, now, request, frame, size);
            if (kind === "end")
                return request._up?._end() ?? false;
            requests.abortRequest(this, request, new RpcError("CANCELLED", "the caller cancelled"));
            return true;
        }
        const call = this._pending(cid);
        if (!call)
            return false;
        if (kind === "nxt")
            return calls.onItem(this, now, call, frame, size);
        if (kind === "err")
            calls.onErr(this, now, call, frame);
        else if (!calls.refusesUploads(this, call)) {
            if (kind === "res")
                calls.onRes(this, call, frame.result, size);
            else
                calls.onEnd(this, call);
        }
        return true;
    }
}
//# sourceMappingURL=session.js.map