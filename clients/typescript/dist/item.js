/** One item of a stream, with where it stands. */
/** One item of a stream. A handler's plain value becomes one by itself. */
export class Item {
    /** The value. */
    data;
    pos;
    epoch;
    reset;
    /** How many items were dropped before this one, by a policy that drops. */
    skipped;
    /** @internal About how many bytes it keeps. */
    _size = 0;
    constructor(data, place = {}, skipped = 0) {
        this.data = data;
        this.pos = place.pos;
        this.epoch = place.epoch;
        this.reset = place.reset ?? false;
        this.skipped = skipped;
    }
}
/** About how many bytes a value takes as JSON. Stops where it is more than any limit allows, so that a circle ends too. */
export function weigh(value) {
    if (typeof value === "string")
        return value.length + 2;
    let bytes = 8;
    if (typeof value !== "object" || value === null)
        return bytes;
    const waiting = [value];
    while (waiting.length && bytes < ENDLESS) {
        const next = waiting.pop();
        bytes += 4;
        if (typeof next === "string") {
            bytes += next.length;
        }
        else if (typeof next === "object" && next !== null) {
            if (ArrayBuffer.isView(next) || next instanceof ArrayBuffer) {
                bytes += next.byteLength;
            }
            else if (Array.isArray(next)) {
                for (const item of next)
                    waiting.push(item);
            }
            else {
                for (const key in next) {
                    bytes += key.length;
                    waiting.push(next[key]);
                }
            }
        }
    }
    return bytes;
}
/** More than anything that may wait in memory. */
const ENDLESS = 1 << 28;
//# sourceMappingURL=item.js.map