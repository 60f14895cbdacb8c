import { Store } from "../store.js";

/** Which method is looked at; the palette chooses one too. */
export const chosenMethod = new Store("");
