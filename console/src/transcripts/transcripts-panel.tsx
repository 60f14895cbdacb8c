import { useEffect, useMemo, useState, type ReactNode } from "react";

import { useHas } from "../chat/hooks.js";
import { useEnvironment } from "../shell/environment.js";
import { Store, useStore } from "../store.js";
import { Archive, type Wanted } from "./archive.js";
import { TranscriptFilters } from "./transcript-filters.js";
import { TranscriptList } from "./transcript-list.js";
import { TranscriptPane } from "./transcript-pane.js";

/** Which transcript is looked at, and at which of its items. */
export const chosenTranscript = new Store<{ sessionId: string; itemId?: string | undefined } | undefined>(undefined);

const wanted = new Store<Wanted>({ query: "", cwd: "", provider: "" });

/** What agents were asked and what came of it: to look through, to search and to take away. */
export function TranscriptsPanel(): ReactNode {
  const { link, catalogue, connection } = useEnvironment();
  const isOpen = useStore(connection.standing).phase === "open";
  const isKnown = useStore(catalogue.view).state === "ready";
  const has = useHas("transcript.list");
  const archive = useMemo(() => new Archive(link), [link]);
  const looked = useStore(wanted);
  const chosen = useStore(chosenTranscript);
  const [narrow, setNarrow] = useState<"list" | "detail">(chosen ? "detail" : "list");
  useEffect(() => {
    if (isOpen && has) archive.want(looked);
  }, [archive, looked, isOpen, has]);
  useEffect(() => () => archive.close(), [archive]);
  const sessionId = chosen?.sessionId;
  useEffect(() => {
    if (isOpen && has && sessionId !== undefined) void archive.open(sessionId);
  }, [archive, isOpen, has, sessionId]);
  if (!isKnown) return <p className="empty-page">Asking what the daemon can do…</p>;
  if (!has) return <p className="empty-page">This daemon keeps no transcripts.</p>;
  return (
    <div className="panel transcripts" data-narrow={narrow}>
      <aside className="side transcripts-side" aria-label="Transcripts">
        <TranscriptFilters archive={archive} wanted={looked} onWanted={(next) => wanted.set(next)} />
        <TranscriptList
          archive={archive}
          query={looked.query.trim()}
          hasFilter={looked.cwd.trim() !== "" || looked.provider !== ""}
          chosen={sessionId}
          onChoose={(next) => {
            chosenTranscript.set(next);
            setNarrow("detail");
          }}
        />
      </aside>
      {sessionId === undefined ? (
        <p className="empty-page">Choose a transcript to read it.</p>
      ) : (
        <TranscriptPane
          key={sessionId}
          archive={archive}
          sessionId={sessionId}
          itemId={chosen?.itemId}
          onOpen={(next) => chosenTranscript.set({ sessionId: next })}
          onBack={() => setNarrow("list")}
        />
      )}
    </div>
  );
}
