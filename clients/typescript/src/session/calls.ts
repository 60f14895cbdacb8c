/** The caller's side: calls from their first frame to their outcome. */

import { RpcError, timeout } from "../errors.js";
import type { Err, Meta, Req } from "../frame.js";
import type { Session } from "../session.js";
import { type CallSpec, Exchange, LIVE, type Millis, type Outcome, OVER, WAITING } from "./exchange.js";
import { DISCONNECTED, PING } from "./phase.js";
import { armIdle, enter } from "./streams.js";

/** Calls that may wait for a connection. */
const MAX_WAITING = 1024;

/** Makes a call. Throws an {@link RpcError} where that cannot be done. */
export function makeCall(s: Session, now: Millis, spec: CallSpec): Exchange {
  const { timeoutMs, streams } = spec;
  if (s._phase > DISCONNECTED) throw new RpcError("CONNECTION_CLOSED", s._reason);
  if (timeoutMs! <= 0) throw timeout();
  if (s._waiting.size >= MAX_WAITING) throw new RpcError("RESOURCE_EXHAUSTED", "too many calls wait");
  s._bounds?._mayCall(spec);
  const call = new Exchange(spec, undefined, now, timeoutMs, spec.idleMs);
  const { window, limits } = s._config;
  call._out = spec.up;
  if (streams) call._in = new s._Consumer(spec.window ?? window, spec.onLag ?? "block", limits);
  detach(s, call);
  if (!s._phase) issue(s, now, call);
  s._changed(now);
  return call;
}

/** Settles a call on this side and tells the peer. `spec: cancel.1` */
export function abortCall(s: Session, now: Millis, call: Exchange, error: RpcError): void {
  s._fail(call, error);
  s._changed(now);
}

/** Issues a call, or issues it again under a new `cid`. */
export function issue(s: Session, now: Millis, call: Exchange): void {
  const { meta, method, payload, onLag, lane, op, idleMs } = call.spec!;
  const consumer = call._in;
  consumer?._restart();
  const { _epoch: epoch, _pos: after } = consumer ?? {};
  const cid = (call.cid = s._prefix + (s._count++).toString(36));
  // A payload stands last, so that a reader who trusts need not look for its end.
  const req = {
    kind: "req",
    cid,
    method,
    meta: {
      ...meta,
      timeoutMs: call.deadline < Infinity ? Math.max(1, call.deadline - now) : meta?.timeoutMs,
      idleMs,
      fc: consumer && { upto: consumer._upto, onLag, bytes: consumer._offer?.() },
      up: call._out && {},
      resume: epoch !== undefined && after !== undefined ? { epoch, after } : undefined,
      lane,
      op,
    } as Meta,
    payload,
  } as Req;
  s._waiting.delete(call);
  s._calls.set(cid, call);
  call._stage = LIVE;
  call._retryAt = Infinity;
  call._idleSince = now;
  if (method === PING) return s._send(req);
  call._head = req;
  enter(s, call);
  armIdle(s, now, call);
}

/** The call waits for a connection, or for the moment of its next try. */
export function detach(s: Session, call: Exchange): void {
  s._calls.delete(call.cid);
  s._waiting.add(call);
  call._stage = WAITING;
  s._bounds?._count(call);
  s._soon(call.deadline);
}

/** A call is over: nothing of it is sent any more, and whoever waits for it learns how it ended. */
export function settle(s: Session, call: Exchange, outcome: Outcome): void {
  call._out?._take();
  call._head = call._tail = undefined;
  s._bounds?._count(call);
  s._calls.delete(call.cid);
  s._waiting.delete(call);
  call._stage = OVER;
  call.outcome = outcome;
  s._emit("wake", call);
}

/** The peer has failed a call, or a stream of ours that may go on elsewhere. Always true: it concerns something. */
export function onErr(s: Session, now: Millis, call: Exchange, { code, message, details, domain }: Err): boolean {
  // What 0.2 leaves out, and how it says that there is no handler. `spec: frame.12, frame.16`
  message = textOr("", message);
  code = code === "NOT_FOUND" && message === "NO_HANDLER" ? message : textOr("INTERNAL", code);
  if (code === "CONNECTION_CLOSED" && canResume(call) && !s._phase) {
    const wait = Math.min(100 * 2 ** call._tries++, 10_000);
    detach(s, call);
    call._retryAt = now + Math.ceil((wait / 2) * (1 + Math.random()));
    s._soon(call._retryAt);
  } else settle(s, call, { error: new RpcError(code, message, details ?? undefined, textOr("common", domain)) });
  return true;
}

function textOr(otherwise: string, value: unknown): string {
  return typeof value === "string" ? value : otherwise;
}

/**
 * Whether the stream may be issued again after a break: once its producer has said an epoch, and before its first item
 * only where the caller knows that it will; what it began would be begun twice otherwise. `spec: resume.2, up.9`
 */
export function canResume({ spec, _in, _out }: Exchange): boolean {
  const { resumable } = spec!;
  return !_out && !!_in && resumable !== false && (_in._epoch !== undefined || (!!resumable && !_in._received));
}
