/**
 * Reads what a transport carries: text, bytes or objects. It is what the transports of this package give as their `decode`;
 * a transport of one's own that carries text gives it too. `spec: frame.7` to `frame.10, limit.2`
 */

import { limitError, RpcError } from "./errors.js";
import type { Cid, Frame, Req } from "./frame.js";
import { decode as decodeFrame, Malformed, peek } from "./frame/decode.js";
import type { Limits } from "./limits.js";
import type { Session } from "./session.js";
import type { Broken } from "./transport.js";

/** The versions of the protocol that this engine serves. `spec: version.2` */
const VERSIONS = ["0.2", "0.3"];

/** As much of a message as is read when it is too long. */
const PEEKED = 999;

/** Makes a frame of a message within the limits, or says what is wrong with it. Undefined for kinds of a later version. */
export function decode(message: unknown, limits: Partial<Limits> = {}): Frame | Broken | undefined {
  const { depth = 64, message_bytes = 16 << 20 } = limits;
  const isText = typeof message === "string";
  if ((isText || message instanceof Uint8Array) && message.length > message_bytes) {
    const beginning = isText ? message.slice(0, PEEKED) : new TextDecoder().decode(message.subarray(0, PEEKED));
    return refused(peek(beginning, limitError("message bytes", message_bytes, "message_bytes"), true));
  }
  const read = decodeFrame(message, depth);
  if (read instanceof Malformed) return refused(read);
  const version = (read as Req | undefined)?.meta?.rpcSpecVersion;
  return version == null || VERSIONS.includes(String(version)) ? read : unserved(read as Req);
}

function unserved({ cid, meta }: Req): Broken {
  const message = `version ${meta!.rpcSpecVersion} is not served`;
  return (session) => refuse(session, cid, new RpcError("UNSUPPORTED_VERSION", message, { supported: VERSIONS }));
}

function refused(malformed: Malformed): Broken {
  return (session) => {
    session._warn("malformed message", malformed.error);
    receiveMalformed(session, malformed);
  };
}

/** Takes in a message that is no frame: whom it may concern is told, and too many of them end the connection. */
export function receiveMalformed(s: Session, { error, head: { kind, cid, dir }, isOversized }: Malformed): void {
  const most = Math.max(16, s._options.limits.malformed ?? 64);
  const close = ({ message }: RpcError) => s._events.push(() => s._lose(message));
  if (cid !== undefined && kind === "req") refuse(s, cid, error);
  else if (cid !== undefined && kind && kind !== "can" && dir !== "up") {
    const call = s._calls.get(cid);
    if (call && !call._head) call._fail(error);
  } else if (isOversized) close(error);
  if (++s._malformed >= most) close(limitError("malformed messages", most, "malformed"));
}

/** Answers a request that cannot be served; one that is live under its `cid` ends with that. */
function refuse(s: Session, cid: Cid, error: RpcError): void {
  const live = s._requests.get(cid);
  if (live) live._fail(error);
  else s._refuse(cid, error);
}
