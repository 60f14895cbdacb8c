/**
 * Checks values against the JSON Schemas that `sixframe types --validators` prints: for a page that does not trust what
 * comes over a connection to have the type that it was promised.
 *
 * It knows the keywords that `schemars` writes. A schema with another keyword that would refuse something is refused
 * itself, when its validator is made, rather than half understood. Nothing is compiled, so that a Content-Security-Policy
 * without `unsafe-eval` is no hindrance.
 */

/** A JSON Schema: `true` takes everything, `false` nothing. */
export type Schema = boolean | { readonly [keyword: string]: unknown };

/** What is wrong with a value, and where. */
export interface Violation {
  /** A JSON Pointer (RFC 6901) into the value; empty for the value itself. */
  readonly path: string;
  /** What must be there, as in "must be a string, not null". */
  readonly message: string;
}

/** A value is not what its schema promises. */
export class InvalidValue extends Error {
  /** Everything that is wrong with it; never empty. */
  readonly violations: readonly Violation[];

  constructor(violations: readonly Violation[]) {
    super(violations.map(({ path, message }) => `${path || "the value"} ${message}`).join("; "));
    this.name = "InvalidValue";
    this.violations = violations;
  }
}

/**
 * Makes a function that returns what it is given, as a `T`, or throws an {@link InvalidValue}.
 *
 * @throws {TypeError} when the schema has a keyword that is not understood, or a reference that leads nowhere.
 */
export function validator<T = unknown>(schema: Schema): (value: unknown) => T {
  checkSchema(schema, schema);
  return (value) => {
    const found = run(schema, value);
    if (found.length > 0) throw new InvalidValue(found);
    return value as T;
  };
}

/**
 * Everything that is wrong with a value; empty where nothing is.
 *
 * @throws {TypeError} when the schema has a keyword that is not understood, or a reference that leads nowhere.
 */
export function violations(schema: Schema, value: unknown): Violation[] {
  checkSchema(schema, schema);
  return run(schema, value);
}

/** Deepest nesting of values and references together; deeper ones are refused rather than followed. */
const DEEPEST = 512;

/** Keywords that say something about a value that no value contradicts. */
const WORDS = new Set([
  "$schema", "$id", "$comment", "title", "description", "default", "examples", "format", "deprecated", "readOnly",
  "writeOnly", "contentEncoding", "contentMediaType",
]);

/** Keywords whose value is a schema, a list of schemas, or schemas by name. */
const ONE = new Set(["items", "additionalProperties", "unevaluatedProperties", "propertyNames", "not", "if", "then", "else"]);
const LIST = new Set(["oneOf", "anyOf", "allOf", "prefixItems"]);
const NAMED = new Set(["properties", "patternProperties", "$defs", "definitions"]);

/** Keywords whose value is something else. */
const PLAIN = new Set([
  "$ref", "type", "const", "enum", "required", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
  "minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties",
]);

type Keywords = { readonly [keyword: string]: unknown };
type Fields = { readonly [key: string]: unknown };

/** Where a check has come to. */
interface Place {
  readonly root: Schema;
  readonly path: string;
  readonly depth: number;
}

function run(schema: Schema, value: unknown): Violation[] {
  const found: Violation[] = [];
  check(schema, value, { root: schema, path: "", depth: 0 }, found);
  return found;
}

/** Adds what is wrong to `found`, and returns the properties that the schema has said something about. */
function check(schema: Schema, value: unknown, place: Place, found: Violation[]): Set<string> {
  const seen = new Set<string>();
  if (schema === true) return seen;
  if (schema === false) {
    found.push({ path: place.path, message: "must not be there" });
    return seen;
  }
  if (place.depth > DEEPEST) {
    found.push({ path: place.path, message: `is nested deeper than ${DEEPEST} levels` });
    return seen;
  }
  const inner = { ...place, depth: place.depth + 1 };
  const say = (message: string): void => void found.push({ path: place.path, message });
  if (typeof schema.$ref === "string") add(seen, check(resolve(place.root, schema.$ref), value, inner, found));
  if (!hasType(schema.type, value)) {
    say(`must be ${typeWords(schema.type)}, not ${described(value)}`);
    return seen;
  }
  if ("const" in schema && !isSame(schema.const, value)) say(`must be ${JSON.stringify(schema.const)}`);
  if (Array.isArray(schema.enum) && !schema.enum.some((one) => isSame(one, value))) {
    say(`must be one of ${schema.enum.map((one) => JSON.stringify(one)).join(", ")}`);
  }
  if (typeof value === "number") checkNumber(schema, value, say);
  if (typeof value === "string") checkString(schema, value, say);
  if (Array.isArray(value)) checkArray(schema, value, inner, found, say);
  combine(schema, value, inner, found, seen);
  if (isFields(value)) checkFields(schema, value, inner, found, seen, say);
  return seen;
}

