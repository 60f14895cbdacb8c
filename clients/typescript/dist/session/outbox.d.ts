/** What waits for the writer: a control lane, and a ring of calls that have data to send, one frame a turn. `spec: writer.*` */
import type { Frame } from "../frame.js";
import { Queue } from "../queue.js";
/** A call or a request that has data to send. */
export interface Turn {
    /** @internal Whether it is in the ring. */
    _inRing: boolean;
}
/** The two lanes of the writer. */
export declare class Outbox<T extends Turn> {
    _control: Queue<Frame>;
    _ring: Queue<T>;
    /** About how many bytes wait, where somebody counts them. */
    _bytes: number;
    /** Weighs what is queued; replaced by whoever bounds it. */
    _weigh: (value: unknown) => number;
    _pushControl(frame: Frame): void;
    _popControl(): Frame | undefined;
    _enter(turn: T): void;
    _nextTurn(): T | undefined;
    _clear(): void;
}
