/**
 * `sixframe/hub`: the state that all windows share, as this window sees it. One watch keeps a copy up to date; changes show
 * at once and are taken back if the hub refuses them.
 */

import { RpcError } from "./errors.js";
import { Listeners } from "./hub/listeners.js";
import type { Operation, Version } from "./hub/operation.js";
import { codeOf, Outbox } from "./hub/outbox.js";
import { parsePointer } from "./hub/pointer.js";
import { Replica, type PatchItem, type SnapshotItem } from "./hub/replica.js";
import { Selection } from "./hub/selection.js";

export { Demultiplexer, type Channel, type DemultiplexerOptions } from "./hub/demultiplexer.js";
export { Frames, type MethodItem } from "./hub/frames.js";
export type { Add, Drop, Merge, Move, Operation, Put, Remove, Replace, Test, Version } from "./hub/operation.js";
export { applyOperations, PatchError } from "./hub/patch.js";
export { formatPointer, parsePointer } from "./hub/pointer.js";
export type { PatchItem, SnapshotItem } from "./hub/replica.js";
export { Selection, type Source } from "./hub/selection.js";

/** What a hub needs of a connection: an `RpcEndpoint`, or anything that calls like one. */
export interface HubPeer {
  request<T>(method: string, payload?: unknown, meta?: undefined, options?: { signal?: AbortSignal }): Promise<T>;
  stream?<T>(method: string, payload?: unknown, meta?: undefined, options?: { resume?: boolean }): AsyncIterableIterator<T>;
  /** `closed` once nothing will ever be answered again. */
  readonly state?: string;
}

/** The state as the default schema has it; other slices stand beside these. */
export interface HubState {
  global: { defaultModel?: string; temperature?: number; maxTokens?: number; [key: string]: unknown };
  sessions: Record<string, HubSession>;
  [slice: string]: unknown;
}

/** One session of the default schema. */
export interface HubSession {
  sessionId: string;
  title?: string;
  [key: string]: unknown;
}

/** What a hub is made with. */
export interface HubOptions {
  /** JSON pointers of the parts to watch; everything without them. */
  paths?: readonly string[];
  /** Watches the part of one session. */
  session?: string;
  /**
   * What the name begins with under which the hub knows this client's mutations, for people who read its log. A random part
   * follows: no two hub objects have one name, or the hub would take the changes of one for repetitions of the other's.
   */
  client?: string;
  /** The shortest time between two patches, in milliseconds. 16 suits a screen. */
  minIntervalMs?: number;
  /** How many commits may be without an answer, while there is no connection say; one more is refused. 1,024 by default. */
  mostPending?: number;
}

/** Options of one commit. */
export interface CommitOptions {
  /** Refuses with `CONFLICT` unless the hub's state still has this version. */
  expect?: { epoch?: string; revision: number };
  /** False shows the change only when the hub has it. True by default. */
  optimistic?: boolean;
}

/**
 * How the watch stands: `idle` before the first use, `loading` until the first snapshot, `live`, `waiting` between two tries
 * (the state stays readable), `refused` where the hub does not let us watch (see `error`), `closed`.
 */
export type HubStatus = "idle" | "loading" | "live" | "waiting" | "refused" | "closed";

type WatchItem<S> = SnapshotItem<S> | PatchItem;

/** Failures of a watch that trying again would not change. */
const FINAL = new Set([
  "NO_HANDLER",
  "FORBIDDEN",
  "UNAUTHORIZED",
  "INVALID_PAYLOAD",
  "UNSUPPORTED",
  "UNSUPPORTED_VERSION",
  "NOT_FOUND",
]);
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 5_000;

const MOST_PENDING = 1_024;

function tooMany(value: number): RpcError {
  const [limit, setting] = ["pending commits", "mostPending"];
  return new RpcError("RESOURCE_EXHAUSTED", `${limit} limit of ${value} reached; raise it with ${setting}`, { limit, value, setting });
}

function closed(): RpcError {
  return new RpcError("CANCELLED", "the hub was closed");
}

/** A copy of the hub's state that follows it. The watch begins with the first use and ends with {@link Hub.close}. */
export class Hub<S = HubState> {
  /** The connection that it was made with. */
  readonly peer: HubPeer;
  /** The name under which the hub acknowledges this object's mutations; another one for every object. */
  readonly client: string;
  readonly #options: HubOptions;
  readonly #replica: Replica<S>;
  readonly #outbox: Outbox;
  readonly #listeners = new Listeners();
  readonly #selections = new WeakMap<object, Selection<S, unknown>>();
  #status: HubStatus = "idle";
  #error: unknown;
  #mutation = 0;
  #items: AsyncIterableIterator<WatchItem<S>> | undefined;
  #afresh = false;
  #wake: (() => void) | undefined;

