/**
 * What the browser keeps for the page, as far as it does: where that is forbidden, or full, it is kept for as long as the page is
 * there, and nobody has to know.
 */

/** The part of a storage that is used. */
export type Keeping = Pick<Storage, "getItem" | "setItem" | "removeItem">;

/** A storage that never fails. That it is forbidden is told by whoever asks where it is, too: `storage` is asked each time. */
export function keeping(storage: () => Keeping): Keeping {
  /** What the browser does not keep, and null for what it would not remove. */
  const own = new Map<string, string | null>();
  const attempt = <T>(action: (storage: Keeping) => T): { done: T } | undefined => {
    try {
      return { done: action(storage()) };
    } catch {
      return undefined;
    }
  };
  const put = (key: string, value: string | null, action: (storage: Keeping) => void): void => {
    if (attempt(action)) own.delete(key);
    else own.set(key, value);
  };
  return {
    getItem: (key) => own.get(key) ?? (own.has(key) ? null : (attempt((kept) => kept.getItem(key))?.done ?? null)),
    setItem: (key, value) => put(key, value, (kept) => kept.setItem(key, value)),
    removeItem: (key) => put(key, null, (kept) => kept.removeItem(key)),
  };
}

/** What all windows of this origin have, also when they are closed. */
export const lasting = keeping(() => localStorage);

/** What this window has, over reloads. */
export const ofWindow = keeping(() => sessionStorage);
