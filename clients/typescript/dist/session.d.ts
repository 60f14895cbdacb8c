/**
 * The protocol's state machine: the tables of calls and requests, the two lanes of the writer, credit, deadlines, resume.
 * Frames go in, events and frames come out, and the time is an argument. No I/O, no clock, no user code.
 */
import { RpcError } from "./errors.js";
import type { StreamLimits } from "./flow.js";
import type { Cid, Frame } from "./frame.js";
import { type Malformed } from "./frame/decode.js";
import { type Exchange, type Millis } from "./session/exchange.js";
import type { AheadPart, BoundsPart, LanePart } from "./session/parts.js";
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
["request", Exchange]
/** Stop the handler: its request is over. */
 | ["stop", Exchange]
/** Wake whoever waits for it. */
 | ["wake", Exchange]
/** Close the connection, for this reason. */
 | ["close", string];
/** The state of one connection, seen from one side. */
export declare class Session {
    readonly _config: SessionConfig;
    /** Frames for finished or unknown calls, and messages that are no frames, so far on this connection. */
    _counters: {
        dropped: number;
        malformed: number;
    };
    _prefix: string;
    _count: number;
    _calls: Map<string, Exchange>;
    /** Calls that wait for a connection, or for the moment of their next try. */
    _waiting: Set<Exchange>;
    _requests: Map<string, Exchange>;
    /** The control lane of the writer. */
    _control: Frame[];
    /** The data lane: who has something to send, in turn. */
    _ring: Exchange[];
    /** About how many bytes wait for the writer, where somebody counts them; and for their consumers' credit. */
    _bytes: number;
    _uncredited: number;
    /** Weighs what is queued; replaced by whoever bounds it. */
    _weigh: (value: unknown) => number;
    /** Whether sources must wait: for the transport, or for what is queued. */
    _isFull: boolean;
    _isOverSoft: boolean;
    /** The earliest moment at which something can be due. There is no timer for each call: all are asked then. */
    _next: Millis;
    _events: Event[];
    /** Bytes that have been received and wait to be taken. */
    _inbound: number;
    _inFlight: number;
    _streams: number;
    _phase: number;
    /** Why there is no connection. */
    _reason: string;
    _lanes: LanePart | undefined;
    _bounds: BoundsPart | undefined;
    _ahead: AheadPart | undefined;
    /** A session that waits for its first connection; calls may be made meanwhile. */
    constructor(config: SessionConfig);
    /** Takes in one decoded frame of about `size` bytes, 0 where that is not known; undefined for an unknown kind. */
    _receive(now: Millis, frame: Frame | undefined, size?: number): void;
    /** Takes in a message that is no frame. `spec: frame.7` to `frame.10` */
    _receiveMalformed(now: Millis, { error, head: { kind, cid, dir }, isOversized }: Malformed): void;
    /** The next frame for the transport; what is returned counts as handed over. Control alone where the transport is full. */
    _poll(now: Millis): Frame | undefined;
    /** A frame that was handed over cannot travel: whoever made it learns that. */
    _unsendable(frame: Frame, reason: string): void;
    /** Lets time pass. */
    _advance(now: Millis): void;
    /** Asks the peer for a sign of life. Whatever it sends next is one. */
    _ping(): void;
    /** A new connection is there. What waited is sent by {@link Session._reissue}. */
    _open(): void;
    /** Sends what waited for a connection, under new ids. `spec: resume.3` */
    _reissue(now: Millis): void;
    /**
     * The connection ended. Every call and request is settled, but for what may wait for the next connection where there may
     * be one. `spec: close.1` to `close.3`
     */
    _disconnect(reason: string, again?: boolean): void;
    /** Begins to drain: new calls and requests are refused, streams end, unary calls may finish. `spec: close.6` */
    _drain(now: Millis): void;
    /** Whether a draining session has nothing left to finish or send. */
    get _isDrained(): boolean;
    /** Whether there is a connection now. */
    get _isConnected(): boolean;
    /** Whether there will be no connection. */
    get _isClosed(): boolean;
    /** Calls and requests in the tables. */
    get _size(): number;
    /** False for a frame that concerns nothing. */
    _take(now: Millis, frame: Frame, size: number): boolean;
    /**
     * Ends a call or request at once: what it has queued is discarded, and the peer is told by the control lane. `spec:
     * cancel.1, writer.5`
     */
    _fail(x: Exchange, error: RpcError, reason?: string): void;
    _refuse(cid: Cid, error: RpcError): void;
    /** Queues a frame in the control lane. */
    _send(frame: Frame): void;
    _soon(at: Millis): void;
    _emit(kind: "request" | "stop" | "wake", x: Exchange): void;
    _close(reason: string): void;
    _changed(now: Millis): void;
}
