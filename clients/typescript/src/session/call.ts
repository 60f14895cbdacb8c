/** The caller's side: a call from its first frame to its outcome. */

import { RpcError } from "../errors.js";
import type { Producer } from "../flow.js";
import { type Err, type Frame, type Grant, isGrant, type Meta, type Nxt, type OnLag, type Req, type Res } from "../frame.js";
import type { Session } from "../session.js";
import { Exchange } from "./exchange.js";
import { LIVE, OVER, PING, WAITING } from "./phase.js";

/** A call to be made. */
export interface CallSpec {
  method: string;
  payload?: unknown;
  /** More fields of `meta`; those that the engine writes itself override them. */
  meta?: Meta | undefined;
  /** Whether items are expected rather than one answer. */
  streams?: boolean | undefined;
  /** Sends items too: they are queued here. */
  up?: Producer | undefined;
  timeoutMs?: number | undefined;
  idleMs?: number | undefined;
  /** Whether it may safely run twice: decides between `CONNECTION_CLOSED` and `INDETERMINATE`. */
  idempotent?: boolean | undefined;
  /** Whether a break may be mended by issuing the stream again; where nobody says, an epoch among its items does. */
  resume?: boolean | undefined;
  /** Items offered at first; the session's window where absent. */
  window?: number | undefined;
  onLag?: OnLag | undefined;
  lane?: string | undefined;
  op?: string | undefined;
}

/** How a call ended: with a value, with nothing more to come, or with an error. */
export interface Outcome {
  value?: unknown;
  error?: RpcError | undefined;
}

/** A call of this side. */
export class Call extends Exchange {
  override readonly _dir = "up";
  readonly _spec: CallSpec;
  /** Set when it is over. */
  declare _outcome: Outcome | undefined;
  /** Stops listening for the wish to end it; the driver's. */
  declare _release: (() => void) | undefined;
  /** How often it was issued again because a relay had lost its responder. */
  _tries = 0;

  constructor(session: Session, spec: CallSpec) {
    const { _options, _Consumer } = session;
    super(session, spec.timeoutMs);
    this._spec = spec;
    this._out = spec.up;
    if (spec.streams) this._in = new _Consumer(spec.window ?? _options.window, spec.onLag ?? "block", _options.limits);
  }

  /** Issues it, or issues it again, under a new `cid`. */
  _issue(): void {
    const { _session, _spec, _in, _deadline } = this;
    const { meta, method, payload, onLag, lane, op, idleMs } = _spec;
    _in?._restart();
    const { _epoch: epoch, _pos: after } = _in ?? {};
    const cid = (this._cid = _session._prefix + (_session._count++).toString(36));
    // A payload stands last, so that a reader who trusts need not look for its end.
    const req = {
      kind: "req",
      cid,
      method,
      meta: {
        ...meta,
        timeoutMs: _deadline < Infinity ? Math.max(1, _deadline - _session._now()) : meta?.timeoutMs,
        idleMs,
        fc: _in && { upto: _in._upto, onLag, bytes: _in._offer?.() },
        up: this._out && {},
        resume: epoch !== undefined && after !== undefined ? { epoch, after } : undefined,
        lane,
        op,
      } as Meta,
      payload,
    } as Req;
    _session._waiting.delete(this);
    _session._calls.set(cid, this);
    _session._soon(_deadline);
    this._stage = LIVE;
    if (method === PING) return _session._send(req);
    this._head = req;
    this._enter();
  }

  /** It waits for a connection, or for the moment of its next try. */
  _detach(): void {
    const { _session } = this;
    _session._calls.delete(this._cid);
    _session._waiting.add(this);
    this._stage = WAITING;
    this._isInRing = false;
    this._head = undefined;
    _session._soon(this._deadline);
  }

  /** It is over: nothing of it is sent any more, and whoever waits for it learns how it ended. */
  _settle(outcome: Outcome): void {
    const { _session, _out } = this;
    _out?._clear();
    this._head = this._tail = undefined;
    _session._calls.delete(this._cid);
    _session._waiting.delete(this);
    this._stage = OVER;
    this._outcome = outcome;
    if (this._release) _session._events.push(this._release);
    this._notify();
  }

  /** Ends it on this side. It is told to the peer where the peer knows of it. `spec: cancel.1, cancel.2` */
  override _fail(error?: RpcError, reason?: string): void {
    if (this._stage === LIVE && !this._head) this._session._send({ kind: "can", cid: this._cid, reason } as Frame);
    if (this._stage !== OVER) this._settle({ error });
  }

  override _take(frame: Frame, size: number): boolean {
    // What has not been sent cannot be answered.
    if (this._head) return false;
    const { kind } = frame;
    if (kind === "err") this.#failed(frame);
    else if (kind === "nxt") {
      if (isGrant(frame)) return this._grant(frame.fc as Grant);
      this._tries = 0;
      if (this._in) return this._receive(frame, size);
      this._fail(notUnary());
    } else if (kind !== "res" && kind !== "end") return false;
    else {
      const value = (frame as Res).result ?? null;
      if (!this._in) this._settle(kind === "end" ? { error: notUnary() } : { value });
      // A stream answered by one value is an item, then the end.
      else if (kind === "res") this._receive({ data: value } as unknown as Nxt, size);
      if (this._stage === LIVE) this._settle({});
    }
    return true;
  }

  /** The connection ended. It is settled, but where it may wait for the next one. `spec: close.2` */
  _lost(again: boolean): void {
    const { _stage, _spec, _session } = this;
    const isUnsent = _stage === WAITING || this._head;
    if (again && (isUnsent || this._canResume())) return this._detach();
    const code = isUnsent || _spec.idempotent || this._in ? "CONNECTION_CLOSED" : "INDETERMINATE";
    this._settle({ error: new RpcError(code, _session._reason) });
  }

  #failed({ code, message, details, domain }: Err): void {
    const { _session } = this;
    // What 0.2 leaves out, and how it says that there is no handler. `spec: frame.12, frame.16`
    message = textOr("", message);
    code = code === "NOT_FOUND" && message === "NO_HANDLER" ? message : textOr("INTERNAL", code);
    if (code === "CONNECTION_CLOSED" && this._canResume() && !_session._phase) {
      // A relay has lost the responder, and may find it again.
      this._detach();
      _session._later(this._tries++, () => {
        if (!this._stage && !_session._phase) this._issue();
        _session._run();
      });
    } else this._settle({ error: new RpcError(code, message, details ?? undefined, textOr("common", domain)) });
  }

  /**
   * Whether the stream may be issued again after a break: once its producer has said an epoch, and before its first item
   * only where the caller knows that it will; what it began would be begun twice otherwise. `spec: resume.2, up.9`
   */
  _canResume(): boolean {
    const { _in, _out, _spec } = this;
    const { resume } = _spec;
    return !_out && !!_in && resume !== false && (_in._epoch !== undefined || (!!resume && !_in._received));
  }
}

function textOr(otherwise: string, value: unknown): string {
  return typeof value === "string" ? value : otherwise;
}

function notUnary(): RpcError {
  return new RpcError("NOT_UNARY", "the method streams");
}
