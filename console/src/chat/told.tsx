import { useEffect, useRef, type ReactNode } from "react";

import { readable, shortened } from "../render/plain.js";
import { Said, useSaying } from "../shell/said.js";
import { isFinal, type Entry } from "./entry.js";
import type { SessionFeed } from "./session-feed.js";
import { OUTCOME_WORDS } from "./words.js";

/** The most that is read aloud of a message; the whole of it stands in the list. */
const LONGEST = 600;

/** Says to who does not see it what is said, when it is said to its end, and how turns end: not each piece of it. */
export function Told({ feed, version }: { feed: SessionFeed; version: number }): ReactNode {
  const known = useRef(0);
  const [said, say] = useSaying();
  useEffect(() => {
    const caughtUp = feed.caughtUp.get();
    if (caughtUp === undefined) return;
    const from = Math.max(known.current, caughtUp);
    const fresh = [...lately(feed, from)].map(worded).filter((words) => words !== undefined);
    known.current = feed.fold.seq;
    if (fresh.length > 0) say(fresh.join(". "));
  }, [feed, version]);
  return <Said said={said} />;
}

/** Entries that became final behind an event. */
function lately(feed: SessionFeed, from: number): readonly Entry[] {
  return feed.fold.settled(from);
}

function worded(entry: Entry): string | undefined {
  if (entry.type === "turn") return `The turn has ended: ${OUTCOME_WORDS[entry.turn.outcome ?? "completed"]}`;
  if (entry.type !== "item" || entry.kind !== "agent_message" || !isFinal(entry.status)) return undefined;
  return `The agent says: ${readable(shortened(entry.text.text, LONGEST))}`;
}
