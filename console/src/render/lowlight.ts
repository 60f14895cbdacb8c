/** The highlighter without its languages, in a file of its own so that it is loaded with the first code that is coloured. */

import { createLowlight } from "lowlight";

export const lowlight = createLowlight();
