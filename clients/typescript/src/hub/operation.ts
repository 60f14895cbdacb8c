/**
 * What changes the hub's state: a subset of RFC 6902, operations on lists by key, and merges by RFC 7396.
 */

/** Adds a member to an object, or inserts an element into an array (`-` as its index: at the end). */
export interface Add {
  op: "add";
  path: string;
  value: unknown;
}

/** Replaces a value that is there. */
export interface Replace {
  op: "replace";
  path: string;
  value: unknown;
}

/** Removes a value that is there. */
export interface Remove {
  op: "remove";
  path: string;
}

/** Fails the whole commit unless the value at `path` equals `value`. */
export interface Test {
  op: "test";
  path: string;
  value: unknown;
}

/**
 * Inserts an object into the array at `path`, or replaces the element whose member `by` equals that of `value`. It comes to
 * stand in front of the element whose key is `before`; without `before`, or with null, it keeps its place, or goes to the
 * end.
 */
export interface Put {
  op: "put";
  path: string;
  by: string;
  value: unknown;
  before?: unknown;
}

/** Removes the element whose member `by` equals `key` from the array at `path`. */
export interface Drop {
  op: "drop";
  path: string;
  by: string;
  key: unknown;
}

/**
 * Moves the element whose member `by` equals `key` in front of another one, whose key is `before`; without `before`, or with
 * null, to the end.
 */
export interface Move {
  op: "move";
  path: string;
  by: string;
  key: unknown;
  before?: unknown;
}

/** Merges `value` into the value at `path` by RFC 7396: members that are null are removed. Never sent by the hub. */
export interface Merge {
  op: "merge";
  path: string;
  value: unknown;
}

/** One change, or a condition (`test`). Paths are JSON pointers (RFC 6901) from the root of the state. */
export type Operation = Add | Replace | Remove | Test | Put | Drop | Move | Merge;

/** Where a state stands in the hub's total order. Another epoch means that what is known of an older one is void. */
export interface Version {
  epoch: string;
  /** Rises by one with every commit. */
  revision: number;
}
