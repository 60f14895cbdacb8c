import type { ReactNode } from "react";

import type { AgentState } from "../api.js";
import { stateWords } from "./words.js";

/** What a session is doing, as a dot beside its words. */
export function StateDot({ state }: { state: AgentState | "closed" }): ReactNode {
  const title = state === "closed" ? "Closed" : stateWords(state);
  return <span className="state-dot" data-state={state === "closed" ? state : state.name} title={title} aria-hidden />;
}
