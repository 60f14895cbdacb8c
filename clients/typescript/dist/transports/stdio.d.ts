/** Frames over two streams of bytes: a program's standard input and output, or a child's, seen from its parent. */
import type { Frame } from "../frame.js";
import type { OnClose, OnFrame, Transport } from "../transport.js";
import { type Framing } from "./framing.js";
export type { Framing } from "./framing.js";
/** What is used of a readable stream of Node. */
export interface ByteSource {
    on(event: "data", listener: (bytes: Uint8Array) => void): unknown;
    on(event: "end" | "close", listener: () => void): unknown;
    on(event: "error", listener: (error: Error) => void): unknown;
    removeListener(event: "data", listener: (bytes: Uint8Array) => void): unknown;
    removeListener(event: "end" | "close", listener: () => void): unknown;
    pause(): unknown;
}
/** What is used of a writable stream of Node. */
export interface ByteSink {
    write(bytes: Uint8Array): boolean;
    end(): unknown;
    on(event: "error", listener: (error: Error) => void): unknown;
    readonly writableLength: number;
}
/** Where the bytes are, and what they mean. */
export interface StdioOptions {
    /** Default: the process's standard input. */
    input?: ByteSource;
    /** Default: the process's standard output, to which nothing else may then write. */
    output?: ByteSink;
    /** Default `newline`. */
    framing?: Framing;
    /** The longest message accepted, in bytes; a longer one ends the connection. Default 16 MiB. */
    messageBytes?: number;
}
/**
 * Frames over bytes.
 *
 * The input's end between two messages is a clean end; within one, or by an error of either stream, it is not. `stop` ends
 * the output and reads no more.
 */
export declare class StdioTransport implements Transport {
    #private;
    constructor(options?: StdioOptions);
    start(onFrame: OnFrame, onClose?: OnClose): void;
    post(frame: Frame): void;
    /** Sends a frame that is text already, byte for byte. It must not hold a line feed where lines are messages. */
    postText(text: string): void;
    stop(): void;
    /** Bytes that the stream has not passed on yet. */
    get buffered(): number;
}
