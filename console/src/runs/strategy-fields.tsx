import { useId, type ReactNode } from "react";

import type { AgentProviderInfo, AgentStrategy } from "../api.js";
import { AgentSelect, ModelInput } from "./agent-fields.js";
import type { MergerDraft } from "./draft.js";
import { needsMerger, STRATEGY_WORDS } from "./run.js";

/** What is made of the answers, and by whom where that takes an agent. */
export function StrategyFields({
  strategy,
  merger,
  members,
  usable,
  usual,
  onStrategy,
  onMerger,
}: {
  strategy: AgentStrategy;
  merger: MergerDraft;
  /** The names of the members. */
  members: readonly string[];
  usable: readonly AgentProviderInfo[];
  usual: string;
  onStrategy: (strategy: AgentStrategy) => void;
  onMerger: (merger: MergerDraft) => void;
}): ReactNode {
  const id = useId();
  const who = strategy === "vote" ? "The judge" : "Who makes one answer of them";
  const chosen = "member" in merger ? `member:${merger.member}` : merger.provider === "" ? usual : merger.provider;
  const choose = (value: string): void => {
    const [, member] = /^member:(.*)$/.exec(value) ?? [];
    onMerger(member === undefined ? { provider: value, model: "" } : { member });
  };
  return (
    <>
      <fieldset className="new-modes">
        <legend>What is made of their answers</legend>
        {(Object.keys(STRATEGY_WORDS) as AgentStrategy[]).map((name) => (
          <label key={name} className="new-mode">
            <input type="radio" name={id} value={name} checked={strategy === name} onChange={() => onStrategy(name)} />
            <span>
              <b>{STRATEGY_WORDS[name].name}</b>
              <span className="quiet">{STRATEGY_WORDS[name].means}</span>
            </span>
          </label>
        ))}
      </fieldset>
      {needsMerger(strategy) && (
        <fieldset className="run-merger">
          <legend>{who}</legend>
          <div className="run-draft">
            <AgentSelect usable={usable} members={members} value={chosen} onChange={choose} />
            {!("member" in merger) && (
              <ModelInput value={merger.model} onChange={(model) => onMerger({ ...merger, model })} />
            )}
          </div>
        </fieldset>
      )}
    </>
  );
}
