/** What fails, and how it travels. `spec: error.*` */

import type { Cid, Err } from "./frame.js";

/** The engine's own codes. Applications add theirs as plain strings, in a `domain` of their own. `spec: error.2` */
export type Code =
  | "NO_HANDLER"
  | "INVALID_PAYLOAD"
  | "INVALID_FRAME"
  | "UNAUTHORIZED"
  | "FORBIDDEN"
  | "RPC_TIMEOUT"
  | "CANCELLED"
  | "CONNECTION_CLOSED"
  | "INDETERMINATE"
  | "RESOURCE_EXHAUSTED"
  | "SLOW_CONSUMER"
  | "DUPLICATE_CID"
  | "NOT_UNARY"
  | "UNSUPPORTED"
  | "UNSUPPORTED_VERSION"
  | "CONFLICT"
  | "NOT_FOUND"
  | "INTERNAL";

/** Why a call failed: what its caller catches, and what a handler throws to be understood by its caller. */
export class RpcError extends Error {
  /** What programs branch on: one of {@link Code} or an application's own. */
  declare readonly code: string;
  /** Data about the failure; its shape depends on `code`. */
  declare readonly details: unknown;
  /** Whose code it is: `common` for the engine's own. */
  declare readonly domain: string;

  constructor(code: Code | (string & {}), message: string, details?: unknown, domain = "common") {
    super(message);
    Object.assign(this, { name: "RpcError", code, details, domain });
  }
}

/** The failure that a limit causes: it names the limit, its value and the setting that raises it. `spec: limit.1` */
export function limitError(limit: string, value: number, setting: string, code: Code = "RESOURCE_EXHAUSTED"): RpcError {
  setting = "limits." + setting;
  return new RpcError(code, `${limit} limit of ${value} reached; raise it with ${setting}`, { limit, value, setting });
}

/** The failure of what is not wanted any more, with why where somebody said. */
export function cancelled(cause?: unknown): RpcError {
  return Object.assign(new RpcError("CANCELLED", "cancelled"), cause !== undefined && { cause });
}

/** The failure of what took too long. */
export function timeout(why = ""): RpcError {
  return new RpcError("RPC_TIMEOUT", "the time is up" + (why && "; " + why));
}

/** The frame that tells the peer of a failure. */
export function errFrame(cid: Cid, { message, code, domain, details }: RpcError): Err {
  return { kind: "err", cid, ok: false, message: String(message), code, domain, details };
}
