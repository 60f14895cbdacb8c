/**
 * A transport that cannot say what it buffers, asked in another way: the window behind it is pinged, and what was posted
 * since the last ping that it answered counts as buffered. A window that never answered a ping (one of 0.2 may not) is
 * believed to keep up.
 */
import type { Frame } from "../frame.js";
import type { OnClose, OnFrame, Transport } from "../transport.js";
export declare class Probed implements Transport {
    #private;
    constructor(transport: Transport);
    start(onFrame: OnFrame, onClose?: OnClose): void | Promise<void>;
    post(frame: Frame): void;
    stop(): void;
    get buffered(): number;
}
