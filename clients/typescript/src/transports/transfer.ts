/**
 * Moving bytes instead of copying them. A value is marked where it is made; the transport that posts it, if it can move
 * anything, finds the mark. It knows no frames.
 */

const marks = new WeakMap<object, readonly Transferable[]>();

/** Marks that no transport has met yet: while there are none, nothing is searched. */
let unmet = 0;

/**
 * Marks `value`, so that posting it within a payload, a result or an item moves it: its bytes are then gone on this side.
 * On transports that carry text it changes nothing.
 *
 * `list` says what is to be moved; by default that is the value itself, or its buffer where it is a view of one.
 */
export function transfer<T extends object>(value: T, list?: readonly Transferable[]): T {
  const moved = list ?? [ArrayBuffer.isView(value) ? (value.buffer as ArrayBuffer) : (value as unknown as Transferable)];
  if (!marks.has(value)) unmet += 1;
  marks.set(value, moved);
  return value;
}

/** What is marked within `message`; each mark counts once. */
export function takeTransferables(message: unknown): Transferable[] {
  const found = new Set<Transferable>();
  if (unmet > 0) collect(message, found);
  return [...found];
}

function collect(value: unknown, found: Set<Transferable>): void {
  if (typeof value !== "object" || value === null) return;
  const list = marks.get(value);
  if (list !== undefined) {
    marks.delete(value);
    unmet -= 1;
    for (const item of list) found.add(item);
  }
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return;
  for (const part of Object.values(value)) collect(part, found);
}
