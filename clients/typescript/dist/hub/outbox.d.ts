/**
 * Commits on their way to the hub: in order, several in flight, and sent again under the same mutation id when a connection
 * broke before their answer, which the hub applies once.
 */
import type { Operation, Version } from "./operation.js";
/** What `hub.commit` takes. */
export interface Commit {
    ops: readonly Operation[];
    expect?: {
        epoch?: string;
        revision: number;
    };
    mutation: {
        client: string;
        id: number;
    };
}
/** Sends one commit. */
export type Send = (commit: Commit) => Promise<Version>;
/** Whether `error` leaves open what became of a commit. */
export declare function isUnsettled(error: unknown): boolean;
/** The code of an error of the protocol; empty for any other. */
export declare function codeOf(error: unknown): string;
/** The commits that wait for an answer. */
export declare class Outbox {
    #private;
    /** `isOver` says whether the connection is gone for good, so that trying again is of no use. */
    constructor(send: Send, isOver: () => boolean);
    /** Sends `commit` behind those that were pushed before it. Rejects with what the hub refused it with. */
    push(commit: Commit): Promise<Version>;
    /** Gives up on everything that waits. */
    close(reason: unknown): void;
}
