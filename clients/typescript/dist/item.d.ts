/** One item of a stream, with where it stands. */
/** What may stand beside an item's value. */
export interface Place {
    /** Where the item stands in its source (a revision, an offset); every item of a resumable stream says it. */
    pos?: number | undefined;
    /** The life of the source that `pos` counts in; the first item of a resumable stream says it. */
    epoch?: string | undefined;
    /** Whether the source starts over here: what the consumer knew is void. `spec: resume.5` */
    reset?: boolean | undefined;
    /** How many items were dropped before this one, by a policy that drops. */
    skipped?: number | undefined;
}
/** One item of a stream. A handler's plain value becomes one by itself. */
export declare class Item<T = unknown> {
    /** The value. */
    data: T;
    /** Where it stands in its source. */
    pos: number | undefined;
    /** The life of the source that `pos` counts in. */
    epoch: string | undefined;
    /** Whether the source starts over here. */
    reset: boolean;
    /** How many items were dropped before this one. */
    skipped: number;
    /** @internal About how many bytes it keeps. */
    _size: number;
    constructor(data: T, place?: Place, size?: number);
}
/** About how many bytes a value takes as JSON. What is too deep for any peer, as a circle is, takes more than there are. */
export declare function weigh(value: unknown, depth?: number): number;
