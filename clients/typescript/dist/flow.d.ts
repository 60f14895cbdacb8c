/**
 * Credit and buffers of one direction of one call: what a producer may send, what a consumer has room for. Knows no
 * frames on the wire, no calls and no clock.
 */
import { RpcError } from "./errors.js";
import type { Nxt, OnLag } from "./frame.js";
import { Item } from "./item.js";
import { Queue } from "./queue.js";
/** The bounds of one stream. */
export interface StreamLimits {
    stream_bytes: number;
    stream_items: number;
}
/** Items that a source without credit limits is asked for before others have their turn. */
export declare const BATCH = 64;
/** The sending end of a stream: a queue, credit, and what to do when both run out. */
export declare class Producer {
    _queue: Queue<Item<unknown>>;
    _bytes: number;
    _sent: number;
    _skipped: number;
    /** The highest number allowed; undefined where the consumer knows no credit. */
    _upto: number | undefined;
    _lag: OnLag;
    constructor(upto: number | undefined, lag: OnLag);
    /** How many items the source may be asked for now. */
    _room(): number;
    /** Whether the consumer allows another item now. */
    _hasCredit(): boolean;
    _canSend(): boolean;
    /** Queues an item. What it returns is why the stream must end instead. */
    _push(item: Item, limits: StreamLimits): RpcError | undefined;
    /** The next item, where credit allows one; its number is how many were sent then. */
    _pop(): Item | undefined;
    /** Raises the credit. A grant that is late or repeated changes nothing. `spec: fc.4` */
    _grant(upto: number): boolean;
    _clear(): void;
}
/** The receiving end of a stream: what has arrived and was not yet taken, and the credit given for more. */
export declare class Consumer {
    _inbox: Item[];
    _bytes: number;
    /** Items received under the present `cid`. */
    _received: number;
    /** Items consumed under the present `cid`; begins below zero where items of an earlier one are still buffered. */
    _consumed: number;
    /** Items handed over and perhaps not yet consumed. */
    _lent: number;
    _upto: number;
    _obeys: boolean | undefined;
    _numbered: boolean;
    _window: number;
    _mean: number;
    _lag: OnLag;
    _resumed: boolean;
    _epoch: string | undefined;
    _pos: number | undefined;
    constructor(window: number, lag: OnLag);
    /** Whether the producer may send and has not: the time in which a gap counts as idle. `spec: time.8` */
    _isWaiting(): boolean;
    /** Takes in an item of about `size` bytes. What it returns fails the stream; false says that it came before. */
    _receive(nxt: Nxt, size: number, limits: StreamLimits): RpcError | boolean;
    /** Hands over everything buffered; what was handed over before counts as consumed from now on. */
    _take(): Item[];
    /** Whether a grant is due, which `upto` then is. At half a window, so that a running stream never waits for it. */
    _dueGrant(windowBytes: number): boolean;
    /** Begins anew under another `cid`, after a break; what is buffered stays and counts against the window. */
    _restart(): void;
    _checkNumber(seq: number | undefined, obeys: boolean): RpcError | boolean;
    /** Keeps the cursor, and marks an item that starts over without saying so. `spec: resume.7` */
    _noteSource(item: Item): void;
    _makeRoom(item: Item, limits: StreamLimits): RpcError | undefined;
}
