/**
 * Commits on their way to the hub: in order, several in flight, and sent again under the same mutation id when a connection
 * broke before their answer, which the hub applies once.
 */

import type { Operation, Version } from "./operation.js";

/** What `hub.commit` takes. */
export interface Commit {
  ops: readonly Operation[];
  expect?: { epoch?: string; revision: number };
  mutation: { client: string; id: number };
}

/** Sends one commit, unless it is called back before it has left. */
export type Send = (commit: Commit, signal: AbortSignal) => Promise<Version>;

interface Entry {
  readonly commit: Commit;
  readonly resolve: (version: Version) => void;
  readonly reject: (error: unknown) => void;
  /** Calls it back while it is in flight. */
  recall: AbortController | undefined;
}

/** Failures that leave open whether the hub saw the commit, or that say that it did not. */
const UNSETTLED = new Set(["CONNECTION_CLOSED", "INDETERMINATE", "RPC_TIMEOUT"]);

const IN_FLIGHT = 32;
const FIRST_DELAY_MS = 50;
const LONGEST_DELAY_MS = 5_000;

/** Whether `error` leaves open what became of a commit, and sending it again would tell. */
export function isUnsettled(error: unknown): boolean {
  return UNSETTLED.has(codeOf(error)) && !isForgotten(error);
}

/** Whether the hub itself no longer knows, which it never will: any other `INDETERMINATE` is a connection's. */
function isForgotten(error: unknown): boolean {
  const { details } = error as { details?: { forgotten?: unknown } | null };
  return details?.forgotten === true;
}

/** The code of an error of the protocol; empty for any other. */
export function codeOf(error: unknown): string {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : "";
}

/** The commits that wait for an answer. */
export class Outbox {
  readonly #send: Send;
  readonly #isOver: () => boolean;
  #waiting: Entry[] = [];
  readonly #inFlight = new Set<Entry>();
  #broken = false;
  #delay = FIRST_DELAY_MS;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `isOver` says whether the connection is gone for good, so that trying again is of no use. */
  constructor(send: Send, isOver: () => boolean) {
    this.#send = send;
    this.#isOver = isOver;
  }

  /** How many commits have no answer. */
  get size(): number {
    return this.#waiting.length + this.#inFlight.size;
  }

  /** Sends `commit` behind those that were pushed before it. Rejects with what the hub refused it with. */
  push(commit: Commit): Promise<Version> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ commit, resolve, reject, recall: undefined });
      this.#pump();
    });
  }

  /** Gives up on everything that waits. */
  close(reason: unknown): void {
    clearTimeout(this.#timer);
    for (const { reject } of this.#waiting.splice(0)) reject(reason);
  }

  #pump(): void {
    while (!this.#broken && this.#inFlight.size < IN_FLIGHT) {
      const entry = this.#waiting.shift();
      if (!entry) return;
      this.#inFlight.add(entry);
      entry.recall = new AbortController();
      this.#send(entry.commit, entry.recall.signal).then(
        (version) => this.#answered(entry, () => entry.resolve(version)),
        (error: unknown) => this.#failed(entry, error),
      );
    }
  }

  #answered(entry: Entry, settle: () => void): void {
    this.#inFlight.delete(entry);
    this.#delay = FIRST_DELAY_MS;
    settle();
    this.#resume();
  }

  /**
   * After a break the commits behind this one are called back, some of which may only wait for the next connection, and
   * nothing is sent until all that was in flight is settled: so the order stays what it was.
   */
  #failed(entry: Entry, error: unknown): void {
    const isOpen = entry.recall?.signal.aborted === true || isUnsettled(error);
    if (!isOpen || this.#isOver()) return this.#answered(entry, () => entry.reject(error));
    this.#inFlight.delete(entry);
    this.#broken = true;
    for (const later of this.#inFlight) if (later.commit.mutation.id > entry.commit.mutation.id) later.recall?.abort();
    this.#waiting.push(entry);
    this.#waiting.sort((one, other) => one.commit.mutation.id - other.commit.mutation.id);
    this.#resume();
  }

  #resume(): void {
    if (!this.#broken) return this.#pump();
    if (this.#inFlight.size > 0 || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#broken = false;
      this.#pump();
    }, this.#delay);
    this.#delay = Math.min(this.#delay * 2, LONGEST_DELAY_MS);
  }
}
