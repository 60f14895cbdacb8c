import type { ReactNode } from "react";

import { spans, type Span } from "./ansi.js";

/** A line with its colours, and with what is searched for marked. It is text all through: nothing in it is read as HTML. */
export function LogText({ text, pattern }: { text: string; pattern: RegExp | undefined }): ReactNode {
  return marked(spans(text), pattern).map(({ text: part, look, isFound }, at) =>
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

/** The parts, cut where something that is found begins or ends. It may reach over several of them. */
export function marked(parts: readonly Span[], pattern: RegExp | undefined): (Span & { isFound: boolean })[] {
  if (!pattern) return parts.map((part) => ({ ...part, isFound: false }));
  const line = parts.map(({ text }) => text).join("");
  const cuts = [...line.matchAll(new RegExp(pattern.source, "gi"))].map(({ 0: found, index }) => [index, index + found.length]);
  const cut: (Span & { isFound: boolean })[] = [];
  let from = 0;
  for (const { text, look } of parts) {
    const end = from + text.length;
    for (let at = from; at < end; ) {
      const next = cuts.find(([, to]) => (to as number) > at) as [number, number] | undefined;
      const isFound = next !== undefined && next[0] <= at;
      const to = Math.min(end, next === undefined ? end : isFound ? next[1] : next[0]);
      cut.push({ text: line.slice(at, to), look, isFound });
      at = to;
    }
    from = end;
  }
  return cut;
}
