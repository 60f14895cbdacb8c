/** JSON Schema, as far as a form needs it: what a schema asks for, a first value, and what is wrong with a value. */

/** A JSON Schema. */
export type Schema = boolean | { readonly [keyword: string]: unknown };

/** A member of an object. */
export interface Member {
  name: string;
  schema: Schema;
  required: boolean;
}

/** One of several that a value may be. */
export interface Choice {
  value: unknown;
  label: string;
  description: string;
}

/** One of several schemas that a value may follow. */
export interface Variant {
  label: string;
  schema: Schema;
}

/** What a form shows for a schema. */
export type Shape =
  | { kind: "nothing" }
  | { kind: "any" }
  | { kind: "boolean" }
  | { kind: "number"; integer: boolean; minimum: number | undefined; maximum: number | undefined }
  | { kind: "text"; pattern: string | undefined; minimum: number; maximum: number | undefined; format: string | undefined }
  | { kind: "choice"; choices: Choice[] }
  | { kind: "list"; items: Schema; minimum: number; maximum: number }
  | { kind: "tuple"; items: Schema[] }
  | { kind: "record"; members: Member[]; others: Schema | undefined }
  | { kind: "variants"; variants: Variant[] };

/** What `schema` asks for. References are looked up in `root`. */
export function shapeOf(schema: Schema, root: Schema): Shape {
  const found = resolve(schema, root);
  if (typeof found === "boolean") return { kind: "any" };
  if ("const" in found) return { kind: "choice", choices: [choice(found["const"], found)] };
  if (Array.isArray(found["enum"])) return { kind: "choice", choices: found["enum"].map((value) => choice(value, {})) };
  const alternatives = listOf(found["oneOf"] ?? found["anyOf"]);
  if (alternatives.length > 0) return shapeOfAlternatives(alternatives, found, root);
  const type = found["type"];
  if (Array.isArray(type))
    return shapeOfAlternatives(
      type.map((one) => ({ ...found, type: one as unknown })),
      {},
      root,
    );
  return shapeOfType(type ?? impliedType(found), found);
}

/** What stands beside a field. */
export function descriptionOf(schema: Schema, root: Schema): string {
  const own = typeof schema === "object" ? schema["description"] : undefined;
  const found = resolve(schema, root);
  const text = own ?? (typeof found === "object" ? found["description"] : undefined);
  return typeof text === "string" ? text : "";
}

/** A value to begin with: the default, or the least that the schema asks for; undefined where anything goes. */
export function firstValue(schema: Schema, root: Schema, depth = 0): unknown {
  const found = resolve(schema, root);
  if (typeof found === "object" && "default" in found) return structuredClone(found["default"]);
  const shape = shapeOf(schema, root);
  if (depth > 8) return undefined;
  switch (shape.kind) {
    case "nothing":
      return null;
    case "any":
      return undefined;
    case "boolean":
      return false;
    case "number":
      return shape.minimum ?? 0;
    case "text":
      return "";
    case "choice":
      return shape.choices[0]?.value;
    case "list":
      return Array.from({ length: shape.minimum }, () => firstValue(shape.items, root, depth + 1));
    case "tuple":
      return shape.items.map((item) => firstValue(item, root, depth + 1));
    case "record":
      return Object.fromEntries(
        shape.members
          .filter(({ required }) => required)
          .map(({ name, schema: own }) => [name, firstValue(own, root, depth + 1)]),
      );
    case "variants":
      return shape.variants[0] ? firstValue(shape.variants[0].schema, root, depth + 1) : undefined;
  }
}

/** What is wrong, and where. */
export interface Problem {
  /** A JSON pointer into the payload. */
  path: string;
  message: string;
}

