/**
 * Keeps drafts over a reload of the page, and which prompts are this window's. Answers are not kept, as there are secrets among
 * them.
 */

import type { Typed } from "./typed.js";

const KEPT = "sixframe.agents.typed";
/** Characters that are kept of all drafts: those that were written last. */
const MOST = 200_000;
/** A person types faster than that, and nobody reloads within it. */
const PAUSE_MS = 300;

interface Kept {
  /** Whose it is: a browser copies what a tab keeps when the tab is duplicated. */
  window: string;
  drafts: [string, string][];
  own: [string, string][];
}

/** Gives back what the window of this name kept, and keeps what is typed from now on. */
export function keepTyped(typed: Typed, storage: Pick<Storage, "getItem" | "setItem">, windowName: string): void {
  const { window: whose, drafts, own } = read(storage);
  if (whose === windowName) {
    typed.drafts.set(new Map(drafts));
    typed.own.set(new Map(own));
  }
  let timer: ReturnType<typeof setTimeout> | undefined;
  const keep = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const kept: Kept = { window: windowName, drafts: bounded([...typed.drafts.get()]), own: [...typed.own.get()] };
    try {
      storage.setItem(KEPT, JSON.stringify(kept));
    } catch {
      // There is no room for it. It stays as long as the page.
    }
  };
  const soon = (): void => void (timer ??= setTimeout(keep, PAUSE_MS));
  typed.drafts.subscribe(soon);
  typed.own.subscribe(soon);
  window.addEventListener("pagehide", keep);
}

function read(storage: Pick<Storage, "getItem">): Kept {
  const nothing: Kept = { window: "", drafts: [], own: [] };
  try {
    return { ...nothing, ...(JSON.parse(storage.getItem(KEPT) ?? "{}") as Partial<Kept>) };
  } catch {
    return nothing;
  }
}

function bounded(drafts: readonly [string, string][]): [string, string][] {
  let room = MOST;
  const kept: [string, string][] = [];
  for (const draft of drafts.toReversed()) {
    const { length } = draft[1];
    if (length === 0 || length > room) continue;
    room -= length;
    kept.unshift(draft);
  }
  return kept;
}
