/**
 * The protocol's state machine: the tables of calls and requests, the two lanes of the writer, credit, deadlines, resume.
 * Frames go in, events and frames come out, and the time is an argument. No I/O, no clock, no user code.
 */

import { limitError, RpcError } from "./errors.js";
import { Consumer, Producer, type StreamLimits } from "./flow.js";
import type { Cid, End, Err, Frame, Meta, Nxt, OnLag, Req, Res } from "./frame.js";
import { isObject, type Malformed } from "./frame/decode.js";
import { type Item, weigh } from "./item.js";
import { type CallSpec, Exchange, LIVE, type Millis, type Outcome, OVER, WAITING } from "./session/exchange.js";

/** The bounds that every session has; the others are those of `sixframe/limits`. */
export interface SessionLimits extends StreamLimits {
  /** Malformed messages after which the connection is closed, at least 16. */
  malformed: number;
  /** Bytes of items and requests that may wait on this side. */
  hard_bytes: number;
}

/** What a session is made with. */
export interface SessionConfig {
  limits: SessionLimits;
  /** Items that a consumer offers at first; afterwards the window is sized by bytes. */
  window: number;
  /** Bytes that a consumer aims to have under way; 0 keeps windows as they were first offered. */
  windowBytes: number;
  /** Whether there may be another connection after this one. */
  reconnects: boolean;
}

/** What the driver must do, in order. */
export type Event =
  /** Start the handler. */
  | ["request", Exchange]
  /** Stop the handler: its request is over. */
  | ["stop", Exchange]
  /** Wake whoever waits for it. */
  | ["wake", Exchange]
  /** Close the connection, for this reason. */
  | ["close", string];

/** Requests that start one after another, where that is plugged in. */
export interface LanePart {
  /** @internal True where the request must wait for its lane. */
  _enter(request: Exchange): boolean;
  /** @internal The request leaves its lane, whether it held it or waited; the one that starts now is returned. */
  _release(request: Exchange): Exchange | undefined;
  /** @internal The connection is over. */
  _clear(): void;
}

/** Bounds on what a peer may do and on what is queued for it, where they are plugged in. */
export interface BoundsPart {
  /** @internal Throws where a call may not be made. */
  _mayCall(spec: CallSpec): void;
  /** @internal Why a request is refused. */
  _refusal(now: Millis, req: Req, size: number): RpcError | undefined;
  /** @internal Why a stream is refused. */
  _streamRefusal(): RpcError | undefined;
  /** @internal True where a request must wait until less is queued; it will be started then. */
  _holds(request: Exchange): boolean;
  /** @internal Something has changed; `isProgress` where the transport took a frame. */
  _keep(now: Millis, isProgress?: boolean): void;
  /** @internal The connection is over. */
  _clear(): void;
}

/** The versions of the protocol that this engine serves. `spec: version.2` */
export const VERSIONS = ["0.2", "0.3"];

/** The heartbeat, which the session answers itself; it and its answer go by the control lane. `spec: discover.5` */
const PING = "rpc.ping";

/** There is a connection. */
const OPEN = 0;
/** There is none yet, or none any more, and there may be one. */
const DISCONNECTED = 1;
/** Nothing new is taken on. */
const DRAINING = 2;
/** There will be no connection. */
const CLOSED = 3;

/** Calls that may wait for a connection. */
const MAX_WAITING = 1024;