function checkNumber(schema: Keywords, value: number, say: (message: string) => void): void {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
  if (typeof minimum === "number" && value < minimum) say(`must be ${minimum} or more`);
  if (typeof maximum === "number" && value > maximum) say(`must be ${maximum} or less`);
  if (typeof exclusiveMinimum === "number" && value <= exclusiveMinimum) say(`must be more than ${exclusiveMinimum}`);
  if (typeof exclusiveMaximum === "number" && value >= exclusiveMaximum) say(`must be less than ${exclusiveMaximum}`);
  if (typeof multipleOf === "number" && !Number.isInteger(value / multipleOf)) say(`must be a multiple of ${multipleOf}`);
}

function checkString(schema: Keywords, value: string, say: (message: string) => void): void {
  const { minLength, maxLength, pattern } = schema;
  const length = typeof minLength === "number" || typeof maxLength === "number" ? [...value].length : 0;
  if (typeof minLength === "number" && length < minLength) say(`must have ${minLength} characters or more`);
  if (typeof maxLength === "number" && length > maxLength) say(`must have ${maxLength} characters or fewer`);
  if (typeof pattern === "string" && !new RegExp(pattern, "u").test(value)) say(`must match ${pattern}`);
}

function checkArray(
  schema: Keywords,
  value: readonly unknown[],
  inner: Place,
  found: Violation[],
  say: (message: string) => void,
): void {
  const { minItems, maxItems, uniqueItems, items } = schema;
  const first = Array.isArray(schema.prefixItems) ? (schema.prefixItems as Schema[]) : [];
  if (typeof minItems === "number" && value.length < minItems) say(`must have ${minItems} items or more`);
  if (typeof maxItems === "number" && value.length > maxItems) say(`must have ${maxItems} items or fewer`);
  if (uniqueItems === true && value.some((one, at) => value.slice(0, at).some((other) => isSame(one, other)))) {
    say("must not have an item twice");
  }
  value.forEach((item, at) => {
    const schema = first[at] ?? (items as Schema | undefined);
    if (schema !== undefined) check(schema, item, { ...inner, path: `${inner.path}/${at}` }, found);
  });
}

/** The keywords that hold several schemas for the same value. */
function combine(schema: Keywords, value: unknown, inner: Place, found: Violation[], seen: Set<string>): void {
  const fitting = (schemas: readonly Schema[]): Set<string>[] => {
    const tried = schemas.map((schema) => attempt(schema, value, inner));
    return tried.filter((evaluated): evaluated is Set<string> => evaluated !== undefined);
  };
  for (const part of listOf(schema.allOf)) add(seen, check(part, value, inner, found));
  if (Array.isArray(schema.anyOf)) {
    const fits = fitting(listOf(schema.anyOf));
    if (fits.length === 0) tellVariants(listOf(schema.anyOf), inner.path, found);
    for (const evaluated of fits) add(seen, evaluated);
  }
  if (Array.isArray(schema.oneOf)) {
    const fits = fitting(listOf(schema.oneOf));
    if (fits.length === 0) tellVariants(listOf(schema.oneOf), inner.path, found);
    if (fits.length > 1) found.push({ path: inner.path, message: `fits ${fits.length} variants, and may fit one only` });
    for (const evaluated of fits) add(seen, evaluated);
  }
  if (isSchema(schema.not) && attempt(schema.not, value, inner) !== undefined) {
    found.push({ path: inner.path, message: "must not be what it is" });
  }
  if (isSchema(schema.if)) {
    const fits = attempt(schema.if, value, inner);
    if (fits !== undefined) add(seen, fits);
    const then = fits === undefined ? schema.else : schema.then;
    if (isSchema(then)) add(seen, check(then, value, inner, found));
  }
}

function checkFields(
  schema: Keywords,
  value: Fields,
  inner: Place,
  found: Violation[],
  seen: Set<string>,
  say: (message: string) => void,
): void {
  const { required, minProperties, maxProperties, propertyNames, additionalProperties, unevaluatedProperties } = schema;
  const keys = Object.keys(value).filter((key) => value[key] !== undefined);
  const known = namedOf(schema.properties);
  const patterns = Object.entries(namedOf(schema.patternProperties));
  for (const key of Array.isArray(required) ? (required as string[]) : []) {
    if (!keys.includes(key)) say(`must have the property ${JSON.stringify(key)}`);
  }
  if (typeof minProperties === "number" && keys.length < minProperties) say(`must have ${minProperties} properties or more`);
  if (typeof maxProperties === "number" && keys.length > maxProperties) say(`must have ${maxProperties} properties or fewer`);
  for (const key of keys) {
    const at = { ...inner, path: `${inner.path}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}` };
    if (isSchema(propertyNames)) check(propertyNames, key, at, found);
    const own = Object.hasOwn(known, key) ? known[key] : undefined;
    const fitting = patterns.filter(([pattern]) => new RegExp(pattern, "u").test(key)).map(([, schema]) => schema);
    const applied = own === undefined ? fitting : [own, ...fitting];
    for (const schema of applied) check(schema, value[key], at, found);
    const isNew = applied.length === 0;
    if (isNew && isSchema(additionalProperties)) check(additionalProperties, value[key], at, found);
    if (!isNew || additionalProperties !== undefined) seen.add(key);
    if (!seen.has(key) && isSchema(unevaluatedProperties)) {
      check(unevaluatedProperties, value[key], at, found);
      seen.add(key);
    }
  }
}

