import { describe, expect, expectTypeOf, test } from "vitest";

import { InvalidValue, type Schema, validator, violations } from "../src/validators.js";

/** Values that fit a schema, and values that do not. */
const CASES: readonly [schema: Schema, fit: readonly unknown[], unfit: readonly unknown[]][] = [
  [true, [null, 1, {}], []],
  [{}, [null, "x"], []],
  [false, [], [null, 1]],
  [{ type: "null" }, [null], [0, "", {}]],
  [{ type: "boolean" }, [true, false], [0, "true", null]],
  [{ type: "integer", minimum: 0 }, [0, 1, 2.0], [-1, 0.5, "1", null]],
  [{ type: "number", exclusiveMinimum: 0, exclusiveMaximum: 1 }, [0.5], [0, 1, Number.NaN]],
  [{ type: "number", multipleOf: 3, maximum: 9 }, [0, 3, 9], [1, 12]],
  [{ type: ["string", "null"] }, ["", null], [0, []]],
  [{ type: "string", minLength: 1, maxLength: 2 }, ["a", "😀😀"], ["", "abc"]],
  [{ type: "string", pattern: "^a+$" }, ["aa"], ["ab", ""]],
  [{ const: { a: [1] } }, [{ a: [1] }], [{ a: [2] }, { a: [1], b: 2 }, {}, [1]]],
  [{ enum: ["a", 1, null] }, ["a", 1, null], ["b", 2, undefined]],
  [{ type: "array", items: { type: "string" }, minItems: 1, maxItems: 2 }, [["a"], ["a", "b"]], [[], [1], ["a", "b", "c"]]],
  [{ type: "array", uniqueItems: true }, [[1, 2], [{ a: 1 }, { a: 2 }]], [[1, 1], [{ a: 1 }, { a: 1 }]]],
  [{ prefixItems: [{ type: "string" }, { type: "number" }], items: false }, [["a", 1], ["a"]], [[1], ["a", 1, 2]]],
  [{ properties: { a: { type: "string" } }, required: ["a"] }, [{ a: "x" }, { a: "x", b: 1 }], [{}, { a: 1 }, { a: undefined }]],
  [{ type: "object", properties: { a: true }, additionalProperties: false }, [{}, { a: 1 }], [{ b: 1 }, { toString: 1 }, null, []]],
  [{ additionalProperties: { type: "number" } }, [{ a: 1 }], [{ a: "x" }, { constructor: "x" }]],
  [{ patternProperties: { "^\\d+$": { type: "string" } }, additionalProperties: false }, [{ 1: "a" }], [{ 1: 2 }, { a: "b" }]],
  [{ propertyNames: { maxLength: 1 }, maxProperties: 2, minProperties: 1 }, [{ a: 1 }], [{ ab: 1 }, {}, { a: 1, b: 1, c: 1 }]],
  [{ anyOf: [{ type: "string" }, { type: "number" }] }, ["a", 1], [null]],
  [{ oneOf: [{ type: "integer" }, { type: "number", minimum: 5 }] }, [1, 5.5], [6, "a", 0.5]],
  [{ allOf: [{ minimum: 1 }, { maximum: 2 }] }, [1, 2], [0, 3]],
  [{ not: { type: "string" } }, [1], ["a"]],
  [{ if: { type: "string" }, then: { minLength: 2 }, else: { type: "null" } }, ["ab", null], ["a", 1]],
  [{ $ref: "#/$defs/Name", $defs: { Name: { type: "string" } } }, ["a"], [1]],
  [{ $ref: "#/$defs/a~1b~0c", $defs: { "a/b~c": { type: "string" } } }, ["a"], [1]],
  [
    { type: "object", properties: { next: { anyOf: [{ $ref: "#" }, { type: "null" }] } }, required: ["next"] },
    [{ next: null }, { next: { next: null } }],
    [{ next: {} }, { next: { next: 1 } }],
  ],
  [
    {
      allOf: [{ properties: { a: true } }],
      oneOf: [{ properties: { b: { const: 1 } }, required: ["b"] }, { properties: { c: true }, required: ["c"] }],
      unevaluatedProperties: false,
    },
    [{ a: 1, b: 1 }, { c: 2 }],
    [{ a: 1, b: 1, d: 1 }, { b: 2 }, { c: 2, b: 2 }],
  ],
];

describe.each(CASES)("%j", (schema, fit, unfit) => {
  test("takes what fits it", () => {
    for (const value of fit) expect(violations(schema, value), JSON.stringify(value)).toEqual([]);
  });

  test("refuses what does not fit it", () => {
    for (const value of unfit) expect(violations(schema, value), JSON.stringify(value)).not.toEqual([]);
  });
});

test("everything that is wrong is told with its place", () => {
  const schema = {
    type: "object",
    properties: { "a/b": { type: "array", items: { type: "string" } }, kind: { oneOf: [{ const: "x" }, { const: "y" }] } },
    required: ["id"],
  };
  expect(violations(schema, { "a/b": ["x", 2, null], kind: "z" })).toEqual([
    { path: "", message: 'must have the property "id"' },
    { path: "/a~1b/1", message: "must be a string, not the number 2" },
    { path: "/a~1b/2", message: "must be a string, not null" },
    { path: "/kind", message: 'must be one of "x", "y"' },
  ]);
});

test("a validator gives back what it was given, with its type", () => {
  const text = validator<string>({ type: "string" });
  expectTypeOf(text("a")).toEqualTypeOf<string>();
  expect(text("a")).toBe("a");
  expect(() => text(1)).toThrow(new InvalidValue([{ path: "", message: "must be a string, not the number 1" }]));
});

test("a keyword that is not understood is refused and not passed over", () => {
  expect(() => validator({ properties: { a: { contains: { type: "string" } } } })).toThrow("#/properties/a/contains");
  expect(() => validator({ $ref: "#/$defs/None" })).toThrow("leads nowhere");
  expect(() => validator({ $ref: "https://example.org/schema" })).toThrow("leads nowhere");
  expect(() => validator({ items: 3 as unknown as Schema })).toThrow("no JSON Schema");
  expect(() => validator({ title: "T", "x-own": 1, properties: { contains: true } })).not.toThrow();
});

test("references in a circle end", () => {
  expect(violations({ $ref: "#" }, 1)).toEqual([{ path: "", message: "is nested deeper than 512 levels" }]);
});

test("a constant schema is a schema", () => {
  const schemas = { "a.b": { params: { type: "array", items: { enum: ["a"] } } } } as const;
  expect(violations(schemas["a.b"].params, ["a"])).toEqual([]);
});