/** The state of one connection, seen from one side. */
export class Session {
  readonly _config: SessionConfig;
  /** Frames for finished or unknown calls, and messages that are no frames, so far on this connection. */
  _counters = { dropped: 0, malformed: 0 };
  _prefix = "";
  _count = 0;
  _calls = new Map<Cid, Exchange>();
  /** Calls that wait for a connection, or for the moment of their next try. */
  _waiting = new Set<Exchange>();
  _requests = new Map<Cid, Exchange>();
  /** The control lane of the writer. */
  _control: Frame[] = [];
  /** The data lane: who has something to send, in turn. */
  _ring: Exchange[] = [];
  /** About how many bytes wait for the writer, where somebody counts them. */
  _bytes = 0;
  /** Weighs what is queued; replaced by whoever bounds it. */
  _weigh: (value: unknown) => number = () => 0;
  /** Whether sources must wait: for the transport, or for what is queued. */
  _isFull = false;
  _isOverSoft = false;
  /** The earliest moment at which something can be due. There is no timer for each call: all are asked then. */
  _next: Millis = Infinity;
  _events: Event[] = [];
  /** Bytes that have been received and wait to be taken. */
  _inbound = 0;
  _inFlight = 0;
  _streams = 0;
  _phase = DISCONNECTED;
  /** Why there is no connection. */
  _reason = "";
  _lanes: LanePart | undefined;
  _bounds: BoundsPart | undefined;

  /** A session that waits for its first connection; calls may be made meanwhile. */
  constructor(config: SessionConfig) {
    this._config = config;
  }

  /** Takes in one decoded frame of about `size` bytes, 0 where that is not known; undefined for an unknown kind. */
  _receive(now: Millis, frame: Frame | undefined, size = 0): void {
    if (!this._isConnected) return;
    if (!frame || !this._take(now, frame, size)) this._counters.dropped++;
    this._changed(now);
  }

  /** Takes in a message that is no frame. `spec: frame.7` to `frame.10` */
  _receiveMalformed(now: Millis, { error, head: { kind, cid, dir }, isOversized }: Malformed): void {
    if (!this._isConnected) return;
    const limit = Math.max(16, this._config.limits.malformed);
    if (cid !== undefined && kind === "req") {
      const live = this._requests.get(cid);
      if (live) this._fail(live, error);
      else this._refuse(cid, error);
    } else if (cid !== undefined && kind && kind !== "can" && dir !== "up") {
      const call = this._calls.get(cid);
      if (call && !call._head) this._fail(call, error);
    } else if (isOversized) {
      this._close(error.message);
    }
    if (++this._counters.malformed >= limit) this._close(limitError("malformed messages", limit, "malformed").message);
    this._changed(now);
  }

  /** The next frame for the transport; what is returned counts as handed over. Control alone where the transport is full. */
  _poll(now: Millis): Frame | undefined {
    if (!this._isConnected) return undefined;
    let frame = this._control.shift();
    if (frame) this._bytes -= this._weigh(frame);
    while (!frame && !this._isFull) {
      const turn = this._ring.shift();
      if (!turn) return undefined;
      turn._isInRing = false;
      frame = this._pop(turn);
    }
    if (frame) this._bounds?._keep(now, true);
    return frame;
  }

  /** Lets time pass. */
  _advance(now: Millis): void {
    if (now < this._next) return;
    this._next = Infinity;
    for (const x of [...this._calls.values(), ...this._waiting, ...this._requests.values()]) {
      if (x._stage === OVER) continue;
      this._soon(x.deadline);
      if (x.deadline <= now) this._fail(x, timeout("the time allowed for the call ran out"), "deadline");
      else if (this._waiting.has(x)) {
        if (x._retryAt > now) this._soon(x._retryAt);
        else if (this._phase === OPEN) this._issue(now, x);
      } else this._armIdle(now, x);
    }
    this._changed(now);
  }

  /** Makes a call. Throws an {@link RpcError} where that cannot be done. */
  _call(now: Millis, spec: CallSpec): Exchange {
    const { timeoutMs, streams } = spec;
    if (this._phase > DISCONNECTED) throw new RpcError("CONNECTION_CLOSED", this._reason);
    if (timeoutMs! <= 0) throw timeout("no time is left for the call");
    if (this._waiting.size >= MAX_WAITING) throw new RpcError("RESOURCE_EXHAUSTED", "too many calls wait for a connection");
    this._bounds?._mayCall(spec);
    const call = new Exchange(spec, undefined, now, timeoutMs, spec.idleMs);
    const { window, limits } = this._config;
    call._out = spec.up;
    if (streams) call._in = new Consumer(spec.window ?? window, spec.onLag ?? "block", limits);
    this._detach(call);
    if (!this._phase) this._issue(now, call);
    this._changed(now);
    return call;
  }

