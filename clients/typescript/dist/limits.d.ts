/**
 * Bounds on what a peer may do, and on what is queued for it. Plugged in with
 * `new RpcEndpoint(transport, { use: [limits] })`; the values are those of the option `limits`. An endpoint that serves
 * peers it does not trust wants them. `spec: limit.*, bytes.*`
 */
import type { Session } from "./session.js";
/** The limits of one connection, by the names that the protocol gives them. */
export interface Limits {
    /** Longest message accepted, in UTF-16 units of its text. Default 16 Mi. */
    message_bytes: number;
    /** Deepest nesting of arrays and objects in a message. Default 64. */
    depth: number;
    /** Requests of the peer that may be unanswered at once. Default 1024. */
    in_flight: number;
    /** Streams of the peer that may be open at once. Default 256. */
    streams: number;
    /** Bytes of items that may wait in one stream, on either side. Default 32 Mi. */
    stream_bytes: number;
    /** Items that may wait in one stream for which no credit applies, on either side. Default 1024. */
    stream_items: number;
    /** Bytes waiting for the peer above which streams are not polled and requests not started. Default 1 Mi. */
    soft_bytes: number;
    /** Bytes waiting for the peer above which the connection is closed; also the bytes that may wait on this side. Default 64 Mi. */
    hard_bytes: number;
    /** Milliseconds above `soft_bytes` without progress after which the connection is closed. Default 30 000. */
    stall: number;
    /** Requests a second that the peer may send; 0 is unlimited. Default 0. */
    requests_per_second: number;
    /** Malformed messages after which the connection is closed, at least 16. Default 64. */
    malformed: number;
}
/** The defaults. */
export declare const LIMITS: Readonly<Limits>;
/** Bounds what the endpoint's peer may do. */
export declare function limits(session: Session, options?: Partial<Limits>): void;
