import { expect, test } from "vitest";

import { applyOperations, formatPointer, parsePointer, PatchError, type Operation } from "../../src/hub.js";
import { sameJson, share } from "../../src/hub/json.js";

const STATE = {
  a: { b: [1, 2, 3] },
  list: [
    { id: "x", n: 1 },
    { id: "y", n: 2 },
  ],
  "~/": 0,
};

function after(...operations: Operation[]): unknown {
  return applyOperations(STATE, operations);
}

test("pointers say every key, also those with slashes and tildes", () => {
  for (const keys of [[], [""], ["a", "0"], ["~/", "/~1", "~0"]]) expect(parsePointer(formatPointer(keys))).toEqual(keys);
  expect(() => parsePointer("a")).toThrow(SyntaxError);
});

test.each<[string, Operation, unknown]>([
  ["sets a member", { op: "add", path: "/a/c", value: 1 }, { ...STATE, a: { ...STATE.a, c: 1 } }],
  ["inserts into an array", { op: "add", path: "/a/b/1", value: 9 }, { ...STATE, a: { b: [1, 9, 2, 3] } }],
  ["adds at the end of an array", { op: "add", path: "/a/b/-", value: 4 }, { ...STATE, a: { b: [1, 2, 3, 4] } }],
  ["replaces the root", { op: "replace", path: "", value: 1 }, 1],
  ["replaces a member with a strange name", { op: "replace", path: "/~0~1", value: 1 }, { ...STATE, "~/": 1 }],
  ["removes an element", { op: "remove", path: "/a/b/0" }, { ...STATE, a: { b: [2, 3] } }],
  [
    "merges, and removes by null",
    { op: "merge", path: "/a", value: { b: null, c: { d: 1, e: null } } },
    { ...STATE, a: { c: { d: 1 } } },
  ],
  [
    "merges into what is no object by replacing it, an element too",
    { op: "merge", path: "/a/b/1", value: { c: 1, d: null } },
    { ...STATE, a: { b: [1, { c: 1 }, 3] } },
  ],
  ["merges behind the last element by adding one", { op: "merge", path: "/a/b/-", value: 4 }, { ...STATE, a: { b: [1, 2, 3, 4] } }],
  [
    "puts a new element at the end where it goes in front of null",
    { op: "put", path: "/list", by: "id", value: { id: "z" }, before: null },
    { ...STATE, list: [...STATE.list, { id: "z" }] },
  ],
  [
    "keeps the place of a known element that is put in front of null",
    { op: "put", path: "/list", by: "id", value: { id: "x" }, before: null },
    { ...STATE, list: [{ id: "x" }, STATE.list[1]] },
  ],
  [
    "moves an element to the end where it goes in front of null",
    { op: "move", path: "/list", by: "id", key: "x", before: null },
    { ...STATE, list: [STATE.list[1], STATE.list[0]] },
  ],
  [
    "puts a known element in its place",
    { op: "put", path: "/list", by: "id", value: { id: "x", n: 5 } },
    {
      ...STATE,
      list: [
        { id: "x", n: 5 },
        { id: "y", n: 2 },
      ],
    },
  ],
  [
    "puts a new element at the end",
    { op: "put", path: "/list", by: "id", value: { id: "z" } },
    { ...STATE, list: [...STATE.list, { id: "z" }] },
  ],
  [
    "puts an element before another",
    { op: "put", path: "/list", by: "id", value: { id: "y" }, before: "x" },
    { ...STATE, list: [{ id: "y" }, { id: "x", n: 1 }] },
  ],
  ["drops an element", { op: "drop", path: "/list", by: "id", key: "x" }, { ...STATE, list: [{ id: "y", n: 2 }] }],
  [
    "moves an element to the end",
    { op: "move", path: "/list", by: "id", key: "x" },
    { ...STATE, list: [STATE.list[1], STATE.list[0]] },
  ],
  [
    "moves an element before another",
    { op: "move", path: "/list", by: "id", key: "y", before: "x" },
    { ...STATE, list: [STATE.list[1], STATE.list[0]] },
  ],
])("an operation %s", (_, operation, expected) => {
  expect(after(operation)).toEqual(expected);
});

test.each<[Operation]>([
  [{ op: "replace", path: "/missing", value: 1 }],
  [{ op: "remove", path: "/a/b/3" }],
  [{ op: "remove", path: "/a/b/01" }],
  [{ op: "add", path: "/a/b/4", value: 1 }],
  [{ op: "add", path: "/~0~1/x", value: 1 }],
  [{ op: "test", path: "/a", value: { b: [1, 2] } }],
  [{ op: "drop", path: "/list", by: "id", key: "z" }],
  [{ op: "move", path: "/list", by: "id", key: "x", before: "z" }],
  [{ op: "move", path: "/list", by: "id", key: "x", before: "x" }],
  [{ op: "put", path: "/list", by: "id", value: { id: "x" }, before: "x" }],
  [{ op: "put", path: "/list", by: "id", value: { n: 1 } }],
  [{ op: "put", path: "/a", by: "id", value: { id: 1 } }],
])("an operation that does not fit is an error, and changes nothing: %j", (operation) => {
  const before = structuredClone(STATE);
  expect(() => after({ op: "replace", path: "/a/b/0", value: 7 }, operation)).toThrow(PatchError);
  expect(STATE).toEqual(before);
});

test("what an operation does not reach is the same object", () => {
  const next = after({ op: "replace", path: "/a/b/0", value: 7 }) as typeof STATE;
  expect(next.list).toBe(STATE.list);
  expect(next.a).not.toBe(STATE.a);
});

test("a key called __proto__ is a key like any other", () => {
  const value: unknown = JSON.parse('{"__proto__":{"polluted":true}}');
  const next = applyOperations<object>({}, [
    { op: "add", path: "/__proto__", value: 1 },
    { op: "merge", path: "/x", value },
  ]);
  expect(Object.keys(next)).toContain("__proto__");
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  expect(JSON.stringify(next)).toBe('{"__proto__":1,"x":{"__proto__":{"polluted":true}}}');
});

test("equal parts of two values become one", () => {
  const next = share<unknown>(STATE, structuredClone({ ...STATE, a: 1 })) as typeof STATE;
  expect(next.list).toBe(STATE.list);
  expect(share(STATE, structuredClone(STATE))).toBe(STATE);
  expect(share<unknown>([1], { 0: 1 })).toEqual({ 0: 1 });
  expect(sameJson({ a: 1, b: [null] }, { b: [null], a: 1 })).toBe(true);
  expect(sameJson({ a: undefined }, { b: undefined })).toBe(false);
});
