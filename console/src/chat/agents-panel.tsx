import { useEffect, useState, type ReactNode } from "react";

import { useEnvironment } from "../shell/environment.js";
import { NoState } from "../state/no-state.js";
import { useStore } from "../store.js";
import { RunList } from "../runs/run-list.js";
import { RunPane } from "../runs/run-pane.js";
import { RunStarter } from "../runs/run-starter.js";
import { focusAsked } from "./focus-asked.js";
import { useSessions } from "./hooks.js";
import { NewSession } from "./new-session.js";
import { SessionList } from "./session-list.js";
import { SessionPane } from "./session-pane.js";

/** The agents: their sessions, the conversation with one of them, and how another one is begun. */
export function AgentsPanel(): ReactNode {
  const { agents, runs, connection, hub } = useEnvironment();
  const sessions = useSessions();
  const chosen = useStore(agents.chosen);
  const run = useStore(runs.chosen);
  const preset = useStore(agents.providers).folder;
  const isOpen = useStore(connection.standing).phase === "open";
  const [narrow, setNarrow] = useState<"list" | "detail">("detail");
  const choices = useStore(agents.choices);
  const isWriting = useStore(focusAsked);
  useEffect(() => setNarrow("detail"), [choices]);
  useEffect(() => {
    if (isWriting) setNarrow("detail");
  }, [isWriting]);
  if (sessions === undefined) return <NoState hub={hub} />;
  if (sessions === null) return <p className="empty-page">This daemon has no agents: it was built without them.</p>;
  const toList = (): void => {
    focusAsked.set(false);
    setNarrow("list");
  };
  const choose = (sessionId: string): void => {
    runs.chosen.set(undefined);
    agents.choose(sessionId);
    setNarrow("detail");
  };
  return (
    // In sight at once where something is to be written: what is not cannot take the focus.
    <div className="panel agents" data-narrow={isWriting ? "detail" : narrow}>
      <aside className="side agents-side" aria-label="Sessions of agents">
        <SessionList sessions={sessions} chosen={run === undefined ? chosen : undefined} onChoose={choose} />
        <RunList onChoose={() => setNarrow("detail")} />
      </aside>
      {run !== undefined ? (
        <div className="run-page">
          <button type="button" className="link-button back" onClick={toList}>
            ← All sessions
          </button>
          {run === "new" ? <RunStarter folder={sessions[0]?.cwd ?? preset} /> : <RunPane key={run} runId={run} />}
        </div>
      ) : chosen === "" ? (
        <div className="new-page">
          <button type="button" className="link-button back" onClick={toList}>
            ← All sessions
          </button>
          <NewSession sessions={sessions} isOpen={isOpen} />
        </div>
      ) : (
        <SessionPane
          key={chosen}
          sessionId={chosen}
          session={sessions.find(({ sessionId }) => sessionId === chosen)}
          isOpen={isOpen}
          onBack={toList}
        />
      )}
    </div>
  );
}
