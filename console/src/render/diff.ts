/** A unified diff, as rows. Nothing in it is trusted: what is no diff is a row of its own, as it stands. */

/** A line of a diff. */
export interface DiffLine {
  kind: "same" | "added" | "removed";
  text: string;
  /** Its number in the old file and in the new one, where it is in them. */
  old?: number;
  new?: number;
  /** What of it is new or gone, as ranges of characters, where it stands against one line of the other side. */
  marks?: readonly (readonly [number, number])[];
}

/** A row of a diff: a line, the head of a hunk, or a word about the line before. */
export type DiffRow = DiffLine | DiffWord;

/** The head of a hunk, or a word about the line before. */
export type DiffWord = { kind: "hunk"; text: string } | { kind: "note"; text: string };

/** A row of both sides next to each other. */
export type SplitRow = { kind: "pair"; left?: DiffLine; right?: DiffLine } | DiffWord;

const HUNK = /^@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@/;
/** Words of a line that are compared; longer lines are compared by their ends alone. */
const MOST_WORDS = 160;

/** The rows of a unified diff, from its first `@@` on. */
export function rowsOf(diff: string): DiffRow[] {
  const rows: DiffRow[] = [];
  let old = 0;
  let now = 0;
  const lines = diff.split("\n");
  if (lines.at(-1) === "") lines.pop();
  for (const line of lines) {
    const hunk = HUNK.exec(line);
    if (hunk) {
      old = Number(hunk[1]);
      now = Number(hunk[3]);
      rows.push({ kind: "hunk", text: line });
    } else if (line.startsWith("+")) rows.push({ kind: "added", text: line.slice(1), new: now++ });
    else if (line.startsWith("-")) rows.push({ kind: "removed", text: line.slice(1), old: old++ });
    else if (line.startsWith(" ") || line === "") rows.push({ kind: "same", text: line.slice(1), old: old++, new: now++ });
    else rows.push({ kind: "note", text: line.replace(/^\\ /, "") });
  }
  for (const [removed, added] of changes(rows)) mark(removed, added);
  return rows;
}

/** The rows with both sides next to each other: what was removed against what was added in its place. */
export function splitRows(rows: readonly DiffRow[]): SplitRow[] {
  const pairs: SplitRow[] = [];
  for (let at = 0; at < rows.length; ) {
    const row = rows[at] as DiffRow;
    if (row.kind === "same") pairs.push({ kind: "pair", left: row, right: row });
    else if (row.kind === "hunk" || row.kind === "note") pairs.push(row);
    else {
      const removed = run(rows, at, "removed");
      const added = run(rows, at + removed.length, "added");
      for (let line = 0; line < Math.max(removed.length, added.length); line += 1) {
        const left = removed[line];
        const right = added[line];
        pairs.push({ kind: "pair", ...(left && { left }), ...(right && { right }) });
      }
      at += removed.length + added.length;
      continue;
    }
    at += 1;
  }
  return pairs;
}

/** Lines that were removed and added at one place, one against the other. */
function* changes(rows: readonly DiffRow[]): Iterable<readonly [DiffLine, DiffLine]> {
  for (let at = 0; at < rows.length; ) {
    const removed = run(rows, at, "removed");
    const added = run(rows, at + removed.length, "added");
    for (const [line, left] of removed.entries()) {
      const right = added[line];
      if (right) yield [left, right];
    }
    at += Math.max(1, removed.length + added.length);
  }
}

function run(rows: readonly DiffRow[], from: number, kind: "added" | "removed"): DiffLine[] {
  const found: DiffLine[] = [];
  for (let row = rows[from]; row?.kind === kind; row = rows[from + found.length]) found.push(row);
  return found;
}

/** Marks the words in which two lines differ, unless they have little in common. */
function mark(left: DiffLine, right: DiffLine): void {
  const [gone, come] = [words(left.text), words(right.text)];
  const kept = common(gone, come);
  const same = kept.reduce((sum, [at]) => sum + (gone[at] as string).trim().length, 0);
  if (same * 3 < Math.min(left.text.trim().length, right.text.trim().length)) return;
  left.marks = rangesBut(gone, new Set(kept.map(([at]) => at)));
  right.marks = rangesBut(come, new Set(kept.map(([, at]) => at)));
}

function words(text: string): string[] {
  return text.match(/[\p{L}\p{N}_]+|\s+|[^\p{L}\p{N}_\s]/gu) ?? [];
}

/** Places of the words that both have, in order: the longest such list, but for lines of very many words. */
function common(left: readonly string[], right: readonly string[]): (readonly [number, number])[] {
  let head = 0;
  while (head < left.length && head < right.length && left[head] === right[head]) head += 1;
  let tail = 0;
  while (tail < Math.min(left.length, right.length) - head && left.at(-1 - tail) === right.at(-1 - tail)) tail += 1;
  const kept: (readonly [number, number])[] = Array.from({ length: head }, (_, at) => [at, at] as const);
  const middle = longest(left.slice(head, left.length - tail), right.slice(head, right.length - tail));
  kept.push(...middle.map(([one, other]) => [one + head, other + head] as const));
  for (let at = tail; at > 0; at -= 1) kept.push([left.length - at, right.length - at]);
  return kept;
}

function longest(left: readonly string[], right: readonly string[]): (readonly [number, number])[] {
  if (left.length === 0 || right.length === 0 || left.length > MOST_WORDS || right.length > MOST_WORDS) return [];
  const width = right.length + 1;
  const lengths = new Uint16Array((left.length + 1) * width);
  const at = (one: number, other: number): number => lengths[one * width + other] as number;
  for (let one = left.length - 1; one >= 0; one -= 1)
    for (let other = right.length - 1; other >= 0; other -= 1)
      lengths[one * width + other] =
        left[one] === right[other] ? at(one + 1, other + 1) + 1 : Math.max(at(one + 1, other), at(one, other + 1));
  const kept: (readonly [number, number])[] = [];
  for (let one = 0, other = 0; one < left.length && other < right.length; ) {
    if (left[one] === right[other]) kept.push([one++, other++]);
    else if (at(one + 1, other) >= at(one, other + 1)) one += 1;
    else other += 1;
  }
  return kept;
}

/** The ranges of characters of all words but those at `kept`, neighbours joined. */
function rangesBut(parts: readonly string[], kept: ReadonlySet<number>): (readonly [number, number])[] {
  const ranges: [number, number][] = [];
  let from = 0;
  for (const [at, part] of parts.entries()) {
    const to = from + part.length;
    const last = ranges.at(-1);
    if (!kept.has(at)) {
      if (last?.[1] === from) last[1] = to;
      else ranges.push([from, to]);
    }
    from = to;
  }
  return ranges;
}