  /** Settles a call on this side and tells the peer. `spec: cancel.1` */
  _abort(now: Millis, call: Exchange, error: RpcError): void {
    this._fail(call, error);
    this._changed(now);
  }

  /** The items that have arrived. What was taken before counts as consumed with this, and credit is granted for it. */
  _takeItems(now: Millis, x: Exchange): Item[] {
    const consumer = x._in!;
    this._inbound -= consumer._bytes;
    const items = consumer._take();
    if (x._stage === LIVE && !x._isHalfClosed) {
      // While it had no credit the producer was not idle.
      if (!consumer._isWaiting()) x._idleSince = now;
      if (consumer._dueGrant(this._config.windowBytes)) {
        this._grant(x, { upto: consumer._upto, ack: Math.max(0, consumer._consumed) });
      }
      this._armIdle(now, x);
    }
    return items;
  }

  /** Credit for the peer's items. */
  _grant({ cid, spec }: Exchange, fc: { upto: number; ack?: number }): void {
    this._send({ kind: "nxt", cid, dir: spec && "up", fc } as Nxt);
  }

  /** Answers a request, after the items that are queued. Nothing happens where the request was over. */
  _finish(now: Millis, request: Exchange, answer: Omit<Res, "cid"> | Omit<End, "cid"> | RpcError): void {
    if (request._stage !== LIVE) return;
    const { cid } = request;
    const tail = answer instanceof RpcError ? errFrame(cid, answer) : { ...answer, cid };
    request._stage = OVER;
    request._tail = tail;
    this._bytes += request._size = this._weigh(tail);
    this._settleCounts(request);
    this._enter(request);
    this._changed(now);
  }

  /**
   * The handler answers with a stream, whose source may be asked from now on within {@link Session._room}. False where the
   * request was over or is refused. A source that `pushes` cannot be held back: `block` is `close` for it.
   */
  _startStream(now: Millis, request: Exchange, declared: OnLag, pushes: boolean): boolean {
    if (request._stage !== LIVE) return false;
    const error = this._phase ? new RpcError("CONNECTION_CLOSED", this._reason) : this._bounds?._streamRefusal();
    const out = (request._out ??= new Producer(undefined, declared, this._config.limits));
    const chosen = request.req.meta?.fc?.onLag!;
    const lag = LAGS.includes(chosen) ? chosen : declared;
    out._lag = pushes && lag === "block" ? "close" : lag;
    request._isStream = true;
    request._idleSince = now;
    this._streams++;
    if (error) this._fail(request, error);
    else {
      this._armIdle(now, request);
      this._releaseLane(request);
    }
    this._changed(now);
    return !error;
  }

  /** How many items may be queued: of a stream that answers, or of an upload. Not above zero: none now. */
  _room(x: Exchange): number {
    return x._stage === LIVE && !this._isFull && !this._isOverSoft && (x._isStream || x.spec) ? x._out!._room() : 0;
  }

  /** Queues an item. False where the stream is over, or was ended with `SLOW_CONSUMER` by this. */
  _push(now: Millis, x: Exchange, item: Item): boolean {
    if (x._stage !== LIVE) return false;
    const out = x._out!;
    this._bytes -= out._bytes;
    const error = out._push(item);
    this._bytes += out._bytes;
    if (!x.spec) x._idleSince = now;
    if (error) this._fail(x, error);
    else this._enter(x);
    this._changed(now);
    return !error;
  }

  /** Sources that had to wait may go on. */
  _wakeProducers(): void {
    for (const x of [...this._calls.values(), ...this._requests.values()]) if (x._out) this._emit("wake", x);
  }

