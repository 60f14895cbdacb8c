/** How much a frame weighs that is no text, and how deep it is: an estimate that is cheap and never endless. */
/** What was found, or which limit stopped the look. */
export type Weight = {
    readonly bytes: number;
} | "deep" | "heavy";
/**
 * About as many bytes as the value would have as JSON. Values that hold themselves are deep, and ones that hold the same
 * part many times count it as often, as they would when written.
 */
export declare function weigh(value: unknown, depth: number, bytes: number): Weight;