/** What a form can tell to be wrong with `value` before it is sent. The responder has the last word. */
export function problemsOf(schema: Schema, root: Schema, value: unknown, path = ""): Problem[] {
  const wrong = (message: string): Problem[] => [{ path, message }];
  const shape = shapeOf(schema, root);
  if (value === undefined) return shape.kind === "any" || shape.kind === "nothing" ? [] : wrong("is needed");
  switch (shape.kind) {
    case "nothing":
    case "any":
      return [];
    case "boolean":
      return typeof value === "boolean" ? [] : wrong("must be true or false");
    case "number":
      return wrongNumber(shape, value).flatMap(wrong);
    case "text":
      return wrongText(shape, value).flatMap(wrong);
    case "choice":
      return shape.choices.some((known) => JSON.stringify(known.value) === JSON.stringify(value))
        ? []
        : wrong("is none of the choices");
    case "list":
      return Array.isArray(value)
        ? value.flatMap((item, at) => problemsOf(shape.items, root, item, `${path}/${at}`))
        : wrong("must be a list");
    case "tuple":
      return shape.items.flatMap((item, at) =>
        problemsOf(item, root, Array.isArray(value) ? value[at] : undefined, `${path}/${at}`),
      );
    case "record":
      return typeof value === "object" && value !== null
        ? shape.members.flatMap((own) => wrongMember(own, root, value, path))
        : wrong("must be an object");
    case "variants": {
      const fitting = shape.variants[variantOf(shape.variants, root, value)];
      return fitting ? problemsOf(fitting.schema, root, value, path) : wrong("fits none of the alternatives");
    }
  }
}

/** Which of the variants `value` follows; the nearest where it follows none. */
export function variantOf(variants: readonly Variant[], root: Schema, value: unknown): number {
  const problems = variants.map(
    ({ schema }) => problemsOf(schema, root, value).length + (sameKind(schema, root, value) ? 0 : 100),
  );
  return problems.indexOf(Math.min(...problems));
}

/** `schema` with its reference followed and its `allOf` merged. */
export function resolve(schema: Schema, root: Schema): Schema {
  let found = schema;
  for (let steps = 0; typeof found === "object" && typeof found["$ref"] === "string" && steps < 32; steps += 1) {
    const { $ref, ...own } = found;
    const target: Schema = lookUp(root, $ref as string);
    found = typeof target === "object" ? { ...target, ...own } : target;
  }
  if (typeof found !== "object" || !Array.isArray(found["allOf"])) return found;
  const { allOf, ...own } = found;
  return (allOf as Schema[]).reduce<Schema>((merged, part) => both(merged, resolve(part, root)), own);
}

function both(one: Schema, other: Schema): Schema {
  if (typeof one === "boolean") return other;
  if (typeof other === "boolean") return one;
  const properties = { ...(one["properties"] as object | undefined), ...(other["properties"] as object | undefined) };
  const required = [...listOf(one["required"]), ...listOf(other["required"])];
  return {
    ...other,
    ...one,
    ...(Object.keys(properties).length > 0 && { properties }),
    ...(required.length > 0 && { required }),
  };
}

function lookUp(root: Schema, reference: string): Schema {
  if (!reference.startsWith("#")) return true;
  const keys = reference.slice(1).split("/").slice(1);
  const found = keys.reduce<unknown>((node, key) => {
    const name = decodeURIComponent(key).replaceAll("~1", "/").replaceAll("~0", "~");
    return typeof node === "object" && node !== null ? (node as Record<string, unknown>)[name] : undefined;
  }, root);
  return typeof found === "object" && found !== null ? (found as Schema) : true;
}

function shapeOfAlternatives(
  alternatives: readonly unknown[],
  parent: { readonly [keyword: string]: unknown },
  root: Schema,
): Shape {
  const schemas = alternatives.map((one) => both(resolve(one as Schema, root), withoutAlternatives(parent)));
  const shapes = schemas.map((one) => shapeOf(one, root));
  const choices = shapes.flatMap((shape, at) =>
    shape.kind === "choice" ? shape.choices.map((known) => described(known, schemas[at] as Schema)) : [],
  );
  if (shapes.every(({ kind }) => kind === "choice")) return { kind: "choice", choices };
  const variants = schemas.map((schema, at) => ({ schema, label: labelOf(schema, shapes[at] as Shape) }));
  return variants.length === 1 ? (shapes[0] as Shape) : { kind: "variants", variants };
}

function withoutAlternatives(schema: { readonly [keyword: string]: unknown }): Schema {
  const { oneOf: _one, anyOf: _any, description: _description, title: _title, default: _default, ...rest } = schema;
  return rest;
}

function shapeOfType(type: unknown, schema: { readonly [keyword: string]: unknown }): Shape {
  switch (type) {
    case "null":
      return { kind: "nothing" };
    case "boolean":
      return { kind: "boolean" };
    case "integer":
    case "number":
      return {
        kind: "number",
        integer: type === "integer",
        minimum: numberOf(schema["minimum"]),
        maximum: numberOf(schema["maximum"]),
      };
    case "string":
      return {
        kind: "text",
        pattern: textOf(schema["pattern"]),
        minimum: numberOf(schema["minLength"]) ?? 0,
        maximum: numberOf(schema["maxLength"]),
        format: textOf(schema["format"]),
      };
    case "array":
      return shapeOfArray(schema);
    case "object":
      return shapeOfObject(schema);
    default:
      return { kind: "any" };
  }
}

