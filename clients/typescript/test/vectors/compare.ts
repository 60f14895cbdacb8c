/** How an expected frame is held against a sent one. */

type Fields = Record<string, unknown>;

/** Keys of `meta` that a sender may add to what a vector expects. */
const OPTIONAL_META = ["rpcSpecVersion", "ts", "traceparent", "tracestate", "baggage"];

/** The `cid`s of our calls by the names that a vector gives them. */
export class Cids {
  bound = new Map<string, string>();
  used = new Set<string>();

  /** The frame with `$name` replaced in its `cid`. */
  resolve(frame: Fields): Fields {
    const name = named(frame);
    if (name === undefined) return frame;
    const cid = this.bound.get(name);
    if (cid === undefined) throw new Error(`$${name} is not bound yet`);
    return { ...frame, cid };
  }

  /** The text with every bound `$name` replaced. */
  resolveText(text: string): string {
    for (const [name, cid] of this.bound) text = text.replaceAll(`$${name}"`, `${cid}"`);
    return text;
  }

  bind(expected: Fields, sent: Fields): void {
    const name = named(expected);
    if (name === undefined || expected.kind !== "req" || sent.kind !== "req") return;
    const cid = sent.cid as string;
    if (this.used.has(cid)) throw new Error(`the cid ${cid} was used before`);
    this.used.add(cid);
    this.bound.set(name, cid);
  }
}

/** Whether `sent` is the frame that was expected; binds its `cid` where it is a request of ours. */
export function isSent(cids: Cids, expected: Fields, sent: Fields): boolean {
  if (!sameFrame(expected, sent, true)) return false;
  cids.bind(expected, sent);
  return sameFrame(cids.resolve(expected), sent, false);
}

/** Equality in which `"$any"` stands for every value, and for none. */
export function same(expected: unknown, actual: unknown): boolean {
  if (expected === "$any") return true;
  if (Array.isArray(expected)) {
    return Array.isArray(actual) && expected.length === actual.length && expected.every((item, at) => same(item, actual[at]));
  }
  if (isFields(expected) && isFields(actual)) return keys(expected, actual).every((key) => same(expected[key], actual[key]));
  return expected === actual;
}

/** As `same`, but an object may hold more than was expected. */
export function more(expected: unknown, actual: unknown): boolean {
  if (isFields(expected) && isFields(actual)) return Object.keys(expected).every((key) => same(expected[key], actual[key]));
  return same(expected, actual);
}

function sameFrame(expected: Fields, sent: Fields, anyCid: boolean): boolean {
  return keys(expected, sent).every((key) => {
    if (key === "cid" && anyCid) return true;
    if (key === "message" && !(key in expected)) return true;
    if (key === "details") return !(key in expected) || more(expected[key], sent[key]);
    if (key === "meta") return sameMeta(expected[key], sent[key]);
    return same(expected[key], sent[key]);
  });
}

function sameMeta(expected: unknown, sent: unknown): boolean {
  const [want, got] = [isFields(expected) ? expected : {}, isFields(sent) ? sent : {}];
  const counts = (key: string) => !OPTIONAL_META.includes(key) || key in want;
  return keys(want, got).filter(counts).every((key) => same(want[key], got[key]));
}

function keys(a: Fields, b: Fields): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])];
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function named(frame: Fields): string | undefined {
  const { cid } = frame;
  return typeof cid === "string" && cid.startsWith("$") ? cid.slice(1) : undefined;
}
