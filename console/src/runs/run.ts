/** Runs as the daemon's state shows them: several agents on one prompt. */

import type { AgentFileChange, AgentOutcome, AgentProblem, AgentRunMember, AgentRunMerged, AgentStrategy } from "../api.js";

/** An agent of a run, with what came of it. */
export interface Member extends AgentRunMember {
  readonly outcome?: AgentOutcome | null;
  readonly error?: AgentProblem | null;
  /** The end of its last message. */
  readonly answer?: string | null;
  /** What it changed, without diffs. */
  readonly files?: readonly AgentFileChange[];
}

export interface RunView {
  readonly runId: string;
  readonly prompt: string;
  readonly cwd: string;
  readonly strategy: AgentStrategy;
  readonly state: "running" | "merging" | "ended";
  readonly outcome?: AgentOutcome | null;
  readonly error?: AgentProblem | null;
  readonly members: readonly Member[];
  readonly merger?: Member | null;
  readonly merged?: AgentRunMerged | null;
  readonly startedAtMs: number;
  /** Whether its members have folders of their own, which can be applied or thrown away. */
  readonly hasWorktrees: boolean;
}

/** What a run begins with. */
export interface RunWanted {
  prompt: string;
  cwd: string;
  strategy: AgentStrategy;
  members: readonly MemberWanted[];
  /** A member by its name alone, or another agent. */
  merger?: { name: string } | { provider: string; model?: string };
  worktrees: boolean;
  keep: boolean;
}

export interface MemberWanted {
  provider: string;
  name?: string;
  model?: string;
  mode?: string;
}

export const STRATEGY_WORDS: Readonly<Record<AgentStrategy, { name: string; means: string }>> = {
  fanout: { name: "Side by side", means: "All of them answer; you compare" },
  race: { name: "Race", means: "The first one that is done holds; the others are stopped" },
  vote: { name: "Vote", means: "A judge reads all answers and picks one" },
  synthesise: { name: "Synthesis", means: "One agent makes a single answer of all of them" },
};

/** Whether a strategy needs an agent that reads the answers of the others. */
export function needsMerger(strategy: AgentStrategy): boolean {
  return strategy === "vote" || strategy === "synthesise";
}

/** The runs of the slice `runs`, the newest first. */
export function runsOf(slice: unknown): readonly RunView[] {
  if (typeof slice !== "object" || slice === null) return [];
  const runs = Object.entries(slice).map(([runId, view]) => runOf(runId, (view ?? {}) as Partial<RunView>));
  return runs.sort((one, other) => other.startedAtMs - one.startedAtMs || other.runId.localeCompare(one.runId, "en"));
}

function runOf(runId: string, view: Partial<RunView>): RunView {
  return {
    ...view,
    runId,
    prompt: view.prompt ?? "",
    cwd: view.cwd ?? "",
    strategy: view.strategy ?? "fanout",
    state: view.state ?? "running",
    members: view.members ?? [],
    startedAtMs: view.startedAtMs ?? 0,
    hasWorktrees: view.hasWorktrees ?? false,
  };
}

/** Everyone who works on a run: its members, and who reads their answers where that is none of them. */
export function columnsOf({ members, merger }: Pick<RunView, "members" | "merger">): readonly Member[] {
  const isOther = merger != null && merger.sessionId != null && !members.some(({ name }) => name === merger.name);
  return isOther ? [...members, merger] : members;
}

/** What a run is called: the first line of what was asked. */
export function titleOf({ prompt, runId }: Pick<RunView, "prompt" | "runId">): string {
  return prompt.trim().split("\n", 1)[0] || runId;
}