function shapeOfArray(schema: { readonly [keyword: string]: unknown }): Shape {
  const tuple = listOf(schema["prefixItems"]);
  if (tuple.length > 0) return { kind: "tuple", items: tuple as Schema[] };
  const items = (schema["items"] ?? true) as Schema;
  return {
    kind: "list",
    items,
    minimum: numberOf(schema["minItems"]) ?? 0,
    maximum: numberOf(schema["maxItems"]) ?? Infinity,
  };
}

function shapeOfObject(schema: { readonly [keyword: string]: unknown }): Shape {
  const required = new Set(listOf(schema["required"]));
  const members = Object.entries((schema["properties"] ?? {}) as Record<string, Schema>).map(([name, own]) => ({
    name,
    schema: own,
    required: required.has(name),
  }));
  members.sort((one, other) => Number(other.required) - Number(one.required));
  const others = schema["additionalProperties"];
  const closed = others === false || (others === undefined && members.length > 0);
  return { kind: "record", members, others: closed ? undefined : ((others ?? true) as Schema) };
}

function impliedType(schema: { readonly [keyword: string]: unknown }): string | undefined {
  if ("properties" in schema || "additionalProperties" in schema) return "object";
  return "items" in schema || "prefixItems" in schema ? "array" : undefined;
}

function labelOf(schema: Schema, shape: Shape): string {
  if (typeof schema === "object" && typeof schema["title"] === "string") return schema["title"];
  switch (shape.kind) {
    case "nothing":
      return "null";
    case "number":
      return shape.integer ? "integer" : "number";
    case "choice":
      return shape.choices.map(({ label }) => label).join(" | ");
    case "record":
      return shape.members.length > 0 ? `{ ${shape.members.map(({ name }) => name).join(", ")} }` : "object";
    case "variants":
      return shape.variants.map(({ label }) => label).join(" | ");
    case "tuple":
      return "tuple";
    default:
      return shape.kind;
  }
}

function choice(value: unknown, schema: { readonly [keyword: string]: unknown }): Choice {
  const label = typeof value === "string" ? value : JSON.stringify(value);
  return { value, label: textOf(schema["title"]) ?? label, description: textOf(schema["description"]) ?? "" };
}

function described(known: Choice, schema: Schema): Choice {
  return known.description === "" && typeof schema === "object"
    ? { ...known, description: textOf(schema["description"]) ?? "" }
    : known;
}

function sameKind(schema: Schema, root: Schema, value: unknown): boolean {
  const { kind } = shapeOf(schema, root);
  if (value === null || value === undefined) return kind === "nothing" || kind === "any";
  if (Array.isArray(value)) return kind === "list" || kind === "tuple" || kind === "any";
  if (typeof value === "object") return kind === "record" || kind === "any";
  if (typeof value === "string") return kind === "text" || kind === "choice" || kind === "any";
  return kind === typeof value || kind === "choice" || kind === "any";
}

function wrongNumber(shape: Shape & { kind: "number" }, value: unknown): string[] {
  if (typeof value !== "number" || !Number.isFinite(value)) return ["must be a number"];
  if (shape.integer && !Number.isInteger(value)) return ["must be a whole number"];
  if (shape.minimum !== undefined && value < shape.minimum) return [`must be at least ${shape.minimum}`];
  return shape.maximum !== undefined && value > shape.maximum ? [`must be at most ${shape.maximum}`] : [];
}

function wrongText(shape: Shape & { kind: "text" }, value: unknown): string[] {
  if (typeof value !== "string") return ["must be text"];
  if (value.length < shape.minimum) return [`must have at least ${shape.minimum} characters`];
  if (shape.maximum !== undefined && value.length > shape.maximum) return [`must have at most ${shape.maximum} characters`];
  return shape.pattern !== undefined && !matches(shape.pattern, value) ? [`must match ${shape.pattern}`] : [];
}

function matches(pattern: string, value: string): boolean {
  try {
    return new RegExp(pattern, "u").test(value);
  } catch {
    return true;
  }
}

function wrongMember({ name, schema, required }: Member, root: Schema, value: object, path: string): Problem[] {
  const own = Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
  const at = `${path}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
  return own === undefined && !required ? [] : problemsOf(schema, root, own, at);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
