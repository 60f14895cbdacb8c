/** What a message means: one of the six frames, or what is wrong with it. Knows no session, no clock and no I/O. */

import { limitError, RpcError } from "../errors.js";
import { type Frame, isObject } from "../frame.js";
import { type Head, scan } from "./scan.js";

/** A message that is no frame, with what could still be read of it. */
export class Malformed {
  /** What its sender is told. */
  declare readonly error: RpcError;
  /** Its kind, its `cid` and its direction, where they can be read. */
  declare readonly head: Head;
  /** Whether it was too long to be read. */
  declare readonly isOversized: boolean;

  constructor(error: RpcError | string, head: Head, isOversized = false) {
    this.error = error instanceof RpcError ? error : new RpcError("INVALID_FRAME", error);
    this.head = head;
    this.isOversized = isOversized;
    if (!isCid(head.cid)) head.cid = undefined;
  }
}

/** Text or bytes, as they came, or a frame that is an object already. Undefined for kinds of a later version. */
export function decode(message: unknown, depth: number): Frame | Malformed | undefined {
  let fields = message as Fields;
  if (message instanceof Uint8Array) {
    try {
      message = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(message);
    } catch {
      return peek(new TextDecoder().decode(message as Uint8Array), "the message is not UTF-8");
    }
  }
  if (typeof message === "string") {
    const outline = scan(message);
    if (outline.depth > depth) return peek(message, limitError("depth", depth, "depth"));
    try {
      fields = JSON.parse(message) as Fields;
    } catch {
      fields = undefined as never;
    }
    if (isRepeated(fields, outline.keys) || isRepeated(fields?.meta, outline.metaKeys)) {
      return peek(message, "a key stands twice in the frame or its meta");
    }
    if (!fields) return peek(message, NOT_JSON);
  }
  if (!isObject(fields)) return new Malformed(NOT_JSON, {});
  const { kind } = fields;
  const kinds = RULES[kind as "req"] as Rules | undefined;
  if (typeof kind === "string" && !kinds) return undefined;
  const wrong = !kinds ? "kind" : !isCid(fields.cid) ? "cid" : wrongField(fields, kinds);
  if (wrong) return new Malformed(wrong + " is missing, out of range or mistyped", { ...fields } as Head);
  return fields as unknown as Frame;
}

/** What can be read of a message that is broken, or of which only the beginning is there. */
export function peek(text: string, error: RpcError | string, isOversized?: boolean): Malformed {
  const head: Head = {};
  scan(text, head);
  return new Malformed(error, head, isOversized);
}

type Fields = Record<string, unknown>;

/** What a value must be, or the rules of an object's fields; `true` where it must be there. A field that is null is absent. */
type Check = (value: unknown) => unknown;
type Rules = Record<string, Check | [Check]>;

const NOT_JSON = "the message is not a JSON object";

const isText: Check = (value) => typeof value === "string";
const isMillis: Check = (value) => typeof value === "number" && value >= 0 && value <= Number.MAX_SAFE_INTEGER;
const isCount: Check = (value) => isMillis(value) && Number.isInteger(value);
const isPositive: Check = (value) => isCount(value) && value !== 0;
const isFlag: Check = (value) => typeof value === "boolean";
const isDirection: Check = (value) => value === "up" || value === "down";
/** What is no object at all is of a later version, or means something else. */
const has =
  (rules: Rules): Check =>
  (value) =>
    !isObject(value) || !wrongField(value, rules);

const RULES: Record<string, Rules> = {
  __proto__: null as never,
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

const META: Rules = {
  fc: has({ upto: [isPositive], bytes: isPositive }),
  resume: has({ epoch: [isText], after: [isCount] }),
  timeoutMs: isMillis,
  idleMs: isMillis,
  lane: isText,
  rpcSpecVersion: (version) => isText(version) || typeof version === "number",
};

function wrongField(fields: Fields, rules: Rules): string | undefined {
  for (const key in rules) {
    const rule = rules[key]!;
    const value = fields[key];
    if (value == null ? typeof rule !== "function" : !(typeof rule === "function" ? rule : rule[0])(value)) return key;
  }
  return undefined;
}

function isRepeated(fields: unknown, keys: number): boolean {
  return isObject(fields) && Object.keys(fields).length < keys;
}

/** At most 64 bytes of UTF-8. `spec: cid.1` */
function isCid(cid: unknown): cid is string {
  return typeof cid === "string" && (cid.length < 22 || (cid.length < 65 && new TextEncoder().encode(cid).length < 65));
}
