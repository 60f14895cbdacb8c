import type { ReactNode } from "react";

import { spans, type Span } from "./ansi.js";

/**
 * A line with its colours, and with what is searched for marked; of a longer one than `longest` characters, its beginning.
 * It is text all through: nothing in it is read as HTML.
 */
export function LogText({
  text,
  pattern,
  longest = Infinity,
}: {
  text: string;
  pattern: RegExp | undefined;
  longest?: number;
}): ReactNode {
  return marked(beginning(spans(text), longest), pattern).map(({ text: part, look, isFound }, at) =>
    isFound ? (
      <mark key={at} className={look}>
        {part}
      </mark>
    ) : look === "" ? (
      part
    ) : (
      <span key={at} className={look}>
        {part}
      </span>
    ),
  );
}

/** The first `longest` characters of the parts, and a sign where that is not all. */
export function beginning(parts: readonly Span[], longest: number): Span[] {
  const kept: Span[] = [];
  let left = longest;
  for (const { text, look } of parts) {
    if (text.length > left) return [...kept, { text: `${text.slice(0, left)}…`, look }];
    kept.push({ text, look });
    left -= text.length;
  }
  return kept;
}

/** The parts, cut where something that is found begins or ends. It may reach over several of them. */
export function marked(parts: readonly Span[], pattern: RegExp | undefined): (Span & { isFound: boolean })[] {
  if (!pattern) return parts.map((part) => ({ ...part, isFound: false }));
  const line = parts.map(({ text }) => text).join("");
  const cuts = [...line.matchAll(new RegExp(pattern.source, "gi"))].map(({ 0: found, index }) => [index, index + found.length]);
  const cut: (Span & { isFound: boolean })[] = [];
  let from = 0;
  let passed = 0;
  for (const { text, look } of parts) {
    const end = from + text.length;
    for (let at = from; at < end; ) {
      while (passed < cuts.length && (cuts[passed] as [number, number])[1] <= at) passed += 1;
      const next = cuts[passed] as [number, number] | undefined;
      const isFound = next !== undefined && next[0] <= at;
      const to = Math.min(end, next === undefined ? end : isFound ? next[1] : next[0]);
      cut.push({ text: line.slice(at, to), look, isFound });
      at = to;
    }
    from = end;
  }
  return cut;
}
