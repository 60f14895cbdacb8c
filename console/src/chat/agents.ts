/**
 * The agents that the daemon has: which there are, what is asked of them, and which histories this page follows. Knows nothing
 * of how they are shown.
 */

import type {
  AgentDelivery, AgentEnvelope, AgentFileChange, AgentPreviewed, AgentPreviewParams, AgentPromptParams, AgentProviderInfo,
  AgentProviders,
} from "../api.js";
import type { Link } from "../connection.js";
import type { Catalogue } from "../methods/catalogue.js";
import { failureOf, type Failure } from "../methods/run.js";
import type { Toasts } from "../shell/toasts.js";
import { ofWindow } from "../storage.js";
import { Store } from "../store.js";
import { parted } from "./entry.js";
import { contextParams } from "./prompt-context.js";
import { SessionFeed } from "./session-feed.js";
import type { Permission, SessionView } from "./session-view.js";
import { Typed } from "./typed.js";

/** What is known of the providers. */
export interface ProvidersView {
  state: "unknown" | "scanning" | "known" | "failed";
  providers: readonly AgentProviderInfo[];
  /** The one that is taken where none is chosen. */
  usual: string;
  /** The folder that is as good as any where a person has not named one; empty where the daemon names none. */
  folder: string;
  /** The templates that a prompt may name. */
  templates: readonly string[];
  failure?: Failure;
}

/** What a session begins with. */
export interface Wanted {
  provider: string;
  cwd: string;
  mode: string;
  model?: string;
}

/** What `agent.undo` answers; `conflict` names the files that changed since, which force would overwrite. */
export type Undone =
  | { kind: "done"; files: readonly AgentFileChange[] }
  | { kind: "conflict"; paths: readonly string[] }
  | { kind: "failed" };

const CHOSEN = "sixframe.agents.session";
/** To look for programs takes as long as each of them takes to say its version. */
const LOOK_MS = 60_000;
/** For how long a person sees nothing because one of them does not answer. */
const PATIENCE_MS = 3_000;
/** To close a session takes as long as its agent takes to end. */
const CLOSE_MS = 60_000;
/**
 * As long as the daemon gives a turn: a person who looks on stops one that takes too long, and the daemon one whose agent falls
 * silent.
 */
export const TURN_MS = 86_400_000;
/** Histories that are kept though they are not looked at. */
const KEPT_FEEDS = 4;

export class Agents {
  readonly providers = new Store<ProvidersView>({ state: "unknown", providers: [], usual: "", folder: "", templates: [] });
  /** Which session is looked at; empty for a new one. */
  readonly chosen = new Store<string>(ofWindow.getItem(CHOSEN) ?? "");
  /** Sessions that ended while this page looked, so that they can be gone on with. */
  readonly closed = new Store<readonly SessionView[]>([]);
  /** Counts choices, also of what is chosen already: who chooses wants to see it. */
  readonly choices = new Store(0);
  /** What rules say, by their ids; empty of one that is not there any more. */
  readonly rules = new Store<ReadonlyMap<string, string>>(new Map());
  readonly typed = new Typed();
  readonly #link: Link;
  readonly #catalogue: Catalogue;
  readonly #toasts: Toasts;
  readonly #named = new Set<string>();
  #listing: Promise<ReadonlyMap<string, string> | undefined> | undefined;
  readonly #feeds = new Map<string, SessionFeed>();

  constructor(link: Link, catalogue: Catalogue, toasts: Toasts) {
    this.#link = link;
    this.#catalogue = catalogue;
    this.#toasts = toasts;
  }

  /** Whether the daemon has a method. */
  has(method: string): boolean {
    return this.#catalogue.method(method) !== undefined;
  }

  choose(sessionId: string): void {
    ofWindow.setItem(CHOSEN, sessionId);
    this.chosen.set(sessionId);
    this.choices.update((count) => count + 1);
  }

