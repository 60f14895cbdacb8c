/** How transcripts are shown: what one is called, and where what was found stands. */

import type { TranscriptInfo } from "../api.js";

/** What a transcript is called: its title, or the folder that it was in. */
export function titleOf({ title, cwd, sessionId }: Pick<TranscriptInfo, "title" | "cwd" | "sessionId">): string {
  if (title != null && title.trim() !== "") return title;
  return cwd.split(/[/\\]/).filter(Boolean).at(-1) ?? sessionId;
}

/** The text in parts, those within a range marked. Ranges that make no sense are left out. */
export function marked(text: string, ranges: readonly (readonly number[])[]): { text: string; isFound: boolean }[] {
  const parts: { text: string; isFound: boolean }[] = [];
  let at = 0;
  for (const [from = 0, to = 0] of [...ranges].sort(([one = 0], [other = 0]) => one - other)) {
    if (!(from >= at && to > from && to <= text.length)) continue;
    if (from > at) parts.push({ text: text.slice(at, from), isFound: false });
    parts.push({ text: text.slice(from, to), isFound: true });
    at = to;
  }
  if (at < text.length) parts.push({ text: text.slice(at), isFound: false });
  return parts;
}
