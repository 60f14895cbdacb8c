import type { ReactNode } from "react";

import type { AgentState } from "../api.js";
import { stateWords } from "./words.js";

/** What a session is doing, as a dot; its words are said too. */
export function StateDot({ state }: { state: AgentState | "closed" }): ReactNode {
  const words = state === "closed" ? "Closed" : stateWords(state);
  return (
    <span className="state-dot" data-state={state === "closed" ? state : state.name} title={words}>
      <span className="unseen">{words}</span>
    </span>
  );
}
