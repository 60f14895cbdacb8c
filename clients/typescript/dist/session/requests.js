/** The responder's side: requests from their arrival to their terminal frame. */
import { errFrame, RpcError } from "../errors.js";
import { Producer } from "../flow.js";
import { isObject } from "../frame/decode.js";
import { weigh } from "../item.js";
import { DRAINING, PING, VERSIONS } from "../session.js";
/** Not started: its lane is busy, or too much is queued for the peer. */
const WAITING = 0;
const RUNNING = 1;
/** Answered; the terminal frame may still be queued. */
const FINISHED = 2;
/** A request of the peer. */
export class Request {
    cid;
    method;
    payload;
    meta;
    /** When the caller's budget runs out; infinite where it set none. */
    deadline;
    /** Who is told of its end. */
    waiter;
    _stage = RUNNING;
    _inRing = false;
    /** Whether it counts as in flight, and as an open stream. */
    _counts = true;
    _streams = false;
    _upto;
    _onLag;
    _idleSince;
    /** The terminal frame, which follows the items, and its weight. */
    _terminal;
    _size = 0;
    _producer;
    _up;
    /** About how many bytes are kept while it waits. */
    _held = 0;
    constructor(now, req) {
        const meta = (this.meta = req.meta ?? {});
        this.cid = req.cid;
        this.method = req.method;
        this.payload = req.payload;
        this.deadline = meta.timeoutMs == null ? Infinity : now + Math.ceil(meta.timeoutMs);
        this._idleSince = now;
        if (isObject(meta.fc)) {
            this._upto = meta.fc.upto;
            this._onLag = LAGS.includes(meta.fc.onLag) ? meta.fc.onLag : undefined;
        }
    }
}
const LAGS = ["block", "latest", "dropOldest", "close"];
export function onReq(s, now, req, size) {
    const { cid, method } = req;
    const live = s._requests.get(cid);
    if (live) {
        const message = "the cid is in use by a live request, which ends with this";
        return abortRequest(s, live, new RpcError("DUPLICATE_CID", message));
    }
    if (method === PING) {
        const { payload } = req;
        s._outbox._pushControl({ kind: "res", cid, ok: true, result: payload === undefined ? null : payload });
        return;
    }
    const error = refusal(s, now, req, size);
    if (error) {
        s._outbox._pushControl(errFrame(cid, error));
        return;
    }
    const request = new Request(now, req);
    s._requests.set(cid, request);
    s._inFlight++;
    s._deadlines._soon(request.deadline);
    request._held = size;
    if (s._lanes?._enter(request))
        hold(s, request);
    else
        start(s, request);
}
/** Starts a request, unless it has to wait for what is queued. */
export function start(s, request) {
    if (s._bounds?._holds(request)) {
        hold(s, request);
        return;
    }
    if (request._stage === WAITING)
        s._inbound -= request._held;
    request._stage = RUNNING;
    s._events.push({ kind: "request", request });
}
/** Answers a unary request or an upload. Nothing happens where the request was over. */
export function reply(s, now, request, result) {
    const res = { kind: "res", cid: request.cid, ok: true };
    if (result !== undefined)
        res.result = result;
    finishWith(s, now, request, res);
}
/** Ends a request, after the items that are queued: with the error that its handler failed with, or, of a stream, with `end`. */
export function finish(s, now, request, error) {
    finishWith(s, now, request, error ? errFrame(request.cid, error) : { kind: "end", cid: request.cid });
}
/**
 * The handler answers with a stream, whose source may be polled from now on within {@link streamRoom}. False where the
 * request was over or is refused. A source that `pushes` cannot be held back: `block` is `close` for it.
 */
export function startStream(s, now, request, declared, pushes) {
    if (request._stage !== RUNNING)
        return false;
    const error = s._phase === DRAINING ? new RpcError("CONNECTION_CLOSED", "the endpoint is closing") : s._bounds?._mayStream();
    if (error) {
        abortRequest(s, request, error);
        s._changed(now);
        return false;
    }
    const lag = request._onLag ?? declared;
    request._producer = new Producer(request._upto, pushes && lag === "block" ? "close" : lag);
    request._idleSince = now;
    request._streams = true;
    s._streams++;
    armIdle(s, now, request);
    releaseLane(s, request);
    s._changed(now);
    return true;
}
/** How many items the source may be asked for; negative when the stream is over. */
export function streamRoom(s, request) {
    if (request._stage !== RUNNING || !request._producer)
        return -1;
    return s._bounds?._isOver() ? 0 : request._producer._room();
}
/** Queues an item of a stream. False where the stream is over, or was ended with `SLOW_CONSUMER` by this. */
export function pushItem(s, now, request, item) {
    const producer = request._producer;
    if (request._stage !== RUNNING || !producer)
        return false;
    const before = producer._bytes;
    const error = producer._push(item, s.config.limits);
    s._outbox._bytes += producer._bytes - before;
    request._idleSince = now;
    if (error)
        abortRequest(s, request, error);
    else
        enter(s, request);
    s._changed(now);
    return !error;
}
export function onUpItem(s, now, request, nxt, size) {
    const producer = request._producer;
    if (isObject(nxt.fc)) {
        const upto = nxt.fc.upto;
        let granted = false;
        if (producer) {
            if (!producer._hasCredit()) {
                request._idleSince = now;
                armIdle(s, now, request);
            }
            granted = producer._grant(upto);
            if (granted) {
                s._wake(request);
                enter(s, request);
            }
        }
        else if (request._upto !== undefined) {
            request._upto = Math.max(request._upto, upto);
            granted = true;
        }
        if (nxt.data === undefined)
            return granted;
    }
    return request._up?._item(nxt, size || weigh(nxt.data)) ?? false;
}
/** The next frame of a request whose turn it is. */
export function popRequest(s, request) {
    const producer = request._producer;
    const outbox = s._outbox;
    if (producer) {
        const before = producer._bytes;
        const item = producer._pop();
        if (item) {
            outbox._bytes += producer._bytes - before;
            enter(s, request);
            return itemFrame(request.cid, producer, item);
        }
        if (producer._queue.size)
            return undefined;
    }
    const terminal = request._terminal;
    if (terminal) {
        outbox._bytes -= request._size;
        s._requests.delete(request.cid);
    }
    return terminal;
}
/** Does what is due, and says when something else will be. */
export function advanceRequest(s, now, request) {
    if (request._stage === FINISHED)
        return;
    if (request.deadline <= now) {
        abortRequest(s, request, new RpcError("RPC_TIMEOUT", "the time allowed for the request ran out"));
        return;
    }
    s._deadlines._soon(request.deadline);
    armIdle(s, now, request);
}
/**
 * Ends a request at once: its handler is stopped, what it has queued is discarded, and the error goes out by the control
 * lane. `spec: writer.5`
 */