  /** Asks which agents are on this machine; `again` has the daemon look anew. */
  async look(again: boolean): Promise<void> {
    if (this.providers.get().state === "scanning") return;
    this.providers.update((view) => ({ ...view, state: "scanning" }));
    try {
      // To look twice does no harm: a connection that is lost meanwhile only means to ask again.
      const options = { timeoutMs: LOOK_MS, idempotent: true };
      const { providers, default: usual, cwd, templates } = await this.#link.request<AgentProviders>(
        "agent.providers",
        { waitMs: PATIENCE_MS, ...(again && { recheck: true }) },
        undefined,
        options,
      );
      const isChecking = providers.some(({ state }) => state === "checking");
      this.providers.set({ state: "known", providers, usual, folder: cwd ?? "", templates: templates ?? [] });
      // What is known is shown while the others are waited for.
      if (isChecking) void this.look(false);
    } catch (error) {
      this.providers.update((view) => ({ ...view, state: "failed", failure: failureOf(error) }));
    }
  }

  provider(id: string): AgentProviderInfo | undefined {
    return this.providers.get().providers.find((provider) => provider.id === id);
  }

  /** The history of a session. */
  feed(sessionId: string): SessionFeed {
    const known = this.#feeds.get(sessionId);
    const feed = known ?? new SessionFeed(this.#link, sessionId);
    // The one that was asked for last is the last to be given up.
    this.#feeds.delete(sessionId);
    this.#feeds.set(sessionId, feed);
    for (const [id, old] of this.#feeds) {
      if (this.#feeds.size <= KEPT_FEEDS) break;
      if (!old.isOpen && old !== feed) this.#feeds.delete(id);
    }
    return feed;
  }

  /** Begins a session and looks at it. A failure says that there is none. */
  async create({ provider, cwd, mode, model }: Wanted): Promise<Failure | undefined> {
    try {
      const payload = { provider, cwd, mode, ...(model !== undefined && model !== "" && { model }) };
      const { sessionId } = await this.#link.request<{ sessionId: string }>("agent.createSession", payload);
      this.choose(sessionId);
      return undefined;
    } catch (error) {
      return failureOf(error);
    }
  }

  /**
   * Asks for something, with what goes with the prompts of the session. The turn is this page's: it stops with it. False where it
   * was not taken, which was said then; what it tells comes by the session's history.
   */
  prompt(sessionId: string, text: string, delivery: AgentDelivery): Promise<boolean> {
    return this.#prompt(sessionId, { content: [{ type: "text", text }], delivery, ...this.#context(sessionId) });
  }

  /** All that `prompt` would send now. */
  previewPrompt(sessionId: string, text: string): Promise<AgentPreviewed> {
    const payload: AgentPreviewParams = { sessionId, content: [{ type: "text", text }], ...this.#context(sessionId) };
    return this.#link.request<AgentPreviewed>("agent.previewPrompt", payload);
  }

  #context(sessionId: string): ReturnType<typeof contextParams> {
    return contextParams(this.typed.context(sessionId));
  }

  /** Asks once more for what was asked: with all that it said, and all that was sent with it. */
  again(sessionId: string, promptId: string): Promise<boolean> {
    return this.#prompt(sessionId, { again: promptId });
  }

  async #prompt(sessionId: string, asked: Partial<AgentPromptParams>): Promise<boolean> {
    // What the turn tells comes by the session's history; of this stream it is enough to know that it goes on.
    const payload = { sessionId, ...asked, types: ["prompt.queued"], timeoutMs: TURN_MS };
    const stream = this.#link.stream<AgentEnvelope>("agent.prompt", payload, undefined, { resume: false });
    try {
      const first = await stream.next();
      if (first.done === true) return true;
      if (first.value.type === "prompt.queued") this.typed.claim(first.value.data.promptId, sessionId);
      void this.#hold(stream);
      return true;
    } catch (error) {
      this.#complain("It was not sent", failureOf(error));
      return false;
    }
  }

  /** Holds the stream of a prompt until its turn ends: whoever lets go of it stops the turn. */
  async #hold(stream: AsyncIterableIterator<unknown>): Promise<void> {
    try {
      for (;;) if ((await stream.next()).done === true) return;
    } catch {
      // The turn goes on while the page may come back; what became of it is in the history.
    }
  }

  /** Learns what a rule says. */
  async nameRule(id: string, sessionId: string): Promise<void> {
    if (this.#named.has(id)) return;
    this.#named.add(id);
    // Many rows of a history ask at once; what was asked before a rule was made does not have it.
    const before = await this.#listing;
    const all = before?.has(id) ? before : await (this.#listing = this.#listRules(sessionId));
    if (all) this.rules.update((known) => new Map([...known, ...all, [id, all.get(id) ?? ""]]));
    else this.#named.delete(id);
  }

  async #listRules(sessionId: string): Promise<ReadonlyMap<string, string> | undefined> {
    try {
      const { rules } = await this.#link.request<{ rules: { id: string; text: string }[] }>("policy.list", { sessionId });
      return new Map(rules.map(({ id, text }) => [id, text]));
    } catch {
      // The rule is shown by its id.
      return undefined;
    }
  }

  interrupt(sessionId: string): Promise<boolean> {
    return this.#ask("It was not stopped", "agent.interrupt", { sessionId });
  }

  /** Allows what was shown, and nothing else. */
  approve({ permissionId, inputSha256 }: Permission, optionId: string): Promise<boolean> {
    return this.#ask("It was not allowed", "agent.approve", { permissionId, optionId, inputSha256 });
  }

  reject({ permissionId }: Permission, reason: string): Promise<boolean> {
    return this.#ask("It was not denied", "agent.reject", { permissionId, ...(reason !== "" && { reason }) });
  }

  answer(questionId: string, answers: Readonly<Record<string, readonly string[]>>): Promise<boolean> {
    return this.#ask("It was not answered", "agent.answer", { questionId, answers });
  }

  /** Takes back a prompt that waits. Who does this here does not want it: it becomes no draft. */
  async cancelPrompt(sessionId: string, promptId: string): Promise<boolean> {
    const isOwn = this.typed.own.get().has(promptId);
    this.typed.disclaim(promptId);
    const isTaken = await this.#ask("It was not taken back", "agent.cancelPrompt", { sessionId, promptId });
    if (isOwn && !isTaken) this.typed.claim(promptId, sessionId);
    return isTaken;
  }

  /** Puts other words in the place of what the event `seq` told; without one, of whatever the prompt says by now. */
  editPrompt(sessionId: string, promptId: string, text: string, seq: number | undefined): Promise<boolean> {
    const content = [{ type: "text", text }];
    return this.#ask("It was not changed", "agent.editPrompt", { sessionId, promptId, content, ...(seq !== undefined && { seq }) });
  }

  /** All that a prompt says of which the gist is shown, by the event that tells it. Where it cannot be had, that was said. */
  async wholePrompt(sessionId: string, seq: number): Promise<string | undefined> {
    const payload = { sessions: [sessionId], types: ["prompt.queued"] };
    try {
      for await (const event of this.#link.stream<AgentEnvelope | null>("agent.events", payload, undefined, { resume: false })) {
        if (event?.type === "prompt.queued" && event.seq === seq) return parted(event.data.content).text;
      }
    } catch (error) {
      this.#complain("All of it cannot be shown", failureOf(error));
    }
    return undefined;
  }

  setMode(sessionId: string, mode: string): Promise<boolean> {
    return this.#ask("The mode was not changed", "agent.setMode", { sessionId, mode });
  }

  setModel(sessionId: string, model: string): Promise<boolean> {
    return this.#ask("The model was not changed", "agent.setModel", { sessionId, model });
  }

  setProvider(sessionId: string, provider: string): Promise<boolean> {
    return this.#ask("The agent was not changed", "agent.setProvider", { sessionId, provider });
  }

  /** Ends a session; it can be gone on with where the daemon knows how. */
  async close(session: SessionView): Promise<boolean> {
    const { sessionId } = session;
    const isClosed = await this.#ask("It was not closed", "agent.close", { sessionId }, CLOSE_MS);
    if (isClosed) this.closed.update((closed) => [session, ...closed.filter((one) => one.sessionId !== sessionId)]);
    return isClosed;
  }

  /** Opens a session again that was closed, or starts its agent. */
  async resume(sessionId: string): Promise<boolean> {
    const isResumed = await this.#ask("It cannot be gone on with", "agent.resume", { sessionId });
    if (isResumed) {
      this.closed.update((closed) => closed.filter((one) => one.sessionId !== sessionId));
      this.#feeds.get(sessionId)?.retry();
    }
    return isResumed;
  }

  /** Forks a session and looks at the fork. */
  async fork(sessionId: string): Promise<void> {
    try {
      const made = await this.#link.request<{ sessionId: string }>("agent.fork", { sessionId });
      this.choose(made.sessionId);
    } catch (error) {
      this.#complain("It was not forked", failureOf(error));
    }
  }

  /** Takes back what a turn changed; `force` also where files changed since. */
  async undo(sessionId: string, turnId: string, force: boolean): Promise<Undone> {
    try {
      const payload = { sessionId, turnId, ...(force && { force }) };
      const { files } = await this.#link.request<{ files: AgentFileChange[] }>("agent.undo", payload);
      return { kind: "done", files };
    } catch (error) {
      const failure = failureOf(error);
      const paths = overwritten(failure);
      if (paths.length > 0) return { kind: "conflict", paths };
      this.#complain("It was not undone", failure);
      return { kind: "failed" };
    }
  }

  async #ask(what: string, method: string, payload: unknown, timeoutMs?: number): Promise<boolean> {
    try {
      await this.#link.request(method, payload, undefined, timeoutMs === undefined ? {} : { timeoutMs });
      return true;
    } catch (error) {
      this.#complain(what, failureOf(error));
      return false;
    }
  }

  #complain(what: string, { code, message }: Failure): void {
    this.#toasts.say(`${what}: ${message} (${code})`, undefined, "bad");
  }
}

/** The files that were changed since; none where it was refused for another reason. */
function overwritten({ code, details }: Failure): readonly string[] {
  const paths: unknown = code === "CONFLICT" ? (details as { paths?: unknown } | null | undefined)?.paths : undefined;
  return Array.isArray(paths) ? paths.filter((path) => typeof path === "string") : [];
}
