/** What the palette and the keys can do with agents. */

import type { Command } from "../commands/palette.js";
import { visible } from "../render/plain.js";
import { runsOf } from "../runs/run.js";
import type { Environment } from "../shell/environment.js";
import { offerFocus } from "./focus-asked.js";
import { nameOf, sessionsOf, type SessionView } from "./session-view.js";

/** A new session, and a way to each of those there are. `show` brings the panel up. */
export function chatCommands({ hub, agents, runs }: Environment, show: () => void): Command[] {
  const sessions = sessionsOf(hub.state?.["agents"]);
  if (!sessions) return [];
  const go = (sessionId: string): void => {
    runs.chosen.set(undefined);
    agents.choose(sessionId);
    show();
    offerFocus();
  };
  const stoppable = sessions.filter(({ turnId }) => turnId !== undefined);
  return [
    { id: "agents-new", group: "Agents", name: "New session", words: "agent chat begin", run: () => go("") },
    { id: "agents-look", group: "Agents", name: "Look for agents again", words: "scan providers", run: () => void agents.look(true) },
    ...sessions.map((session) => ({
      id: `agents-${session.sessionId}`,
      group: "Session",
      name: `${visible(nameOf(session))} (${visible(session.provider)})`,
      words: `chat agent ${session.cwd}`,
      run: () => go(session.sessionId),
    })),
    ...stoppable.map((session) => ({
      id: `agents-stop-${session.sessionId}`,
      group: "Session",
      name: `Stop ${visible(nameOf(session))}`,
      run: () => void agents.interrupt(session.sessionId),
    })),
  ];
}

/** Stops what is looked at: the turn of the session, if one is open, or the run. */
export function stopChosen({ hub, agents, runs }: Environment): void {
  const runId = runs.chosen.get();
  if (runId !== undefined) {
    const run = runsOf(hub.state?.["runs"]).find((one) => one.runId === runId);
    if (run && run.state !== "ended") void runs.cancel(runId);
    return;
  }
  const open = (session: SessionView): boolean => session.sessionId === agents.chosen.get() && session.turnId !== undefined;
  const session = sessionsOf(hub.state?.["agents"])?.find(open);
  if (session) void agents.interrupt(session.sessionId);
}
