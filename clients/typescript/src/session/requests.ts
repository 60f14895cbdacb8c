/** The responder's side: requests from their arrival to their terminal frame. */

import { errFrame, RpcError } from "../errors.js";
import { Producer } from "../flow.js";
import type { End, OnLag, Req, Res } from "../frame.js";
import { isObject } from "../frame/decode.js";
import { weigh } from "../item.js";
import type { Session } from "../session.js";
import { timeout } from "./calls.js";
import { Exchange, LIVE, type Millis, OVER } from "./exchange.js";
import { PING, VERSIONS } from "./phase.js";
import { account, armIdle, enter } from "./streams.js";

const LAGS: OnLag[] = ["block", "latest", "dropOldest", "close"];

/** A request has arrived: it is refused, held back or started. Always true: it concerns something. */
export function onReq(s: Session, now: Millis, req: Req, size: number): boolean {
  const { cid, meta, payload } = req;
  const live = s._requests.get(cid);
  const error = live ? new RpcError("DUPLICATE_CID", "the cid is in use by a live request") : refusal(s, now, req, size);
  if (live) s._fail(live, error!);
  else if (req.method === PING) s._send({ kind: "res", cid, ok: true, result: payload ?? null });
  else if (error) s._refuse(cid, error);
  else {
    const request = new Exchange(undefined, req, now, meta?.timeoutMs ?? undefined, meta?.idleMs ?? undefined);
    const { fc } = meta ?? {};
    request.cid = cid;
    request._size = size;
    if (isObject(fc)) {
      request._out = new Producer(fc.upto as number, "block", s._config.limits);
      if (fc.bytes) request._out._ahead = s._ahead?._producer(fc.bytes as number);
    }
    s._requests.set(cid, request);
    s._inFlight++;
    s._soon(request.deadline);
    if (s._lanes?._enter(request)) hold(s, request);
    else start(s, request);
  }
  return true;
}

function refusal(s: Session, now: Millis, req: Req, size: number): RpcError | undefined {
  const { rpcSpecVersion: version, timeoutMs } = req.meta ?? {};
  if (req.method === PING) return undefined;
  if (s._phase) return new RpcError("CONNECTION_CLOSED", s._reason);
  if (version != null && !VERSIONS.includes(String(version))) {
    return new RpcError("UNSUPPORTED_VERSION", `version ${version} is not served`, { supported: VERSIONS });
  }
  if (timeoutMs === 0) return timeout("the caller left no time for the call");
  return s._bounds?._refusal(now, req, size);
}

/** Starts a request, unless it has to wait for what is queued. */
export function start(s: Session, request: Exchange): void {
  if (s._bounds?._holds(request)) return hold(s, request);
  if (request._isHeld) s._inbound -= request._size;
  request._stage = LIVE;
  s._emit("request", request);
}

function hold(s: Session, request: Exchange): void {
  if (request._isHeld) return;
  request._isHeld = true;
  s._inbound += request._size ||= weigh(request.req.payload);
}

/** Answers a request, after the items that are queued. Nothing happens where the request was over. */
export function finishRequest(s: Session, now: Millis, request: Exchange, answer: Res | End | RpcError): void {
  if (request._stage !== LIVE) return;
  const tail = answer instanceof RpcError ? errFrame(request.cid, answer) : answer;
  request._stage = OVER;
  request._tail = tail;
  s._bytes += request._size = s._weigh(tail);
  settleCounts(s, request);
  enter(s, request);
  s._changed(now);
}

/**
 * The handler answers with a stream, whose source may be asked from now on within {@link roomFor}. False where the
 * request was over or is refused. A source that `pushes` cannot be held back: `block` is `close` for it.
 */
export function startStream(s: Session, now: Millis, request: Exchange, declared: OnLag, pushes: boolean): boolean {
  if (request._stage !== LIVE) return false;
  const error = s._phase ? new RpcError("CONNECTION_CLOSED", s._reason) : s._bounds?._streamRefusal();
  const out = (request._out ??= new Producer(undefined, declared, s._config.limits));
  const chosen = request.req.meta?.fc?.onLag!;
  const lag = LAGS.includes(chosen) ? chosen : declared;
  out._lag = pushes && lag === "block" ? "close" : lag;
  request._isStream = true;
  request._idleSince = now;
  s._streams++;
  if (error) s._fail(request, error);
  else {
    armIdle(s, now, request);
    releaseLane(s, request);
  }
  s._changed(now);
  return !error;
}

/** A request is over, and nothing of it is sent any more. */
export function drop(s: Session, request: Exchange): void {
  if (request._tail) s._bytes -= request._size;
  account(s, request._out, -1);
  request._out = request._tail = undefined;
  s._requests.delete(request.cid);
  const stage = request._stage;
  request._stage = OVER;
  if (stage === LIVE) s._emit("stop", request);
  else if (request._isHeld && !stage) s._inbound -= request._size;
  if (stage !== OVER) settleCounts(s, request);
}

/** The request no longer counts against the limits, nor holds its lane; what else its caller sends is in vain. */
function settleCounts(s: Session, request: Exchange): void {
  const consumer = request._in;
  if (consumer) {
    s._inbound -= consumer._bytes;
    consumer._take();
    s._emit("wake", request);
  }
  s._inFlight--;
  if (request._isStream) s._streams--;
  releaseLane(s, request);
}

function releaseLane(s: Session, request: Exchange): void {
  const next = s._lanes?._release(request);
  if (next) start(s, next);
}
