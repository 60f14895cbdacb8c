/**
 * The page's side of Tauri: frames go to the Rust side by `invoke` and come back over a `Channel`. Both are used sparingly:
 * one `invoke` at a time, which carries all that gathered meanwhile, since commands that overlap lose their order.
 */
import type { Frame } from "../frame.js";
import type { Connector, OnClose, OnFrame, Transport } from "../transport.js";
/** What is used of `window.__TAURI__.core`, or of the package `@tauri-apps/api/core`. */
export interface TauriCore {
    invoke<T>(command: string, args?: Record<string, unknown>): Promise<T>;
    Channel: new () => {
        onmessage: (message: never) => void;
    };
}
/**
 * What arrives over the channel: the text of a frame, several of them, or, as the last message, that there is no more.
 */
export type TauriMessage = string | readonly string[] | {
    readonly closed: {
        clean: boolean;
        reason: string;
    };
};
/** How to reach the Rust side. */
export interface TauriOptions {
    core?: TauriCore;
    /** Stands before the commands `sixframe_open`, `sixframe_post` and `sixframe_close`. Default `plugin:sixframe|`. */
    prefix?: string;
}
/**
 * A connection to the plugin.
 *
 * - `sixframe_open {channel}` answers the connection's number.
 * - `sixframe_post {connection, frames}` takes the texts of frames, in order.
 * - `sixframe_close {connection}` ends it, in good order.
 */
export declare class TauriTransport implements Transport {
    #private;
    constructor(options?: TauriOptions);
    start(onFrame: OnFrame, onClose?: OnClose): Promise<void>;
    post(frame: Frame): void;
    stop(): void;
    get buffered(): number;
}
/** Connects to the plugin each time it is asked. */
export declare function tauri(options?: TauriOptions): Connector;
