/** The responder's side: requests from their arrival to their terminal frame. */
import { RpcError } from "../errors.js";
import { Producer } from "../flow.js";
import type { Cid, Frame, Meta, Nxt, OnLag, Req } from "../frame.js";
import { type Item } from "../item.js";
import { type Session } from "../session.js";
import type { Waiter } from "./calls.js";
import type { Millis } from "./deadlines.js";
import type { Turn } from "./outbox.js";
/** What a request's handler is told. */
export interface Handler extends Waiter {
    /** The request is over, and the handler is not wanted any more. */
    stop(): void;
}
/** The receiving half of a request whose caller sends items too. `spec: up.*` */
export interface UpstreamIn {
    /** @internal False where the item is to be dropped and counted. */
    _item(nxt: Nxt, size: number): boolean;
    /** @internal The caller has half-closed; false where it had before. */
    _end(): boolean;
    /** @internal The request is over. */
    _clear(): void;
}
/** A request of the peer. */
export declare class Request implements Turn {
    readonly cid: Cid;
    readonly method: string;
    readonly payload: unknown;
    readonly meta: Meta;
    /** When the caller's budget runs out; infinite where it set none. */
    deadline: Millis;
    /** Who is told of its end. */
    waiter: Handler | undefined;
    _stage: number;
    _inRing: boolean;
    /** Whether it counts as in flight, and as an open stream. */
    _counts: boolean;
    _streams: boolean;
    _upto: number | undefined;
    _onLag: OnLag | undefined;
    _idleSince: Millis;
    /** The terminal frame, which follows the items, and its weight. */
    _terminal: Frame | undefined;
    _size: number;
    _producer: Producer | undefined;
    _up: UpstreamIn | undefined;
    /** About how many bytes are kept while it waits. */
    _held: number;
    constructor(now: Millis, req: Req);
}
export declare function onReq(s: Session, now: Millis, req: Req, size: number): void;
/** Starts a request, unless it has to wait for what is queued. */
export declare function start(s: Session, request: Request): void;
/** Answers a unary request or an upload. Nothing happens where the request was over. */
export declare function reply(s: Session, now: Millis, request: Request, result: unknown): void;
/** Ends a request, after the items that are queued: with the error that its handler failed with, or, of a stream, with `end`. */
export declare function finish(s: Session, now: Millis, request: Request, error?: RpcError): void;
/**
 * The handler answers with a stream, whose source may be polled from now on within {@link streamRoom}. False where the
 * request was over or is refused. A source that `pushes` cannot be held back: `block` is `close` for it.
 */
export declare function startStream(s: Session, now: Millis, request: Request, declared: OnLag, pushes: boolean): boolean;
/** How many items the source may be asked for; negative when the stream is over. */
export declare function streamRoom(s: Session, request: Request): number;
/** Queues an item of a stream. False where the stream is over, or was ended with `SLOW_CONSUMER` by this. */
export declare function pushItem(s: Session, now: Millis, request: Request, item: Item): boolean;
export declare function onUpItem(s: Session, now: Millis, request: Request, nxt: Nxt, size: number): boolean;
/** The next frame of a request whose turn it is. */
export declare function popRequest(s: Session, request: Request): Frame | undefined;
/** Does what is due, and says when something else will be. */
export declare function advanceRequest(s: Session, now: Millis, request: Request): void;
/**
 * Ends a request at once: its handler is stopped, what it has queued is discarded, and the error goes out by the control
 * lane. `spec: writer.5`
 */
export declare function abortRequest(s: Session, request: Request, error: RpcError): void;
/** The connection ended. */
export declare function stopRequests(s: Session): void;
/** Draining ends the streams of the peer. */
export declare function endStreams(s: Session): void;
