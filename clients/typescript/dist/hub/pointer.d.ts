/**
 * JSON pointers (RFC 6901): the paths of the hub's operations.
 */
/**
 * The keys that `pointer` names, from the root down; none for the root itself.
 *
 * @throws SyntaxError where it neither is empty nor begins with a slash.
 */
export declare function parsePointer(pointer: string): string[];
/** The pointer that leads along `keys`; the root's, which is empty, for none. */
export declare function formatPointer(keys: readonly (string | number)[]): string;
