import { useMemo, useSyncExternalStore } from "react";

import { useEnvironment } from "../shell/environment.js";
import { runsOf, type RunView } from "./run.js";

/** The runs of the daemon, the newest first. */
export function useRuns(): readonly RunView[] {
  const { hub } = useEnvironment();
  const state = useSyncExternalStore(
    (changed) => hub.onChange(changed),
    () => hub.state,
  );
  const slice: unknown = state?.["runs"];
  return useMemo(() => runsOf(slice), [slice]);
}
