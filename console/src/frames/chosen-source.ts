import { Store } from "../store.js";

/** Whose frames are shown. */
export type Source = "page" | "daemon";

/** Which frames are looked at; commands choose too. */
export const chosenSource = new Store<Source>("page");
