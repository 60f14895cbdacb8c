/** A look at the text of a message for what parsing it does not show: its depth, and keys that stand twice. */
/** What a scan has seen. */
export interface Outline {
    /** The deepest nesting. */
    depth: number;
    /** Keys of the frame, counted as often as they stand there. */
    keys: number;
    /** Keys of its `meta`, likewise. */
    metaKeys: number;
}
/** What can be read of a message that is broken, too deep or cut off, as far as it stands before the damage. */
export interface Head {
    kind?: string | undefined;
    cid?: string | undefined;
    dir?: string | undefined;
}
/** Scans a message; `head`, where given, learns the texts that stand in the frame itself. */
export declare function scan(text: string, head?: Head): Outline;
