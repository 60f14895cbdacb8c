/** What a message means: one of the six frames, or what is wrong with it. Knows no session, no clock and no I/O. */
import { limitError, RpcError } from "../errors.js";
import { scan } from "./scan.js";
/** A message that is no frame, with what could still be read of it. */
export class Malformed {
    constructor(error, head, isOversized = false) {
        this.error = error instanceof RpcError ? error : new RpcError("INVALID_FRAME", error);
        this.head = head;
        this.isOversized = isOversized;
        if (!isCid(head.cid))
            head.cid = undefined;
    }
}
/** Text or bytes, as they came, or a frame that is an object already. Undefined for kinds of a later version. */
export function decode(message, depth) {
    let fields = message;
    if (message instanceof Uint8Array) {
        try {
            message = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(message);
        }
        catch {
            return peek(new TextDecoder().decode(message), "the message is not UTF-8");
        }
    }
    if (typeof message === "string") {
        const outline = scan(message);
        if (outline.depth > depth)
            return peek(message, limitError("depth", depth, "depth"));
        try {
            fields = JSON.parse(message);
        }
        catch {
            fields = undefined;
        }
        if (isRepeated(fields, outline.keys) || isRepeated(fields?.meta, outline.metaKeys)) {
            return peek(message, "a key stands twice in the frame or its meta");
        }
        if (!fields)
            return peek(message, NOT_JSON);
    }
    if (!isObject(fields))
        return new Malformed(NOT_JSON, {});
    const { kind } = fields;
    const kinds = RULES[kind];
    if (typeof kind === "string" && !kinds)
        return undefined;
    const wrong = !kinds ? "kind" : !isCid(fields.cid) ? "cid" : wrongField(fields, kinds);
    if (wrong)
        return new Malformed(wrong + " is missing or has a wrong type", { ...fields });
    if (kind === "err") {
        // What 0.2 leaves out. `spec: frame.12, frame.16`
        for (const [key, value] of LENIENT)
            if (typeof fields[key] !== "string")
                fields[key] = value;
        if (fields.code === "NOT_FOUND" && fields.message === "NO_HANDLER")
            fields.code = "NO_HANDLER";
    }
    return fields;
}
/** What can be read of a message that is broken, or of which only the beginning is there. */
export function peek(text, error, isOversized) {
    const head = {};
    scan(text, head);
    return new Malformed(error, head, isOversized);
}
/** Whether a value is an object in the sense of JSON. */
export function isObject(value) {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}
const NOT_JSON = "the message is not a JSON object";
const LENIENT = [
    ["message", ""],
    ["domain", "common"],
    ["code", "INTERNAL"],
];
const isText = (value) => typeof value === "string";
const isMillis = (value) => typeof value === "number" && value >= 0 && value <= Number.MAX_SAFE_INTEGER;
const isCount = (value) => isMillis(value) && Number.isInteger(value);
const isPositive = (value) => isCount(value) && value !== 0;
const isFlag = (value) => typeof value === "boolean";
const isDirection = (value) => value === "up" || value === "down";
/** What is no object at all is of a later version, or means something else. */
const has = (rules) => (value) => !isObject(value) || !wrongField(value, rules);
const RULES = {
    __proto__: null,
    req: {
        method: [isText],
        meta: (meta) => isObject(meta) && has(META)(meta),
    },
    res: { ok: (ok) => ok === true },
    err: {},
    nxt: {
        seq: isCount,
        pos: isCount,
        skipped: isCount,
        epoch: isText,
        reset: isFlag,
        fc: has({ upto: [isCount], ack: isCount, bytes: isPositive }),
        dir: isDirection,
    },
    end: { dir: isDirection },
    can: {},
};
const META = {
    fc: has({ upto: [isPositive], bytes: isPositive }),
    resume: has({ epoch: [isText], after: [isCount] }),
    timeoutMs: isMillis,
    idleMs: isMillis,
    lane: isText,
    rpcSpecVersion: (version) => isText(version) || typeof version === "number",
};
function wrongField(fields, rules) {
    for (const key in rules) {
        const rule = rules[key];
        const value = fields[key];
        if (value == null ? typeof rule !== "function" : !(typeof rule === "function" ? rule : rule[0])(value))
            return key;
    }
    return undefined;
}
function isRepeated(fields, keys) {
    return isObject(fields) && Object.keys(fields).length < keys;
}
/** At most 64 bytes of UTF-8. `spec: cid.1` */
function isCid(cid) {
    return typeof cid === "string" && (cid.length < 22 || (cid.length < 65 && new TextEncoder().encode(cid).length < 65));
}
//# sourceMappingURL=decode.js.map