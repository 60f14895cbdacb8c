/** What waits for the writer: a control lane, and a ring of calls that have data to send, one frame a turn. `spec: writer.*` */
import { Queue } from "../queue.js";
/** The two lanes of the writer. */
export class Outbox {
    _control = new Queue();
    _ring = new Queue();
    /** About how many bytes wait, where somebody counts them. */
    _bytes = 0;
    /** Weighs what is queued; replaced by whoever bounds it. */
    _weigh = () => 0;
    _pushControl(frame) {
        this._bytes += this._weigh(frame);
        this._control.push(frame);
    }
    _popControl() {
        const frame = this._control.shift();
        if (frame)
            this._bytes -= this._weigh(frame);
        return frame;
    }
    _enter(turn) {
        if (!turn._inRing) {
            turn._inRing = true;
            this._ring.push(turn);
        }
    }
    _nextTurn() {
        const turn = this._ring.shift();
        if (turn)
            turn._inRing = false;
        return turn;
    }
    _clear() {
        for (const turn of this._ring.take())
            turn._inRing = false;
        this._control.take();
        this._bytes = 0;
    }
}
//# sourceMappingURL=outbox.js.map