/** The name of this window, by which the daemon knows whose turns are whose. */

const KEPT = "sixframe.window";
/** How long a page that is loaded again waits for the one before it to let go of its name. */
const PATIENCE_MS = 500;

/** The part of the browser's locks that is used. */
export interface Locks {
  request(name: string, options: { signal: AbortSignal }, run: () => Promise<void>): Promise<unknown>;
}

/**
 * Kept over a reload, and no other window's: a browser copies what a tab keeps when the tab is duplicated, so the name is held
 * by a lock, and a window takes a new one where another holds it. Where there are no locks, the name is as it was kept.
 */
export async function nameOfWindow(storage: Pick<Storage, "getItem" | "setItem">, locks: Locks | undefined): Promise<string> {
  const kept = storage.getItem(KEPT);
  const isOurs = kept !== null && (locks === undefined || (await isHeld(locks, kept, PATIENCE_MS)));
  if (isOurs) return kept;
  const name = crypto.randomUUID();
  storage.setItem(KEPT, name);
  if (locks) await isHeld(locks, name, PATIENCE_MS);
  return name;
}

/** Holds the lock until the page is gone; false where another holds it all the time. */
function isHeld(locks: Locks, name: string, patienceMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const forever = (): Promise<void> => {
      resolve(true);
      return new Promise(() => undefined);
    };
    locks.request(`${KEPT}.${name}`, { signal: AbortSignal.timeout(patienceMs) }, forever).catch(() => resolve(false));
  });
}
