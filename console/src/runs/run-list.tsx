import { Split } from "lucide-react";
import type { ReactNode } from "react";

import type { AgentRunView } from "../api.js";
import { useHas } from "../chat/hooks.js";
import { OUTCOME_WORDS } from "../chat/words.js";
import { shortened, visible } from "../render/plain.js";
import { useEnvironment } from "../shell/environment.js";
import { count } from "../shell/units.js";
import { useStore } from "../store.js";
import { useRuns } from "./hooks.js";
import { STRATEGY_WORDS, titleOf } from "./run.js";

const LONGEST_TITLE = 120;

/** The runs, and a way to begin one; nothing where the daemon has none. */
export function RunList({ onChoose }: { onChoose: () => void }): ReactNode {
  const { runs } = useEnvironment();
  const canRun = useHas("run.start");
  const chosen = useStore(runs.chosen);
  const known = useRuns();
  if (!canRun && known.length === 0) return null;
  const choose = (runId: string): void => {
    runs.chosen.set(runId);
    onChoose();
  };
  return (
    <section className="run-list" aria-label="Runs">
      {canRun && (
        <button type="button" className="button" aria-pressed={chosen === "new"} onClick={() => choose("new")}>
          <Split size={14} aria-hidden />
          Several agents at once
        </button>
      )}
      <ul className="side-list">
        {known.map((run) => (
          <li key={run.runId} data-selected={run.runId === chosen}>
            <button type="button" className="side-open" aria-current={run.runId === chosen} onClick={() => choose(run.runId)}>
              <span className="side-name">
                <Split size={13} aria-hidden />
                <b>{shortened(visible(titleOf(run)), LONGEST_TITLE)}</b>
              </span>
              <span className="side-facts">{factsOf(run)}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function factsOf({ strategy, members, state, outcome }: AgentRunView): string {
  const standing = state === "ended" ? OUTCOME_WORDS[outcome ?? "completed"] : "At work";
  const many = members.length === 1 ? "1 agent" : `${count(members.length)} agents`;
  return `${STRATEGY_WORDS[strategy]?.name ?? visible(strategy)} · ${many} · ${standing}`;
}
