/**
 * One document of a window, as the relay sees it. What is meant for it waits until it listens; how it listens, over the
 * preload's channel or a port, is found out then.
 */
import type { MessagePortMain, WebContents } from "electron";
import type { Frame } from "../frame.js";
import type { OnClose, OnFrame, Transport } from "../transport.js";
export declare class WindowTransport implements Transport {
    #private;
    /** How the document calls itself, where its preload says so. */
    document: string | undefined;
    /** Takes in frames of the preload's channel. */
    receive: OnFrame;
    constructor(contents: WebContents, isUnresponsive: () => boolean);
    /** Whether the document listens. */
    get isStarted(): boolean;
    /** It listens on the preload's channel. */
    useChannel(document: string | undefined): void;
    /** It listens on a port. */
    usePort(document: string, port: MessagePortMain): void;
    start(onFrame: OnFrame, onClose?: OnClose): void;
    post(frame: Frame): void;
    stop(): void;
    /** Everything waits for a window that does not listen, or hangs. */
    get buffered(): number;
}
