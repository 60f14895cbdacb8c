/**
 * Keeps drafts over a reload of the page, changes of prompts that wait, and which prompts are this window's. Answers are not kept,
 * as there are secrets among them.
 */

import type { Edit, Typed } from "./typed.js";

const KEPT = "sixframe.agents.typed";
/** Characters that are kept of all drafts, and of all changes, beside the one that was written last, and of that. */
const MOST = 200_000;
const LONGEST = 1_000_000;
/** A person types faster than that, and nobody reloads within it. */
const PAUSE_MS = 300;

interface Kept {
  /** Whose it is: a browser copies what a tab keeps when the tab is duplicated. */
  window: string;
  drafts: [string, string][];
  own: [string, string][];
  edits: [string, Edit][];
}

/** Gives back what the window of this name kept, and keeps what is typed from now on. */
export function keepTyped(typed: Typed, storage: Pick<Storage, "getItem" | "setItem">, windowName: string): void {
  const { window: whose, drafts, own, edits } = read(storage);
  if (whose === windowName) {
    typed.drafts.set(new Map(drafts));
    typed.own.set(new Map(own));
    typed.edits.set(new Map(edits));
  }
  let timer: ReturnType<typeof setTimeout> | undefined;
  const keep = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const kept: Kept = {
      window: windowName,
      drafts: bounded([...typed.drafts.get()], (draft) => draft.length),
      own: [...typed.own.get()],
      edits: bounded(changes(typed), ({ text, whole }) => Math.max(text.length, whole.length)),
    };
    storage.setItem(KEPT, JSON.stringify(kept));
  };
  const soon = (): void => void (timer ??= setTimeout(keep, PAUSE_MS));
  typed.drafts.subscribe(soon);
  typed.own.subscribe(soon);
  typed.edits.subscribe(soon);
  window.addEventListener("pagehide", keep);
}

function read(storage: Pick<Storage, "getItem">): Kept {
  const nothing: Kept = { window: "", drafts: [], own: [], edits: [] };
  try {
    return { ...nothing, ...(JSON.parse(storage.getItem(KEPT) ?? "{}") as Partial<Kept>) };
  } catch {
    return nothing;
  }
}

/** What was changed; the page that is loaded again hears no answer to what this one asked the daemon to take. */
function changes(typed: Typed): [string, Edit][] {
  const changed = [...typed.edits.get()].filter(([, { text, whole }]) => text !== whole);
  return changed.map(([promptId, { sent: _, ...edit }]) => [promptId, edit]);
}

/** What was written last, and what was before that, as far as there is room. */
function bounded<T>(all: readonly [string, T][], weight: (one: T) => number): [string, T][] {
  let room = MOST;
  const kept: [string, T][] = [];
  for (const one of all.toReversed()) {
    const length = weight(one[1]);
    const isLast = kept.length === 0;
    if (length === 0 || length > (isLast ? LONGEST : room)) continue;
    if (!isLast) room -= length;
    kept.unshift(one);
  }
  return kept;
}
