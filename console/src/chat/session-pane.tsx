import { useCallback, useEffect, useMemo, useRef, useState, type KeyboardEvent, type ReactNode } from "react";

import { passes } from "../methods/run.js";
import { visible } from "../render/plain.js";
import { useEnvironment } from "../shell/environment.js";
import { useHeldFocus } from "../shell/held-focus.js";
import { SteadyButton } from "../shell/steady-button.js";
import { lasting } from "../shell/units.js";
import { useStore } from "../store.js";
import { Composer } from "./composer.js";
import { catchFocus, focusAsked } from "./focus-asked.js";
import { useFeed, useHas, useNow } from "./hooks.js";
import { isComposing, pressed } from "./keys.js";
import { MessageList } from "./message-list.js";
import { QueueList } from "./queue-list.js";
import { SessionHead } from "./session-head.js";
import { isBusy, waitingOf, type SessionView } from "./session-view.js";
import type { SessionFeed } from "./session-feed.js";
import { Told } from "./told.js";
import { WaitingCards } from "./waiting-cards.js";
import { stateWords } from "./words.js";

/** A session: its history, what waits for a person, what waits for its turn, and where the next prompt is written. */
export function SessionPane({
  sessionId,
  session,
  isOpen,
  onBack,
}: {
  sessionId: string;
  /** Undefined where it is not among the daemon's sessions any more. */
  session: SessionView | undefined;
  /** Whether the daemon can be reached. */
  isOpen: boolean;
  onBack: () => void;
}): ReactNode {
  const { agents, toasts } = useEnvironment();
  const feed = useMemo(() => agents.feed(sessionId), [agents, sessionId]);
  const version = useFeed(feed, session?.seq);
  const { fold } = feed;
  const waiting = useMemo(() => (session ? waitingOf([session]) : []), [session]);
  const isWorking = session?.turnId !== undefined;
  const canAsk = session !== undefined && isOpen;
  // What can be done with the session comes and goes with it.
  const standing = session ? "session" : "gone";
  const hold = useHeldFocus([standing], catchFocus);
  const retry = useRetry(sessionId, session, fold.facts.turns);
  const [own, edits] = [useStore(agents.typed.own), useStore(agents.typed.edits)];
  useEffect(() => {
    const isBack = agents.typed.reclaim(sessionId, fold.takenBack);
    if (isBack && session) toasts.say("What waited was not sent: it stands in the field for prompts.");
  }, [agents, sessionId, version, own, edits]);
  const stop = (): void => void agents.interrupt(sessionId);
  const press = (event: KeyboardEvent): void => {
    const isTaken = event.defaultPrevented || (event.target as Element).closest("dialog, [role=menu]") !== null;
    if (event.key !== "Escape" || isTaken || !isWorking || isComposing(pressed(event))) return;
    event.preventDefault();
    stop();
  };
  return (
    <section className="session-pane" aria-label="Session" onKeyDown={press} {...hold(standing)}>
      <button type="button" className="link-button back" onClick={onBack}>
        ← All sessions
      </button>
      {session && <SessionHead session={session} facts={fold.facts} isOpen={isOpen} />}
      <Failed feed={feed} />
      <MessageList key={sessionId} fold={fold} onRetry={canAsk ? retry : undefined} />
      <Told feed={feed} version={version} />
      <div className="session-foot">
        {session && isWorking && <Working session={session} since={fold.turn(session.turnId ?? "")?.startedAt} />}
        <WaitingCards waiting={waiting} label="What waits for you here" onAnswered={catchFocus} />
        {session && <QueueList queue={session.queue} fold={fold} sessionId={sessionId} isOpen={isOpen} />}
        {session ? (
          <Composer key={sessionId} sessionId={sessionId} isBusy={isWorking} isOpen={isOpen} onStop={stop} />
        ) : (
          <Gone sessionId={sessionId} isOpen={isOpen} />
        )}
      </div>
    </section>
  );
}

/**
 * Asks for something once more; undefined while something is at work, or was just asked for: a second click asks for nothing.
 * `turns` is the number of those that have ended.
 */
function useRetry(sessionId: string, session: SessionView | undefined, turns: number): ((promptId: string) => void) | undefined {
  const { agents } = useEnvironment();
  const [isAsked, setAsked] = useState(false);
  const isAtWork = session !== undefined && isBusy(session);
  useEffect(() => setAsked(false), [isAtWork, turns]);
  const retry = useCallback(
    (promptId: string) => {
      setAsked(true);
      // When the button is gone.
      setTimeout(catchFocus);
      void agents.again(sessionId, promptId).then((isTaken) => isTaken || setAsked(false));
    },
    [agents, sessionId],
  );
  return isAsked || isAtWork ? undefined : retry;
}

/** Why the history does not come. That the connection is lost, the page says elsewhere. */
function Failed({ feed }: { feed: SessionFeed }): ReactNode {
  const failure = useStore(feed.failure);
  if (!failure || passes(failure)) return null;
  return (
    <p className="notice notice-bad" role="alert">
      {`${failure.code}: ${visible(failure.message)}`}{" "}
      <button type="button" className="link-button" onClick={() => feed.retry()}>
        Ask again
      </button>
    </p>
  );
}

function Working({ session, since }: { session: SessionView; since: number | undefined }): ReactNode {
  const now = useNow(true);
  return (
    <p className="working">
      <span className="typing" aria-hidden />
      {stateWords(session.state)}
      {since !== undefined && now - since >= 1_000 && <span className="quiet">{lasting(now - since)}</span>}
    </p>
  );
}

function Gone({ sessionId, isOpen }: { sessionId: string; isOpen: boolean }): ReactNode {
  const { agents } = useEnvironment();
  const canResume = useHas("agent.resume");
  const place = useRef<HTMLDivElement>(null);
  const asked = useStore(focusAsked);
  useEffect(() => {
    if (!asked) return;
    (place.current?.querySelector("button") ?? place.current)?.focus();
    focusAsked.set(false);
  }, [asked]);
  const goOn = async (): Promise<void> => {
    if (await agents.resume(sessionId)) focusAsked.set(true);
  };
  return (
    <div ref={place} className="session-gone" tabIndex={-1}>
      <span>This session is closed. Its history stays.</span>
      {canResume && (
        <SteadyButton className="button" isOff={!isOpen} onClick={() => void goOn()}>
          Go on with it
        </SteadyButton>
      )}
    </div>
  );
}
