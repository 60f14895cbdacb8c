import { isFocusLost } from "../shell/held-focus.js";
import { Store } from "../store.js";

/** Whether the field for prompts is to have the focus as soon as there is one, or what stands in its place. */
export const focusAsked = new Store(false);

/**
 * Gives the focus to the field for prompts where what had it is gone, so that keys go on to mean something. It is taken from
 * nothing that has it.
 */
export function catchFocus(): void {
  if (isFocusLost()) offerFocus();
}

/** Gives the focus to the field for prompts. Fingers are not given a keyboard that they did not ask for. */
export function offerFocus(): void {
  if (!window.matchMedia?.("(pointer: coarse)").matches) focusAsked.set(true);
}
