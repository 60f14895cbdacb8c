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

/** Sends one commit. */
export type Send = (commit: Commit) => Promise<Version>;

interface Entry {
  readonly commit: Commit;
  readonly resolve: (version: Version) => void;
  readonly reject: (error: unknown) => void;
}

/** Failures that leave open whether the hub saw the commit, or that say that it did not. */
const UNSETTLED = new Set(["CONNECTION_CLOSED", "INDETERMINATE", "RPC_TIMEOUT"]);

const IN_FLIGHT = 32;
const FIRST_DELAY_MS = 50;
const LONGEST_DELAY_MS = 5_000;

/** Whether `error` leaves open what became of a commit. */
export function isUnsettled(error: unknown): boolean {
  return UNSETTLED.has(codeOf(error));
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
  #inFlight = 0;
  #broken = false;
  #delay = FIRST_DELAY_MS;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `isOver` says whether the connection is gone for good, so that trying again is of no use. */
  constructor(send: Send, isOver: () => boolean) {
    this.#send = send;
    this.#isOver = isOver;
  }

  /** Sends `commit` behind those that were pushed before it. Rejects with what the hub refused it with. */
  push(commit: Commit): Promise<Version> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ commit, resolve, reject });
      this.#pump();
    });
  }

  /** Gives up on everything that waits. */
  close(reason: unknown): void {
    clearTimeout(this.#timer);
    for (const { reject } of this.#waiting.splice(0)) reject(reason);
  }

  #pump(): void {
    while (!this.#broken && this.#inFlight < IN_FLIGHT) {
      const entry = this.#waiting.shift();
      if (!entry) return;
      this.#inFlight += 1;
      this.#send(entry.commit).then(
        (version) => this.#answered(() => entry.resolve(version)),
        (error: unknown) => this.#failed(entry, error),
      );
    }
  }

  #answered(settle: () => void): void {
    this.#inFlight -= 1;
    this.#delay = FIRST_DELAY_MS;
    settle();
    this.#resume();
  }

  /** After a break nothing more is sent until all that was in flight is settled, so that the order stays what it was. */
  #failed(entry: Entry, error: unknown): void {
    if (!isUnsettled(error) || this.#isOver()) return this.#answered(() => entry.reject(error));
    this.#inFlight -= 1;
    this.#broken = true;
    this.#waiting.push(entry);
    this.#waiting.sort((one, other) => one.commit.mutation.id - other.commit.mutation.id);
    this.#resume();
  }

  #resume(): void {
    if (!this.#broken) return this.#pump();
    if (this.#inFlight > 0 || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#broken = false;
      this.#pump();
    }, this.#delay);
    this.#delay = Math.min(this.#delay * 2, LONGEST_DELAY_MS);
  }
}
