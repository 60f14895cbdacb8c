/** One forwarded call: who made it, what waits on its two ways, and how far it got. */
import { RpcError } from "../errors.js";
import type { Message } from "./message.js";
import type { Window } from "./window.js";
/** From a window to the upstream, or the other way. */
export type Way = "up" | "down";
/** The other way. */
export declare function back(way: Way): Way;
export declare class Call {
    /** Its id on the responder's side. */
    readonly id: string;
    readonly window: Window;
    /** The way of its request: up where the window made the call. */
    readonly way: Way;
    /** The id that its caller gave it. */
    readonly cid: string;
    /** Whether the caller grants credit for items. */
    readonly hasCredit: boolean;
    readonly up: Queue;
    readonly down: Queue;
    /** Whether the request was handed to the responder's transport. */
    isSent: boolean;
    /** Whether its answer is a stream, as far as that is known. */
    streams: boolean;
    /** Whether its terminal frame is on the way to the caller. */
    isFinished: boolean;
    constructor(id: string, window: Window, way: Way, cid: string, hasCredit: boolean);
    /** What its caller is told when the responder's connection ends. `spec: close.2` */
    broken(why: string): RpcError;
}
/** Messages in order, and how many bytes they are. */
export declare class Queue {
    #private;
    bytes: number;
    get isEmpty(): boolean;
    push(message: Message): void;
    shift(): Message | undefined;
    /** Discards everything; how many bytes that were. */
    clear(): number;
}