/** The properties that the schema has evaluated, where the value fits it. */
function attempt(schema: Schema, value: unknown, place: Place): Set<string> | undefined {
  const found: Violation[] = [];
  const evaluated = check(schema, value, place, found);
  return found.length === 0 ? evaluated : undefined;
}

function tellVariants(variants: readonly Schema[], path: string, found: Violation[]): void {
  const constants = variants.map((variant) => (typeof variant === "object" && "const" in variant ? variant.const : undefined));
  const message = constants.every((constant) => constant !== undefined)
    ? `must be one of ${constants.map((constant) => JSON.stringify(constant)).join(", ")}`
    : `fits none of the ${variants.length} variants`;
  found.push({ path, message });
}

/** Refuses what is not understood. */
function checkSchema(schema: unknown, root: Schema, where = "#"): void {
  if (typeof schema === "boolean") return;
  if (!isFields(schema)) throw new TypeError(`${where} is no JSON Schema`);
  for (const [keyword, value] of Object.entries(schema)) {
    const at = `${where}/${keyword}`;
    if (ONE.has(keyword)) checkSchema(value, root, at);
    else if (LIST.has(keyword)) listOf(value).forEach((one, index) => checkSchema(one, root, `${at}/${index}`));
    else if (NAMED.has(keyword)) Object.entries(namedOf(value)).forEach(([name, one]) => checkSchema(one, root, `${at}/${name}`));
    else if (keyword === "$ref") resolve(root, String(value));
    else if (!PLAIN.has(keyword) && !WORDS.has(keyword) && !keyword.startsWith("x-")) {
      throw new TypeError(`${at}: this keyword is not understood`);
    }
  }
}

/** What `#`, or `#/$defs/Name`, leads to. */
function resolve(root: Schema, reference: string): Schema {
  const names = reference.split("/").slice(1).map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"));
  let found: unknown = reference.startsWith("#") ? root : undefined;
  for (const name of names) found = isFields(found) && Object.hasOwn(found, name) ? found[name] : undefined;
  if (!isSchema(found)) throw new TypeError(`the reference ${reference} leads nowhere`);
  return found;
}

function hasType(type: unknown, value: unknown): boolean {
  if (Array.isArray(type)) return type.some((one) => hasType(one, value));
  switch (type) {
    case undefined: return true;
    case "null": return value === null;
    case "boolean": return typeof value === "boolean";
    case "string": return typeof value === "string";
    case "number": return typeof value === "number" && Number.isFinite(value);
    case "integer": return Number.isInteger(value);
    case "array": return Array.isArray(value);
    case "object": return isFields(value);
    default: return false;
  }
}

function typeWords(type: unknown): string {
  const words: { readonly [type: string]: string } = { null: "null", array: "an array", object: "an object", integer: "a whole number" };
  const types: unknown[] = Array.isArray(type) ? type : [type];
  return types.map((one) => words[String(one)] ?? `a ${String(one)}`).join(" or ");
}

function described(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `the ${typeof value} ${JSON.stringify(value)?.slice(0, 40) ?? ""}`.trim();
}

function isSame(one: unknown, other: unknown): boolean {
  if (Array.isArray(one)) {
    return Array.isArray(other) && one.length === other.length && one.every((item, at) => isSame(item, other[at]));
  }
  if (!isFields(one) || !isFields(other)) return one === other;
  const keys = Object.keys(one);
  const hasAll = keys.every((key) => Object.hasOwn(other, key) && isSame(one[key], other[key]));
  return hasAll && keys.length === Object.keys(other).length;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "boolean" || isFields(value);
}

function listOf(value: unknown): readonly Schema[] {
  return Array.isArray(value) ? (value as Schema[]) : [];
}

function namedOf(value: unknown): { readonly [name: string]: Schema } {
  return isFields(value) ? (value as { readonly [name: string]: Schema }) : {};
}

function add(seen: Set<string>, more: Set<string>): void {
  for (const key of more) seen.add(key);
}
