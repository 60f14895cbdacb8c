import { Download, MessageSquare, RotateCcw } from "lucide-react";
import { useEffect, useMemo, useRef, useState, type ReactNode } from "react";

import type { Transcript, TranscriptFormat, TranscriptInfo } from "../api.js";
import { focusAsked } from "../chat/focus-asked.js";
import { useHas, useSessions } from "../chat/hooks.js";
import { MessageList } from "../chat/message-list.js";
import { ReadOnlyProvider } from "../chat/read-only.js";
import { itemKey } from "../chat/session-fold.js";
import { money, tokens } from "../chat/usage.js";
import { OUTCOME_WORDS } from "../chat/words.js";
import { ErrorCard } from "../methods/error-card.js";
import { failureOf, type Failure } from "../methods/run.js";
import { shortened, visible } from "../render/plain.js";
import { useEnvironment } from "../shell/environment.js";
import { save } from "../shell/save.js";
import { SteadyButton } from "../shell/steady-button.js";
import { count, milliseconds } from "../shell/units.js";
import { useStore } from "../store.js";
import type { Archive } from "./archive.js";
import { replayed } from "./replay.js";
import { RunTranscript } from "./run-transcript.js";
import { titleOf } from "./transcript.js";

const FORMATS: readonly { format: TranscriptFormat; name: string; type: string }[] = [
  { format: "json", name: "JSON", type: "application/json" },
  { format: "md", name: "Markdown", type: "text/markdown" },
  { format: "org", name: "Org", type: "text/org" },
];
const LONGEST_TITLE = 300;

/** A transcript as a whole, to be read and to be taken away. */
export function TranscriptPane({
  archive,
  sessionId,
  itemId,
  onOpen,
  onBack,
}: {
  archive: Archive;
  sessionId: string;
  /** The item to begin at. */
  itemId: string | undefined;
  /** Opens another transcript. */
  onOpen: (sessionId: string) => void;
  onBack: () => void;
}): ReactNode {
  const opened = useStore(archive.opened);
  return (
    <section className="transcript-pane" aria-label="Transcript">
      <button type="button" className="link-button back" onClick={onBack}>
        ← All transcripts
      </button>
      {opened.state === "asking" && <p className="empty-page">Asking for the transcript…</p>}
      {opened.state === "failed" && (
        <div className="transcript-failed">
          <ErrorCard failure={opened.failure} />
          <button type="button" className="button" onClick={() => void archive.open(sessionId)}>
            Ask again
          </button>
        </div>
      )}
      {opened.state === "known" && (
        <Whole key={sessionId} archive={archive} transcript={opened.transcript} itemId={itemId} onOpen={onOpen} />
      )}
    </section>
  );
}

function Whole({
  archive,
  transcript,
  itemId,
  onOpen,
}: {
  archive: Archive;
  transcript: Transcript;
  itemId: string | undefined;
  onOpen: (sessionId: string) => void;
}): ReactNode {
  const fold = useMemo(() => replayed(transcript), [transcript]);
  const { info, unread } = transcript;
  const lost = (unread?.lines ?? 0) + (unread?.laterEvents ?? 0);
  return (
    <>
      <header className="transcript-head">
        <div className="session-title">
          <h2 title={shortened(visible(titleOf(info)), LONGEST_TITLE)}>{shortened(visible(titleOf(info)), LONGEST_TITLE)}</h2>
          <p>
            <Facts info={info} />
          </p>
        </div>
        <span className="spacer" />
        {!transcript.run && <GoOn sessionId={info.sessionId} />}
        <Exports archive={archive} info={info} />
      </header>
      {lost > 0 && (
        <p className="notice">{`${count(lost)} ${lost === 1 ? "event" : "events"} of the log cannot be read here and are left out.`}</p>
      )}
      {transcript.run ? (
        <RunTranscript run={transcript.run} onOpen={onOpen} />
      ) : transcript.turns.length + (transcript.outside?.length ?? 0) === 0 ? (
        <p className="empty-page">Nothing was asked in this session.</p>
      ) : (
        <ReadOnlyProvider value={true}>
          <MessageList fold={fold} onRetry={undefined} at={itemId === undefined ? "first" : itemKey(itemId)} />
        </ReadOnlyProvider>
      )}
    </>
  );
}

