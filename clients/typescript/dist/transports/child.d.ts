/**
 * A program that we start, spoken to over its standard input and output. Owns the process and its group; starting it again
 * is the endpoint's business.
 */
import type { Frame } from "../frame.js";
import type { Connector, OnClose, OnFrame, Transport } from "../transport.js";
import { type Framing } from "./stdio.js";
/** How the program is started, and how it is spoken to. */
export interface ChildOptions {
    /** The folder to start in. Default: ours. */
    cwd?: string;
    /** Variables set on top of our own environment. */
    env?: Readonly<Record<string, string>>;
    /** Default `newline`. */
    framing?: Framing;
    /** The longest message accepted, in bytes. Default 16 MiB. */
    messageBytes?: number;
    /** Milliseconds that the program gets to exit by itself when its input has ended. Default 2,000. */
    graceMs?: number;
    /** Gets each line that the program writes to its standard error. */
    onStderr?: (line: string) => void;
}
/**
 * One run of a program.
 *
 * Its exit ends the connection, which is clean after status 0; the reason names the program, how it exited and what it last
 * wrote to stderr. `stop` ends the program's input; what has not exited after `graceMs` is killed with its whole group, and
 * so is everything when this process exits.
 */
export declare class ChildTransport implements Transport {
    #private;
    constructor(program: string, args?: readonly string[], options?: ChildOptions);
    /** The process's id, once it runs. */
    get pid(): number | undefined;
    start(onFrame: OnFrame, onClose?: OnClose): Promise<void>;
    post(frame: Frame): void;
    /** Sends a frame that is text already, byte for byte. */
    postText(text: string): void;
    stop(): void;
    get buffered(): number;
}
/** Starts `program` each time it is asked. No shell is involved. */
export declare function child(program: string, args?: readonly string[], options?: ChildOptions): Connector;
