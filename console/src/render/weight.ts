/** How many elements the parts of a text become, about, and how many of them are shown before more are asked for. */

import type { Token } from "./parser.js";

/** Pieces of a paragraph or a heading that are shown as what they are; the rest is text. */
const MOST_PIECES = 1_000;
/** The same of a cell, of which a row has many. */
const MOST_IN_A_CELL = 100;
/** Columns of a table that are shown. */
export const MOST_COLUMNS = 64;
/** Parts of a list, a table, a quote or an item that are shown at once, however small they are. */
export const PARTS_AT_ONCE = 200;
/** What of a text is shown at once. */
export const WEIGHT_AT_ONCE = 4_000;

/** What shows its first parts, and more when they are asked for. */
const BOUNDED: ReadonlySet<string> = new Set(["ul", "ol", "tbody", "blockquote", "li"]);

/** How many pieces of an inline text in an element of `tag` are shown as what they are. */
export function mostPieces(tag: string | undefined): number {
  return tag === "th" || tag === "td" ? MOST_IN_A_CELL : MOST_PIECES;
}

/** What a part weighs that has no others in it, in an element of `tag`. */
export function leafWeight({ children }: Token, tag: string | undefined): number {
  return 1 + Math.min(children?.length ?? 0, mostPieces(tag));
}

/** What an element of `tag` weighs with parts of these weights in it, as far as they are shown where it has `room`. */
export function elementWeight(tag: string, parts: readonly number[], room: number): number {
  const shown = BOUNDED.has(tag) ? fitting(parts, room, PARTS_AT_ONCE) : tag === "tr" ? MOST_COLUMNS : parts.length;
  return 1 + sum(parts.slice(0, shown));
}

/** How many of the parts there is room for: one at least, and `most`. */
export function fitting(parts: readonly number[], room: number, most: number): number {
  let taken = 0;
  for (const [at, weight] of parts.slice(0, most).entries()) {
    taken += weight;
    if (taken > room && at > 0) return at;
  }
  return Math.min(parts.length, most);
}

/** What of a block weighs that is shown at once where there is room for it. */
export function weightOf(tokens: readonly Token[]): number {
  const stack: { tag: string | undefined; parts: number[] }[] = [{ tag: undefined, parts: [] }];
  for (const token of tokens) {
    const top = stack.at(-1) as (typeof stack)[number];
    if (token.nesting > 0) stack.push({ tag: token.tag, parts: [] });
    else if (token.nesting === 0) top.parts.push(leafWeight(token, top.tag));
    else if (stack.length > 1) {
      stack.pop();
      (stack.at(-1) as typeof top).parts.push(elementWeight(token.tag, top.parts, Infinity));
    }
  }
  return sum((stack[0] as (typeof stack)[number]).parts);
}

function sum(weights: readonly number[]): number {
  return weights.reduce((total, weight) => total + weight, 0);
}
