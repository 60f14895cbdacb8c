/** Messages on their way through a relay: opened, checked, and written anew for the other side. */
import { limitError } from "../errors.js";
import { decode, isObject, Malformed, peek } from "../frame/decode.js";
import { splice } from "./splice.js";
import { weigh } from "./weigh.js";
/** How much of a message that is too long is looked at for its `cid`. */
const PEEKED = 4096;
/** Messages that are too long for their call to be told from them. */
export class Oversized extends Malformed {
}
/** Checks syntax, nesting, size and repeated keys. Undefined for kinds of a later version. `spec: relay.3` */
export function open(message, limits) {
    if (typeof message === "string" && message.length > limits.message_bytes) {
        const { error, head } = peek(message.slice(0, PEEKED), tooLong(limits));
        return new Oversized(error, head);
    }
    let bytes = typeof message === "string" ? message.length : 0;
    if (isObject(message)) {
        const weight = weigh(message, limits.depth, limits.message_bytes);
        const { kind, cid, dir } = message;
        if (weight === "heavy")
            return new Oversized(tooLong(limits), { kind, cid, dir });
        if (weight === "deep")
            return new Malformed(limitError("depth", limits.depth, "depth"), { kind, cid, dir });
        ({ bytes } = weight);
    }
    const frame = decode(message, limits.depth);
    if (frame === undefined || frame instanceof Malformed)
        return frame;
    return { frame, text: typeof message === "string" ? message : undefined, bytes };
}
/** A message of somebody, under another `cid`; a request of a window is also stamped. `spec: relay.1` */
export function readdressed({ frame, text, bytes }, cid, stamp) {
    const post = (transport) => {
        if (text !== undefined && isText(transport))
            return transport.postText(splice(text, cid, stamp));
        transport.post(frame.kind === "req" && stamp ? { ...frame, cid, meta: stamped(frame.meta, stamp) } : { ...frame, cid });
    };
    return { bytes, post };
}
/** A message of the relay itself. */
export function own(frame) {
    return { bytes: JSON.stringify(frame).length, post: (transport) => transport.post(frame) };
}
function stamped(meta, { senderId, doc, lane }) {
    const known = isObject(meta) ? meta : {};
    const lanes = typeof known.lane === "string" ? { lane: lane + known.lane } : {};
    return { ...known, senderId, doc, ...lanes };
}
function isText(transport) {
    return "postText" in transport && typeof transport.postText === "function";
}
function tooLong({ message_bytes }) {
    return limitError("message bytes", message_bytes, "message_bytes");
}
//# sourceMappingURL=message.js.map