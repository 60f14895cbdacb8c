/** Messages on their way through a relay: opened, checked, and written anew for the other side. */

import { limitError } from "../errors.js";
import { type Frame, isObject, type Meta } from "../frame.js";
import { decode, Malformed, peek } from "../frame/decode.js";
import type { Transport } from "../transport.js";
import type { Limits } from "../limits.js";
import { splice, type Stamp } from "./splice.js";
import { weigh } from "./weigh.js";

/** A transport that sends text as it stands, so that payloads of text pass byte for byte. `spec: relay.2` */
export interface TextTransport extends Transport {
  postText(text: string): void;
}

/** A message that is a frame. */
export interface Opened {
  readonly frame: Frame;
  /** As it was read, on transports of text. */
  readonly text: string | undefined;
  readonly bytes: number;
}

/** How much of a message that is too long is looked at for its `cid`. */
const PEEKED = 4096;

/** Messages that are too long for their call to be told from them. */
export class Oversized extends Malformed {}

/** Checks syntax, nesting, size and repeated keys. Undefined for kinds of a later version. `spec: relay.3` */
export function open(message: unknown, limits: Limits): Opened | Malformed | undefined {
  if (typeof message === "string" && message.length > limits.message_bytes) {
    const { error, head } = peek(message.slice(0, PEEKED), tooLong(limits));
    return new Oversized(error, head);
  }
  let bytes = typeof message === "string" ? message.length : 0;
  if (isObject(message)) {
    const weight = weigh(message, limits.depth, limits.message_bytes);
    const { kind, cid, dir } = message as { [key in "kind" | "cid" | "dir"]?: string };
    if (weight === "heavy") return new Oversized(tooLong(limits), { kind, cid, dir });
    if (weight === "deep") return new Malformed(limitError("depth", limits.depth, "depth"), { kind, cid, dir });
    ({ bytes } = weight);
  }
  const frame = decode(message, limits.depth);
  if (frame === undefined || frame instanceof Malformed) return frame;
  return { frame, text: typeof message === "string" ? message : undefined, bytes };
}

/** A message to be posted. */
export interface Message {
  readonly bytes: number;
  /** Posts it in the form that the transport takes with the least change. */
  post(transport: Transport): void;
}

/** A message of somebody, under another `cid`; a request of a window is also stamped. `spec: relay.1` */
export function readdressed({ frame, text, bytes }: Opened, cid: string, stamp?: Stamp): Message {
  const post = (transport: Transport) => {
    if (text !== undefined && isText(transport)) return transport.postText(splice(text, cid, stamp));
    transport.post(frame.kind === "req" && stamp ? { ...frame, cid, meta: stamped(frame.meta, stamp) } : { ...frame, cid });
  };
  return { bytes, post };
}

/** A request of the relay itself on behalf of a window. */
export function asked(cid: string, method: string, stamp: Stamp): Message {
  return own({ kind: "req", cid, method, meta: stamped(undefined, stamp) });
}

/** A message of the relay itself. */
export function own(frame: Frame): Message {
  return { bytes: JSON.stringify(frame).length, post: (transport) => transport.post(frame) };
}

function stamped(meta: Meta | undefined, { senderId, doc, lane }: Stamp): Meta {
  const known = isObject(meta) ? meta : {};
  const lanes = typeof known.lane === "string" ? { lane: lane + known.lane } : {};
  return { ...known, senderId, doc, ...lanes };
}

function isText(transport: Transport): transport is TextTransport {
  return "postText" in transport && typeof transport.postText === "function";
}

function tooLong({ message_bytes }: Limits) {
  return limitError("message bytes", message_bytes, "message_bytes");
}
