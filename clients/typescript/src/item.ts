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
export class Item<T = unknown> {
  /** The value. */
  declare data: T;
  /** Where it stands in its source. */
  declare pos: number | undefined;
  /** The life of the source that `pos` counts in. */
  declare epoch: string | undefined;
  /** Whether the source starts over here. */
  declare reset: boolean;
  /** How many items were dropped before this one. */
  declare skipped: number;
  /** @internal About how many bytes it keeps; where `limits` are plugged in. */
  declare _size: number;

  constructor(data: T, place: Place = {}, size?: number) {
    // Null counts as absent in what a peer sends.
    this.data = data;
    this.pos = place.pos ?? undefined;
    this.epoch = place.epoch ?? undefined;
    this.reset = !!place.reset;
    this.skipped = place.skipped || 0;
    this._size = size!;
  }
}