function Facts({ info }: { info: TranscriptInfo }): ReactNode {
  const { provider, model, cwd, startedAtMs, updatedAtMs, turns, outcome, usage, cost, isClosed } = info;
  const facts = [
    visible(provider),
    model != null && visible(model),
    new Date(startedAtMs).toLocaleString(),
    updatedAtMs > startedAtMs && milliseconds(updatedAtMs - startedAtMs),
    `${count(turns)} ${turns === 1 ? "turn" : "turns"}`,
    outcome != null && (OUTCOME_WORDS[outcome] ?? visible(outcome)),
    usage && tokens(usage),
    cost && money(cost.amountMicros, cost.currency),
    !isClosed && "open",
  ].filter((fact) => typeof fact === "string");
  return (
    <>
      <span>{facts.join(" · ")}</span> <code title={visible(cwd)}>{visible(cwd)}</code>
    </>
  );
}

/** Leads to the session among the agents; one that is closed is opened again first, where the daemon knows how. */
function GoOn({ sessionId }: { sessionId: string }): ReactNode {
  const { agents, runs, connection } = useEnvironment();
  const isOpen = useStore(connection.standing).phase === "open";
  const canResume = useHas("agent.resume");
  const isThere = useSessions()?.some((session) => session.sessionId === sessionId) ?? false;
  const [isBusy, setBusy] = useState(false);
  const isShown = useRef(false);
  useEffect(() => {
    isShown.current = true;
    return () => void (isShown.current = false);
  }, []);
  if (!isThere && !canResume) return null;
  const goOn = async (): Promise<void> => {
    setBusy(true);
    const isReady = isThere || (await agents.resume(sessionId));
    setBusy(false);
    // Who has gone elsewhere meanwhile stays there.
    if (!isReady || !isShown.current) return;
    runs.chosen.set(undefined);
    agents.choose(sessionId);
    focusAsked.set(true);
    location.hash = "agents";
  };
  return (
    <SteadyButton className="button button-small" isOff={!isOpen || isBusy} onClick={() => void goOn()}>
      {isThere ? <MessageSquare size={13} aria-hidden /> : <RotateCcw size={13} aria-hidden />}
      {isBusy ? "Opening…" : isThere ? "Go to the session" : "Go on with it"}
    </SteadyButton>
  );
}

/** What became of the last export. */
type Told = { paths: readonly string[]; failure?: Failure | undefined; isSaved: boolean };

function Exports({ archive, info }: { archive: Archive; info: TranscriptInfo }): ReactNode {
  const [busy, setBusy] = useState<TranscriptFormat | undefined>(undefined);
  const [told, setTold] = useState<Told | undefined>(undefined);
  const take = async (format: TranscriptFormat, type: string): Promise<void> => {
    setBusy(format);
    setTold(undefined);
    try {
      const { text, paths, failure } = await archive.export(info.sessionId, format);
      if (text !== undefined) save(`${info.sessionId}.${format}`, text, type);
      setTold({ paths, failure, isSaved: text !== undefined });
    } catch (error) {
      setTold({ paths: [], failure: failureOf(error), isSaved: false });
    }
    setBusy(undefined);
  };
  return (
    <div className="transcript-exports">
      <div className="transcript-buttons" role="group" aria-label="Export">
        {FORMATS.map(({ format, name, type }) => (
          <SteadyButton
            key={format}
            className="button button-small"
            isOff={busy !== undefined}
            onClick={() => void take(format, type)}
          >
            <Download size={13} aria-hidden />
            {busy === format ? "Writing…" : name}
          </SteadyButton>
        ))}
      </div>
      <p className="transcript-told" role="status">
        {told?.failure && <span className="bad">{`Not written: ${visible(told.failure.message)} (${told.failure.code})`}</span>}
        {told && told.paths.length > 0 && (
          <>
            {!told.isSaved && "Too long to be downloaded. "}Written to{" "}
            {told.paths.map((path) => (
              <code key={path}>{visible(path)}</code>
            ))}
          </>
        )}
      </p>
    </div>
  );
}
