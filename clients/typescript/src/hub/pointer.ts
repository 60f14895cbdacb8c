/**
 * JSON pointers (RFC 6901): the paths of the hub's operations.
 */

/**
 * The keys that `pointer` names, from the root down; none for the root itself.
 *
 * @throws SyntaxError where it neither is empty nor begins with a slash.
 */
export function parsePointer(pointer: string): string[] {
  if (pointer === "") return [];
  if (!pointer.startsWith("/")) throw new SyntaxError(`a path begins with "/": ${pointer}`);
  return pointer
    .slice(1)
    .split("/")
    .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** The pointer that leads along `keys`; the root's, which is empty, for none. */
export function formatPointer(keys: readonly (string | number)[]): string {
  return keys.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
