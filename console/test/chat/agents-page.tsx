/** The page of the agents in the tests: the whole console on a daemon of their own. */

import { act, render, screen } from "@testing-library/react";
import { afterEach, beforeEach } from "vitest";

import { Console } from "../../src/console.js";
import { furnish, type Furnished } from "../furnished.js";
import type { Log } from "./events.js";

/** jsdom lays nothing out: the list is given a height, so that rows in sight exist. */
Object.defineProperty(HTMLElement.prototype, "clientHeight", { get: () => 8_000 });

/** What ends with the test. */
export const ends: (() => void)[] = [];

beforeEach(() => {
  location.hash = "#agents";
});

afterEach(() => {
  for (const end of ends.splice(0)) end();
});

export const IDLE = { sessionId: "ses_1", provider: "builtin", cwd: "/srv/me/project", state: { name: "idle" }, mode: "ask", isReady: true, queue: [], permissions: [], usage: {}, seq: 1 };

/** The console on a daemon with these sessions and methods; the events of the session are what the log has, and has more of by `grown`. */
export function furnished(sessions: Record<string, unknown>, { log, methods = [] }: { log?: Log; methods?: string[] } = {}): Furnished & { asked: unknown[]; grown: () => void } {
  const made = furnish({ global: {}, sessions: {}, agents: sessions });
  ends.push(made.end);
  const asked: unknown[] = [];
  const { endpoint } = made.served;
  endpoint.register("rpc.discover", () => ({ methods: methods.map((name) => ({ name })) }));
  for (const name of ["createSession", "interrupt", "cancelPrompt", "editPrompt", "undo", "setMode", "close"])
    endpoint.register(`agent.${name}`, (payload) => {
      asked.push([name, payload]);
      return name === "createSession" ? { sessionId: "ses_1" } : { ok: true, files: [] };
    });
  let grown = (): void => undefined;
  endpoint.register("agent.events", async function* () {
    for (let told = 0; ; told += 1) {
      if (told >= (log?.envelopes.length ?? 0)) await new Promise<void>((resolve) => (grown = resolve));
      yield log?.envelopes[told] as unknown;
    }
  });
  endpoint.register("agent.prompt", async function* (payload) {
    asked.push(["prompt", payload]);
    yield { type: "prompt.queued", data: { promptId: `p${asked.length}` } };
    await new Promise(() => undefined);
  });
  return { ...made, asked, grown: () => grown() };
}

/** Looks at the session. */
export async function look(made: Furnished): Promise<void> {
  render(<Console environment={made.environment} />);
  act(() => made.environment.agents.choose("ses_1"));
  await screen.findByRole("log", { name: "Messages" });
}
