/** What waits for the writer: a control lane, and a ring of calls that have data to send, one frame a turn. `spec: writer.*` */

import type { Frame } from "../frame.js";
import { Queue } from "../queue.js";

/** A call or a request that has data to send. */
export interface Turn {
  /** @internal Whether it is in the ring. */
  _inRing: boolean;
}

/** The two lanes of the writer. */
export class Outbox<T extends Turn> {
  _control = new Queue<Frame>();
  _ring = new Queue<T>();
  /** About how many bytes wait, where somebody counts them. */
  _bytes = 0;
  /** Weighs what is queued; replaced by whoever bounds it. */
  _weigh: (value: unknown) => number = () => 0;

  _pushControl(frame: Frame): void {
    this._bytes += this._weigh(frame);
    this._control.push(frame);
  }

  _popControl(): Frame | undefined {
    const frame = this._control.shift();
    if (frame) this._bytes -= this._weigh(frame);
    return frame;
  }

  _enter(turn: T): void {
    if (!turn._inRing) {
      turn._inRing = true;
      this._ring.push(turn);
    }
  }

  _nextTurn(): T | undefined {
    const turn = this._ring.shift();
    if (turn) turn._inRing = false;
    return turn;
  }

  _clear(): void {
    for (const turn of this._ring.take()) turn._inRing = false;
    this._control.take();
    this._bytes = 0;
  }
}
