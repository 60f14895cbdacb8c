/** Two ends of a connection in one place: for tests, and for two parts of one page that shall not know of each other. */
import type { Frame } from "../frame.js";
import type { OnClose, OnFrame, Transport } from "../transport.js";
/** How the two ends treat what passes. */
export interface MemoryOptions {
    /** Passes each frame as JSON text, as a wire would. Otherwise frames pass as they are: their values are shared. */
    text?: boolean;
}
/** Two transports, each of which is the other's peer. Frames pass in a microtask, never while `post` runs. */
export declare function memory(options?: MemoryOptions): [MemoryTransport, MemoryTransport];
/** One end of a connection in memory. */
export declare class MemoryTransport implements Transport {
    #private;
    /** @internal */
    _peer: MemoryTransport;
    /** @internal Made by {@link memory}. */
    constructor(isText: boolean);
    start(onFrame: OnFrame, onClose?: OnClose): void;
    post(frame: Frame): void;
    stop(): void;
    /** Breaks the connection for both ends, as a cable that is pulled. */
    cut(reason?: string): void;
    /** @internal */
    _receive(message: unknown): void;
    /** @internal */
    _close(closed: {
        clean: boolean;
        reason: string;
    }): void;
}
