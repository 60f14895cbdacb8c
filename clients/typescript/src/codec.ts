/**
 * Reads what a transport carries: text, bytes or objects. It is what the transports of this package give as their `decode`;
 * a transport of one's own that carries text gives it too. `spec: frame.7` to `frame.10, limit.2`
 */

import { limitError } from "./errors.js";
import type { Frame } from "./frame.js";
import { decode as decodeFrame, Malformed, peek } from "./frame/decode.js";
import type { Limits } from "./limits.js";
import type { Session } from "./session.js";
import type { Millis } from "./session/exchange.js";
import type { Broken } from "./transport.js";

/** As much of a message as is read when it is too long. */
const PEEKED = 999;

/** Makes a frame of a message within the limits, or says what is wrong with it. Undefined for kinds of a later version. */
export function decode(message: unknown, limits: Partial<Limits> = {}): Frame | Broken | undefined {
  const { depth = 64, message_bytes = 16 << 20 } = limits;
  const isText = typeof message === "string";
  if ((isText || message instanceof Uint8Array) && message.length > message_bytes) {
    const beginning = isText ? message.slice(0, PEEKED) : new TextDecoder().decode(message.subarray(0, PEEKED));
    return new Refused(peek(beginning, limitError("message bytes", message_bytes, "message_bytes"), true));
  }
  const read = decodeFrame(message, depth);
  return read instanceof Malformed ? new Refused(read) : read;
}

class Refused implements Broken {
  readonly #malformed: Malformed;

  constructor(malformed: Malformed) {
    this.#malformed = malformed;
  }

  get error(): Malformed["error"] {
    return this.#malformed.error;
  }

  _settle(session: Session, now: Millis): void {
    receiveMalformed(session, now, this.#malformed);
  }
}

/** Takes in a message that is no frame: whom it may concern is told, and too many of them end the connection. */
export function receiveMalformed(s: Session, now: Millis, { error, head: { kind, cid, dir }, isOversized }: Malformed): void {
  if (!s._isConnected) return;
  const limit = Math.max(16, s._config.limits.malformed);
  if (cid !== undefined && kind === "req") {
    const live = s._requests.get(cid);
    if (live) s._fail(live, error);
    else s._refuse(cid, error);
  } else if (cid !== undefined && kind && kind !== "can" && dir !== "up") {
    const call = s._calls.get(cid);
    if (call && !call._head) s._fail(call, error);
  } else if (isOversized) {
    s._close(error.message);
  }
  if (++s._counters.malformed >= limit) s._close(limitError("malformed messages", limit, "malformed").message);
  s._changed(now);
}
