/** One call, as either side sees it: its items, the credit for them, and its turn to send. */

import { type RpcError, timeout } from "../errors.js";
import type { Consumer, Producer } from "../flow.js";
import type { Cid, Frame, Grant, Nxt } from "../frame.js";
import type { Item } from "../item.js";
import type { Session } from "../session.js";
import { LIVE, OVER, WAITING } from "./phase.js";

/** Monotonic time in milliseconds, from whatever moment the driver chose. */
export type Millis = number;

/** What calls and requests have in common: both sides send and receive. */
export abstract class Exchange {
  /** Its id; a call's changes when it is issued again. */
  declare _cid: Cid;
  /** When its time is up; infinite where it has no end. */
  _deadline: Millis;
  _stage = WAITING;
  /** Told when something has come, when there is room again, and when it is over. */
  declare _wake: (() => void) | undefined;
  /** Made once: it is wanted for every item. */
  readonly _tell = (): void => this._wake?.();
  /** What goes before the items: the `req`, until it has been handed to the transport. */
  declare _head: Frame | undefined;
  /** What follows them: a request's terminal frame, a call's half-close. */
  declare _tail: Frame | undefined;
  declare _in: Consumer | undefined;
  declare _out: Producer | undefined;
  /** The direction of what it sends. */
  declare readonly _dir: "up" | undefined;
  declare _isInRing: boolean | undefined;
  readonly _session: Session;

  constructor(session: Session, timeoutMs?: number | null) {
    this._session = session;
    this._deadline = session._now() + Math.ceil(timeoutMs ?? Infinity);
  }

  /** Takes in a frame that concerns it; false for one that means nothing to it. */
  abstract _take(frame: Frame, size: number): boolean;

  /** Ends it at once: what it has queued is discarded, and the peer is told by the control lane. `spec: cancel.1, writer.5` */
  abstract _fail(error?: RpcError, reason?: string): void;

  /** How many items may be queued. Not above zero: none now. */
  _room(): number {
    return this._stage === LIVE ? this._out!._room() : 0;
  }

  /** Queues an item, or ends what has no room for it. */
  _push(item: Item): void {
    if (this._stage !== LIVE) return;
    const error = this._out!._add(item);
    if (error) this._fail(error);
    else this._enter();
  }

  /** Credit has come; false where that is no news. */
  _grant(fc: Grant): boolean {
    const isNews = !!this._out?._grant(fc);
    this._notify();
    this._enter();
    return isNews;
  }

  /** An item has come; false where it came before. */
  _receive(nxt: Nxt, size: number): boolean {
    const taken = this._in!._receive(nxt, size);
    if (taken === true) this._notify();
    else if (taken) this._fail(taken);
    return !!taken;
  }

  /** The next item that has come. The one before it counts as consumed with this, and credit is granted for it. */
  _next(): Item | undefined {
    const consumer = this._in!;
    const item = consumer._take();
    if (this._stage === LIVE && consumer._dueGrant(this._session._options.windowBytes)) {
      this._offer({ upto: consumer._upto, ack: Math.max(0, consumer._consumed) });
    }
    return item;
  }

  /** Gives credit for the peer's items. */
  _offer(fc: Grant): void {
    this._session._send({ kind: "nxt", cid: this._cid, dir: this._dir, fc } as Nxt);
  }

  /** Takes its place in the ring of those that may have something to send. */
  _enter(): void {
    if (this._isInRing) return;
    this._isInRing = true;
    this._session._ring.push(this);
  }

  /** Its next frame, where there is one. */
  _pop(): Frame | undefined {
    const { _head, _tail, _out } = this;
    const item = _head ? undefined : _out?._pop();
    let frame = _head ?? (item && this._frameOf(item));
    this._head = undefined;
    this._isInRing = false;
    // The end follows the items, and waits for the credit that shows an upload to be welcome.
    if (!frame && _tail && !(_out?._items.length || _out?._upto! < 0)) {
      frame = _tail;
      this._tail = undefined;
      if (this._stage === OVER) this._session._requests.delete(this._cid);
    }
    if (frame && (_out?._items.length || this._tail)) this._enter();
    return frame;
  }

  _frameOf({ pos, epoch, skipped, reset, data }: Item): Nxt {
    const { _dir: dir, _cid: cid, _out } = this;
    const { _sent: seq, _upto } = _out!;
    const fc = !dir && seq === 1 && _upto !== undefined ? 1 : undefined;
    return { kind: "nxt", cid, dir, seq, pos, epoch, skipped: skipped || undefined, reset: reset || undefined, fc, data: data ?? null } as Nxt;
  }

  /** Time has passed. */
  _due(now: Millis): void {
    const { _session, _deadline } = this;
    _session._soon(_deadline);
    // What waits for a connection learns why there is none.
    if (_deadline <= now) this._fail(timeout(_session._phase ? _session._reason : ""), "deadline");
  }

  /** Wakes whoever waits for it, once everything is in order. */
  _notify(): void {
    this._session._events.push(this._tell);
  }
}
