/** What both sides share: items, credit for them, and whose turn it is to send. */

import { limitError } from "../errors.js";
import type { Producer } from "../flow.js";
import type { Frame, Grant, Nxt } from "../frame.js";
import { type Item, weigh } from "../item.js";
import type { Session } from "../session.js";
import { timeout } from "./calls.js";
import { type Exchange, LIVE, type Millis } from "./exchange.js";

/** The items that have arrived. What was taken before counts as consumed with this, and credit is granted for it. */
export function takeItems(s: Session, now: Millis, x: Exchange): Item[] {
  const consumer = x._in!;
  s._inbound -= consumer._bytes;
  const items = consumer._take();
  if (x._stage === LIVE && !x._isHalfClosed) {
    // While it had no credit the producer was not idle.
    if (!consumer._isWaiting()) x._idleSince = now;
    if (consumer._dueGrant(s._config.windowBytes)) {
      sendGrant(s, x, { upto: consumer._upto, ack: Math.max(0, consumer._consumed) });
    }
    armIdle(s, now, x);
  }
  return items;
}

/** Credit for the peer's items. */
export function sendGrant(s: Session, { cid, spec }: Exchange, fc: Grant): void {
  s._send({ kind: "nxt", cid, dir: spec && "up", fc } as Nxt);
}

/** How many items may be queued: of a stream that answers, or of an upload. Not above zero: none now. */
export function roomFor(s: Session, x: Exchange): number {
  return x._stage === LIVE && !s._isFull && !s._isOverSoft && (x._isStream || x.spec) ? x._out!._room() : 0;
}

/** Queues an item. False where the stream is over, or was ended with `SLOW_CONSUMER` by this. */
export function pushItem(s: Session, now: Millis, x: Exchange, item: Item): boolean {
  if (x._stage !== LIVE) return false;
  const out = x._out!;
  account(s, out, -1);
  const error = out._push(item);
  account(s, out);
  if (!x.spec) x._idleSince = now;
  if (error) s._fail(x, error);
  else enter(s, x);
  s._changed(now);
  return !error;
}

/** Sources that had to wait may go on. */
export function wakeProducers(s: Session): void {
  for (const x of [...s._calls.values(), ...s._requests.values()]) if (x._out) s._emit("wake", x);
}

/** False where the grant is no news. */
export function onGrant(s: Session, now: Millis, x: Exchange, fc: Grant): boolean {
  const out = x._out;
  if (!out) return false;
  // Until now there was no credit, and the stream was not idle.
  armIdle(s, now, x);
  account(s, out, -1);
  if (fc.bytes && !out._sent) out._ahead ??= s._ahead?._producer(fc.bytes);
  const isNews = out._grant(fc);
  account(s, out);
  x._isAccepted ||= !!x.spec;
  s._emit("wake", x);
  enter(s, x);
  armIdle(s, now, x);
  return isNews || !!x.spec;
}

/** Puts an item into the inbox; false where it came before. */
export function takeIn(s: Session, now: Millis, x: Exchange, nxt: Nxt, size: number): boolean {
  const consumer = x._in!;
  const { hard_bytes } = s._config.limits;
  size ||= weigh(nxt.data);
  s._inbound -= consumer._bytes;
  const isTooMuch = s._inbound + consumer._bytes + size > hard_bytes;
  const taken = isTooMuch ? limitError("waiting bytes", hard_bytes, "hard_bytes", "SLOW_CONSUMER") : consumer._receive(nxt, size);
  s._inbound += consumer._bytes;
  if (!taken) return false;
  x._idleSince = now;
  if (taken === true) {
    s._emit("wake", x);
    armIdle(s, now, x);
  } else s._fail(x, taken);
  return true;
}

/** The next frame of whose turn it is. */
export function popFrame(s: Session, x: Exchange): Frame | undefined {
  const { _head, _tail, _out, cid } = x;
  if (_head) {
    x._head = undefined;
    s._bytes -= x._size;
    enter(s, x);
    return _head;
  }
  if (_out) {
    account(s, _out, -1);
    const item = _out._pop();
    account(s, _out);
    if (item) {
      enter(s, x);
      const { _sent: seq, _upto } = _out;
      const { pos, epoch, skipped, reset, data } = item;
      const dir = x.spec && "up";
      const fc = !dir && seq === 1 && _upto !== undefined ? 1 : undefined;
      return { kind: "nxt", cid, dir, seq, pos, epoch, skipped: skipped || undefined, reset: reset || undefined, fc, data: data ?? null } as Nxt;
    }
    if (_out._items.length || (x.spec && (x._stage !== LIVE || !x._isAccepted))) return undefined;
  }
  if (_tail) {
    x._tail = undefined;
    s._bytes -= x._size;
    if (!x.spec) s._requests.delete(cid);
  }
  return _tail;
}

/** Takes its place in the ring where it has something to send. */
export function enter(s: Session, x: Exchange): void {
  const { _out, _head, _tail } = x;
  const isReady = _out?._items.length ? _out._hasCredit() : _tail && (!x.spec || x._isAccepted);
  if (!x._isInRing && (_head || isReady)) {
    x._isInRing = true;
    s._ring.push(x);
  }
}

/** Fails a stream that has been idle for too long, or says when it will have been. `spec: time.8` */
export function armIdle(s: Session, now: Millis, x: Exchange): void {
  const { _idleMs, _in, _out, spec } = x;
  if (_idleMs === undefined || x._stage !== LIVE || !(spec ? _in : x._isStream)) return;
  if (!(spec ? _in!._isWaiting() : _out!._hasCredit())) x._idleSince = now;
  const at = x._idleSince + Math.ceil(_idleMs);
  if (at > now) s._soon(at);
  else s._fail(x, timeout("no item within the idle timeout"), "idle");
}

/** Counts what a producer holds, or, with -1, counts it no more. */
export function account(s: Session, out: Producer | undefined, sign = 1): void {
  if (!out) return;
  if (out._hasCredit()) s._bytes += sign * out._bytes;
  else s._uncredited += sign * out._bytes;
}
