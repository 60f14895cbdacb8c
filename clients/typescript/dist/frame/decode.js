/** What a message means: one of the six frames, or what is wrong with it. Knows no session, no clock and no I/O. */
import { limitError, RpcError } from "../errors.js";
import { scan } from "./scan.js";
/** A message that is no frame, with what could still be read of it. */
export class Malformed {
    /** What its sender is told. */
    error;
    /** Its kind, its `cid` and its direction, where they can be read. */
    head;
    constructor(error, head = {}) {
        this.error = typeof error === "string" ? new RpcError("INVALID_FRAME", error) : error;
        this.head = head;
        if (!isCid(head.cid))
            head.cid = undefined;
    }
}
/** The longest `cid`, in bytes. `spec: cid.1` */
const MAX_CID = 64;
/** Text or bytes, as they came, or a frame that is an object already. Undefined for kinds of a later version. */
export function decode(message, depth) {
    if (message instanceof Uint8Array) {
        try {
            message = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(message);
        }
        catch {
            return peek(new TextDecoder().decode(message), "the message is not UTF-8");
        }
    }
    if (typeof message !== "string")
        return check(message);
    const outline = scan(message);
    if (outline.depth > depth)
        return peek(message, limitError("depth", depth, "depth"));
    let fields;
    try {
        fields = JSON.parse(message);
    }
    catch {
        return peek(message, "the message is not a JSON object");
    }
    if (isObject(fields)) {
        const meta = fields.meta;
        if (Object.keys(fields).length < outline.keys || (isObject(meta) && Object.keys(meta).length < outline.metaKeys)) {
            return peek(message, "a key stands twice in the frame or its meta");
        }
    }
    return check(fields);
}
/** What can be read of a message of which only the beginning is there. */
export function peek(text, error) {
    const head = {};
    scan(text, head);
    return new Malformed(error, head);
}
function check(fields) {
    if (!isObject(fields))
        return new Malformed("the message is not a JSON object");
    const wrong = wrongField(fields);
    if (wrong === undefined)
        return fields;
    if (!wrong)
        return undefined;
    const { kind, cid, dir } = fields;
    return new Malformed(wrong + " is missing or has a wrong type", { kind, cid, dir });
}
/** The field that is wrong; the empty text for an unknown kind. */
function wrongField(fields) {
    const { kind } = fields;
    if (typeof kind !== "string")
        return "kind";
    if (!/^(req|res|err|nxt|end|can)$/.test(kind))
        return "";
    if (!isCid(fields.cid))
        return "cid";
    switch (kind) {
        case "req":
            if (typeof fields.method !== "string")
                return "method";
            return fields.meta == null ? undefined : wrongMeta(fields.meta);
        case "res":
            return fields.ok == null || fields.ok === true ? undefined : "ok";
        case "err":
            return lenient(fields);
        case "nxt":
            return (wrongCount(fields, "seq", "pos", "skipped") ??
                wrongType(fields, "string", "epoch") ??
                wrongType(fields, "boolean", "reset") ??
                (isObject(fields.fc) && (fields.fc.upto == null || wrongCount(fields.fc, "upto", "ack")) ? "fc" : wrongDir(fields)));
        case "end":
            return wrongDir(fields);
    }
    return undefined;
}
function wrongMeta(meta) {
    if (!isObject(meta))
        return "meta";
    const { fc, resume } = meta;
    if (isObject(fc) && (!(Number(fc.upto) > 0) || wrongCount(fc, "upto")))
        return "meta.fc.upto";
    if (isObject(resume) && (typeof resume.epoch !== "string" || resume.after == null || wrongCount(resume, "after"))) {
        return "meta.resume";
    }
    return (wrongMillis(meta, "timeoutMs") ??
        wrongMillis(meta, "idleMs") ??
        wrongType(meta, "string", "lane") ??
        (typeof meta.rpcSpecVersion === "number" ? undefined : wrongType(meta, "string", "rpcSpecVersion")));
}
/** Fills what 0.2 leaves out of an `err`. `spec: frame.12, frame.16` */
function lenient(fields) {
    if (typeof fields.message !== "string")
        fields.message = "";
    if (typeof fields.domain !== "string")
        fields.domain = "common";
    if (typeof fields.code !== "string")
        fields.code = "INTERNAL";
    if (fields.code === "NOT_FOUND" && fields.message === "NO_HANDLER")
        fields.code = "NO_HANDLER";
}
function wrongDir(fields) {
    return fields.dir == null || fields.dir === "up" || fields.dir === "down" ? undefined : "dir";
}
function wrongType(fields, type, key) {
    return fields[key] == null || typeof fields[key] === type ? undefined : key;
}
function wrongCount(fields, ...keys) {
    return keys.find((key) => fields[key] != null && !(Number.isSafeInteger(fields[key]) && fields[key] >= 0));
}
function wrongMillis(fields, key) {
    const value = fields[key];
    if (value == null || (typeof value === "number" && value >= 0 && value <= Number.MAX_SAFE_INTEGER))
        return undefined;
    return key;
}
function isCid(cid) {
    if (typeof cid !== "string" || cid.length > MAX_CID)
        return false;
    return cid.length * 3 <= MAX_CID || new TextEncoder().encode(cid).length <= MAX_CID;
}
/** Whether a value is an object in the sense of JSON. */
export function isObject(value) {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}
//# sourceMappingURL=decode.js.map