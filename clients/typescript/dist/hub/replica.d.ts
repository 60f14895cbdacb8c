/**
 * A copy of the hub's state, pure: what the hub said, and on top of it the changes of this client that it has not answered
 * for yet. It knows nothing of connections.
 */
import type { Operation, Version } from "./operation.js";
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
/** The state as it looks from here. */
export declare class Replica<S> {
    #private;
    /** `client` is the name under which the hub acknowledges mutations. */
    constructor(client: string);
    /** The state with our own changes; undefined before the first snapshot. Unchanged parts keep their identity. */
    get view(): S | undefined;
    /** The version that the view is built on. */
    get version(): Version | undefined;
    /** How far the hub was heard: from here a watch goes on. */
    get heard(): Version | undefined;
    /** How many mutations the state that the hub told does not hold yet. */
    get pending(): number;
    /** Takes a snapshot; whatever was there before is void. */
    snapshot({ epoch, revision, value }: SnapshotItem<S>): void;
    /** Takes a patch if it follows on what was heard. */
    patch({ from, to, ops, acks }: PatchItem): Taken;
    /** Shows a change at once. Ids rise. */
    mutate(id: number, operations: readonly Operation[]): void;
    /** The hub applied a mutation, which its state holds from `version` on. */
    commit(id: number, version: Version): void;
    /** The hub refused a mutation: it is taken back. */
    refuse(id: number): void;
}
