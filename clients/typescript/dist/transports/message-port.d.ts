/**
 * Frames over a `MessagePort`, or anything that posts and receives messages as one does. Frames travel as structured
 * clones; what `transfer()` marked is moved.
 */
import type { Frame } from "../frame.js";
import type { OnClose, OnFrame, Transport } from "../transport.js";
/** What a transport over messages needs: `MessagePort`, `Worker`, the global scope of a worker, and Node's twins of them. */
export interface MessageTarget {
    postMessage(message: unknown, transfer: never[]): void;
    addEventListener?(type: string, listener: (event: unknown) => void): void;
    removeEventListener?(type: string, listener: (event: unknown) => void): void;
    on?(type: string, listener: (value: unknown) => void): unknown;
    off?(type: string, listener: (value: unknown) => void): unknown;
    start?(): void;
    close?(): void;
}
/**
 * One end of a port.
 *
 * `stop` says goodbye and closes the port, which is a clean end for the peer. A peer that dies without a word is noticed
 * where the platform tells (the `close` event of ports); elsewhere give the endpoint `pingMs`. A message that cannot be
 * cloned on this side ends the connection, since a frame is missing.
 */
export declare class MessagePortTransport implements Transport {
    #private;
    constructor(target: MessageTarget);
    start(onFrame: OnFrame, onClose?: OnClose): void;
    post(frame: Frame): void;
    stop(): void;
    /** Ends the connection for a reason that the port itself cannot know. */
    end(closed: {
        clean: boolean;
        reason: string;
    }): void;
}
/** Listens in the manner of the web, else in that of Node; gives what ends it. */
export declare function listen(target: MessageTarget, type: string, act: (value: unknown) => void): () => void;
