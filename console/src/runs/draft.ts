/** Members of a run as they are being put together. */

import type { AgentMode, AgentRunMemberParams, AgentRunMergerParams } from "../api.js";

export interface Draft {
  readonly key: number;
  /** Empty for the usual one. */
  readonly provider: string;
  readonly model: string;
  readonly mode: AgentMode;
}

/** Who reads the answers: a member by its name, or another agent. */
export type MergerDraft = { readonly member: string } | { readonly provider: string; readonly model: string };

const LONGEST_NAME = 28;

export function blank(key: number): Draft {
  return { key, provider: "", model: "", mode: "ask" };
}

/** The members that the drafts are of, each with a name that no other one has. */
export function membersOf(drafts: readonly Draft[], usual: string): readonly (AgentRunMemberParams & { name: string })[] {
  const taken = new Map<string, number>();
  return drafts.map(({ provider: chosen, model, mode }) => {
    const provider = chosen === "" ? usual : chosen;
    const base = provider.replace(/[^A-Za-z0-9_-]+/g, "-").slice(0, LONGEST_NAME);
    const count = (taken.get(base) ?? 0) + 1;
    taken.set(base, count);
    const name = count === 1 ? base : `${base}-${count}`;
    return { name, provider, ...(model.trim() !== "" && { model: model.trim() }), ...(mode !== "ask" && { mode }) };
  });
}

export function mergerOf(draft: MergerDraft, usual: string): AgentRunMergerParams {
  if ("member" in draft) return { name: draft.member };
  const { provider, model } = draft;
  return { provider: provider === "" ? usual : provider, ...(model.trim() !== "" && { model: model.trim() }) };
}
