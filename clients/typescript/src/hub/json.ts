/**
 * JSON values: equality, and new values that keep what they share with old ones.
 */

/** Whether two JSON values are equal; members count without regard to their order. */
export function sameJson(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (!isContainer(one) || !isContainer(other) || Array.isArray(one) !== Array.isArray(other)) return false;
  const keys = Object.keys(one);
  if (keys.length !== Object.keys(other).length) return false;
  return keys.every((key) => Object.hasOwn(other, key) && sameJson(one[key], other[key]));
}

/**
 * `next`, with every part of it that equals the part of `previous` at the same place being that very object. So that what
 * did not change is `===` to what it was.
 */
export function share<T>(previous: unknown, next: T): T {
  return shared(previous, next) as T;
}

/** An object or array, by its keys. */
export type Container = Record<string, unknown>;

/** Whether `value` is a plain object or an array: what JSON can nest. */
export function isContainer(value: unknown): value is Container {
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Sets a member, `__proto__` too, as JSON means it. */
export function setMember(container: Container, key: string, value: unknown): void {
  if (key === "__proto__") {
    Object.defineProperty(container, key, { value, writable: true, enumerable: true, configurable: true });
  } else {
    container[key] = value;
  }
}

function shared(previous: unknown, next: unknown): unknown {
  if (Object.is(previous, next)) return previous;
  if (!isContainer(previous) || !isContainer(next) || Array.isArray(previous) !== Array.isArray(next)) return next;
  const keys = Object.keys(next);
  let same = keys.length === Object.keys(previous).length;
  const copy: Container = Array.isArray(next) ? ([] as unknown as Container) : {};
  for (const key of keys) {
    const was = Object.hasOwn(previous, key) ? previous[key] : undefined;
    const value = shared(was, next[key]);
    setMember(copy, key, value);
    same &&= Object.hasOwn(previous, key) && Object.is(value, was);
  }
  return same ? previous : copy;
}
