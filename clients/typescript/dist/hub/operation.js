/**
 * What changes the hub's state: a subset of RFC 6902, operations on lists by key, and merges by RFC 7396.
 */
export {};
//# sourceMappingURL=operation.js.map