  /** Asks the peer for a sign of life. Whatever it sends next is one. */
  _ping(): void {
    this._send({ kind: "req", cid: this._prefix, method: PING });
  }

  /** A new connection is there. What waited is sent by {@link Session._reissue}. */
  _open(): void {
    this._phase = OPEN;
    this._prefix = Math.random().toString(36).slice(2, 8) + "-";
    this._counters = { dropped: 0, malformed: 0 };
  }

  /** Sends what waited for a connection, under new ids. `spec: resume.3` */
  _reissue(now: Millis): void {
    for (const call of this._waiting) this._issue(now, call);
    this._changed(now);
  }

  /**
   * The connection ended. Every call and request is settled, but for what may wait for the next connection where there may
   * be one. `spec: close.1` to `close.3`
   */
  _disconnect(reason: string, again = this._config.reconnects): void {
    again &&= this._phase < DRAINING;
    if (this._phase === CLOSED) return;
    this._reason = "connection closed: " + reason;
    // Nothing that waits may start in the place of what is dropped.
    this._lanes?._clear();
    this._bounds?._clear();
    for (const request of this._requests.values()) this._drop(request);
    for (const turn of this._ring) turn._isInRing = false;
    this._control = [];
    this._ring = [];
    this._bytes = 0;
    this._isFull = this._isOverSoft = false;
    for (const call of [...this._calls.values(), ...this._waiting]) {
      const spec = call.spec!;
      const isUnsent = call._head || !call._stage;
      call._retryAt = Infinity;
      call._head = undefined;
      call._out?._take();
      if (again && (isUnsent || canResume(call))) this._detach(call);
      else {
        const isKnown = isUnsent || spec.idempotent || call._in;
        const code = isKnown ? "CONNECTION_CLOSED" : "INDETERMINATE";
        this._settle(call, { error: new RpcError(code, this._reason) });
      }
    }
    this._phase = again ? DISCONNECTED : CLOSED;
  }

  /** Begins to drain: new calls and requests are refused, streams end, unary calls may finish. `spec: close.6` */
  _drain(now: Millis): void {
    if (this._phase) return this._phase === DISCONNECTED ? this._disconnect("closed by this side", false) : undefined;
    this._phase = DRAINING;
    this._reason = "the endpoint is closing";
    for (const x of [...this._calls.values(), ...this._requests.values()]) {
      if (x.spec ? x._in || x._out : x._isStream) {
        this._fail(x, new RpcError(x.spec ? "CANCELLED" : "CONNECTION_CLOSED", this._reason));
      }
    }
    this._changed(now);
  }

  /** Whether a draining session has nothing left to finish or send. */
  get _isDrained(): boolean {
    const waits = this._inFlight + this._calls.size + this._control.length + this._ring.length;
    return this._phase === CLOSED || (this._phase === DRAINING && !waits);
  }

  /** Whether there is a connection now. */
  get _isConnected(): boolean {
    return !(this._phase & 1);
  }

  /** Whether there will be no connection. */
  get _isClosed(): boolean {
    return this._phase === CLOSED;
  }

  /** Calls and requests in the tables. */
  get _size(): number {
    return this._calls.size + this._waiting.size + this._requests.size;
  }

