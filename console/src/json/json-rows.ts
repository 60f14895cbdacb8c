/** A JSON value as the rows of a tree. */

import { formatPointer } from "sixframe/hub";

/** What a value is. */
export type Kind = "object" | "array" | "string" | "number" | "boolean" | "null" | "absent";

/** One row. */
export interface JsonRow {
  /** The JSON pointer of its value. */
  path: string;
  /** The key under which its parent holds it; empty for the root. */
  name: string;
  depth: number;
  value: unknown;
  kind: Kind;
  /** Members or elements. */
  size: number;
  isOpen: boolean;
  /** Its place among its siblings, from 1, and how many these are. */
  place: number;
  siblings: number;
}

export function kindOf(value: unknown): Kind {
  if (value === undefined) return "absent";
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  const kind = typeof value;
  return kind === "object" || kind === "string" || kind === "number" || kind === "boolean" ? kind : "absent";
}

/** Which rows are open: by default down to a depth, and those that a reader opened or closed. */
export interface Openness {
  depth: number;
  /** By path. */
  chosen: ReadonlyMap<string, boolean>;
}

export function isOpenAt({ depth, chosen }: Openness, path: string, at: number): boolean {
  return chosen.get(path) ?? at < depth;
}

/** The rows of `value` that can be seen. */
export function jsonRows(value: unknown, openness: Openness): JsonRow[] {
  const rows: JsonRow[] = [];
  add(rows, openness, value, [], 0, 1, 1);
  return rows;
}

function add(
  rows: JsonRow[],
  openness: Openness,
  value: unknown,
  keys: string[],
  depth: number,
  place: number,
  siblings: number,
): void {
  const kind = kindOf(value);
  const path = formatPointer(keys);
  const entries = kind === "object" || kind === "array" ? Object.entries(value as object) : [];
  const isOpen = entries.length > 0 && isOpenAt(openness, path, depth);
  rows.push({ path, name: keys.at(-1) ?? "", depth, value, kind, size: entries.length, isOpen, place, siblings });
  if (!isOpen) return;
  entries.forEach(([key, member], at) => add(rows, openness, member, [...keys, key], depth + 1, at + 1, entries.length));
}

const LONGEST = 160;

/** A value on one line, cut where it would be long. */
export function preview(value: unknown, longest = LONGEST): string {
  const text = short(value, longest);
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
}

function short(value: unknown, budget: number): string {
  if (Array.isArray(value)) return `[${joined(value.length, budget, (at) => short(value[at], budget))}]`;
  if (typeof value === "object" && value !== null) {
    const keys = Object.keys(value);
    const member = (at: number): string =>
      `${keys[at]}: ${short((value as Record<string, unknown>)[keys[at] as string], budget)}`;
    return keys.length === 0 ? "{}" : `{ ${joined(keys.length, budget, member)} }`;
  }
  if (typeof value === "string") return JSON.stringify(value.length > budget ? `${value.slice(0, budget)}…` : value);
  return value === undefined ? "nothing" : String(value);
}

function joined(count: number, budget: number, part: (at: number) => string): string {
  const parts: string[] = [];
  let length = 0;
  for (let at = 0; at < count; at += 1) {
    if (length > budget) return `${parts.join(", ")}, …`;
    const text = part(at);
    parts.push(text);
    length += text.length + 2;
  }
  return parts.join(", ");
}
