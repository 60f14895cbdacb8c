/**
 * What is written and not finished, shown as what it is about to be: emphasis and code that nobody has closed yet are closed,
 * half of a link is its text, the first line of a table waits for the second.
 */

import type { Token } from "./parser.js";

/** Completes the last inline content of `tokens`. */
export function heal(tokens: readonly Token[]): void {
  const last = tokens.findLast(({ type, content }) => type === "inline" && content !== "");
  if (last) last.content = completed(last.content);
}

/** The text of a paragraph with what it lacks for now. */
export function completed(content: string): string {
  const text = withoutTableBegun(withoutHalfLink(content));
  const code = openCode(text);
  if (code !== undefined) return text.endsWith(code) ? text.slice(0, -code.length) : text + code;
  return withEmphasisClosed(text);
}

/** Lines that may be the head of a table, before it is known that they are. */
function withoutTableBegun(text: string): string {
  return text.replace(/(?:^|\n)\|[^\n]*(?:\n[-|: \t]*)?$/, "");
}

/** `[text` and `[text](targ` become `text`, as do images. */
function withoutHalfLink(text: string): string {
  return text.replace(/!?\[([^[\]\n]*)$/, "$1").replace(/!?\[([^[\]\n]*)\](?:\([^()\n]*)?$/, "$1");
}

/** The marker of a code span that has not ended. */
function openCode(text: string): string | undefined {
  let open: string | undefined;
  for (const [run] of text.matchAll(/`+/g)) {
    if (open === undefined) open = run;
    else if (open === run) open = undefined;
  }
  return open;
}

/** Closes what is open, the innermost first; a marker with nothing behind it waits. */
function withEmphasisClosed(text: string): string {
  const begun = text.replace(/(^|[\s([{"'])(?:\*{1,3}|_{1,3}|~{1,2})$/, "$1");
  const open: string[] = [];
  let isCode: string | undefined;
  for (const { 0: run, index } of begun.matchAll(/`+|\*+|_+|~~/g)) {
    if (run.startsWith("`")) {
      if (isCode === undefined) isCode = run;
      else if (isCode === run) isCode = undefined;
      continue;
    }
    if (isCode !== undefined || begun[index - 1] === "\\") continue;
    const before = begun[index - 1] ?? " ";
    const after = begun[index + run.length] ?? " ";
    if (open.at(-1) === run && !/\s/.test(before)) open.pop();
    else if (!/\s/.test(after) && !(run.startsWith("_") && /\w/.test(before))) open.push(run);
    else if (open.at(-1)?.startsWith(run) && after === " " && index + run.length === begun.length) {
      // Half of a closing marker has come.
      const marker = open.pop() as string;
      return begun + marker.slice(run.length) + open.reverse().join("");
    }
  }
  if (open.length === 0) return begun;
  const end = begun.trimEnd();
  return end + open.reverse().join("") + begun.slice(end.length);
}