  /** False for a frame that concerns nothing. */
  _take(now: Millis, frame: Frame, size: number): boolean {
    const { kind, cid } = frame;
    if (kind === "req") return this._onReq(now, frame, size);
    const up = kind === "can" || (frame as Nxt).dir === "up";
    const x = (up ? this._requests : this._calls).get(cid);
    // What has not been sent cannot be answered.
    if (!x || (!up && x._head)) return false;
    if (kind === "can") {
      this._fail(x, new RpcError("CANCELLED", "the caller cancelled"));
      return true;
    }
    if (kind === "err") return this._onErr(now, x, frame);
    const { data, fc } = frame as Nxt;
    if (isObject(fc) && (up || data === undefined)) {
      const isNews = this._onGrant(now, x, fc.upto as number);
      if (data === undefined) return isNews;
    }
    // Any other first frame than credit means that the responder does not know uploads. `spec: up.3`
    if (!up && x._out && !x._isAccepted) {
      this._fail(x, new RpcError("UNSUPPORTED", "the peer takes no upstream items for this method"));
      return true;
    }
    if (kind === "nxt") {
      if (up && (!x._in || x._isHalfClosed)) return false;
      x._tries = 0;
      if (x._in) return this._takeIn(now, x, frame, size);
      this._fail(x, notUnary());
      return true;
    }
    if (up) {
      if (!x._in || x._isHalfClosed) return false;
      x._isHalfClosed = true;
      this._emit("wake", x);
      return true;
    }
    if (!x._in) this._settle(x, kind === "end" ? { error: notUnary() } : { value: frame.result ?? null });
    else {
      // A stream answered by one value is an item, then the end.
      if (kind === "res") this._takeIn(now, x, { data: frame.result } as Nxt, size);
      if (x._stage === LIVE) this._settle(x, {});
    }
    return true;
  }

  _onReq(now: Millis, req: Req, size: number): boolean {
    const { cid, meta, payload } = req;
    const live = this._requests.get(cid);
    const error = live ? new RpcError("DUPLICATE_CID", "the cid is in use by a live request") : this._refusal(now, req, size);
    if (live) this._fail(live, error!);
    else if (req.method === PING) this._send({ kind: "res", cid, ok: true, result: payload ?? null });
    else if (error) this._refuse(cid, error);
    else {
      const request = new Exchange(undefined, req, now, meta?.timeoutMs ?? undefined, meta?.idleMs ?? undefined);
      const { fc } = meta ?? {};
      request.cid = cid;
      request._size = size;
      if (isObject(fc)) request._out = new Producer(fc.upto as number, "block", this._config.limits);
      this._requests.set(cid, request);
      this._inFlight++;
      this._soon(request.deadline);
      if (this._lanes?._enter(request)) this._hold(request);
      else this._start(request);
    }
    return true;
  }

  _refusal(now: Millis, req: Req, size: number): RpcError | undefined {
    const { rpcSpecVersion: version, timeoutMs } = req.meta ?? {};
    if (req.method === PING) return undefined;
    if (this._phase) return new RpcError("CONNECTION_CLOSED", this._reason);
    if (version != null && !VERSIONS.includes(String(version))) {
      return new RpcError("UNSUPPORTED_VERSION", `version ${version} is not served`, { supported: VERSIONS });
    }
    if (timeoutMs === 0) return timeout("the caller left no time for the call");
    return this._bounds?._refusal(now, req, size);
  }

  /** Starts a request, unless it has to wait for what is queued. */
  _start(request: Exchange): void {
    if (this._bounds?._holds(request)) return this._hold(request);
    if (request._isHeld) this._inbound -= request._size;
    request._stage = LIVE;
    this._emit("request", request);
  }

  _hold(request: Exchange): void {
    if (request._isHeld) return;
    request._isHeld = true;
    this._inbound += request._size ||= weigh(request.req.payload);
  }

  _onErr(now: Millis, call: Exchange, { code, message, details, domain }: Err): boolean {
    if (code === "CONNECTION_CLOSED" && canResume(call) && !this._phase) {
      const wait = Math.min(100 << call._tries++, 10_000);
      this._detach(call);
      call._retryAt = now + Math.ceil((wait / 2) * (1 + Math.random()));
      this._soon(call._retryAt);
    } else this._settle(call, { error: new RpcError(code, message, details ?? undefined, domain) });
    return true;
  }

  /** False where the grant is no news. */
  _onGrant(now: Millis, x: Exchange, upto: number): boolean {
    const out = x._out;
    if (!out) return false;
    // Until now there was no credit, and the stream was not idle.
    this._armIdle(now, x);
    const isNews = out._grant(upto);
    x._isAccepted ||= !!x.spec;
    this._emit("wake", x);
    this._enter(x);
    this._armIdle(now, x);
    return isNews || !!x.spec;
  }

