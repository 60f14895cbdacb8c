/**
 * A session's events, followed over breaks of the connection and over restarts of the daemon: what was read is not read again.
 * Told of once a frame of the screen, however many events arrive.
 */

import type { AgentEnvelope } from "../api.js";
import type { Link } from "../connection.js";
import { failureOf, passes, type Failure } from "../methods/run.js";
import { Store } from "../store.js";
import { SessionFold, type Room } from "./session-fold.js";

/** Runs something soon: once a frame, where nothing else is said. */
export type Soon = (run: () => void) => void;

/** A page that is not shown paints nothing, but who listens wants to know of what happens there. */
const onFrame: Soon = (run) => void (document.hidden ? setTimeout(run, 200) : requestAnimationFrame(run));

const AGAIN_MS = 500;

export class SessionFeed {
  readonly fold: SessionFold;
  /** Why there is nothing more; undefined while it is followed. */
  readonly failure = new Store<Failure | undefined>(undefined);
  /** The number of the event at which the history was caught up with; undefined while it is read for the first time. */
  readonly caughtUp = new Store<number | undefined>(undefined);
  readonly #link: Link;
  readonly #soon: Soon;
  readonly #listeners = new Set<() => void>();
  #told = 0;
  #isDue = false;
  #isOpen = false;
  /** Counts askings, so that what an earlier one still brings is left out. */
  #turn = 0;
  /** Behind which event others were missing, when it was asked last. */
  #gap: number | undefined;
  #stream: AsyncIterableIterator<unknown> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #quiet: ReturnType<typeof setTimeout> | undefined;

  constructor(link: Link, sessionId: string, { soon = onFrame, room }: { soon?: Soon; room?: Room } = {}) {
    this.#link = link;
    this.#soon = soon;
    this.fold = new SessionFold(sessionId, room);
  }

  /** Rises whenever listeners are told. */
  readonly version = (): number => this.#told;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Begins to follow, or goes on. */
  open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    void this.#follow();
  }

  /** Stops following; what was read stays. */
  close(): void {
    this.#isOpen = false;
    this.#turn += 1;
    clearTimeout(this.#timer);
    clearTimeout(this.#quiet);
    void this.#stream?.return?.();
    this.#stream = undefined;
  }

  /** Asks again, after a failure that does not pass by itself, or where the session goes on that had ended. */
  retry(): void {
    this.#gap = undefined;
    this.close();
    this.open();
  }

  async #follow(): Promise<void> {
    this.#turn += 1;
    const turn = this.#turn;
    const isWanted = (): boolean => this.#isOpen && this.#turn === turn;
    const { sessionId, epoch, seq } = this.fold;
    const since = seq > 0 ? { since: { epoch, position: seq } } : {};
    let isEnded = false;
    try {
      const payload = { sessions: [sessionId], ...since };
      const stream = this.#link.stream<AgentEnvelope | null>("agent.events", payload, undefined, { resume: false });
      this.#stream = stream;
      this.#rest();
      for await (const envelope of stream) {
        if (!isWanted()) return;
        if (!this.#take(envelope)) {
          void stream.return?.();
          if (this.#isMissing()) return;
          break;
        }
        this.failure.set(undefined);
      }
      isEnded = this.fold.facts.isClosed;
    } catch (error) {
      if (!isWanted()) return;
      const failure = failureOf(error);
      this.failure.set(failure);
      this.#tell();
      if (!passes(failure)) return;
    }
    if (!isWanted()) return;
    if (isEnded) this.#isOpen = false;
    else this.#timer = setTimeout(() => void this.#follow(), AGAIN_MS);
  }

  /** Takes an envelope; false where some are missing before it, so that they have to be asked for. */
  #take(envelope: AgentEnvelope | null): boolean {
    if (envelope === null) this.fold.reset();
    else if (this.fold.take(envelope) === "gap") return false;
    this.#tell();
    this.#rest();
    return true;
  }

  /** Whether what was asked for once more is missing again: it will not come by itself, which is said then. */
  #isMissing(): boolean {
    const { seq } = this.fold;
    if (this.#gap !== seq) {
      this.#gap = seq;
      return false;
    }
    const message = `the event ${seq + 1} of the session is missing, and with it what came after it`;
    this.failure.set({ code: "INTERNAL", message, domain: "page", details: undefined });
    this.#tell();
    return true;
  }

  /** Notes that the history is caught up with when nothing came for a moment. */
  #rest(): void {
    if (this.caughtUp.get() !== undefined) return;
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => {
      this.caughtUp.set(this.fold.seq);
      this.#tell();
    }, 150);
  }

  #tell(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#soon(() => {
      this.#isDue = false;
      this.#told += 1;
      for (const listener of [...this.#listeners]) listener();
    });
  }
}
