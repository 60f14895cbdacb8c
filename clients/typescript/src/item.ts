/** One item of a stream, with where it stands. */

/** What may stand beside an item's value. */
export interface Place {
  /** Where the item stands in its source (a revision, an offset); every item of a resumable stream says it. */
  pos?: number | undefined;
  /** The life of the source that `pos` counts in; the first item of a resumable stream says it. */
  epoch?: string | undefined;
  /** Whether the source starts over here: what the consumer knew is void. `spec: resume.5` */
  reset?: boolean | undefined;
}

/** One item of a stream. A handler's plain value becomes one by itself. */
export class Item<T = unknown> {
  /** The value. */
  data: T;
  readonly pos: number | undefined;
  epoch: string | undefined;
  reset: boolean;
  /** How many items were dropped before this one, by a policy that drops. */
  skipped: number;
  /** @internal About how many bytes it keeps. */
  _size = 0;

  constructor(data: T, place: Place = {}, skipped = 0) {
    this.data = data;
    this.pos = place.pos;
    this.epoch = place.epoch;
    this.reset = place.reset ?? false;
    this.skipped = skipped;
  }
}

/** About how many bytes a value takes as JSON. Stops where it is more than any limit allows, so that a circle ends too. */
export function weigh(value: unknown): number {
  if (typeof value === "string") return value.length + 2;
  let bytes = 8;
  if (typeof value !== "object" || value === null) return bytes;
  const waiting: unknown[] = [value];
  while (waiting.length && bytes < ENDLESS) {
    const next = waiting.pop();
    bytes += 4;
    if (typeof next === "string") {
      bytes += next.length;
    } else if (typeof next === "object" && next !== null) {
      if (ArrayBuffer.isView(next) || next instanceof ArrayBuffer) {
        bytes += next.byteLength;
      } else if (Array.isArray(next)) {
        for (const item of next) waiting.push(item);
      } else {
        for (const key in next) {
          bytes += key.length;
          waiting.push((next as Record<string, unknown>)[key]);
        }
      }
    }
  }
  return bytes;
}

/** More than anything that may wait in memory. */
const ENDLESS = 1 << 28;
