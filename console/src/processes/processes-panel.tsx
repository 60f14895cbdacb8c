import { useEffect, useMemo, useState, useSyncExternalStore, type ReactNode } from "react";

import { daemonNow, daemonTime } from "../daemon-time.js";
import { useEnvironment } from "../shell/environment.js";
import { useStore } from "../store.js";
import { chosenSidecar } from "./chosen-sidecar.js";
import { DependentsDialog } from "./dependents-dialog.js";
import { ModeBar } from "./mode-bar.js";
import { NoSidecars } from "./no-sidecars.js";
import { ProcessDetail } from "./process-detail.js";
import { ProcessList } from "./process-list.js";
import { sidecarsOf, type Sidecar, type Sidecars } from "./sidecar.js";
import { Told } from "./told.js";

/** The processes that the daemon keeps: how they stand, why one failed, and what they write. */
export function ProcessesPanel(): ReactNode {
  const { hub, keeper, connection } = useEnvironment();
  const state = useSyncExternalStore(
    (changed) => hub.onChange(changed),
    () => hub.state,
  );
  const { phase, since } = useStore(connection.standing);
  const told = useSidecars(state?.["sidecars"]);
  const chosen = useStore(chosenSidecar);
  const [narrow, setNarrow] = useState<"list" | "detail">("list");
  const time = useNow();
  // What was last known does not grow older while nobody knows.
  const now = phase === "open" ? time : daemonTime(since);

  const hasAny = told !== undefined && told.sidecars.length > 0;
  useEffect(() => {
    if (!hasAny) return undefined;
    keeper.open();
    return () => keeper.close();
  }, [keeper, hasAny]);
  useEffect(() => {
    if (chosen !== "") setNarrow("detail");
  }, [chosen]);

  if (state === undefined) return <p className="empty-page">Asking for the state…</p>;
  if (told === undefined) return <p className="empty-page">This daemon has no sidecars: it was built without them.</p>;
  const { mode, sidecars } = told;
  if (sidecars.length === 0) return <NoSidecars mode={mode} />;
  const choose = (name: string): void => {
    chosenSidecar.set(name);
    setNarrow("detail");
  };
  const sidecar = sidecars.find(({ name }) => name === chosen) ?? sidecars[0];
  return (
    <div className="panel processes" data-narrow={narrow}>
      <aside className="side processes-side" aria-label="Mode and processes">
        <ModeBar mode={mode} sidecars={sidecars} now={now} />
        <ProcessList sidecars={sidecars} selected={sidecar?.name ?? ""} isOpen={phase === "open"} now={now} onSelect={choose} />
        <Told sidecars={sidecars} />
      </aside>
      <DependentsDialog />
      {sidecar && (
        <ProcessDetail
          key={sidecar.name}
          sidecar={sidecar}
          sidecars={sidecars}
          isOpen={phase === "open"}
          now={now}
          onSelect={choose}
          onBack={() => setNarrow("list")}
        />
      )}
    </div>
  );
}

/** What the slice tells, with what is measured meanwhile. */
function useSidecars(slice: unknown): Sidecars | undefined {
  const { keeper } = useEnvironment();
  const measured = useStore(keeper.measured);
  const told = useMemo(() => sidecarsOf(slice), [slice]);
  return useMemo(() => {
    if (!told) return undefined;
    const usage = ({ name, generation, usage: known }: Sidecar): Sidecar["usage"] => {
      const found = measured.get(name);
      return found?.generation === generation ? found.usage : known;
    };
    return { ...told, sidecars: told.sidecars.map((sidecar) => ({ ...sidecar, usage: usage(sidecar) })) };
  }, [told, measured]);
}

/** The daemon's time, told once a second. */
function useNow(): number {
  const [now, setNow] = useState(daemonNow);
  useEffect(() => {
    const timer = setInterval(() => setNow(daemonNow()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
