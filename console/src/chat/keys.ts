/** What keys mean while somebody writes. */

import type { KeyboardEvent as ReactKeyboardEvent } from "react";

/** What is used of an event of a key, the browser's or React's. */
export interface KeyPress {
  key: string;
  keyCode: number;
  shiftKey: boolean;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  isComposing: boolean;
}

/** What a key in the field for prompts does. */
export type KeyMeaning = "send" | "stop" | "none";

/** The code that browsers give to keys that an input method takes. */
const TAKEN_BY_INPUT_METHOD = 229;

/** Whether an input method composes a character with it: nothing else may be done then. */
export function isComposing({ isComposing, keyCode }: Pick<KeyPress, "isComposing" | "keyCode">): boolean {
  return isComposing || keyCode === TAKEN_BY_INPUT_METHOD;
}

export function meaningOf(press: KeyPress): KeyMeaning {
  if (isComposing(press)) return "none";
  const isModified = press.shiftKey || press.ctrlKey || press.metaKey || press.altKey;
  if (press.key === "Enter" && !isModified) return "send";
  if (press.key === "Escape" && !isModified) return "stop";
  return "none";
}

/** The same of React's event, which does not tell of composing itself. */
export function pressed(event: ReactKeyboardEvent): KeyPress {
  const { key, keyCode, shiftKey, ctrlKey, metaKey, altKey } = event;
  return { key, keyCode, shiftKey, ctrlKey, metaKey, altKey, isComposing: event.nativeEvent.isComposing };
}

/** For what allows something: it takes a click, or the space bar of whoever went there; Enter is too easily meant for another. */
export function ignoreEnter(event: ReactKeyboardEvent): void {
  if (event.key === "Enter") event.preventDefault();
}
