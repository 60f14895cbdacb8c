/**
 * `sixframe/hub`: the state that all windows share, as this window sees it. One watch keeps a copy up to date; changes show
 * at once and are taken back if the hub refuses them.
 */
import type { Operation, Version } from "./hub/operation.js";
import { Selection } from "./hub/selection.js";
export { Demultiplexer, type Channel, type DemultiplexerOptions } from "./hub/demultiplexer.js";
export type { Add, Drop, Merge, Move, Operation, Put, Remove, Replace, Test, Version } from "./hub/operation.js";
export { applyOperations, PatchError } from "./hub/patch.js";
export { formatPointer, parsePointer } from "./hub/pointer.js";
export type { PatchItem, SnapshotItem } from "./hub/replica.js";
export { Selection, type Source } from "./hub/selection.js";
/** What a hub needs of a connection: an `RpcEndpoint`, or anything that calls like one. */
export interface HubPeer {
    request<T>(method: string, payload?: unknown, meta?: undefined, options?: {
        signal?: AbortSignal;
    }): Promise<T>;
    stream?<T>(method: string, payload?: unknown): AsyncIterableIterator<T>;
    /** `closed` once nothing will ever be answered again. */
    readonly state?: string;
}
/** The state as the default schema has it; other slices stand beside these. */
export interface HubState {
    global: {
        defaultModel?: string;
        temperature?: number;
        maxTokens?: number;
        [key: string]: unknown;
    };
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
    /** The name under which the hub knows this client's mutations; random by default. Never shared by two windows. */
    client?: string;
    /** The shortest time between two patches, in milliseconds. 16 suits a screen. */
    minIntervalMs?: number;
}
/** Options of one commit. */
export interface CommitOptions {
    /** Refuses with `CONFLICT` unless the hub's state still has this version. */
    expect?: {
        epoch?: string;
        revision: number;
    };
    /** False shows the change only when the hub has it. True by default. */
    optimistic?: boolean;
}
/**
 * How the watch stands: `idle` before the first use, `loading` until the first snapshot, `live`, `waiting` between two tries
 * (the state stays readable), `refused` where the hub does not let us watch (see `error`), `closed`.
 */
export type HubStatus = "idle" | "loading" | "live" | "waiting" | "refused" | "closed";
/** A copy of the hub's state that follows it. The watch begins with the first use and ends with {@link Hub.close}. */
export declare class Hub<S = HubState> {
    #private;
    /** The connection that it was made with. */
    readonly peer: HubPeer;
    /** The name under which the hub acknowledges this client's mutations. */
    readonly client: string;
    /** Connects nothing and calls nothing yet. */
    constructor(peer: HubPeer, options?: HubOptions);
    /** The state, with this client's changes; undefined before it is known. Immutable; unchanged parts keep their identity. */
    get state(): S | undefined;
    /** The version of the hub that {@link Hub.state} is built on; what `expect` takes. */
    get version(): Version | undefined;
    /** How the watch stands. */
    get status(): HubStatus;
    /** Why the watch waits or was refused. */
    get error(): unknown;
    /** How many changes of this client {@link Hub.state} shows that the hub has not confirmed. */
    get pending(): number;
    /** The state, as soon as it is known. Rejects when the watch is refused or closed before that. */
    ready(): Promise<S>;
    /** Calls `listener` after each change of the state, the version or the status; the answer ends that. */
    onChange(listener: () => void): () => void;
    /** The part of the state that `selector`, a pure function, picks: a value now, to subscribe to, or to iterate over. */
    select<T>(selector: (state: S) => T): Selection<S, T>;
    /** Calls `listener` whenever what `selector` picks is another value; the answer ends that. */
    subscribe<T>(selector: (state: S) => T, listener: (value: T, previous: T | undefined) => void): () => void;
    /**
     * Changes the state: at once here, and everywhere when the hub has applied it. All operations apply, or none. A commit
     * whose connection breaks is sent again and applied once.
     *
     * @returns the version that holds the change. Rejects with what the hub refused it with (`CONFLICT`, `INVALID_PAYLOAD`,
     * `FORBIDDEN`), having taken the change back.
     */
    commit(operations: readonly Operation[], options?: CommitOptions): Promise<Version>;
    /** Sets the member at `path`, or replaces an element of an array. */
    set(path: string, value: unknown, options?: CommitOptions): Promise<Version>;
    /** Removes what is at `path`. */
    remove(path: string, options?: CommitOptions): Promise<Version>;
    /** Merges `value` into the value at `path` (RFC 7396): members that are null are removed, the others set. */
    merge(path: string, value: unknown, options?: CommitOptions): Promise<Version>;
    /** Inserts `value` into the list at `path`, or replaces the element with the same `by`; see {@link Put}. */
    put(path: string, by: string, value: unknown, before?: unknown, options?: CommitOptions): Promise<Version>;
    /** Removes the element of the list at `path` whose `by` is `key`. */
    drop(path: string, by: string, key: unknown, options?: CommitOptions): Promise<Version>;
    /** Moves the element whose `by` is `key` in front of the element `before`, or to the end. */
    move(path: string, by: string, key: unknown, before?: unknown, options?: CommitOptions): Promise<Version>;
    /** The value at `path`, a JSON pointer; undefined where there is none. */
    at(path: string): unknown;
    /** Watches again after a refusal, or at once where it waits to. */
    retry(): void;
    /** Ends the watch and gives up on commits without an answer. The last state stays readable. */
    close(): void;
}
