import { useRef, type ReactNode } from "react";

import type { TranscriptHit, TranscriptInfo } from "../api.js";
import { OUTCOME_WORDS } from "../chat/words.js";
import { passes } from "../methods/run.js";
import { legible, shortened, visible } from "../render/plain.js";
import { isFocusLost, useHeldFocus } from "../shell/held-focus.js";
import { SteadyButton } from "../shell/steady-button.js";
import { count } from "../shell/units.js";
import { useStore } from "../store.js";
import type { Archive } from "./archive.js";
import { day } from "./day.js";
import { marked, titleOf } from "./transcript.js";

const LONGEST_TITLE = 200;
const LONGEST_SNIPPET = 600;

/** The transcripts, the newest first, or the places where something was found. */
export function TranscriptList({
  archive,
  query,
  hasFilter,
  chosen,
  onChoose,
}: {
  archive: Archive;
  query: string;
  hasFilter: boolean;
  chosen: string | undefined;
  onChoose: (chosen: { sessionId: string; itemId?: string | undefined }) => void;
}): ReactNode {
  const { state, transcripts, hits, next, isRebuilding, isFull, isCut, failure } = useStore(archive.found);
  const list = useRef<HTMLUListElement>(null);
  /** How many there were when older ones were asked for. */
  const known = useRef(0);
  const hasMore = next !== undefined && !hits;
  const hold = useHeldFocus(hasMore ? ["more"] : [], () => {
    const first = list.current?.children[known.current] ?? list.current?.lastElementChild;
    if (isFocusLost()) first?.querySelector("button")?.focus();
  });
  const more = (): void => {
    known.current = transcripts.length;
    void archive.more();
  };
  const isEmpty = (hits ?? transcripts).length === 0;
  return (
    <>
      {state === "failed" && failure && !passes(failure) && (
        <p className="notice notice-bad" role="alert">
          {`${failure.code}: ${visible(failure.message)}`}{" "}
          <button type="button" className="link-button" onClick={() => archive.look()}>
            Ask again
          </button>
        </p>
      )}
      {isRebuilding && (
        <p className="notice" role="status">
          The index is being made anew: not everything can be found yet.
        </p>
      )}
      <p className="unseen" role="status">
        {state === "known" && query !== "" && hits && (isFull || isCut ? `${count(hits.length)} found, and there may be more` : `${count(hits.length)} found`)}
      </p>
      {isEmpty && state === "asking" && <p className="empty-line">{query === "" ? "Asking for the transcripts…" : "Searching…"}</p>}
      {isEmpty && state === "known" && <p className="empty-line">{nothing(query, hasFilter)}</p>}
      <ul ref={list} className="transcript-list" aria-label={hits ? "Found" : "Transcripts"} aria-busy={state === "asking"}>
        {hits
          ? hits.map((hit) => (
              <li key={`${hit.sessionId} ${hit.seq} ${hit.itemId ?? ""}`} data-selected={hit.sessionId === chosen}>
                <button
                  type="button"
                  className="side-open"
                  aria-current={hit.sessionId === chosen}
                  onClick={() => onChoose({ sessionId: hit.sessionId, itemId: hit.itemId ?? undefined })}
                >
                  <Hit hit={hit} />
                </button>
              </li>
            ))
          : transcripts.map((info) => (
              <li key={info.sessionId} data-selected={info.sessionId === chosen}>
                <button
                  type="button"
                  className="side-open"
                  aria-current={info.sessionId === chosen}
                  onClick={() => onChoose({ sessionId: info.sessionId })}
                >
                  <Line info={info} />
                </button>
              </li>
            ))}
      </ul>
      {hits && isFull && <p className="notice">{`The newest ${count(hits.length)} are shown; narrow the search to find older ones.`}</p>}
      {hits && isCut && <p className="notice">Too much may hold these words for all of it to be looked through; narrow the search.</p>}
      {hasMore && (
        <SteadyButton className="link-button transcript-more" isOff={state === "asking"} onClick={more} {...hold("more")}>
          Older ones
        </SteadyButton>
      )}
    </>
  );
}

function nothing(query: string, hasFilter: boolean): string {
  if (query !== "") return "Nothing was found.";
  return hasFilter ? "No transcript passes the filters." : "There is no transcript yet. Each session of an agent becomes one.";
}

function Line({ info }: { info: TranscriptInfo }): ReactNode {
  const { provider, updatedAtMs, turns, outcome, isClosed } = info;
  const facts = [
    visible(provider),
    `${count(turns)} ${turns === 1 ? "turn" : "turns"}`,
    outcome != null && outcome !== "completed" && (OUTCOME_WORDS[outcome] ?? visible(outcome)),
    !isClosed && "open",
  ].filter(Boolean);
  return (
    <>
      <span className="side-name">
        <b>{shortened(visible(titleOf(info)), LONGEST_TITLE)}</b>
        <time className="transcript-time" dateTime={new Date(updatedAtMs).toISOString()}>
          {day(updatedAtMs)}
        </time>
      </span>
      <span className="side-facts transcript-facts">{facts.join(" · ")}</span>
    </>
  );
}

const KINDS: Readonly<Record<string, string>> = {
  user_message: "You",
  agent_message: "Agent",
  thought: "Thought",
  tool_call: "Tool",
  title: "Title",
  "prompt.cancelled": "Not sent",
};

function Hit({ hit }: { hit: TranscriptHit }): ReactNode {
  const { title, sessionId, kind, ts, snippet, ranges } = hit;
  const at = Date.parse(ts);
  return (
    <>
      <span className="side-name">
        <b>{shortened(visible(title ?? sessionId), LONGEST_TITLE)}</b>
        {Number.isFinite(at) && <time className="transcript-time">{day(at)}</time>}
      </span>
      <span className="transcript-snippet" dir="auto">
        <span className="quiet">{KINDS[kind] ?? "Note"}: </span>
        {marked(snippet.slice(0, LONGEST_SNIPPET), ranges).map(({ text, isFound }, place) =>
          isFound ? <mark key={place}>{legible(text)}</mark> : legible(text),
        )}
      </span>
    </>
  );
}
