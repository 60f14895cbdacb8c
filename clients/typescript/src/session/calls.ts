/** The caller's side: calls from their first frame to their outcome. */

import { RpcError } from "../errors.js";
import { Consumer } from "../flow.js";
import type { Err, Meta, Req } from "../frame.js";
import type { Session } from "../session.js";
import { type CallSpec, Exchange, LIVE, type Millis, type Outcome, OVER, WAITING } from "./exchange.js";
import { DISCONNECTED, PING } from "./phase.js";
import { account, armIdle, enter } from "./streams.js";

/** Calls that may wait for a connection. */
const MAX_WAITING = 1024;

/** Makes a call. Throws an {@link RpcError} where that cannot be done. */
export function makeCall(s: Session, now: Millis, spec: CallSpec): Exchange {
  const { timeoutMs, streams } = spec;
  if (s._phase > DISCONNECTED) throw new RpcError("CONNECTION_CLOSED", s._reason);
  if (timeoutMs! <= 0) throw timeout("no time is left for the call");
  if (s._waiting.size >= MAX_WAITING) throw new RpcError("RESOURCE_EXHAUSTED", "too many calls wait for a connection");
  s._bounds?._mayCall(spec);
  const call = new Exchange(spec, undefined, now, timeoutMs, spec.idleMs);
  const { window, limits } = s._config;
  call._out = spec.up;
  if (streams) {
    call._in = new Consumer(spec.window ?? window, spec.onLag ?? "block", limits);
    call._in._ahead = s._ahead?._consumer();
  }
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
      fc: consumer && { upto: consumer._upto, onLag, bytes: consumer._ahead?._offer() },
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
  s._bytes += call._size = s._weigh(req);
  enter(s, call);
  armIdle(s, now, call);
}

/** The call waits for a connection, or for the moment of its next try. */
export function detach(s: Session, call: Exchange): void {
  s._calls.delete(call.cid);
  s._waiting.add(call);
  call._stage = WAITING;
  s._soon(call.deadline);
}

/** A call is over: nothing of it is sent any more, and whoever waits for it learns how it ended. */
export function settle(s: Session, call: Exchange, outcome: Outcome): void {
  if (call._head) s._bytes -= call._size;
  account(s, call._out, -1);
  call._out?._take();
  call._head = undefined;
  s._calls.delete(call.cid);
  s._waiting.delete(call);
  call._stage = OVER;
  call.outcome = outcome;
  s._emit("wake", call);
}

/** The peer has failed a call, or a stream of ours that may go on elsewhere. Always true: it concerns something. */
export function onErr(s: Session, now: Millis, call: Exchange, { code, message, details, domain }: Err): boolean {
  if (code === "CONNECTION_CLOSED" && canResume(call) && !s._phase) {
    const wait = Math.min(100 * 2 ** call._tries++, 10_000);
    detach(s, call);
    call._retryAt = now + Math.ceil((wait / 2) * (1 + Math.random()));
    s._soon(call._retryAt);
  } else settle(s, call, { error: new RpcError(code, message, details ?? undefined, domain) });
  return true;
}

/** Whether the stream may be issued again after a break. `spec: resume.2, up.9` */
export function canResume({ spec, _in, _out }: Exchange): boolean {
  return !_out && !!spec!.resumable && !!_in && (_in._epoch !== undefined || !_in._received);
}

/** What fails when time is up. */
export function timeout(message: string): RpcError {
  return new RpcError("RPC_TIMEOUT", message);
}
