import { Store } from "../store.js";

/** Whether the field for prompts is to have the focus as soon as there is one. */
export const focusAsked = new Store(false);
