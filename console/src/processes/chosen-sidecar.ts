import { Store } from "../store.js";

/** Which sidecar is looked at; the palette chooses one too. */
export const chosenSidecar = new Store("");
