/** The responder's side: requests from their arrival to their terminal frame. */
import { RpcError } from "../errors.js";
import type { End, OnLag, Req, Res } from "../frame.js";
import type { Session } from "../session.js";
import { Exchange, type Millis } from "./exchange.js";
/** A request has arrived: it is refused, held back or started. Always true: it concerns something. */
export declare function onReq(s: Session, now: Millis, req: Req, size: number): boolean;
/** Starts a request, unless it has to wait for what is queued. */
export declare function start(s: Session, request: Exchange): void;
/** Answers a request, after the items that are queued. Nothing happens where the request was over. */
export declare function finishRequest(s: Session, now: Millis, request: Exchange, answer: Res | End | RpcError): void;
/**
 * The handler answers with a stream, whose source may be asked from now on within {@link roomFor}. False where the
 * request was over or is refused. A source that `pushes` cannot be held back: `block` is `close` for it.
 */
export declare function startStream(s: Session, now: Millis, request: Exchange, declared: OnLag, pushes: boolean): boolean;
/** A request is over, and nothing of it is sent any more. */
export declare function drop(s: Session, request: Exchange): void;
