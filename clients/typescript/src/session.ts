/**
 * The protocol's state machine: the tables of calls and requests, the two lanes of the writer, credit, deadlines, resume.
 * Frames go in, events and frames come out, and the time is an argument. No I/O, no clock, no user code.
 */

import { cancelled, errFrame, RpcError, timeout } from "./errors.js";
import { Consumer, Producer, type StreamLimits } from "./flow.js";
import { type Cid, type Frame, type Grant, isObject, type Nxt } from "./frame.js";
import { canResume, detach, issue, onErr, settle } from "./session/calls.js";
import { type Exchange, LIVE, type Millis, OVER } from "./session/exchange.js";
import type { BoundsPart, LanePart } from "./session/parts.js";
import { CLOSED, DISCONNECTED, DRAINING, OPEN } from "./session/phase.js";
import { drop, onReq } from "./session/requests.js";
import { armIdle, onGrant, popFrame, takeIn } from "./session/streams.js";

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

/** The state of one connection, seen from one side. */
export class Session {
  readonly _config: SessionConfig;
  /** Frames for finished or unknown calls, and messages that are no frames, so far on this connection. */
  declare _counters: { dropped: number; malformed: number };
  declare _prefix: string;
  _count = 0;
  _calls = new Map<Cid, Exchange>();
  /** Calls that wait for a connection, or for the moment of their next try. */
  _waiting = new Set<Exchange>();
  _requests = new Map<Cid, Exchange>();
  /** The control lane of the writer. */
  _control: Frame[] = [];
  /** The data lane: who has something to send, in turn. */
  _ring: Exchange[] = [];
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
  /** The two ends of a stream; `ahead` has its own. */
  _Producer = Producer;
  _Consumer = Consumer;

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

  /** The next frame for the transport; what is returned counts as handed over. Control alone where the transport is full. */
  _poll(now: Millis): Frame | undefined {
    if (!this._isConnected) return undefined;
    let frame = this._control.shift();
    if (frame) this._bounds?._countControl(frame, -1);
    while (!frame && !this._isFull) {
      const turn = this._ring.shift();
      if (!turn) return undefined;
      turn._isInRing = false;
      frame = popFrame(this, turn);
    }
    if (frame) this._bounds?._keep(now, true);
    return frame;
  }

  /** A frame that was handed over cannot travel: whoever made it learns that. */
  _unsendable(frame: Frame, reason: string): void {
    const { kind, cid } = frame;
    const isOurs = kind === "req" || (frame as Nxt).dir;
    const x = (isOurs ? this._calls : this._requests).get(cid);
    const error = new RpcError(isOurs ? "INVALID_PAYLOAD" : "INTERNAL", "cannot be sent: " + reason);
    if (kind === "req" && x) settle(this, x, { error });
    else if (x) this._fail(x, error);
    else this._refuse(cid, error);
  }

  /** Lets time pass. */
  _advance(now: Millis): void {
    if (now < this._next) return;
    this._next = Infinity;
    for (const x of [...this._calls.values(), ...this._waiting, ...this._requests.values()]) {
      if (x._stage === OVER) continue;
      this._soon(x.deadline);
      if (x.deadline <= now) this._fail(x, timeout(), "deadline");
      else if (this._waiting.has(x)) {
        if (x._retryAt > now) this._soon(x._retryAt);
        else if (this._phase === OPEN) issue(this, now, x);
      } else armIdle(this, now, x);
    }
    this._changed(now);
  }

  /** A new connection is there. What waited is sent by {@link Session._reissue}. */
  _open(): void {
    this._phase = OPEN;
    this._prefix = Math.random().toString(36).slice(2, 8) + "-";
    this._counters = { dropped: 0, malformed: 0 };
  }

  /** Sends what waited for a connection, under new ids. `spec: resume.3` */
  _reissue(now: Millis): void {
    for (const call of this._waiting) issue(this, now, call);
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
    for (const request of this._requests.values()) drop(this, request);
    for (const turn of this._ring) turn._isInRing = false;
    this._control = [];
    this._ring = [];
    this._isFull = this._isOverSoft = false;
    for (const call of [...this._calls.values(), ...this._waiting]) {
      const spec = call.spec!;
      const isUnsent = call._head || !call._stage;
      call._retryAt = Infinity;
      call._head = undefined;
      call._out?._take();
      if (again && (isUnsent || canResume(call))) detach(this, call);
      else {
        const isKnown = isUnsent || spec.idempotent || call._in;
        const code = isKnown ? "CONNECTION_CLOSED" : "INDETERMINATE";
        settle(this, call, { error: new RpcError(code, this._reason) });
      }
    }
    this._phase = again ? DISCONNECTED : CLOSED;
  }

  /** Whether there is a connection now. */
  get _isConnected(): boolean {
    return !(this._phase & 1);
  }

  /** False for a frame that concerns nothing. */
  _take(now: Millis, frame: Frame, size: number): boolean {
    const { kind, cid } = frame;
    if (kind === "req") return onReq(this, now, frame, size);
    // Any other frame answers a call, whatever direction it claims.
    const up = kind === "can" || ((kind === "nxt" || kind === "end") && frame.dir === "up");
    const x = (up ? this._requests : this._calls).get(cid);
    // What has not been sent cannot be answered.
    if (!x || (!up && x._head)) return false;
    if (kind === "can") {
      this._fail(x, cancelled());
      return true;
    }
    if (kind === "err") return onErr(this, now, x, frame);
    const { data, fc } = frame as Nxt;
    if (isObject(fc) && (up || data === undefined)) {
      const isNews = onGrant(this, now, x, fc as unknown as Grant);
      if (data === undefined) return isNews;
    }
    // Any other first frame than credit means that the responder does not know uploads. `spec: up.3`
    if (!up && x._out && !x._isAccepted) {
      this._fail(x, new RpcError("UNSUPPORTED", "the method takes no items"));
      return true;
    }
    if (kind === "nxt") {
      if (up && (!x._in || x._isHalfClosed)) return false;
      x._tries = 0;
      if (x._in) return takeIn(this, now, x, frame, size);
      this._fail(x, notUnary());
      return true;
    }
    if (up) {
      if (!x._in || x._isHalfClosed) return false;
      x._isHalfClosed = true;
      this._emit("wake", x);
      return true;
    }
    if (!x._in) settle(this, x, kind === "end" ? { error: notUnary() } : { value: frame.result ?? null });
    else {
      // A stream answered by one value is an item, then the end.
      if (kind === "res") takeIn(this, now, x, { data: frame.result } as Nxt, size);
      if (x._stage === LIVE) settle(this, x, {});
    }
    return true;
  }

  /**
   * Ends a call or request at once: what it has queued is discarded, and the peer is told by the control lane. `spec:
   * cancel.1, writer.5`
   */
  _fail(x: Exchange, error: RpcError, reason?: string): void {
    const { cid } = x;
    if (!x.spec) {
      drop(this, x);
      this._refuse(cid, error);
    } else if (x._stage !== OVER) {
      if (x._stage && !x._head) this._send({ kind: "can", cid, reason } as Frame);
      settle(this, x, { error });
    }
  }

  _refuse(cid: Cid, error: RpcError): void {
    this._send(errFrame(cid, error));
  }

  /** Queues a frame in the control lane. */
  _send(frame: Frame): void {
    this._bounds?._countControl(frame, 1);
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

function notUnary(): RpcError {
  return new RpcError("NOT_UNARY", "the method streams");
}
