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
  override readonly name = "RpcError";
  /** What programs branch on: one of {@link Code} or an application's own. */
  readonly code: string;
  /** Data about the failure; its shape depends on `code`. */
  readonly details: unknown;
  /** Whose code it is: `common` for the engine's own. */
  readonly domain: string;

  constructor(code: Code | (string & {}), message: string, details?: unknown, domain = "common") {
    super(message);
    this.code = code;
    this.details = details;
    this.domain = domain;
  }
}

/** The failure that a limit causes: it names the limit, its value and the setting that raises it. `spec: limit.1` */
export function limitError(limit: string, value: number, setting: string, code: Code = "RESOURCE_EXHAUSTED"): RpcError {
  setting = "limits." + setting;
  const details = { limit, value, setting };
  return new RpcError(code, `${limit} limit of ${value} reached; raise it with ${setting}`, details);
}

/** The frame that tells the peer of a failure. */
export function errFrame(cid: Cid, error: RpcError): Err {
  const { message, code, domain, details } = error;
  const frame: Err = { kind: "err", cid, ok: false, message, code, domain };
  if (details !== undefined) frame.details = details;
  return frame;
}
