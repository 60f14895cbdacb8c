/** Changes in the text of a frame that leave every other byte of it alone. It expects text that was decoded before. */
/** What a relay says of a window on every request: who it is, and in front of which lanes. */
export interface Stamp {
    readonly senderId: string | number;
    readonly doc: string;
    /** Stands in front of the name of a lane. */
    readonly lane: string;
}
/** The frame under another `cid`; a request, where there is a stamp, also stamped. */
export declare function splice(text: string, cid: string, stamp?: Stamp): string;
