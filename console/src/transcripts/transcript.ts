/** Transcripts as the daemon gives them: what a list tells of one, all of one, and what a search finds. */

import type {
  AgentCost,
  AgentFileChange,
  AgentItem,
  AgentOutcome,
  AgentPlan,
  AgentProblem,
  AgentQuestionRequest,
  AgentQuestionResolved,
  AgentRunEnded,
  AgentRunMember,
  AgentRunMerged,
  AgentStrategy,
  AgentUsage,
  PermissionRequest,
  PermissionResolved,
} from "../api.js";

/** What a list tells of a transcript. */
export interface TranscriptInfo {
  sessionId: string;
  provider: string;
  cwd: string;
  title?: string | null;
  model?: string | null;
  startedAtMs: number;
  updatedAtMs: number;
  turns: number;
  outcome?: AgentOutcome | null;
  usage?: AgentUsage | null;
  cost?: AgentCost | null;
  isClosed: boolean;
  runId?: string | null;
  forkedFrom?: string | null;
}

/** Something in a transcript: its place among all events, and when it was. */
interface Placed {
  seq: number;
  atMs: number;
}

export interface TranscriptTurn {
  turnId: string;
  prompt: string;
  startedAtMs: number;
  endedAtMs?: number | null;
  outcome?: AgentOutcome | null;
  error?: AgentProblem | null;
  usage?: AgentUsage | null;
  cost?: AgentCost | null;
  items?: readonly TranscriptItem[];
  permissions?: readonly (Placed & { itemId?: string | null; request: PermissionRequest; resolved?: PermissionResolved | null })[];
  questions?: readonly (Placed & { request: AgentQuestionRequest; resolved?: AgentQuestionResolved | null })[];
  plan?: AgentPlan | null;
  files?: readonly AgentFileChange[];
  isUndone?: boolean;
  isCut?: boolean;
}

export type TranscriptItem = Placed & { itemId: string } & AgentItem;

export interface TranscriptNotice extends Placed {
  turnId?: string | null;
  kind: string;
  text: string;
}

/** An agent of a run, and what came of it. */
export interface TranscriptMember extends AgentRunMember {
  outcome?: AgentOutcome | null;
  error?: AgentProblem | null;
  answer?: string | null;
  files?: readonly AgentFileChange[];
  isApplied?: boolean;
}

export interface TranscriptRun {
  prompt: string;
  strategy: AgentStrategy;
  members: readonly TranscriptMember[];
  merged?: AgentRunMerged | null;
  ended?: AgentRunEnded | null;
}

/** A session from its beginning on, or a run. */
export interface Transcript {
  info: TranscriptInfo;
  turns: readonly TranscriptTurn[];
  outside?: readonly TranscriptItem[];
  notices?: readonly TranscriptNotice[];
  run?: TranscriptRun | null;
  unread?: { tornBytes?: number; lines?: number; laterEvents?: number };
}

export type TranscriptFormat = "json" | "md" | "org";

/** What `transcript.get` answers. */
export interface TranscriptText {
  sessionId: string;
  format: TranscriptFormat;
  text?: string | null;
  transcript?: Transcript | null;
  /** Where the turns of a long one go on: which `fromTurn` to ask for. */
  nextTurn?: number | null;
}

/** Something that a search found. Ranges are places of characters in the snippet. */
export interface TranscriptHit {
  sessionId: string;
  turnId?: string | null;
  itemId?: string | null;
  seq: number;
  ts: string;
  kind: string;
  title?: string | null;
  snippet: string;
  ranges: readonly (readonly [number, number])[];
}

/** What a transcript is called: its title, or the folder that it was in. */
export function titleOf({ title, cwd, sessionId }: Pick<TranscriptInfo, "title" | "cwd" | "sessionId">): string {
  if (title != null && title.trim() !== "") return title;
  return cwd.split(/[/\\]/).filter(Boolean).at(-1) ?? sessionId;
}

/** The text in parts, those within a range marked. Ranges that make no sense are left out. */
export function marked(text: string, ranges: readonly (readonly [number, number])[]): { text: string; isFound: boolean }[] {
  const parts: { text: string; isFound: boolean }[] = [];
  let at = 0;
  for (const [from, to] of [...ranges].sort(([one], [other]) => one - other)) {
    if (!(from >= at && to > from && to <= text.length)) continue;
    if (from > at) parts.push({ text: text.slice(at, from), isFound: false });
    parts.push({ text: text.slice(from, to), isFound: true });
    at = to;
  }
  if (at < text.length) parts.push({ text: text.slice(at), isFound: false });
  return parts;
}
