/** What a session's history consists of, as it is shown. Entries are never changed: a new one takes the place of an old one. */

import type {
  AgentContent,
  AgentCost,
  AgentDecider,
  AgentDecision,
  AgentFileChange,
  AgentItemKind,
  AgentItemStatus,
  AgentOutcome,
  AgentPlanEntry,
  AgentProblem,
  AgentToolCall,
  AgentUsage,
} from "../api.js";

/** A text of which no more than the end may be kept. */
export interface Held {
  readonly text: string;
  /** Characters in front of it that are not kept. */
  readonly cut: number;
}

interface Placed {
  readonly key: string;
  /** The number of the event that it came by. */
  readonly seq: number;
  /** When, in milliseconds since 1970. */
  readonly at: number;
  readonly turnId: string | undefined;
}

/** A tool and its use, with what it wrote. */
export interface Tool extends Omit<AgentToolCall, "output"> {
  readonly output: Held;
  readonly errors: Held;
  /** What it answered as data. */
  readonly json?: unknown;
  /** What it is given, while that is still being written. */
  readonly inputText: Held;
  /** Whether the daemon cut what it answered. */
  readonly isTruncated: boolean;
}

/** A message, a thought, a tool call. */
export interface ItemEntry extends Placed {
  readonly type: "item";
  readonly itemId: string;
  readonly kind: AgentItemKind;
  readonly status: AgentItemStatus | undefined;
  readonly parent: string | undefined;
  readonly text: Held;
  /** What of its content is no text. */
  readonly others: readonly AgentContent[];
  readonly tool: Tool | undefined;
  readonly endedAt: number | undefined;
  /** The number of the last event that was of it. */
  readonly last: number;
  /** Whether it waits for somebody's leave, or answer. */
  readonly isAsked: boolean;
  /** Whether it is what its turn answers, as nothing was said in it. */
  readonly isAnswer: boolean;
  /** Whether parts of it were given up, so that memory stays bounded. */
  readonly isReleased: boolean;
}

/** Something that the session says, and no one in it. */
export interface NoteEntry extends Placed {
  readonly type: "note";
  readonly tone: "plain" | "warn" | "bad";
  readonly text: string;
  readonly detail?: string;
}

/** Something that went wrong beside a turn. */
export interface ProblemEntry extends Placed {
  readonly type: "problem";
  readonly problem: AgentProblem;
}

/** The agent waits to ask its service again. */
export interface RetryEntry extends Placed {
  readonly type: "retry";
  readonly attempt: number;
  readonly max: number | undefined;
  /** When it does, in milliseconds since 1970. */
  readonly until: number;
  readonly problem: AgentProblem;
}

export interface PlanEntry extends Placed {
  readonly type: "plan";
  readonly entries: readonly AgentPlanEntry[];
}

/** How a request for leave, or a question, ended. */
export interface DecisionEntry extends Placed {
  readonly type: "decision";
  readonly title: string;
  readonly decision: AgentDecision | "answered";
  readonly by: AgentDecider;
  readonly reason: string | undefined;
  readonly answers?: readonly string[];
}

/** A file that a turn changed. */
export interface ChangedFile {
  readonly path: string;
  readonly kind: AgentFileChange["kind"];
  readonly additions: number;
  readonly deletions: number;
  /** The changes of which diffs are known, in their order. */
  readonly changes: readonly AgentFileChange[];
}

/** What is known of a turn. */
export interface Turn {
  readonly turnId: string;
  readonly promptId: string;
  readonly startedAt: number;
  readonly outcome: AgentOutcome | undefined;
  readonly error: AgentProblem | undefined;
  readonly usage: AgentUsage | undefined;
  readonly cost: AgentCost | undefined;
  readonly durationMs: number | undefined;
  readonly files: readonly ChangedFile[];
  readonly isUndone: boolean;
}

/** The end of a turn. */
export interface TurnEntry extends Placed {
  readonly type: "turn";
  readonly turn: Turn;
}

export type Entry = ItemEntry | NoteEntry | ProblemEntry | RetryEntry | PlanEntry | DecisionEntry | TurnEntry;

export const NOTHING: Held = { text: "", cut: 0 };

/** How much over the bound a text may become before it is cut, so that it is not cut at each piece. */
const SLACK = 1.25;

/** The text with more at its end; where that is longer than `most`, its end. */
export function grown(held: Held, more: string, most: number): Held {
  const text = held.text + more;
  return text.length <= most * SLACK ? { text, cut: held.cut } : ending({ text, cut: held.cut }, most);
}

/** The last `most` characters, from a line on where one begins near. */
export function ending({ text, cut }: Held, most: number): Held {
  if (text.length <= most) return { text, cut };
  let from = text.length - most;
  const line = text.indexOf("\n", from);
  if (line >= 0 && line - from < most / 4) from = line + 1;
  else if (isLowSurrogate(text, from)) from += 1;
  return { text: text.slice(from), cut: cut + from };
}

function isLowSurrogate(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 0xdc00 && code <= 0xdfff;
}

/** What is text of a content, and what is not. */
export function parted(content: readonly AgentContent[]): { text: string; others: readonly AgentContent[] } {
  const texts = content.flatMap((part) => (part.type === "text" ? [part.text] : []));
  return { text: texts.join("\n\n"), others: content.filter((part) => part.type !== "text") };
}

/** Whether an item will not change any more. */
export function isFinal(status: AgentItemStatus | undefined): boolean {
  return status === "completed" || status === "failed" || status === "denied" || status === "cancelled";
}
