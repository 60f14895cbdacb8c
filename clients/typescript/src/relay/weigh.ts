/** How much a frame weighs that is no text, and how deep it is: an estimate that is cheap and never endless. */

/** What was found, or which limit stopped the look. */
export type Weight = { readonly bytes: number } | "deep" | "heavy";

/**
 * About as many bytes as the value would have as JSON. Values that hold themselves are deep, and ones that hold the same
 * part many times count it as often, as they would when written.
 */
export function weigh(value: unknown, depth: number, bytes: number): Weight {
  const scale = new Scale(depth, bytes);
  const stopped = scale.add(value, 0);
  return stopped ?? { bytes: scale.bytes };
}

class Scale {
  bytes = 0;
  readonly #depth: number;
  readonly #limit: number;

  constructor(depth: number, limit: number) {
    this.#depth = depth;
    this.#limit = limit;
  }

  add(value: unknown, level: number): "deep" | "heavy" | undefined {
    if (typeof value === "string") this.bytes += value.length + 2;
    else if (typeof value === "object" && value !== null) return this.#addObject(value, level + 1);
    else this.bytes += 5;
    return this.bytes > this.#limit ? "heavy" : undefined;
  }

  #addObject(value: object, level: number): "deep" | "heavy" | undefined {
    if (level > this.#depth) return "deep";
    this.bytes += 2;
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) this.bytes += value.byteLength;
    else if (Array.isArray(value)) return this.#addParts(value, level);
    else if (value instanceof Map) return this.#addParts([...value.keys(), ...value.values()], level);
    else if (value instanceof Set) return this.#addParts([...value], level);
    else {
      for (const key in value) {
        this.bytes += key.length + 4;
        const stopped = this.add((value as Record<string, unknown>)[key], level);
        if (stopped !== undefined) return stopped;
      }
    }
    return this.bytes > this.#limit ? "heavy" : undefined;
  }

  #addParts(parts: readonly unknown[], level: number): "deep" | "heavy" | undefined {
    for (const part of parts) {
      this.bytes += 1;
      const stopped = this.add(part, level);
      if (stopped !== undefined) return stopped;
    }
    return this.bytes > this.#limit ? "heavy" : undefined;
  }
}
