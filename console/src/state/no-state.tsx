import { useSyncExternalStore, type ReactNode } from "react";
import type { Hub, HubState } from "sixframe/hub";

import { ErrorCard } from "../methods/error-card.js";
import { failureOf } from "../methods/run.js";

/** Stands in the place of what is shown of the state, as long as nothing of it is known. */
export function NoState({ hub }: { hub: Hub<HubState> }): ReactNode {
  const status = useSyncExternalStore(
    (changed) => hub.onChange(changed),
    () => hub.status,
  );
  if (status !== "refused") return <p className="empty-page">Asking for the state…</p>;
  return (
    <div className="empty-page">
      <ErrorCard failure={failureOf(hub.error)} />
      <button type="button" className="button" onClick={() => hub.retry()}>
        Ask again
      </button>
    </div>
  );
}
