/** One item of a stream, with where it stands. */
/** What may stand beside an item's value. */
export interface Place {
    /** Where the item stands in its source (a revision, an offset); every item of a resumable stream says it. */
    pos?: number | undefined;
    /** The life of the source that `pos` counts in; the first item of a resumable stream says it. */
    epoch?: string | undefined;
    /** Whether the source starts over here: what the consumer knew is void. `spec: resume.5` */
    reset?: boolean | undefined;
}
/** One item of a stream. A handler's plain value becomes one by itself. */
export declare class Item<T = unknown> {
    /** The value. */
    data: T;
    readonly pos: number | undefined;
    epoch: string | undefined;
    reset: boolean;
    /** How many items were dropped before this one, by a policy that drops. */
    skipped: number;
    /** @internal About how many bytes it keeps. */
    _size: number;
    constructor(data: T, place?: Place, skipped?: number);
}
/** About how many bytes a value takes as JSON. Stops where it is more than any limit allows, so that a circle ends too. */
export declare function weigh(value: unknown): number;
