/** How much a value is. */

/** About how many bytes a value takes as JSON. What is too deep for any peer, as a circle is, takes more than there are. */
export function weigh(value: unknown, depth = 99): number {
  if (typeof value === "string") return value.length + 8;
  if (!value || typeof value !== "object") return 8;
  let bytes = (value as ArrayBufferView).byteLength;
  if (bytes >= 0) return bytes;
  bytes = depth ? 8 : Infinity;
  for (const key in value) {
    if (bytes > 1 << 28) break;
    bytes += key.length + weigh((value as Record<string, unknown>)[key], depth - 1);
  }
  return bytes;
}
