/** Frames between a page (or a Node process) and a worker that it starts. */
import type { Frame } from "../frame.js";
import type { Connector, OnClose, OnFrame, Transport } from "../transport.js";
import { type MessageTarget } from "./message-port.js";
/** A worker as this side sees it. */
export interface WorkerTarget extends MessageTarget {
    terminate(): unknown;
}
/**
 * A worker that this transport owns: `stop` says goodbye and terminates it.
 *
 * A script that cannot be loaded, and in Node a worker that exits, end the connection. A browser does not tell that a worker
 * hangs or closed itself: give the endpoint `pingMs`.
 */
export declare class WorkerTransport implements Transport {
    #private;
    constructor(worker: WorkerTarget);
    start(onFrame: OnFrame, onClose?: OnClose): void;
    post(frame: Frame): void;
    stop(): void;
}
/** Starts a worker each time it is asked: `worker(() => new Worker(new URL("./engine.js", import.meta.url)))`. */
export declare function worker(create: () => WorkerTarget): Connector;
/** The transport inside of the worker: over the worker's own scope, or over Node's `parentPort`. */
export declare function workerScope(scope?: MessageTarget): Transport;
