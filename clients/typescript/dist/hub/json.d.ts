/**
 * JSON values: equality, and new values that keep what they share with old ones.
 */
/** Whether two JSON values are equal; members count without regard to their order. */
export declare function sameJson(one: unknown, other: unknown): boolean;
/**
 * `next`, with every part of it that equals the part of `previous` at the same place being that very object. So that what
 * did not change is `===` to what it was.
 */
export declare function share<T>(previous: unknown, next: T): T;
/** An object or array, by its keys. */
export type Container = Record<string, unknown>;
/** Whether `value` is a plain object or an array: what JSON can nest. */
export declare function isContainer(value: unknown): value is Container;
/** Sets a member, `__proto__` too, as JSON means it. */
export declare function setMember(container: Container, key: string, value: unknown): void;
