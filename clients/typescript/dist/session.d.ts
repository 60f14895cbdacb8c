/**
 * The protocol's state machine: the tables of calls and requests, the two lanes of the writer, credit, deadlines, resume.
 * Frames go in, events and frames come out, and the time is an argument. No I/O, no clock, no user code.
 */
import { RpcError } from "./errors.js";
import type { StreamLimits } from "./flow.js";
import type { Cid, Frame, Meta } from "./frame.js";
import type { Malformed } from "./frame/decode.js";
import { Queue } from "./queue.js";
import * as calls from "./session/calls.js";
import { Deadlines, type Millis } from "./session/deadlines.js";
import { Outbox } from "./session/outbox.js";
import * as requests from "./session/requests.js";
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
/** What the driver must do. */
export type Event = 
/** Start the handler. */
{
    kind: "request";
    request: requests.Request;
}
/** Stop the handler: its request is over. */
 | {
    kind: "stopped";
    request: requests.Request;
}
/** Wake whoever waits for it. */
 | {
    kind: "wake";
    target: calls.Call | requests.Request;
}
/** Close the connection. */
 | {
    kind: "close";
    reason: string;
};
/** Requests that start one after another, where that is plugged in. */
export interface LanePart {
    /** @internal True where the request must wait for its lane. */
    _enter(request: requests.Request): boolean;
    /** @internal The request leaves its lane, whether it held it or waited; the one that starts now is returned. */
    _release(request: requests.Request): requests.Request | undefined;
    /** @internal */
    _clear(): void;
}
/** Bounds on what a peer may do and on what is queued for it, where they are plugged in. */
export interface BoundsPart {
    /** @internal Throws where a call may not be made. */
    _mayCall(spec: calls.CallSpec, waits: boolean): void;
    /** @internal */
    _refusal(meta: Meta | undefined, size: number, payload: unknown): RpcError | undefined;
    /** @internal */
    _rateRefusal(now: Millis): RpcError | undefined;
    /** @internal */
    _mayStream(): RpcError | undefined;
    /** @internal True where a request must wait until less is queued; it will be started then. */
    _holds(request: requests.Request): boolean;
    /** @internal A request that waited is over. */
    _forget(request: requests.Request): void;
    /** @internal Whether so much is queued that sources must wait. */
    _isOver(): boolean;
    /** @internal Something has changed. */
    _keep(now: Millis): void;
    /** @internal A frame was handed to the transport. */
    _progress(now: Millis): void;
    /** @internal */
    _clear(): void;
}
/** The versions of the protocol that this engine serves. `spec: version.2` */
export declare const VERSIONS: string[];
/** The heartbeat, which the session answers itself; it and its answer go by the control lane. `spec: discover.5` */
export declare const PING = "rpc.ping";
/** There is a connection. */
export declare const OPEN = 0;
/** There is none yet, or none any more, and there may be one. */
export declare const DISCONNECTED = 1;
/** Nothing new is taken on. */
export declare const DRAINING = 2;
/** There will be no connection. */
export declare const CLOSED = 3;
/** The state of one connection, seen from one side. */
export declare class Session {
    readonly config: SessionConfig;
    /** Frames for finished or unknown calls, and messages that are no frames, so far on this connection. */
    counters: {
        dropped: number;
        malformed: number;
    };
    _prefix: string;
    _count: number;
    _calls: Map<string, calls.Call>;
    /** Calls that wait for a connection. */
    _detached: Set<calls.Call>;
    _requests: Map<string, requests.Request>;
    _outbox: Outbox<calls.Call | requests.Request>;
    _deadlines: Deadlines;
    _events: Queue<Event>;
    /** Bytes that have been received and wait to be taken. */
    _inbound: number;
    _inFlight: number;
    _streams: number;
    _phase: number;
    /** Why the connection ended. */
    _closed: string;
    _lanes: LanePart | undefined;
    _bounds: BoundsPart | undefined;
    /** A session that waits for its first connection; calls may be made meanwhile. */
    constructor(config: SessionConfig);
    /** Takes in one decoded frame of about `size` bytes, 0 where that is not known; undefined for an unknown kind. */
    receive(now: Millis, frame: Frame | undefined, size?: number): void;
    /** Takes in a message that is no frame. `spec: frame.7` to `frame.10` */
    receiveMalformed(now: Millis, { error, head }: Malformed): void;
    /** The next frame for the transport. What is returned counts as handed over. */
    poll(now: Millis): Frame | undefined;
    /** The next frame that waits for nothing, for a transport that is full. */
    pollControl(): Frame | undefined;
    /** Whether a frame may be waiting for the transport. */
    get hasFrames(): boolean;
    /** The next thing for the driver to do. */
    pollEvent(): Event | undefined;
    /** When {@link Session.advance} wants to be called; infinite where it need not be. */
    get nextDeadline(): Millis;
    /** Lets time pass. */
    advance(now: Millis): void;
    /** Makes a call. Throws an {@link RpcError} where that cannot be done. */
    call(now: Millis, spec: calls.CallSpec): calls.Call;
    /** Settles a call on this side and tells the peer. */
    abort(now: Millis, call: calls.Call, error: RpcError, reason?: string): void;
    /** Asks the peer for a sign of life. Whatever it sends next is one. */
    ping(): void;
    /**
     * The connection ended. Every call and request is settled, but for what may wait for the next connection where the
     * session reconnects. `spec: close.1` to `close.3`
     */
    disconnect(reason: string): void;
    /** A new connection is there. What waited is sent by {@link Session.reissue}. */
    open(): void;
    /** Sends what waited for a connection, under new ids. `spec: resume.3` */
    reissue(now: Millis): void;
    /** No connection will come any more: everything is settled. */
    giveUp(reason: string): void;
    /** Begins to drain: new calls and requests are refused, streams end, unary calls may finish. `spec: close.6` */
    drain(now: Millis): void;
    /** Whether a draining session has nothing left to finish or send. */
    get isDrained(): boolean;
    /** Whether there is a connection now. */
    get isConnected(): boolean;
    /** Calls and requests in the tables. */
    get size(): number;
    _newCid(): Cid;
    _wake(target: calls.Call | requests.Request): void;
    _close(reason: string): void;
    _changed(now: Millis): void;
    /** A call that the peer knows of. */
    _pending(cid: Cid): calls.Call | undefined;
    /** False for a frame that concerns nothing. */
    _take(now: Millis, frame: Frame, size: number): boolean;
}
