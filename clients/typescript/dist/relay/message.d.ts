/** Messages on their way through a relay: opened, checked, and written anew for the other side. */
import type { Frame } from "../frame.js";
import { Malformed } from "../frame/decode.js";
import type { Transport } from "../transport.js";
import type { Limits } from "../limits.js";
import { type Stamp } from "./splice.js";
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
/** Messages that are too long for their call to be told from them. */
export declare class Oversized extends Malformed {
}
/** Checks syntax, nesting, size and repeated keys. Undefined for kinds of a later version. `spec: relay.3` */
export declare function open(message: unknown, limits: Limits): Opened | Malformed | undefined;
/** A message to be posted. */
export interface Message {
    readonly bytes: number;
    /** Posts it in the form that the transport takes with the least change. */
    post(transport: Transport): void;
}
/** A message of somebody, under another `cid`; a request of a window is also stamped. `spec: relay.1` */
export declare function readdressed({ frame, text, bytes }: Opened, cid: string, stamp?: Stamp): Message;
/** A message of the relay itself. */
export declare function own(frame: Frame): Message;
