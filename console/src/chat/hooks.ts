import { useEffect, useMemo, useState, useSyncExternalStore } from "react";

import { daemonNow } from "../daemon-time.js";
import { useEnvironment } from "../shell/environment.js";
import { useStore } from "../store.js";
import type { SessionFeed } from "./session-feed.js";
import { sessionsOf, type SessionView } from "./session-view.js";

/** The sessions of the daemon: undefined while nothing is known, null where it has no agents. */
export function useSessions(): readonly SessionView[] | null | undefined {
  const { hub } = useEnvironment();
  const state = useSyncExternalStore(
    (changed) => hub.onChange(changed),
    () => hub.state,
  );
  const slice: unknown = state?.["agents"];
  return useMemo(() => (state === undefined ? undefined : (sessionsOf(slice) ?? null)), [state === undefined, slice]);
}

/** Whether the daemon has a method; a control that needs it is shown only then. */
export function useHas(method: string): boolean {
  const { catalogue } = useEnvironment();
  const view = useStore(catalogue.view);
  return view.state === "ready" && catalogue.method(method) !== undefined;
}

/**
 * Follows a session while somebody looks, and says how often it changed. `known` is the number of the newest event that the
 * daemon's state tells of, and nothing where the session is not there: one that was closed is followed again when it is gone on
 * with, by whichever window.
 */
export function useFeed(feed: SessionFeed, known?: number): number {
  const isThere = known !== undefined;
  const isBehind = isThere && known > feed.fold.seq;
  useEffect(() => {
    feed.open();
    return () => feed.close();
  }, [feed]);
  useEffect(() => {
    if (isThere) feed.open();
  }, [feed, isThere]);
  useEffect(() => {
    if (isBehind) feed.open();
  }, [feed, isBehind]);
  return useSyncExternalStore(feed.subscribe, feed.version);
}

/** What a rule says that decided in a session: empty where it is not there any more, undefined where that is not known. */
export function useRuleWords(id: string | undefined, sessionId: string): string | undefined {
  const { agents } = useEnvironment();
  const canList = useHas("policy.list");
  useEffect(() => {
    if (id !== undefined && canList) void agents.nameRule(id, sessionId);
  }, [agents, id, sessionId, canList]);
  const known = useStore(agents.rules);
  return id === undefined ? undefined : known.get(id);
}

/** The time as the daemon has it, told once a second while it is wanted. */
export function useNow(isWanted: boolean): number {
  const [now, setNow] = useState(daemonNow);
  useEffect(() => {
    if (!isWanted) return undefined;
    setNow(daemonNow());
    const timer = setInterval(() => setNow(daemonNow()), 1_000);
    return () => clearInterval(timer);
  }, [isWanted]);
  return now;
}

/** How long what asks for leave must have stood still before it can be allowed. */
export const SETTLE_MS = 600;

/**
 * Whether what is shown has stood still for a moment: a card that comes up, or moves up where another one was, must not take
 * the click that was meant for something else. `shown` is another text whenever something else is shown.
 */
export function useSettled(shown: string): boolean {
  const [settled, setSettled] = useState<string | undefined>(undefined);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(shown), SETTLE_MS);
    return () => {
      clearTimeout(timer);
      setSettled(undefined);
    };
  }, [shown]);
  return settled === shown;
}
