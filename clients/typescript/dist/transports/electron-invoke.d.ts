/**
 * An endpoint over an application's existing functions, such as a preload's `window.electronAPI`: requests become calls of
 * those functions, so that a page can be written against `RpcEndpoint` before its main process speaks frames.
 */
import type { Frame } from "../frame.js";
import type { OnFrame, Transport } from "../transport.js";
/** Functions by name, in objects as deep as the method's name has dots: `agent.chat` is `api.agent.chat`. */
export interface InvokeApi {
    readonly [name: string]: unknown;
}
/** How methods find their functions. */
export interface ElectronInvokeOptions {
    /** Functions that stand elsewhere, or are called otherwise, by method. What they give may also be streamed. */
    methods?: {
        readonly [method: string]: (payload: unknown) => unknown;
    };
    /** A general `invoke(channel, payload)`, for methods that have no function of their own. */
    invoke?: (method: string, payload: unknown) => unknown;
}
/**
 * Answers its endpoint's requests by calling functions: with the request's payload, with no argument where there is none.
 * A promise or a plain value is the answer; async iterables and observables are streams, which a cancel ends. Items are
 * given without credit: their source cannot be slowed down.
 *
 * A method without a function is answered `NO_HANDLER`; what a function throws, with its `code`, `domain` and `details`
 * where it has them, else with `INTERNAL`.
 */
export declare class ElectronInvokeTransport implements Transport {
    #private;
    constructor(api?: InvokeApi, options?: ElectronInvokeOptions);
    start(onFrame: OnFrame): void;
    post(frame: Frame): void;
    stop(): void;
}
