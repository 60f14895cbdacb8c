/** Runs as the daemon's state shows them: several agents on one prompt. */

import type { AgentRunMemberView, AgentRunView, AgentStrategy } from "../api.js";

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
export function runsOf(slice: unknown): readonly AgentRunView[] {
  if (typeof slice !== "object" || slice === null) return [];
  const runs = Object.entries(slice).map(([runId, view]) => runOf(runId, (view ?? {}) as Partial<AgentRunView>));
  return runs.sort((one, other) => other.startedAtMs - one.startedAtMs || other.runId.localeCompare(one.runId, "en"));
}

function runOf(runId: string, view: Partial<AgentRunView>): AgentRunView {
  return {
    ...view,
    runId,
    prompt: view.prompt ?? "",
    cwd: view.cwd ?? "",
    strategy: view.strategy ?? "fanout",
    state: view.state ?? "running",
    members: view.members ?? [],
    startedAtMs: view.startedAtMs ?? 0,
    seq: view.seq ?? 0,
    hasWorktrees: view.hasWorktrees ?? false,
  };
}

/** Everyone who works on a run: its members, and who reads their answers where that is none of them. */
export function columnsOf({ members, merger }: Pick<AgentRunView, "members" | "merger">): readonly AgentRunMemberView[] {
  const isOther = merger != null && merger.sessionId != null && !members.some(({ name }) => name === merger.name);
  return isOther ? [...members, merger] : members;
}

/** What a run is called: the first line of what was asked. */
export function titleOf({ prompt, runId }: Pick<AgentRunView, "prompt" | "runId">): string {
  return prompt.trim().split("\n", 1)[0] || runId;
}
