/**
 * Frames over the ports of a Chrome extension: between pages, content scripts and the extension's service worker, and to a
 * native messaging host. The worker is put to sleep when nothing arrives for 30 s; its ports then disconnect, and the
 * endpoint connects again, which wakes it. A `pingMs` below that keeps it awake.
 */
import type { Frame } from "../frame.js";
import type { Connector, OnClose, OnFrame, Transport } from "../transport.js";
/**
 * How the extension's messages travel: `json`, the default of Chrome, or `structured` where the manifest says
 * `"message_serialization": "structured_clone"`.
 */
export type Serialization = "json" | "structured";
/** Whether `stop` says so: a native host reads frames and nothing else, and understands the end of its input. */
export type Goodbye = "spoken" | "silent";
/** What is used of `chrome.runtime.Port`. */
export interface ChromePort {
    readonly name: string;
    readonly sender?: {
        id?: string | undefined;
        origin?: string | undefined;
        url?: string | undefined;
    } | undefined;
    readonly onMessage: ChromeEvent<(message: never) => void>;
    readonly onDisconnect: ChromeEvent<(port: never) => void>;
    postMessage(message: unknown): void;
    disconnect(): void;
}
/** What is used of Chrome's events. */
export interface ChromeEvent<Listener> {
    addListener(listener: Listener): void;
    removeListener(listener: Listener): void;
}
/** What is used of `chrome.runtime`. */
export interface ChromeRuntime {
    readonly id?: string | undefined;
    readonly lastError?: {
        message?: string | undefined;
    } | undefined;
    readonly onConnect?: ChromeEvent<(port: never) => void>;
    readonly onConnectExternal?: ChromeEvent<(port: never) => void>;
    connect?(extensionId: string | undefined, info: {
        name: string;
    }): ChromePort;
    connectNative?(host: string): ChromePort;
}
/**
 * One port.
 *
 * With `json` serialisation a frame that holds bytes is refused by `post`, since Chrome would turn them into something
 * else without a word. A port that disconnects without a goodbye is not a clean end.
 */
export declare class ChromePortTransport implements Transport {
    #private;
    constructor(port: ChromePort, serialization?: Serialization, runtime?: ChromeRuntime | undefined, goodbye?: Goodbye);
    start(onFrame: OnFrame, onClose?: OnClose): void;
    post(frame: Frame): void;
    stop(): void;
}
/** How to connect to an extension. */
export interface ChromePortOptions {
    /** The extension; needed on pages outside of it, which its manifest must name under `externally_connectable`. */
    extensionId?: string;
    /** The port's name, by which the other side knows what is meant. Default `rpc`, as in version 0.2. */
    name?: string;
    serialization?: Serialization;
    runtime?: ChromeRuntime;
}
/** Connects to the extension's service worker each time it is asked, waking it where it sleeps. */
export declare function chromePort(options?: ChromePortOptions): Connector;
/** Starts the native messaging host `host`, `sixframe stdio --framing native` for example, each time it is asked. */
export declare function nativeHost(host: string, runtime?: ChromeRuntime | undefined): Connector;
/** Which ports an extension's service worker accepts. */
export interface AcceptChromePortsOptions {
    /** The name that ports must have. Default `rpc`. */
    name?: string;
    serialization?: Serialization;
    /** Decides over ports from outside of the extension: pages and other extensions. Without it none is accepted. */
    allowExternal?: (sender: NonNullable<ChromePort["sender"]>) => boolean;
    runtime?: ChromeRuntime;
}
/**
 * The service worker's side: gives a transport for every port, until the returned function is called. Call it while the
 * worker's script is first run: Chrome wakes a worker only for listeners that were added then.
 */
export declare function acceptChromePorts(accept: (transport: Transport, port: ChromePort) => void, options?: AcceptChromePortsOptions): () => void;
