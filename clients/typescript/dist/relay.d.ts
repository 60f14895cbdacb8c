/**
 * A relay: many windows over one upstream connection, in Electron's main process for example. It rewrites ids and stamps who
 * sends; payloads pass untouched. It keeps every window within its limits, and tells each what became of its calls when the
 * upstream breaks. It knows no methods but `rpc.ping` and `rpc.hello`. `spec: relay.*`
 */
import { type Limits } from "./limits.js";
import { type Backoff } from "./relay/link.js";
import type { WindowId } from "./relay/window.js";
import type { Connector, Transport } from "./transport.js";
export type { Backoff } from "./relay/link.js";
export type { WindowId } from "./relay/window.js";
/** How a relay behaves. */
export interface RelayOptions {
    /**
     * The limits of each window. `in_flight` counts the calls of a window and, by themselves, those made to it; `soft_bytes`
     * and `hard_bytes` bound what waits in each direction: above the first, requests are refused, above the second the window
     * is detached. `stream_bytes` bounds a stream whose consumer grants no credit. `streams` and `stream_items` are the
     * endpoints' business.
     */
    limits?: Partial<Limits>;
    /** The pauses between attempts to connect to the upstream. */
    backoff?: Partial<Backoff>;
    /** Hears of connections made and lost and of windows that were ended for a reason; nothing of payloads. */
    onLog?: (event: RelayEvent) => void;
}
/** What a relay tells of itself. */
export type RelayEvent = {
    readonly event: "connected";
} | {
    readonly event: "disconnected";
    readonly reason: string;
} | {
    readonly event: "detached";
    readonly window: WindowId;
    readonly reason: string;
};
/** What is under way in a relay. */
export interface RelayLoad {
    /** Windows that are attached. */
    readonly windows: number;
    /** Calls whose terminal frame has not been handed to their caller. */
    readonly calls: number;
    /** Bytes that wait here, in all directions. */
    readonly queuedBytes: number;
    /** Frames that were dropped since the relay was made: for calls that are over, of windows that are gone, of unknown kinds. */
    readonly dropped: number;
}
/** A window's place in a relay. */
export interface WindowHandle {
    /** Resolves when the window is gone, whatever ended it, with the reason. */
    readonly closed: Promise<string>;
    /** Detaches the window: its calls are cancelled upstream, calls to it fail, its transport is stopped. */
    close(reason?: string): void;
}
/** Windows over one upstream. */
export declare class Relay {
    #private;
    /**
     * Over a connector, which is asked again whenever the upstream breaks, and calls that windows make meanwhile wait for it;
     * or over one connection, with whose end the relay closes.
     */
    constructor(upstream: Transport | Connector, options?: RelayOptions);
    /**
     * Lets a window in, and starts its transport. A window of the same sender that is attached is fenced, whatever its document:
     * its calls are cancelled, its transport is stopped. How many windows there may be is for the caller to bound: the limits
     * hold for each.
     */
    attach(transport: Transport, id: WindowId): WindowHandle;
    /** Ends the relay: all windows are detached and the upstream's connection is stopped. */
    close(): void;
    /** What is under way: no calls and no bytes when nothing waits. */
    get load(): RelayLoad;
}
