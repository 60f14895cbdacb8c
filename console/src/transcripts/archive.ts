/**
 * The daemon's transcripts: which there are, what is found in them, and one of them as a whole. Of askings that overlap, only
 * the last counts. Knows nothing of how they are shown.
 */

import type {
  Transcript, TranscriptFiles, TranscriptFormat, TranscriptHit, TranscriptHits, TranscriptInfo, TranscriptList, TranscriptText,
} from "../api.js";
import type { Link } from "../connection.js";
import { failureOf, type Failure } from "../methods/run.js";
import { Store } from "../store.js";

/** What is looked for; empty members mean all. */
export interface Wanted {
  query: string;
  cwd: string;
  provider: string;
}

/** What was found: transcripts, or places in them where something was searched for. */
export interface Found {
  state: "asking" | "known" | "failed";
  transcripts: readonly TranscriptInfo[];
  /** Undefined where nothing was searched for. */
  hits: readonly TranscriptHit[] | undefined;
  /** Where the list goes on. */
  next: string | undefined;
  /** Whether the index is being made, so that a search does not find everything yet. */
  isRebuilding: boolean;
  /** Whether more may have been found than is here: older places than these, as many as the daemon tells at once. */
  isFull: boolean;
  /** Whether more may have been found than is here, since not all that may hold the words was looked through. */
  isCut: boolean;
  failure?: Failure;
}

/** A transcript that is looked at. */
export type Opened = { state: "asking" } | { state: "known"; transcript: Transcript } | { state: "failed"; failure: Failure };

/** What became of an export: the text for the browser, and where the daemon wrote it. */
export interface Exported {
  /** Undefined where it is too long for an answer. */
  text: string | undefined;
  paths: readonly string[];
  /** Why nothing was written. */
  failure?: Failure;
}

const PAGE = 50;
/** The most places that the daemon tells. */
const FOUND = 200;
/** Characters are typed faster than a search is worth. */
const TYPING_MS = 200;
const REBUILDING_MS = 1_500;
const EXPORT_MS = 60_000;

const NOTHING: Found = { state: "asking", transcripts: [], hits: undefined, next: undefined, isRebuilding: false, isFull: false, isCut: false };

export class Archive {
  readonly found = new Store<Found>(NOTHING);
  readonly opened = new Store<Opened>({ state: "asking" });
  readonly #link: Link;
  #wanted: Wanted = { query: "", cwd: "", provider: "" };
  #asking: AbortController | undefined;
  #opening: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(link: Link) {
    this.#link = link;
  }

  /** Looks for something else, once nothing was typed for a moment. */
  want(wanted: Wanted): void {
    const isTyping = wanted.query !== this.#wanted.query;
    this.#wanted = wanted;
    this.#later(isTyping ? TYPING_MS : 0);
  }

  /** Asks again. */
  look(): void {
    this.#later(0);
  }

  /** Asks for what the list goes on with. */
  async more(): Promise<void> {
    const { next, hits } = this.found.get();
    if (next === undefined || hits !== undefined || this.found.get().state === "asking") return;
    await this.#list(next);
  }

  /** Looks at a transcript. */
  async open(sessionId: string): Promise<void> {
    this.#opening?.abort();
    const { signal } = (this.#opening = new AbortController());
    this.opened.set({ state: "asking" });
    try {
      const transcript = await this.#whole(sessionId, signal);
      if (!signal.aborted) this.opened.set({ state: "known", transcript });
    } catch (error) {
      if (!signal.aborted) this.opened.set({ state: "failed", failure: failureOf(error) });
    }
  }

  /** The transcript as a text, and written to the daemon's folder of transcripts. Fails where neither can be had. */
  async export(sessionId: string, format: TranscriptFormat): Promise<Exported> {
    const whole = await this.#text(sessionId, format).catch((error: unknown) => {
      if (failureOf(error).code !== "RESOURCE_EXHAUSTED") throw error;
      return undefined;
    });
    try {
      const payload = { sessionId, formats: [format] };
      const options = { timeoutMs: EXPORT_MS };
      const { paths } = await this.#link.request<TranscriptFiles>("transcript.export", payload, undefined, options);
      return { text: whole, paths };
    } catch (error) {
      return { text: whole, paths: [], failure: failureOf(error) };
    }
  }

  /** Asks for nothing any more. */
  close(): void {
    clearTimeout(this.#timer);
    this.#asking?.abort();
    this.#opening?.abort();
  }

  async #text(sessionId: string, format: TranscriptFormat): Promise<string> {
    if (format === "json") return `${JSON.stringify(await this.#whole(sessionId), undefined, 2)}\n`;
    const { text } = await this.#link.request<TranscriptText>("transcript.get", { sessionId, format });
    return text ?? "";
  }

  /** All turns of a transcript: a long one comes in several answers. */
  async #whole(sessionId: string, signal?: AbortSignal): Promise<Transcript> {
    const options = signal ? { signal } : {};
    const ask = async (fromTurn: number): Promise<TranscriptText> => {
      const payload = { sessionId, format: "json", ...(fromTurn > 0 && { fromTurn }) };
      return this.#link.request<TranscriptText>("transcript.get", payload, undefined, options);
    };
    let { transcript, nextTurn } = await ask(0);
    if (!transcript) throw new Error("the daemon sent no transcript");
    const turns = [...transcript.turns];
    while (nextTurn != null && nextTurn >= turns.length) {
      const part = await ask(nextTurn);
      turns.push(...(part.transcript?.turns ?? []));
      nextTurn = part.nextTurn;
    }
    return { ...transcript, turns };
  }

  #later(ms: number): void {
    clearTimeout(this.#timer);
    this.#asking?.abort();
    this.#timer = setTimeout(() => void (this.#wanted.query.trim() === "" ? this.#list(undefined) : this.#search()), ms);
  }

  async #list(before: string | undefined): Promise<void> {
    const payload = { ...this.#filters(), limit: PAGE, ...(before !== undefined && { before }) };
    await this.#ask<TranscriptList>("transcript.list", payload, ({ transcripts, next }) => ({
      transcripts: before === undefined ? transcripts : [...this.found.get().transcripts, ...transcripts],
      hits: undefined,
      next: next ?? undefined,
      isRebuilding: false,
      isFull: false,
      isCut: false,
    }));
  }

  async #search(): Promise<void> {
    const payload = { ...this.#filters(), query: this.#wanted.query.trim(), limit: FOUND };
    await this.#ask<TranscriptHits>("transcript.search", payload, ({ hits, isRebuilding, isCut }) => {
      if (isRebuilding) this.#timer = setTimeout(() => void this.#search(), REBUILDING_MS);
      const { transcripts } = this.found.get();
      return { transcripts, hits, next: undefined, isRebuilding, isFull: hits.length >= FOUND, isCut: isCut ?? false };
    });
  }

  async #ask<T>(method: string, payload: unknown, taken: (answer: T) => Omit<Found, "state" | "failure">): Promise<void> {
    this.#asking?.abort();
    const { signal } = (this.#asking = new AbortController());
    this.found.update((found) => ({ ...found, state: "asking" }));
    try {
      const answer = await this.#link.request<T>(method, payload, undefined, { signal });
      if (!signal.aborted) this.found.set({ ...taken(answer), state: "known" });
    } catch (error) {
      if (!signal.aborted) this.found.update((found) => ({ ...found, state: "failed", failure: failureOf(error) }));
    }
  }

  #filters(): { cwd?: string; provider?: string } {
    const { cwd, provider } = this.#wanted;
    return { ...(cwd.trim() !== "" && { cwd: cwd.trim() }), ...(provider !== "" && { provider }) };
  }
}
