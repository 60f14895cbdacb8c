/**
 * Credit and buffers of one direction of one call: what a producer may send, what a consumer has room for. Knows no
 * frames on the wire, no calls and no clock.
 */
import { RpcError } from "./errors.js";
import type { Grant, Nxt, OnLag } from "./frame.js";
import { Item } from "./item.js";
/** The bounds of one stream. */
export interface StreamLimits {
    stream_bytes: number;
    stream_items: number;
}
/** Counts the bytes that a producer has sent ahead of what was acknowledged, where its consumer bounds them. */
export interface SentAhead {
    /** @internal Whether nothing may be sent until more is acknowledged. */
    _isFull(): boolean;
    /** @internal An item was sent. */
    _send(seq: number, data: unknown): void;
    /** @internal The items up to this number were consumed. */
    _acknowledge(ack: number): void;
}
/** Counts the bytes that a consumer has let its producer send ahead, where it bounds them. */
export interface ReceivedAhead {
    /** @internal What is said under a new `cid`. */
    _offer(): number;
    /** @internal An item has arrived in a message of about this size. */
    _receive(data: unknown, size: number): void;
    /** @internal What has arrived was handed over; what was handed over before is consumed. */
    _take(): void;
    /** @internal Whether what was consumed must be acknowledged; if so, it counts as that. */
    _isDue(): boolean;
}
/** Items that a source without credit limits is asked for before others have their turn. */
export declare const BATCH = 64;
/** Items that wait, and what happens when they are too many. */
declare class Buffer {
    _items: Item[];
    _bytes: number;
    _lag: OnLag;
    readonly _limits: StreamLimits;
    constructor(lag: OnLag, limits: StreamLimits);
    /** Adds an item, dropping others as the policy says. What it returns is why the stream must end instead. */
    _add(item: Item, lag: OnLag, maxItems?: number): RpcError | undefined;
    /** Hands over everything. */
    _take(): Item[];
}
/** The sending end of a stream: a queue, credit, and what to do when both run out. */
export declare class Producer extends Buffer {
    _sent: number;
    /** The highest number allowed; undefined where the consumer knows no credit. */
    _upto: number | undefined;
    _ahead: SentAhead | undefined;
    constructor(upto: number | undefined, lag: OnLag, limits: StreamLimits);
    /** How many items the source may be asked for now. */
    _room(): number;
    /** Whether the consumer allows another item now. */
    _hasCredit(): boolean;
    /** Queues an item. What it returns is why the stream must end instead. */
    _push(item: Item): RpcError | undefined;
    /** The next item, where credit allows one; its number is how many were sent then. */
    _pop(): Item | undefined;
    /** Raises the credit; whether that was news. A grant that is late or repeated changes nothing. `spec: fc.4` */
    _grant({ upto, ack }: Grant): boolean;
}
/** The receiving end of a stream: what has arrived and was not yet taken, and the credit given for more. */
export declare class Consumer extends Buffer {
    /** Items received under the present `cid`. */
    _received: number;
    /** Items consumed under the present `cid`; begins below zero where items of an earlier one are still buffered. */
    _consumed: number;
    /** Items handed over and perhaps not yet consumed. */
    _lent: number;
    _upto: number;
    _window: number;
    _obeys: boolean | undefined;
    _isNumbered: boolean | undefined;
    _mean: number;
    _isResumed: boolean | undefined;
    _epoch: string | undefined;
    _pos: number | undefined;
    _ahead: ReceivedAhead | undefined;
    constructor(window: number, lag: OnLag, limits: StreamLimits);
    /** Whether the producer may send and has not: the time in which a gap counts as idle. `spec: time.8` */
    _isWaiting(): boolean;
    /** Takes in an item of about `size` bytes. What it returns fails the stream; false says that it came before. */
    _receive(nxt: Nxt, size: number): RpcError | boolean;
    /** Hands over everything buffered; what was handed over before counts as consumed from now on. */
    _take(): Item[];
    /** Whether a grant is due, which `_upto` then is. At half a window, so that a running stream never waits for it. */
    _dueGrant(windowBytes: number): boolean;
    /** Begins anew under another `cid`, after a break; what is buffered stays and counts against the window. */
    _restart(): void;
}
export {};
