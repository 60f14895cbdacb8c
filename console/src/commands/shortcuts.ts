import { useEffect, useRef } from "react";

import { isComposing } from "../chat/keys.js";
import { lasting } from "../storage.js";
import { Store } from "../store.js";

const isMac = typeof navigator !== "undefined" && /Mac|iPhone|iPad/.test(navigator.platform);

/** How the platform writes a key with its command key. */
export function shortcutLabel(key: string): string {
  return isMac ? `⌘${key}` : `Ctrl ${key}`;
}

/** Keys by name, with `mod+` for the platform's command key, and what each does. */
export type Shortcuts = Readonly<Record<string, () => void>>;

const KEPT = "sixframe.keys";

/** Whether keys without a command key do something: who speaks to the machine turns that off. Remembered. */
export const singleKeys = new Store(lasting.getItem(KEPT) !== "off");

export function turnSingleKeys(isOn: boolean): void {
  lasting.setItem(KEPT, isOn ? "on" : "off");
  singleKeys.set(isOn);
}

/** Runs shortcuts for keys that no field and no dialog wants. */
export function useShortcuts(shortcuts: Shortcuts): void {
  const latest = useRef(shortcuts);
  useEffect(() => {
    latest.current = shortcuts;
  });
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      // What a browser fills in by itself comes as a key without a name.
      if (typeof event.key !== "string") return;
      const isSingle = event.key.length === 1;
      const modified = isMac ? event.metaKey : event.ctrlKey;
      if (event.altKey || event.defaultPrevented || isComposing(event)) return;
      const run = latest.current[`${modified ? "mod+" : ""}${event.key.toLowerCase()}`];
      if (!modified && isSingle && !singleKeys.get()) return;
      if (!run || (!modified && (isTyping(event.target) || document.querySelector("dialog[open]")))) return;
      event.preventDefault();
      run();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}
