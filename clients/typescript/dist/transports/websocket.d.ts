/** Frames over a WebSocket, one text message each, as the daemon serves them. Connecting again is the endpoint's business. */
import type { Frame } from "../frame.js";
import type { Connector, OnClose, OnFrame, Transport } from "../transport.js";
/** The subprotocol that both sides name. */
export declare const SUBPROTOCOL = "sixframe.v0";
/** What is used of a WebSocket: the browser's, or the one of the package `ws`. */
export interface WebSocketLike {
    readonly readyState: number;
    readonly bufferedAmount: number;
    send(text: string): void;
    close(code?: number, reason?: string): void;
    addEventListener(type: "open", listener: () => void): void;
    addEventListener(type: "error", listener: (event: {
        message?: string;
    }) => void): void;
    addEventListener(type: "message", listener: (event: {
        data: unknown;
    }) => void): void;
    addEventListener(type: "close", listener: (event: {
        code: number;
        reason: string;
        wasClean: boolean;
    }) => void): void;
}
/** How to connect. */
export interface WebSocketOptions {
    /** The daemon's token; a function is asked anew for every connection. It travels as a subprotocol, never in the URL. */
    token?: string | (() => string | Promise<string>);
    /** The class to use, where there is no global one: `import { WebSocket } from "ws"`. */
    WebSocket?: new (url: string, protocols: string[]) => WebSocketLike;
    /** Milliseconds within which the connection must be open. Default 10,000. */
    openMs?: number;
}
/**
 * One WebSocket. `start` resolves once it is open and rejects where it cannot be opened; browsers do not say why.
 *
 * A close with 1000, 1001 or no code is clean. `stop` sends what was posted and closes with 1000.
 */
export declare class WebSocketTransport implements Transport {
    #private;
    constructor(url: string, options?: WebSocketOptions);
    start(onFrame: OnFrame, onClose?: OnClose): Promise<void>;
    post(frame: Frame): void;
    /** Sends a frame that is text already, byte for byte. */
    postText(text: string): void;
    stop(): void;
    get buffered(): number;
}
/** Connects to `url` each time it is asked. */
export declare function webSocket(url: string, options?: WebSocketOptions): Connector;