export function abortRequest(s, request, error) {
    drop(s, request);
    s._outbox._pushControl(errFrame(request.cid, error));
}
/** The connection ended. */
export function stopRequests(s) {
    // Nothing that waits may start in the place of what is dropped.
    s._lanes?._clear();
    for (const request of s._requests.values())
        drop(s, request);
}
/** Draining ends the streams of the peer. */
export function endStreams(s) {
    for (const request of s._requests.values()) {
        if (request._streams)
            abortRequest(s, request, new RpcError("CONNECTION_CLOSED", "the endpoint is closing"));
    }
}
function hold(s, request) {
    if (request._stage === WAITING)
        return;
    request._stage = WAITING;
    s._inbound += request._held ||= weigh(request.payload);
}
function refusal(s, now, { meta, payload }, size) {
    if (s._phase === DRAINING)
        return new RpcError("CONNECTION_CLOSED", "the endpoint is closing");
    const version = meta?.rpcSpecVersion;
    if (version != null && !VERSIONS.includes(String(version))) {
        const details = { supported: VERSIONS, requested: String(version) };
        return new RpcError("UNSUPPORTED_VERSION", `version ${version} is not served`, details);
    }
    const error = s._bounds?._refusal(meta, size, payload);
    if (error)
        return error;
    if (meta?.timeoutMs === 0)
        return new RpcError("RPC_TIMEOUT", "the caller left no time for the call");
    return s._bounds?._rateRefusal(now);
}
function drop(s, request) {
    const outbox = s._outbox;
    if (request._terminal)
        outbox._bytes -= request._size;
    outbox._bytes -= request._producer?._bytes ?? 0;
    request._producer = request._terminal = undefined;
    s._requests.delete(request.cid);
    if (request._stage === WAITING) {
        s._inbound -= request._held;
        s._bounds?._forget(request);
    }
    else if (request._stage === RUNNING) {
        s._events.push({ kind: "stopped", request });
    }
    request._stage = FINISHED;
    settleCounts(s, request);
}
function finishWith(s, now, request, terminal) {
    if (request._stage !== RUNNING)
        return;
    request._stage = FINISHED;
    request._terminal = terminal;
    s._outbox._bytes += request._size = s._outbox._weigh(terminal);
    settleCounts(s, request);
    enter(s, request);
    s._changed(now);
}
/** The request no longer counts against the limits, nor holds its lane; what else its caller sends is in vain. */
function settleCounts(s, request) {
    request._up?._clear();
    if (request._counts)
        s._inFlight--;
    if (request._streams)
        s._streams--;
    request._counts = request._streams = false;
    releaseLane(s, request);
}
function releaseLane(s, request) {
    const next = s._lanes?._release(request);
    if (next)
        start(s, next);
}
/** Ends a stream that has been idle for too long, or says when it will have been. `spec: time.8` */
function armIdle(s, now, request) {
    const { idleMs } = request.meta;
    if (idleMs == null || request._stage !== RUNNING)
        return;
    if (request._producer?._hasCredit() === false)
        request._idleSince = now;
    const at = request._idleSince + Math.ceil(idleMs);
    if (at > now)
        s._deadlines._soon(at);
    else
        abortRequest(s, request, new RpcError("RPC_TIMEOUT", "no item within the caller's idle timeout"));
}
function enter(s, request) {
    const producer = request._producer;
    if (producer?._canSend() || (!producer?._queue.size && request._terminal))
        s._outbox._enter(request);
}
function itemFrame(cid, producer, item) {
    const frame = { kind: "nxt", cid, seq: producer._sent };
    if (item.pos !== undefined)
        frame.pos = item.pos;
    if (item.epoch !== undefined)
        frame.epoch = item.epoch;
    if (item.skipped)
        frame.skipped = item.skipped;
    if (item.reset)
        frame.reset = true;
    if (producer._sent === 1 && producer._upto !== undefined)
        frame.fc = 1;
    frame.data = item.data === undefined ? null : item.data;
    return frame;
}
//# sourceMappingURL=requests.js.map