/** The state of upstream items, on both sides. Knows no endpoint, no clock and no iterators. `spec: up.*` */
import { Consumer } from "../flow.js";
import type { Frame, Nxt } from "../frame.js";
import { Item } from "../item.js";
import type { Session } from "../session.js";
import { type Call, type UpstreamOut } from "../session/calls.js";
import type { Millis } from "../session/deadlines.js";
import { type Request, type UpstreamIn } from "../session/requests.js";
/** What a caller has to send, and the credit for it. */
export declare class UpstreamQueue implements UpstreamOut {
    #private;
    _accepted: boolean;
    constructor(session: Session);
    /** How many items may be pushed now; negative when the call takes no more. */
    room(call: Call): number;
    /** Queues an item. */
    push(call: Call, now: Millis, data: unknown): void;
    /** No more items: the direction is half closed once what is queued has gone. `spec: up.5` */
    finish(call: Call, now: Millis): void;
    _grant(_call: Call, upto: number): void;
    _next({ _cid: cid }: Call): Frame | undefined;
    _isReady(): boolean;
    _clear(): void;
}
/** What a caller has sent, and the credit for more. */
export declare class UpstreamInbox implements UpstreamIn {
    #private;
    readonly _consumer: Consumer;
    constructor(session: Session, request: Request);
    /** The items that have arrived; what was taken before counts as consumed with this, and credit is granted for it. */
    take(now: Millis): Item[];
    /** Whether the caller has half-closed. */
    get isEnded(): boolean;
    /** Whether the request is over, and no item will come any more. */
    get isOver(): boolean;
    _item(nxt: Nxt, size: number): boolean;
    _end(): boolean;
    _clear(): void;
}
/** The handler takes upstream items: the peer gets its first credit. `spec: up.2` */
export declare function acceptUpstream(session: Session, request: Request): UpstreamInbox;
