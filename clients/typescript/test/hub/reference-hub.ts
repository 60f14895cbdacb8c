/** The hub as the specification means it, in the plainest way, to hold the client against. */

import type { Operation, Version } from "../../src/hub.js";
import { applyOperations } from "../../src/hub/patch.js";
import type { Commit } from "../../src/hub/outbox.js";
import type { PatchItem, SnapshotItem } from "../../src/hub/replica.js";

export type Json = Record<string, unknown>;

export class Refusal extends Error {
  readonly code: string;
  readonly domain = "common";
  readonly details: unknown;

  constructor(code: string, details?: unknown) {
    super(code);
    this.code = code;
    this.details = details;
  }
}

interface Entry {
  ops: readonly Operation[];
  mutation?: { client: string; id: number };
}

export class ReferenceHub {
  epoch = "e1";
  /** The state of every revision since the epoch began. */
  readonly history: Json[];
  #log: Entry[] = [];
  #firstLogged = 0;
  readonly #answers = new Map<string, Version | Refusal>();

  constructor(state: Json) {
    this.history = [state];
  }

  get revision(): number {
    return this.history.length - 1;
  }

  get state(): Json {
    return this.history.at(-1) as Json;
  }

  commit({
    ops,
    expect,
    mutation,
  }: {
    ops: readonly Operation[];
    expect?: Commit["expect"];
    mutation?: Commit["mutation"];
  }): Version {
    const key = mutation && `${mutation.client}/${mutation.id}`;
    const first = key === undefined ? undefined : this.#answers.get(key);
    const answer = first ?? this.#apply(ops, expect, mutation);
    if (key !== undefined) this.#answers.set(key, answer);
    if (answer instanceof Refusal) throw answer;
    return answer;
  }

  /** The first item of a watch, and the revision from which it goes on. */
  open(since: Version | undefined): SnapshotItem<Json> | PatchItem {
    if (since?.epoch !== this.epoch || !this.remembers(since.revision)) return this.snapshot();
    return this.patch(since.revision);
  }

  snapshot(): SnapshotItem<Json> {
    return { epoch: this.epoch, revision: this.revision, value: this.state };
  }

  /** Whether it can tell what came behind `revision`. */
  remembers(revision: number): boolean {
    return revision >= this.#firstLogged && revision <= this.revision;
  }

  /** Everything behind `from`, up to `to`, in one item. */
  patch(from: number, to = this.revision): PatchItem {
    const entries = this.#log.slice(from - this.#firstLogged, to - this.#firstLogged);
    const acks: Record<string, number> = {};
    for (const { mutation } of entries)
      if (mutation) acks[mutation.client] = Math.max(mutation.id, acks[mutation.client] ?? 0);
    const ops = entries.flatMap((entry) => entry.ops);
    return { from, to, ops, ...(Object.keys(acks).length > 0 && { acks }) };
  }

  /** Forgets what would be needed to resume. */
  evict(): void {
    this.#log = [];
    this.#firstLogged = this.revision;
  }

  #apply(ops: readonly Operation[], expect: Commit["expect"], mutation: Commit["mutation"] | undefined): Version | Refusal {
    const current = { epoch: this.epoch, revision: this.revision };
    if (expect && (expect.revision !== this.revision || (expect.epoch ?? this.epoch) !== this.epoch))
      return new Refusal("CONFLICT", { current });
    try {
      this.history.push(applyOperations(this.state, ops));
    } catch {
      return new Refusal("INVALID_PAYLOAD", { paths: [] });
    }
    this.#log.push({ ops: ops.filter(({ op }) => op !== "test"), ...(mutation && { mutation }) });
    return { epoch: this.epoch, revision: this.revision };
  }
}
