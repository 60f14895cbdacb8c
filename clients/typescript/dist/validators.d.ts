/**
 * Checks values against the JSON Schemas that `sixframe types --validators` prints: for a page that does not trust what
 * comes over a connection to have the type that it was promised.
 *
 * It knows the keywords that `schemars` writes. A schema with another keyword that would refuse something is refused
 * itself, when its validator is made, rather than half understood. Nothing is compiled, so that a Content-Security-Policy
 * without `unsafe-eval` is no hindrance.
 */
/** A JSON Schema: `true` takes everything, `false` nothing. */
export type Schema = boolean | {
    readonly [keyword: string]: unknown;
};
/** What is wrong with a value, and where. */
export interface Violation {
    /** A JSON Pointer (RFC 6901) into the value; empty for the value itself. */
    readonly path: string;
    /** What must be there, as in "must be a string, not null". */
    readonly message: string;
}
/** A value is not what its schema promises. */
export declare class InvalidValue extends Error {
    /** Everything that is wrong with it; never empty. */
    readonly violations: readonly Violation[];
    constructor(violations: readonly Violation[]);
}
/**
 * Makes a function that returns what it is given, as a `T`, or throws an {@link InvalidValue}.
 *
 * @throws {TypeError} when the schema has a keyword that is not understood, or a reference that leads nowhere.
 */
export declare function validator<T = unknown>(schema: Schema): (value: unknown) => T;
/**
 * Everything that is wrong with a value; empty where nothing is.
 *
 * @throws {TypeError} when the schema has a keyword that is not understood, or a reference that leads nowhere.
 */
export declare function violations(schema: Schema, value: unknown): Violation[];