  /** Puts an item into the inbox; false where it came before. */
  _takeIn(now: Millis, x: Exchange, nxt: Nxt, size: number): boolean {
    const consumer = x._in!;
    const { hard_bytes } = this._config.limits;
    size ||= weigh(nxt.data);
    this._inbound -= consumer._bytes;
    const isTooMuch = this._inbound + consumer._bytes + size > hard_bytes;
    const taken = isTooMuch ? limitError("waiting bytes", hard_bytes, "hard_bytes", "SLOW_CONSUMER") : consumer._receive(nxt, size);
    this._inbound += consumer._bytes;
    if (!taken) return false;
    x._idleSince = now;
    if (taken === true) {
      this._emit("wake", x);
      this._armIdle(now, x);
    } else this._fail(x, taken);
    return true;
  }

  /** Issues a call, or issues it again under a new `cid`. */
  _issue(now: Millis, call: Exchange): void {
    const { meta, method, payload, onLag, lane, op, idleMs } = call.spec!;
    const consumer = call._in;
    consumer?._restart();
    const { _epoch: epoch, _pos: after } = consumer ?? {};
    const cid = (call.cid = this._prefix + (this._count++).toString(36));
    // A payload stands last, so that a reader who trusts need not look for its end.
    const req = {
      kind: "req",
      cid,
      method,
      meta: {
        ...meta,
        timeoutMs: call.deadline < Infinity ? Math.max(1, call.deadline - now) : meta?.timeoutMs,
        idleMs,
        fc: consumer && { upto: consumer._upto, onLag },
        up: call._out && {},
        resume: epoch !== undefined && after !== undefined ? { epoch, after } : undefined,
        lane,
        op,
      } as Meta,
      payload,
    } as Req;
    this._waiting.delete(call);
    this._calls.set(cid, call);
    call._stage = LIVE;
    call._retryAt = Infinity;
    call._idleSince = now;
    if (method === PING) return this._send(req);
    call._head = req;
    this._bytes += call._size = this._weigh(req);
    this._enter(call);
    this._armIdle(now, call);
  }

  /** The call waits for a connection, or for the moment of its next try. */
  _detach(call: Exchange): void {
    this._calls.delete(call.cid);
    this._waiting.add(call);
    call._stage = WAITING;
    this._soon(call.deadline);
  }

  _settle(call: Exchange, outcome: Outcome): void {
    if (call._head) this._bytes -= call._size;
    if (call._out) this._bytes -= call._out._bytes;
    call._out?._take();
    call._head = undefined;
    this._calls.delete(call.cid);
    this._waiting.delete(call);
    call._stage = OVER;
    call.outcome = outcome;
    this._emit("wake", call);
  }

  /**
   * Ends a call or request at once: what it has queued is discarded, and the peer is told by the control lane. `spec:
   * cancel.1, writer.5`
   */
  _fail(x: Exchange, error: RpcError, reason?: string): void {
    const { cid } = x;
    if (!x.spec) {
      this._drop(x);
      this._refuse(cid, error);
    } else if (x._stage !== OVER) {
      if (x._stage && !x._head) this._send({ kind: "can", cid, reason } as Frame);
      this._settle(x, { error });
    }
  }

  _refuse(cid: Cid, error: RpcError): void {
    this._send(errFrame(cid, error));
  }

  /** A request is over, and nothing of it is sent any more. */
  _drop(request: Exchange): void {
    if (request._tail) this._bytes -= request._size;
    if (request._out) this._bytes -= request._out._bytes;
    request._out = request._tail = undefined;
    this._requests.delete(request.cid);
    const stage = request._stage;
    request._stage = OVER;
    if (stage === LIVE) this._emit("stop", request);
    else if (request._isHeld && !stage) this._inbound -= request._size;
    if (stage !== OVER) this._settleCounts(request);
  }

