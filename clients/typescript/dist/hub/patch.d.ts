/**
 * Applies operations to a state without changing it: what an operation does not reach is shared with the new state.
 */
import type { Operation } from "./operation.js";
/** Operations that do not fit the state: a path that is not there, a `test` that failed. */
export declare class PatchError extends Error {
    readonly name = "PatchError";
    /** The path of the operation that did not fit. */
    readonly path: string;
    constructor(path: string, why: string);
}
/**
 * The state after `operations`: all of them, or, by an exception, none.
 *
 * @throws PatchError where one does not fit.
 */
export declare function applyOperations<T>(state: T, operations: readonly Operation[]): T;
