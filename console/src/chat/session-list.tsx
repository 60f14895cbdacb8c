import { BellRing, Plus, RotateCcw } from "lucide-react";
import { useRef, useState, type ReactNode } from "react";

import { visible } from "../render/plain.js";
import { useEnvironment } from "../shell/environment.js";
import { isFocusLost, useHeldFocus } from "../shell/held-focus.js";
import { count } from "../shell/units.js";
import { useStore } from "../store.js";
import { focusAsked } from "./focus-asked.js";
import { useHas } from "./hooks.js";
import { folderName, nameOf, type SessionView } from "./session-view.js";
import { StateDot } from "./state-dot.js";
import { stateWords } from "./words.js";

/** Sessions that are shown before more are asked for. */
const AT_ONCE = 200;

/** The sessions, those that wait for a person in front, and those that ended while this page looked. */
export function SessionList({
  sessions,
  chosen,
  onChoose,
}: {
  sessions: readonly SessionView[];
  chosen: string | undefined;
  onChoose: (sessionId: string) => void;
}): ReactNode {
  const { agents } = useEnvironment();
  const canResume = useHas("agent.resume");
  const [shown, setShown] = useState(AT_ONCE);
  const list = useRef<HTMLUListElement>(null);
  /** How many were shown when more were asked for. */
  const known = useRef(0);
  const hold = useHeldFocus(sessions.length > shown ? ["more"] : [], () => {
    if (isFocusLost()) list.current?.children[known.current]?.querySelector("button")?.focus();
  });
  const more = (): void => {
    known.current = shown;
    setShown(shown + 5 * AT_ONCE);
  };
  const closed = useStore(agents.closed).filter(({ sessionId }) => !sessions.some((one) => one.sessionId === sessionId));
  const hasTranscripts = useHas("transcript.list");
  const goOn = async (sessionId: string): Promise<void> => {
    if (!(await agents.resume(sessionId))) return;
    focusAsked.set(true);
    onChoose(sessionId);
  };
  return (
    <>
      <div className="session-new">
        <button type="button" className="button" aria-pressed={chosen === ""} onClick={() => onChoose("")}>
          <Plus size={14} aria-hidden />
          New session
        </button>
      </div>
      <ul ref={list} className="side-list" aria-label="Sessions">
        {ordered(sessions).slice(0, shown).map((session) => (
          <li key={session.sessionId} data-selected={session.sessionId === chosen}>
            <button
              type="button"
              className="side-open"
              aria-current={session.sessionId === chosen}
              onClick={() => onChoose(session.sessionId)}
            >
              <SessionLine session={session} />
            </button>
          </li>
        ))}
        {sessions.length > shown && (
          <li>
            <button type="button" className="link-button session-more" onClick={more} {...hold("more")}>
              {`${count(sessions.length - shown)} more sessions`}
            </button>
          </li>
        )}
        {closed.map((session) => (
          <li key={session.sessionId} data-selected={session.sessionId === chosen} className="session-closed">
            <button type="button" className="side-open" onClick={() => onChoose(session.sessionId)}>
              <span className="side-name">
                <StateDot state="closed" />
                <b>{visible(nameOf(session))}</b>
              </span>
              <span className="side-facts">{visible(session.provider)} · closed</span>
            </button>
            {canResume && (
              <button
                type="button"
                className="icon-button icon-small"
                aria-label={`Go on with ${visible(nameOf(session))}`}
                title="Go on with it"
                onClick={() => void goOn(session.sessionId)}
              >
                <RotateCcw size={14} />
              </button>
            )}
          </li>
        ))}
      </ul>
      {sessions.length + closed.length === 0 && <p className="empty-line">There is no session yet.</p>}
      {hasTranscripts && (
        <a className="sessions-earlier" href="#transcripts">
          Earlier sessions
        </a>
      )}
    </>
  );
}

function SessionLine({ session }: { session: SessionView }): ReactNode {
  const { provider, state, permissions, questions, queue } = session;
  const waits = permissions.length + questions.length;
  const facts = [stateWords(state), visible(provider), visible(folderName(session)), queue.length > 0 && `${queue.length} queued`].filter(Boolean);
  return (
    <>
      <span className="side-name">
        <StateDot state={state} />
        <b>{visible(nameOf(session))}</b>
        {waits > 0 && (
          <span className="session-waits">
            <BellRing size={12} aria-hidden />
            {waits}
          </span>
        )}
      </span>
      <span className="side-facts">{facts.join(" · ")}</span>
    </>
  );
}

/** Those that wait for a person, then the newest. */
function ordered(sessions: readonly SessionView[]): readonly SessionView[] {
  const waits = ({ permissions, questions }: SessionView): boolean => permissions.length + questions.length > 0;
  return [...sessions].sort(
    (one, other) => Number(waits(other)) - Number(waits(one)) || other.createdAtMs - one.createdAtMs || other.sessionId.localeCompare(one.sessionId, "en"),
  );
}
