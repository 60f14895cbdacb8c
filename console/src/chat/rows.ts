/** The rows that a history is shown as: what belongs together stands below one row that folds it away. */

import type { Entry, ItemEntry } from "./entry.js";
import type { SessionFold } from "./session-fold.js";

/** What the agent did between two things that it said. */
export interface StepsRow {
  readonly kind: "steps";
  readonly key: string;
  readonly depth: number;
  readonly isOpen: boolean;
  /** The entries, without those below them. */
  readonly steps: readonly string[];
}

export interface EntryRow {
  readonly kind: "entry";
  readonly key: string;
  readonly depth: number;
  /** Whether there is something below it, and whether it is shown. */
  readonly children: "none" | "open" | "folded";
}

/** What is not kept here any more. */
export interface ForgottenRow {
  readonly kind: "forgotten";
  readonly key: "forgotten";
  readonly count: number;
}

export type Row = StepsRow | EntryRow | ForgottenRow;

/** Which rows are folded. All others are open. */
export type Folded = ReadonlySet<string>;

/** The rows in their order. */
export function rowsOf(fold: SessionFold, folded: Folded): readonly Row[] {
  const rows: Row[] = [];
  if (fold.forgotten > 0) rows.push({ kind: "forgotten", key: "forgotten", count: fold.forgotten });
  let steps: Entry[] = [];
  const flush = (): void => {
    if (steps.length > 0) together(fold, folded, steps, rows);
    steps = [];
  };
  for (const entry of fold.entries()) {
    if (fold.hasParent(entry)) continue;
    if (isStep(entry) && (steps.length === 0 || steps[0]?.turnId === entry.turnId)) {
      steps.push(entry);
      continue;
    }
    flush();
    if (isStep(entry)) steps.push(entry);
    else place(fold, folded, entry.key, 0, rows);
  }
  flush();
  return rows;
}

/** Steps that follow one another: one stands for itself, more of them below a row. */
function together(fold: SessionFold, folded: Folded, steps: readonly Entry[], rows: Row[]): void {
  const items = steps.filter(({ type }) => type === "item");
  const keys = items.map(({ key }) => key);
  if (items.length < 2) return steps.forEach(({ key }) => place(fold, folded, key, 0, rows));
  const key = `steps:${steps[0]?.key}`;
  const isOpen = !folded.has(key);
  rows.push({ kind: "steps", key, depth: 0, isOpen, steps: keys });
  if (isOpen) for (const step of steps) place(fold, folded, step.key, 1, rows);
}

function place(fold: SessionFold, folded: Folded, key: string, depth: number, rows: Row[]): void {
  const children = fold.childrenOf(key);
  const isFolded = folded.has(key);
  rows.push({ kind: "entry", key, depth, children: children.length === 0 ? "none" : isFolded ? "folded" : "open" });
  if (!isFolded) for (const child of children) if (fold.entry(child)) place(fold, folded, child, depth + 1, rows);
}

/** Whether an entry is something that the agent did on its way, and no part of the conversation. */
function isStep(entry: Entry): boolean {
  if (entry.type === "decision") return true;
  return entry.type === "item" && isWork(entry);
}

function isWork({ kind }: ItemEntry): boolean {
  return kind === "thought" || kind === "tool_call" || kind === "subagent";
}
