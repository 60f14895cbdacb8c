/** What a message means: one of the six frames, or what is wrong with it. Knows no session, no clock and no I/O. */
import { RpcError } from "../errors.js";
import type { Frame } from "../frame.js";
import { type Head } from "./scan.js";
/** A message that is no frame, with what could still be read of it. */
export declare class Malformed {
    /** What its sender is told. */
    readonly error: RpcError;
    /** Its kind, its `cid` and its direction, where they can be read. */
    readonly head: Head;
    constructor(error: RpcError | string, head?: Head);
}
/** Text or bytes, as they came, or a frame that is an object already. Undefined for kinds of a later version. */
export declare function decode(message: unknown, depth: number): Frame | Malformed | undefined;
/** What can be read of a message of which only the beginning is there. */
export declare function peek(text: string, error: RpcError | string): Malformed;
/** Whether a value is an object in the sense of JSON. */
export declare function isObject(value: unknown): value is Record<string, unknown>;