  /** The request no longer counts against the limits, nor holds its lane; what else its caller sends is in vain. */
  _settleCounts(request: Exchange): void {
    const consumer = request._in;
    if (consumer) {
      this._inbound -= consumer._bytes;
      consumer._take();
      this._emit("wake", request);
    }
    this._inFlight--;
    if (request._isStream) this._streams--;
    this._releaseLane(request);
  }

  _releaseLane(request: Exchange): void {
    const next = this._lanes?._release(request);
    if (next) this._start(next);
  }

  /** The next frame of whose turn it is. */
  _pop(x: Exchange): Frame | undefined {
    const { _head, _tail, _out, cid } = x;
    if (_head) {
      x._head = undefined;
      this._bytes -= x._size;
      this._enter(x);
      return _head;
    }
    if (_out) {
      this._bytes -= _out._bytes;
      const item = _out._pop();
      this._bytes += _out._bytes;
      if (item) {
        this._enter(x);
        const { _sent: seq, _upto } = _out;
        const { pos, epoch, skipped, reset, data } = item;
        const dir = x.spec && "up";
        const fc = !dir && seq === 1 && _upto !== undefined ? 1 : undefined;
        return { kind: "nxt", cid, dir, seq, pos, epoch, skipped: skipped || undefined, reset: reset || undefined, fc, data: data ?? null } as Nxt;
      }
      if (_out._items.length || (x.spec && (x._stage !== LIVE || !x._isAccepted))) return undefined;
    }
    if (_tail) {
      x._tail = undefined;
      this._bytes -= x._size;
      if (!x.spec) this._requests.delete(cid);
    }
    return _tail;
  }

  /** Takes its place in the ring where it has something to send. */
  _enter(x: Exchange): void {
    const { _out, _head, _tail } = x;
    const isReady = _out?._items.length ? _out._hasCredit() : _tail && (!x.spec || x._isAccepted);
    if (!x._isInRing && (_head || isReady)) {
      x._isInRing = true;
      this._ring.push(x);
    }
  }

  /** Fails a stream that has been idle for too long, or says when it will have been. `spec: time.8` */
  _armIdle(now: Millis, x: Exchange): void {
    const { _idleMs, _in, _out, spec } = x;
    if (_idleMs === undefined || x._stage !== LIVE || !(spec ? _in : x._isStream)) return;
    if (!(spec ? _in!._isWaiting() : _out!._hasCredit())) x._idleSince = now;
    const at = x._idleSince + Math.ceil(_idleMs);
    if (at > now) this._soon(at);
    else this._fail(x, timeout("no item within the idle timeout"), "idle");
  }

  /** Queues a frame in the control lane. */
  _send(frame: Frame): void {
    this._bytes += this._weigh(frame);
    this._control.push(frame);
  }

  _soon(at: Millis): void {
    if (at < this._next) this._next = at;
  }

  _emit(kind: "request" | "stop" | "wake", x: Exchange): void {
    this._events.push([kind, x]);
  }

  _close(reason: string): void {
    this._events.push(["close", reason]);
  }

  _changed(now: Millis): void {
    this._bounds?._keep(now);
  }
}

const LAGS: OnLag[] = ["block", "latest", "dropOldest", "close"];

function timeout(message: string): RpcError {
  return new RpcError("RPC_TIMEOUT", message);
}

function notUnary(): RpcError {
  return new RpcError("NOT_UNARY", "the method streams; call it with stream()");
}

/** The frame that tells the peer of a failure. */
function errFrame(cid: Cid, { message, code, domain, details }: RpcError): Err {
  return { kind: "err", cid, ok: false, message, code, domain, details };
}

/** Whether the stream may be issued again after a break. `spec: resume.2, up.9` */
function canResume({ spec, _in, _out }: Exchange): boolean {
  return !_out && !!spec!.resumable && !!_in && (_in._epoch !== undefined || !_in._received);
}
