import { useMemo, useSyncExternalStore } from "react";

import type { AgentRunView } from "../api.js";
import { useEnvironment } from "../shell/environment.js";
import { runsOf } from "./run.js";

/** The runs of the daemon, the newest first. */
export function useRuns(): readonly AgentRunView[] {
  const { hub } = useEnvironment();
  const state = useSyncExternalStore(
    (changed) => hub.onChange(changed),
    () => hub.state,
  );
  const slice: unknown = state?.["runs"];
  return useMemo(() => runsOf(slice), [slice]);
}