  /** Connects nothing and calls nothing yet. */
  constructor(peer: HubPeer, options: HubOptions = {}) {
    this.peer = peer;
    this.client = (options.client ? options.client + "-" : "") + randomName();
    this.#options = options;
    this.#replica = new Replica<S>(this.client);
    this.#outbox = new Outbox(
      (commit, signal) => this.peer.request<Version>("hub.commit", commit, undefined, { signal }),
      () => this.#status === "closed" || this.peer.state === "closed",
    );
  }

  /** The state, with this client's changes; undefined before it is known. Immutable; unchanged parts keep their identity. */
  get state(): S | undefined {
    this.#begin();
    return this.#replica.view;
  }

  /** The version of the hub that {@link Hub.state} is built on; what `expect` takes. */
  get version(): Version | undefined {
    return this.#replica.version;
  }

  /** How the watch stands. */
  get status(): HubStatus {
    return this.#status;
  }

  /** Why the watch waits or was refused. */
  get error(): unknown {
    return this.#error;
  }

  /** How many changes of this client {@link Hub.state} shows that the hub has not confirmed. */
  get pending(): number {
    return this.#replica.pending;
  }

  /** The state, as soon as it is known. Rejects when the watch is refused or closed before that. */
  ready(): Promise<S> {
    return new Promise((resolve, reject) => {
      const look = (): boolean => {
        const state = this.state;
        if (state !== undefined) resolve(state);
        else if (this.#status === "refused" || this.#status === "closed") reject(this.#error);
        else return false;
        return true;
      };
      if (look()) return;
      const off = this.onChange(() => {
        if (look()) off();
      });
    });
  }

  /** Calls `listener` after each change of the state, the version or the status; the answer ends that. */
  onChange(listener: () => void): () => void {
    this.#begin();
    return this.#listeners.add(listener);
  }

  /** The part of the state that `selector`, a pure function, picks: a value now, to subscribe to, or to iterate over. */
  select<T>(selector: (state: S) => T): Selection<S, T> {
    const known = this.#selections.get(selector) as Selection<S, T> | undefined;
    if (known) return known;
    const selection = new Selection<S, T>(this, selector);
    this.#selections.set(selector, selection);
    return selection;
  }

  /** Calls `listener` whenever what `selector` picks is another value; the answer ends that. */
  subscribe<T>(selector: (state: S) => T, listener: (value: T, previous: T | undefined) => void): () => void {
    return new Selection<S, T>(this, selector).subscribe(listener);
  }

  /**
   * Changes the state: at once here, and everywhere when the hub has applied it. All operations apply, or none. A commit
   * whose connection breaks is sent again and applied once.
   *
   * @returns the version that holds the change. Rejects with what the hub refused it with (`CONFLICT`, `INVALID_PAYLOAD`,
   * `FORBIDDEN`), having taken the change back; with `RESOURCE_EXHAUSTED`, having shown nothing, where too many others wait
   * for their answer; with `INDETERMINATE` where it was sent again so late that the hub has
   * forgotten whether it applied it.
   */
  async commit(operations: readonly Operation[], options: CommitOptions = {}): Promise<Version> {
    if (this.#status === "closed") throw closed();
    const most = this.#options.mostPending ?? MOST_PENDING;
    if (this.#outbox.size >= most) throw tooMany(most);
    this.#begin();
    const id = (this.#mutation += 1);
    if (options.optimistic ?? true) this.#replica.mutate(id, operations);
    const expect = options.expect && { expect: options.expect };
    // Sent before anyone is told: a listener that commits in turn comes behind.
    const answer = this.#outbox.push({ ops: operations, ...expect, mutation: { client: this.client, id } });
    this.#listeners.tell();
    try {
      const version = await answer;
      this.#replica.commit(id, version);
      return version;
    } catch (error) {
      this.#replica.refuse(id);
      throw error;
    } finally {
      this.#listeners.tell();
    }
  }

  /** Sets the member at `path`, or replaces an element of an array. */
  set(path: string, value: unknown, options?: CommitOptions): Promise<Version> {
    const last = path.slice(path.lastIndexOf("/") + 1);
    const parent = path === "" ? undefined : this.at(path.slice(0, path.lastIndexOf("/")));
    const replaces = path === "" || (Array.isArray(parent) && last !== "-");
    return this.commit([{ op: replaces ? "replace" : "add", path, value }], options);
  }

  /** Removes what is at `path`. */
  remove(path: string, options?: CommitOptions): Promise<Version> {
    return this.commit([{ op: "remove", path }], options);
  }

  /** Merges `value` into the value at `path` (RFC 7396): members that are null are removed, the others set. */
  merge(path: string, value: unknown, options?: CommitOptions): Promise<Version> {
    return this.commit([{ op: "merge", path, value }], options);
  }

  /** Inserts `value` into the list at `path`, or replaces the element with the same `by`; see {@link Put}. */
  put(path: string, by: string, value: unknown, before?: unknown, options?: CommitOptions): Promise<Version> {
    return this.commit([{ op: "put", path, by, value, ...(before !== undefined && { before }) }], options);
  }

  /** Removes the element of the list at `path` whose `by` is `key`. */
  drop(path: string, by: string, key: unknown, options?: CommitOptions): Promise<Version> {
    return this.commit([{ op: "drop", path, by, key }], options);
  }

  /** Moves the element whose `by` is `key` in front of the element `before`, or to the end. */
  move(path: string, by: string, key: unknown, before?: unknown, options?: CommitOptions): Promise<Version> {
    return this.commit([{ op: "move", path, by, key, ...(before !== undefined && { before }) }], options);
  }

  /** The value at `path`, a JSON pointer; undefined where there is none. */
  at(path: string): unknown {
    return valueAt(this.state, path);
  }

  /** Watches again after a refusal, or at once where it waits to. */
  retry(): void {
    if (this.#status === "refused") {
      this.#status = "idle";
      this.#begin();
    }
    this.#wake?.();
  }

  /** Ends the watch and gives up on commits without an answer. The last state stays readable. */
  close(): void {
    if (this.#status === "closed") return;
    this.#become("closed", closed());
    this.#wake?.();
    void this.#items?.return?.();
    this.#outbox.close(this.#error);
  }

  #begin(): void {
    if (this.#status !== "idle") return;
    this.#status = "loading";
    void this.#follow();
  }

  async #follow(): Promise<void> {
    for (let delay = FIRST_DELAY_MS; ; delay = Math.min(delay * 2, LONGEST_DELAY_MS)) {
      const heard = this.#replica.heard;
      try {
        await this.#watch();
        this.#error = undefined;
      } catch (error) {
        this.#error = error;
      }
      if (this.#status === "closed") return;
      if (FINAL.has(codeOf(this.#error)) || this.peer.state === "closed") return this.#become("refused", this.#error);
      if (this.#replica.heard?.revision !== heard?.revision) delay = FIRST_DELAY_MS;
      this.#become("waiting", this.#error);
      await this.#pause(delay);
      if (this.#isClosed()) return;
    }
  }

  /** Takes items until the stream ends, fails or leaves something out. */
  async #watch(): Promise<void> {
    const { paths, session, minIntervalMs } = this.#options;
    const heard = this.#replica.heard;
    const since = heard && !this.#afresh ? { since: heard } : {};
    const payload = {
      ...(paths && { paths }),
      ...(session && { session }),
      ...(minIntervalMs && { minIntervalMs }),
      ...since,
    };
    if (!this.peer.stream) throw new TypeError("the connection has no streams");
    this.#items = this.peer.stream<WatchItem<S>>("hub.watch", payload, undefined, { resume: true });
    this.#afresh = false;
    for await (const item of this.#items) {
      if (this.#isClosed() || !this.#take(item)) return;
    }
  }

  /** Says whether the watch can go on. */
  #take(item: WatchItem<S>): boolean {
    if ("value" in item) this.#replica.snapshot(item);
    else {
      const taken = this.#replica.patch(item);
      this.#afresh = taken === "unfit";
      if (taken === "unfit" || taken === "gap") return false;
      // Who watches again and has missed nothing is told so by a patch of nothing.
      if (taken === "old" && this.#status === "live") return true;
    }
    this.#become("live", undefined);
    return true;
  }

  #become(status: HubStatus, error: unknown): void {
    this.#status = status;
    this.#error = error;
    this.#listeners.tell();
  }

  #isClosed(): boolean {
    return this.#status === "closed";
  }

  #pause(delay: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, delay);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function valueAt(state: unknown, path: string): unknown {
  return parsePointer(path).reduce<unknown>(
    (node, key) =>
      typeof node === "object" && node !== null && Object.hasOwn(node, key)
        ? (node as Record<string, unknown>)[key]
        : undefined,
    state,
  );
}

function randomName(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
