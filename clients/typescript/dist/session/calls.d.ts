/** The caller's side: calls from their first frame to their outcome. */
import { RpcError } from "../errors.js";
import { Consumer } from "../flow.js";
import type { Cid, Err, Frame, Meta, Nxt, OnLag, Req } from "../frame.js";
import { type Item } from "../item.js";
import { type Session } from "../session.js";
import type { Millis } from "./deadlines.js";
import type { Turn } from "./outbox.js";
/** A call to be made. */
export interface CallSpec {
    method: string;
    payload?: unknown;
    /** More fields of `meta`; those that the engine writes itself override them. */
    meta?: Meta | undefined;
    /** Whether items are expected rather than one answer. */
    streams?: boolean;
    /** Sends items too. */
    up?: UpstreamOut;
    timeoutMs?: number | undefined;
    idleMs?: number | undefined;
    /** Whether it may safely run twice: decides between `CONNECTION_CLOSED` and `INDETERMINATE`. */
    idempotent?: boolean | undefined;
    /** Whether a break may be mended by issuing the stream again. Only streams whose first item says an epoch are. */
    resumable?: boolean | undefined;
    /** Items offered at first; the session's window where absent. */
    window?: number | undefined;
    onLag?: OnLag | undefined;
    lane?: string | undefined;
    op?: string | undefined;
}
/** The sending half of a call whose caller sends items too. `spec: up.*` */
export interface UpstreamOut {
    /** @internal Whether the responder has given its first credit. */
    _accepted: boolean;
    /** @internal More may be sent. */
    _grant(call: Call, upto: number): void;
    /** @internal The next frame, where there is one to be sent now. */
    _next(call: Call): Frame | undefined;
    /** @internal Whether there is one. */
    _isReady(): boolean;
    /** @internal Forgets what is queued: the call is over, or its connection is. */
    _clear(): void;
}
/** How a call ended: with a value, with nothing more to come, or with an error. */
export interface Outcome {
    value?: unknown;
    error?: RpcError;
}
/** What waits for a call or a request. */
export interface Waiter {
    /** Something has come, or there is room again, or it is over. */
    wake(): void;
}
/** A call that this side made. */
export declare class Call implements Turn {
    readonly spec: CallSpec;
    /** Set when it is over. */
    outcome: Outcome | undefined;
    /** Who is to be woken. */
    waiter: Waiter | undefined;
    _cid: Cid;
    _stage: number;
    _inRing: boolean;
    /** The `req`, until it has been handed to the transport, and its weight. */
    _req: Req | undefined;
    _size: number;
    _deadline: Millis;
    _consumer: Consumer | undefined;
    _idleSince: number;
    /** When it is issued again, and how often it was. */
    _retryAt: number;
    _tries: number;
    constructor(spec: CallSpec, deadline: Millis);
}
/** Makes a call; throws where that cannot be done. */
export declare function makeCall(s: Session, now: Millis, spec: CallSpec): Call;
/** Settles a call on this side and tells the peer, if it knows of it. `spec: cancel.1` */
export declare function abortCall(s: Session, call: Call, error: RpcError, reason?: string): void;
/** The items that have arrived. What was taken before counts as consumed with this, and credit is granted for it. */
export declare function takeItems(s: Session, now: Millis, call: Call): Item[];
/** Nobody will take what is buffered. */
export declare function dropItems(s: Session, call: Call): void;
export declare function onRes(s: Session, call: Call, result: unknown, size: number): void;
export declare function onErr(s: Session, now: Millis, call: Call, err: Err): void;
export declare function onItem(s: Session, now: Millis, call: Call, nxt: Nxt, size: number): boolean;
export declare function onEnd(s: Session, call: Call): void;
/** Any other first frame than credit means that the responder does not know uploads. `spec: up.3` */
export declare function refusesUploads(s: Session, call: Call): boolean;
/** The next frame of a call whose turn it is. */
export declare function popCall(s: Session, call: Call): Frame | undefined;
/** Does what is due, and says when something else will be. */
export declare function advanceCall(s: Session, now: Millis, call: Call): void;
/** The connection broke: what cannot go on over the next one is settled. `spec: close.2, resume.2` */
export declare function breakCalls(s: Session, again: boolean): void;
/** Issues a call that waited under a new `cid`. `spec: resume.3` */
export declare function reissue(s: Session, now: Millis, call: Call): void;
/** Streams of ours end when the endpoint drains. */
export declare function cancelStreams(s: Session): void;
/** There is data to send: the call takes its place in the ring. */
export declare function enter(s: Session, call: Call): void;
