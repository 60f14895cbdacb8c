/** What fails, and how it travels. `spec: error.*` */
import type { Cid, Err } from "./frame.js";
/** The engine's own codes. Applications add theirs as plain strings, in a `domain` of their own. `spec: error.2` */
export type Code = "NO_HANDLER" | "INVALID_PAYLOAD" | "INVALID_FRAME" | "UNAUTHORIZED" | "FORBIDDEN" | "RPC_TIMEOUT" | "CANCELLED" | "CONNECTION_CLOSED" | "INDETERMINATE" | "RESOURCE_EXHAUSTED" | "SLOW_CONSUMER" | "DUPLICATE_CID" | "NOT_UNARY" | "UNSUPPORTED" | "UNSUPPORTED_VERSION" | "CONFLICT" | "NOT_FOUND" | "INTERNAL";
/** Why a call failed: what its caller catches, and what a handler throws to be understood by its caller. */
export declare class RpcError extends Error {
    readonly name = "RpcError";
    /** What programs branch on: one of {@link Code} or an application's own. */
    readonly code: string;
    /** Data about the failure; its shape depends on `code`. */
    readonly details: unknown;
    /** Whose code it is: `common` for the engine's own. */
    readonly domain: string;
    constructor(code: Code | (string & {}), message: string, details?: unknown, domain?: string);
}
/** The failure that a limit causes: it names the limit, its value and the setting that raises it. `spec: limit.1` */
export declare function limitError(limit: string, value: number, setting: string, code?: Code): RpcError;
/** The frame that tells the peer of a failure. */
export declare function errFrame(cid: Cid, error: RpcError): Err;
