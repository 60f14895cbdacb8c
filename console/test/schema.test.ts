import { expect, test } from "vitest";

import { read } from "../src/methods/catalogue.js";
import { firstValue, problemsOf, shapeOf, variantOf, type Schema } from "../src/methods/schema.js";

const RUN: Schema = {
  type: "object",
  required: ["program", "mode"],
  properties: {
    program: { type: "string", minLength: 1 },
    args: { type: "array", items: { type: "string" } },
    mode: { $ref: "#/$defs/Mode" },
    retries: { type: "integer", minimum: 0, maximum: 5, default: 3 },
    cwd: { type: ["string", "null"] },
    from: { anyOf: [{ type: "integer", minimum: 0 }, { type: "string", enum: ["start", "end"] }, { type: "null" }] },
    env: { type: "object", additionalProperties: { type: "string" } },
    child: { $ref: "#" },
  },
  $defs: { Mode: { oneOf: [{ const: "quick", description: "Now." }, { const: "careful" }] } },
};

function member(name: string): Schema {
  return (RUN as { properties: Record<string, Schema> }).properties[name] ?? false;
}

test.each([
  ["program", "text"],
  ["args", "list"],
  ["mode", "choice"],
  ["retries", "number"],
  ["cwd", "variants"],
  ["from", "variants"],
  ["env", "record"],
  ["child", "record"],
])("the member %s is shown as %s", (name, kind) => {
  expect(shapeOf(member(name), RUN).kind).toBe(kind);
});

test.each<[Schema, string]>([
  [true, "any"],
  [{}, "any"],
  [{ type: "null" }, "nothing"],
  [{ type: "array", prefixItems: [{ type: "integer" }] }, "tuple"],
  [{ enum: ["a", 1, null] }, "choice"],
  [{ oneOf: [{ const: 1 }, { enum: [2, 3] }] }, "choice"],
  [{ oneOf: [{ type: "string" }] }, "text"],
  [{ allOf: [{ properties: { a: true } }, { required: ["a"] }] }, "record"],
  [{ $ref: "#/$defs/nowhere" }, "any"],
  [{ $ref: "https://example.org/schema" }, "any"],
])("the schema %j is shown as %s", (schema, kind) => {
  expect(shapeOf(schema, schema).kind).toBe(kind);
});

test("a form begins with the least that its schema asks for", () => {
  expect(firstValue(RUN, RUN)).toEqual({ program: "", mode: "quick" });
  expect(firstValue(member("retries"), RUN)).toBe(3);
  expect(firstValue({ type: "array", items: { type: "boolean" }, minItems: 2 }, true)).toEqual([false, false]);
  expect(firstValue({ type: "null" }, true)).toBeNull();
  const endless: Schema = { type: "object", required: ["again"], properties: { again: { $ref: "#" } } };
  expect(firstValue(endless, endless)).toBeDefined();
});

test("what is wrong is told with its place", () => {
  expect(problemsOf(RUN, RUN, { program: "ls", mode: "quick", retries: 2, cwd: null, from: "end", env: {} })).toEqual([]);
  expect(problemsOf(RUN, RUN, { program: "", retries: 7, args: ["a", 1], from: -1, child: { program: "x" } })).toEqual([
    { path: "/program", message: "must have at least 1 characters" },
    { path: "/mode", message: "is needed" },
    { path: "/args/1", message: "must be text" },
    { path: "/retries", message: "must be at most 5" },
    { path: "/from", message: "must be at least 0" },
    { path: "/child/mode", message: "is needed" },
  ]);
});

test("of several variants the one is taken that a value follows", () => {
  const shape = shapeOf(member("from"), RUN);
  const variants = shape.kind === "variants" ? shape.variants : [];
  expect([5, "end", null].map((value) => variantOf(variants, RUN, value))).toEqual([0, 1, 2]);
});

test("a discovery document becomes methods, whatever it leaves out", () => {
  const document = {
    info: { version: "0.3.0" },
    methods: [
      { name: "b.two", "x-shape": "stream", "x-scope": "read", "x-resumable": true, summary: "Two." },
      { name: "a.one", params: [{ name: "payload", schema: { type: "string" } }] },
      { summary: "has no name" },
    ],
  };
  const view = read(document);
  expect(view).toMatchObject({ state: "ready", version: "0.3.0" });
  if (view.state !== "ready") return;
  expect(
    view.methods.map(({ name, shape, scope, resumable, params }) => ({ name, shape, scope, resumable, params })),
  ).toEqual([
    { name: "a.one", shape: "unary", scope: undefined, resumable: false, params: { type: "string" } },
    { name: "b.two", shape: "stream", scope: "read", resumable: true, params: true },
  ]);
  expect(read(null)).toMatchObject({ methods: [] });
});
