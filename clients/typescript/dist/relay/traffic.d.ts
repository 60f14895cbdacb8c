/**
 * What waits for whom in a relay: the two lanes of each direction, whose turn it is, the accounts of bytes, and what happens
 * when they grow. It does not know why a frame is sent.
 */
import { type RpcError } from "../errors.js";
import type { Frame } from "../frame.js";
import type { Call, Way } from "./call.js";
import type { Limits } from "../limits.js";
import { type Message } from "./message.js";
import type { Source } from "./outlet.js";
import { Upstream } from "./upstream.js";
import { Window } from "./window.js";
/** One of the relay's connections. */
export type Port = Window | Upstream;
/** What the bounds lead to. */
export interface Consequences {
    /** The last message of the call was handed over. */
    onDone(call: Call): void;
    /** The consumer of a call takes too little. */
    onSlow(call: Call, error: RpcError): void;
    /** A window grants no credit for what waits for it, which is too much. */
    onFlooded(window: Window): void;
    /** A connection is to be ended. */
    onFailed(port: Port, reason: string): void;
}
export declare class Traffic {
    #private;
    readonly upstream: Upstream;
    constructor(limits: Limits, consequences: Consequences);
    /** Queues a frame of a call; by the control lane where it is a grant. */
    send(call: Call, way: Way, message: Message, grants: boolean): void;
    queue(call: Call, way: Way, message: Message): void;
    /** Queues a frame that waits for nothing, on a window's account. */
    sendControl(window: Window, way: Way, message: Message, cancels?: string): void;
    /** Queues a frame of the relay itself. */
    sendOwn(port: Port, frame: Frame): void;
    windowSource(window: Window): Source;
    /** Discards what waits of a call in one direction. */
    unqueue(call: Call, way: Way): void;
    /** A window that goes has no turn any more. */
    forget(window: Window): void;
    wake(port: Port): void;
    /** Posts what can be posted. What is caused by that is posted afterwards, so that nothing here runs within itself. */
    flush(): void;
}
