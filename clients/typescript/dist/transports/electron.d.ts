/**
 * The renderer's side of Electron: frames over the preload's `window.electronBridge`, or over a `MessagePort` that the main
 * process hands over by way of the preload.
 */
import type { Frame } from "../frame.js";
import type { Connector, OnClose, OnFrame, Transport } from "../transport.js";
/**
 * What the preload exposes. Version 0.2 exposed `start` and `post`, and its `start` gave nothing back.
 */
export interface ElectronBridge {
    /** Gives the frames for this window to `onFrame`, until what it returns is called. */
    start(onFrame: (frame: unknown) => void): (() => void) | void;
    /** Sends a frame to the main process. */
    post(frame: unknown): void;
    stop?(): void;
    /** Asks for a port, which arrives as a message of this window with the data `{sixframe: "port", id}`. */
    connect?(id: string): void;
}
/**
 * Frames over the bridge. A bridge cannot tell a dead main process, but without one there is no window either.
 *
 * `post` throws what the bridge throws: a payload that cannot be cloned.
 */
export declare class ElectronTransport implements Transport {
    #private;
    constructor(bridge?: ElectronBridge);
    start(onFrame: OnFrame, onClose?: OnClose): void;
    post(frame: Frame): void;
    stop(): void;
}
/** Over the bridge each time it is asked. */
export declare function electron(bridge?: ElectronBridge): Connector;
/** How a port is asked for. */
export interface ElectronPortOptions {
    bridge?: ElectronBridge;
    /** Milliseconds within which the port must come. Default 10,000. */
    portMs?: number;
}
/**
 * Over a port of its own each time it is asked: for streams of many items, since a port does not go through the preload.
 */
export declare function electronPort(options?: ElectronPortOptions): Connector;
