/**
 * What is asked of the daemon for runs. A run that was begun here is this page's: it ends with the page. Knows nothing of how
 * runs are shown; how they stand is in the daemon's state.
 */

import type { AgentEnvelope, AgentRunChanges, AgentRunStartParams } from "../api.js";
import { TURN_MS } from "../chat/agents.js";
import type { Link } from "../connection.js";
import { failureOf, type Failure } from "../methods/run.js";
import type { Toasts } from "../shell/toasts.js";
import { Store } from "../store.js";

/** What became of something that was asked for. */
export type Answer<T> = { kind: "done"; value: T } | { kind: "failed"; failure: Failure };

/** Folders are copied, and changes are written. */
const GIT_MS = 120_000;

export class Runs {
  /** Which run is looked at; `new` for one that is about to begin, nothing where none is. */
  readonly chosen = new Store<string | undefined>(undefined);
  /** Members whose changes were applied, by run: from here, or as the run's history tells. */
  readonly applied = new Store<ReadonlyMap<string, readonly string[]>>(new Map());
  readonly #link: Link;
  readonly #toasts: Toasts;

  constructor(link: Link, toasts: Toasts) {
    this.#link = link;
    this.#toasts = toasts;
  }

  /** Begins a run and looks at it. A failure says that there is none. */
  async start(wanted: AgentRunStartParams): Promise<Failure | undefined> {
    const payload = { ...wanted, timeoutMs: TURN_MS };
    const stream = this.#link.stream<AgentEnvelope>("run.start", payload, undefined, { resume: false });
    try {
      const first = await stream.next();
      if (first.done === true) return failureOf({ code: "INTERNAL", message: "the run ended before it began" });
      this.chosen.set(first.value.sessionId);
      void this.#hold(stream);
      return undefined;
    } catch (error) {
      return failureOf(error);
    }
  }

  /** Holds the stream of a run until it ends: whoever lets go of it cancels the run. */
  async #hold(stream: AsyncIterableIterator<unknown>): Promise<void> {
    try {
      for (;;) if ((await stream.next()).done === true) return;
    } catch (error) {
      const failure = failureOf(error);
      if (failure.code !== "CONNECTION_CLOSED" && failure.code !== "CANCELLED") this.#complain("The run failed", failure);
    }
  }

  /** Stops all its members. */
  async cancel(runId: string): Promise<void> {
    const answer = await this.#ask<unknown>("run.cancel", { runId });
    if (answer.kind === "failed") this.#complain("It was not stopped", answer.failure);
  }

  /** What a member changed, as it is now. */
  diff(runId: string, member: string): Promise<Answer<AgentRunChanges>> {
    return this.#ask<AgentRunChanges>("run.diff", { runId, member });
  }

  /** Brings what was shown, and nothing else, into the folder of the run. */
  async apply(runId: string, member: string, sha256: string): Promise<Answer<AgentRunChanges>> {
    const answer = await this.#ask<AgentRunChanges>("run.apply", { runId, member, sha256 });
    if (answer.kind === "done") this.#note(runId, member);
    return answer;
  }

  /** Learns whose changes are applied, from whichever window, until it is told to stop. */
  follow(runId: string): () => void {
    const payload = { sessions: [runId], types: ["run.applied"] };
    const stream = this.#link.stream<AgentEnvelope | null>("agent.events", payload, undefined, { resume: false });
    const read = async (): Promise<void> => {
      for await (const event of stream) if (event?.type === "run.applied") this.#note(runId, event.data.name);
    };
    // What is not told is a mark alone, and a connection that is lost says so itself.
    read().catch(() => undefined);
    return () => void stream.return?.();
  }

  #note(runId: string, member: string): void {
    const known = this.applied.get().get(runId) ?? [];
    if (!known.includes(member)) this.applied.update((applied) => new Map(applied).set(runId, [...known, member]));
  }

  /** Throws away the folders of its members, with what was not applied. */
  discard(runId: string): Promise<Answer<unknown>> {
    return this.#ask("run.discard", { runId });
  }

  #complain(what: string, { code, message }: Failure): void {
    this.#toasts.say(`${what}: ${message} (${code})`, undefined, "bad");
  }

  async #ask<T>(method: string, payload: unknown): Promise<Answer<T>> {
    try {
      return { kind: "done", value: await this.#link.request<T>(method, payload, undefined, { timeoutMs: GIT_MS }) };
    } catch (error) {
      return { kind: "failed", failure: failureOf(error) };
    }
  }
}
