/**
 * A copy of the hub's state, pure: what the hub said, and on top of it the changes of this client that it has not answered
 * for yet. It knows nothing of connections.
 */

import { share } from "./json.js";
import type { Operation, Version } from "./operation.js";
import { applyOperations, PatchError } from "./patch.js";

/** The first item of a watch, and every item of one in mode "state". */
export interface SnapshotItem<S> extends Version {
  value: S;
}

/** An item of a watch: the changes behind revision `from`, up to `to`. */
export interface PatchItem {
  from: number;
  to: number;
  ops: readonly Operation[];
  /** For each client with mutations among the changes, the highest id of them. */
  acks?: Readonly<Record<string, number>>;
}

/** What became of a patch: `gap` says that something before it is missing, `unfit` that it does not fit what it follows on. */
export type Taken = "applied" | "old" | "gap" | "unfit";

interface Mutation {
  readonly id: number;
  readonly operations: readonly Operation[];
  committed?: Version;
}

interface Base<S> extends Version {
  readonly value: S;
}

/** The state as it looks from here. */
export class Replica<S> {
  readonly #client: string;
  #base: Base<S> | undefined;
  /**
   * A base that came as a snapshot while the hub had mutations of ours. A snapshot does not say which of them it holds, so
   * it is not shown before that is known: on top of it they could count twice.
   */
  #coming: Base<S> | undefined;
  #unknown = new Set<number>();
  #mutations: Mutation[] = [];
  #view: S | undefined;

  /** `client` is the name under which the hub acknowledges mutations. */
  constructor(client: string) {
    this.#client = client;
  }

  /** The state with our own changes; undefined before the first snapshot. Unchanged parts keep their identity. */
  get view(): S | undefined {
    return this.#view;
  }

  /** The version that the view is built on. */
  get version(): Version | undefined {
    return versionOf(this.#base);
  }

  /** How far the hub was heard: from here a watch goes on. */
  get heard(): Version | undefined {
    return versionOf(this.#coming ?? this.#base);
  }

  /** How many mutations the state that the hub told does not hold yet. */
  get pending(): number {
    return this.#mutations.length;
  }

  /** Takes a snapshot; whatever was there before is void. */
  snapshot({ epoch, revision, value }: SnapshotItem<S>): void {
    this.#coming = { epoch, revision, value };
    this.#unknown = new Set(this.#mutations.filter(({ committed }) => !committed).map(({ id }) => id));
    this.#settle();
  }

  /** Takes a patch if it follows on what was heard. */
  patch({ from, to, ops, acks }: PatchItem): Taken {
    const base = this.#coming ?? this.#base;
    if (!base) return "gap";
    if (to <= base.revision) return "old";
    if (from !== base.revision) return "gap";
    const after = applied(base.value, ops);
    if (!after) return "unfit";
    const next = { epoch: base.epoch, revision: to, value: after.state };
    if (this.#coming) this.#coming = next;
    else this.#base = next;
    this.#acknowledge(acks?.[this.#client], { epoch: base.epoch, revision: to });
    this.#settle();
    return "applied";
  }

  /** Shows a change at once. Ids rise. */
  mutate(id: number, operations: readonly Operation[]): void {
    this.#mutations.push({ id, operations });
    this.#settle();
  }

  /** The hub applied a mutation, which its state holds from `version` on. */
  commit(id: number, version: Version): void {
    for (const mutation of this.#mutations) if (mutation.id === id) mutation.committed ??= version;
    this.#unknown.delete(id);
    this.#settle();
  }

  /** The hub refused a mutation: it is taken back. */
  refuse(id: number): void {
    this.#mutations = this.#mutations.filter((mutation) => mutation.id !== id);
    this.#unknown.delete(id);
    this.#settle();
  }

  #acknowledge(upTo: number | undefined, version: Version): void {
    if (upTo === undefined) return;
    for (const mutation of this.#mutations) {
      if (mutation.id > upTo) break;
      mutation.committed ??= version;
      this.#unknown.delete(mutation.id);
    }
  }

  #settle(): void {
    if (this.#coming && this.#unknown.size === 0) {
      const { epoch, revision, value } = this.#coming;
      this.#base = { epoch, revision, value: share(this.#base?.value, value) };
      this.#coming = undefined;
      this.#mutations = this.#mutations.filter(({ committed }) => !committed || committed.epoch === epoch);
    }
    const base = this.#base;
    if (!base) return;
    this.#mutations = this.#mutations.filter(({ committed }) => !committed || !holds(base, committed));
    this.#view = share(this.#view, this.#mutations.reduce(replayed, base.value));
  }
}

function versionOf(base: Version | undefined): Version | undefined {
  return base && { epoch: base.epoch, revision: base.revision };
}

function holds(base: Version, committed: Version): boolean {
  return base.epoch === committed.epoch && base.revision >= committed.revision;
}

/** A mutation that no longer fits is left out; what becomes of it is the hub's to say. */
function replayed<S>(state: S, { operations }: Mutation): S {
  return applied(state, operations)?.state ?? state;
}

function applied<S>(state: S, operations: readonly Operation[]): { state: S } | undefined {
  try {
    return { state: applyOperations(state, operations) };
  } catch (error) {
    if (error instanceof PatchError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
