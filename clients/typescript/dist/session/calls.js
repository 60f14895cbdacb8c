/** The caller's side: calls from their first frame to their outcome. */
import { limitError, RpcError } from "../errors.js";
import { Consumer } from "../flow.js";
import { isObject } from "../frame/decode.js";
import { weigh } from "../item.js";
import { CLOSED, DISCONNECTED, DRAINING, OPEN, PING } from "../session.js";
/** It has been issued. */
const PENDING = 0;
/** It waits for a connection, or for the moment of its next try. */
const DETACHED = 1;
/** It is over. */
const SETTLED = 2;
/** How long a stream waits before it is issued again on a connection that is still there; doubled with every fruitless try. */
const REISSUE_MS = 100;
const REISSUE_MAX_MS = 10_000;
/** A call that this side made. */
export class Call {
    spec;
    /** Set when it is over. */
    outcome;
    /** Who is to be woken. */
    waiter;
    _cid = "";
    _stage = DETACHED;
    _inRing = false;
    /** The `req`, until it has been handed to the transport, and its weight. */
    _req;
    _size = 0;
    _deadline;
    _consumer;
    _idleSince = 0;
    /** When it is issued again, and how often it was. */
    _retryAt = Infinity;
    _tries = 0;
    constructor(spec, deadline) {
        this.spec = spec;
        this._deadline = deadline;
    }
}
/** Makes a call; throws where that cannot be done. */
export function makeCall(s, now, spec) {
    const waits = s._phase === DISCONNECTED;
    if (s._phase === CLOSED)
        throw new RpcError("CONNECTION_CLOSED", s._closed);
    if (s._phase === DRAINING)
        throw new RpcError("CONNECTION_CLOSED", "the endpoint is closing");
    const budget = spec.timeoutMs;
    if (budget !== undefined && budget <= 0)
        throw timeout();
    if (waits && s._detached.size >= MAX_DETACHED) {
        throw new RpcError("RESOURCE_EXHAUSTED", `${MAX_DETACHED} calls wait for a connection already`);
    }
    s._bounds?._mayCall(spec, waits);
    const call = new Call(spec, budget === undefined ? Infinity : now + Math.ceil(budget));
    if (spec.streams)
        call._consumer = new Consumer(spec.window ?? s.config.window, spec.onLag ?? "block");
    if (waits) {
        s._detached.add(call);
        s._deadlines._soon(call._deadline);
    }
    else {
        issue(s, now, call);
    }
    return call;
}
/** Calls that may wait for a connection. */
const MAX_DETACHED = 1024;
/** Settles a call on this side and tells the peer, if it knows of it. `spec: cancel.1` */
export function abortCall(s, call, error, reason) {
    if (call._stage === SETTLED)
        return;
    if (call._stage === PENDING && !call._req) {
        const can = { kind: "can", cid: call._cid };
        if (reason)
            can.reason = reason;
        s._outbox._pushControl(can);
    }
    settle(s, call, { error });
}
/** The items that have arrived. What was taken before counts as consumed with this, and credit is granted for it. */
export function takeItems(s, now, call) {
    const consumer = call._consumer;
    s._inbound -= consumer._bytes;
    const items = consumer._take();
    if (call._stage === PENDING) {
        if (!consumer._isWaiting())
            call._idleSince = now;
        if (consumer._dueGrant(s.config.windowBytes)) {
            const fc = { upto: consumer._upto, ack: Math.max(0, consumer._consumed) };
            s._outbox._pushControl({ kind: "nxt", cid: call._cid, dir: "up", fc });
        }
        armIdle(s, now, call);
    }
    return items;
}
/** Nobody will take what is buffered. */
export function dropItems(s, call) {
    s._inbound -= call._consumer?._bytes ?? 0;
    call._consumer?._take();
}
export function onRes(s, call, result, size) {
    if (!call._consumer) {
        settle(s, call, { value: result === undefined ? null : result });
    }
    else if (takeIn(s, call, { kind: "nxt", cid: "", data: result }, size)) {
        // A stream answered by one value: an item, then the end.
        settle(s, call, {});
    }
}
export function onErr(s, now, call, err) {
    if (err.code === "CONNECTION_CLOSED" && canResume(call) && s._phase === OPEN) {
        const wait = Math.min(REISSUE_MS << Math.min(call._tries++, 7), REISSUE_MAX_MS);
        detach(s, call);
        call._retryAt = now + Math.ceil(wait / 2 + (Math.random() * wait) / 2);
        s._deadlines._soon(call._retryAt);
        return;
    }
    settle(s, call, { error: new RpcError(err.code, err.message, err.details ?? undefined, err.domain) });
}
export function onItem(s, now, call, nxt, size) {
    const { fc } = nxt;
    const { up } = call.spec;
    const isGrant = nxt.data === undefined && isObject(fc);
    if (isGrant && up) {
        up._accepted = true;
        up._grant(call, fc.upto);
        s._wake(call);
        enter(s, call);
        return true;
    }
    if (refusesUploads(s, call))
        return true;
    if (isGrant)
        return false;
    if (!call._consumer) {
        abortCall(s, call, new RpcError("NOT_UNARY", "the method streams; call it with stream()"));
        return true;
    }
    call._tries = 0;
    call._idleSince = now;
    takeIn(s, call, nxt, size);
    armIdle(s, now, call);
    return true;
}
export function onEnd(s, call) {
    settle(s, call, call._consumer ? {} : { error: new RpcError("NOT_UNARY", "the method streams; call it with stream()") });
}
/** Any other first frame than credit means that the responder does not know uploads. `spec: up.3` */
export function refusesUploads(s, call) {
    const { up } = call.spec;
    if (!up || up._accepted)
        return false;
    abortCall(s, call, new RpcError("UNSUPPORTED", "the peer takes no upstream items for this method"));
    return true;
}
/** The next frame of a call whose turn it is. */
export function popCall(s, call) {
    const { _req } = call;
    if (_req) {
        call._req = undefined;
        s._outbox._bytes -= call._size;
        enter(s, call);
        return _req;
    }
    if (call._stage !== PENDING)
        return undefined;
    const frame = call.spec.up?._next(call);
    if (frame)
        enter(s, call);
    return frame;
}
/** Does what is due, and says when something else will be. */
export function advanceCall(s, now, call) {
    if (call._deadline <= now) {
        abortCall(s, call, timeout(), "deadline");
        return;
    }
    s._deadlines._soon(call._deadline);
    if (call._stage === DETACHED) {
        if (call._retryAt > now)
            s._deadlines._soon(call._retryAt);
        else if (s._phase === OPEN)
            reissue(s, now, call);
        return;
    }
    armIdle(s, now, call);
}
/** The connection broke: what cannot go on over the next one is settled. `spec: close.2, resume.2` */
export function breakCalls(s, again) {
    for (const call of [...s._calls.values(), ...s._detached]) {
        const harmless = call._stage === DETACHED || call._req;
        call._req = undefined;
        call._retryAt = Infinity;
        call.spec.up?._clear();
        if (again && (harmless || canResume(call))) {
            detach(s, call);
        }
        else {
            const isKnown = harmless || call.spec.idempotent || call._consumer;
            const code = isKnown ? "CONNECTION_CLOSED" : "INDETERMINATE";
            const text = isKnown ? "connection closed: " : "connection closed before the answer, whether the call ran is not known: ";
            settle(s, call, { error: new RpcError(code, text + s._closed) });
        }
    }
}
/** Issues a call that waited under a new `cid`. `spec: resume.3` */
export function reissue(s, now, call) {
    s._detached.delete(call);
    const consumer = call._consumer;
    call._retryAt = Infinity;
    consumer?._restart();
    const { _epoch, _pos } = consumer ?? {};
    issue(s, now, call, _epoch !== undefined && _pos !== undefined ? { epoch: _epoch, after: _pos } : undefined);
}
/** Streams of ours end when the endpoint drains. */
export function cancelStreams(s) {
    for (const call of s._calls.values()) {
        if (call._consumer || call.spec.up)
            abortCall(s, call, new RpcError("CANCELLED", "the call was cancelled"));
    }
}
/** There is data to send: the call takes its place in the ring. */
export function enter(s, call) {
    if (call._stage === PENDING && (call._req || call.spec.up?._isReady()))
        s._outbox._enter(call);
}
function timeout() {
    return new RpcError("RPC_TIMEOUT", "no answer within the call's timeout");
}
function issue(s, now, call, resume) {
    const { spec, _consumer } = call;
    const { payload, method } = spec;
    const meta = { ...spec.meta };
    if (call._deadline < Infinity) {
        meta.timeoutMs = Math.max(1, call._deadline - now);
        s._deadlines._soon(call._deadline);
    }
    if (spec.idleMs !== undefined)
        meta.idleMs = spec.idleMs;
    if (_consumer) {
        meta.fc = { upto: _consumer._upto };
        if (spec.onLag)
            meta.fc.onLag = spec.onLag;
    }
    if (spec.up)
        meta.up = {};
    if (resume)
        meta.resume = resume;
    if (spec.lane)
        meta.lane = spec.lane;
    if (spec.op)
        meta.op = spec.op;
    const cid = (call._cid = s._newCid());
    const req = { kind: "req", cid, method };
    for (const _ in meta) {
        req.meta = meta;
        break;
    }
    // A payload stands last, so that a reader who trusts need not look for its end.
    if (payload !== undefined)
        req.payload = payload;
    call._stage = PENDING;
    s._calls.set(cid, call);
    if (method === PING) {
        s._outbox._pushControl(req);
        return;
    }
    call._req = req;
    call._idleSince = now;
    s._outbox._bytes += call._size = s._outbox._weigh(req);
    s._outbox._enter(call);
    armIdle(s, now, call);
}
/** Fails a stream that has been idle for too long, or says when it will have been. */
function armIdle(s, now, call) {
    const { idleMs } = call.spec;
    if (idleMs === undefined || call._stage !== PENDING || !call._consumer)
        return;
    const at = (call._consumer._isWaiting() ? call._idleSince : now) + idleMs;
    if (at > now)
        s._deadlines._soon(at);
    else
        abortCall(s, call, timeout(), "idle");
}
function detach(s, call) {
    s._calls.delete(call._cid);
    call._stage = DETACHED;
    s._detached.add(call);
    s._deadlines._soon(call._deadline);
}
/** Puts an item into the inbox; false where that failed the call. */
function takeIn(s, call, nxt, size) {
    const consumer = call._consumer;
    const before = consumer._bytes;
    size ||= weigh(nxt.data);
    const { limits } = s.config;
    const taken = s._inbound + size > limits.hard_bytes
        ? limitError("waiting bytes", limits.hard_bytes, "hard_bytes", "SLOW_CONSUMER")
        : consumer._receive(nxt, size, limits);
    s._inbound += consumer._bytes - before;
    if (taken === true) {
        s._wake(call);
        return true;
    }
    if (taken) {
        abortCall(s, call, taken);
        return false;
    }
    s.counters.dropped++;
    return true;
}
function settle(s, call, outcome) {
    if (call._req) {
        s._outbox._bytes -= call._size;
        call._req = undefined;
    }
    call.spec.up?._clear();
    s._calls.delete(call._cid);
    s._detached.delete(call);
    call._stage = SETTLED;
    call.outcome = outcome;
    s._wake(call);
}
/** Whether the stream may be issued again after a break. `spec: resume.2, up.9` */
function canResume(call) {
    const { spec, _consumer } = call;
    if (!_consumer || spec.up || !spec.resumable)
        return false;
    return _consumer._epoch !== undefined || !_consumer._received;
}
//# sourceMappingURL=calls.js.map