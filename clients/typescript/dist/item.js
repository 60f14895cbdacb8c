/** One item of a stream, with where it stands. */
/** One item of a stream. A handler's plain value becomes one by itself. */
export class Item {
    constructor(data, place = {}, size) {
        // Null counts as absent in what a peer sends.
        this.data = data;
        this.pos = place.pos ?? undefined;
        this.epoch = place.epoch ?? undefined;
        this.reset = !!place.reset;
        this.skipped = place.skipped || 0;
        this._size = (size || weigh(data)) + 64;
    }
}
/** About how many bytes a value takes as JSON. What is too deep for any peer, as a circle is, takes more than there are. */
export function weigh(value, depth = 99) {
    if (typeof value === "string")
        return value.length + 8;
    if (!value || typeof value !== "object")
        return 8;
    let bytes = value.byteLength;
    if (bytes >= 0)
        return bytes;
    bytes = depth ? 8 : Infinity;
    for (const key in value) {
        if (bytes > 1 << 28)
            break;
        bytes += key.length + weigh(value[key], depth - 1);
    }
    return bytes;
}
//# sourceMappingURL=item.js.map