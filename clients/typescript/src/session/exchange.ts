/** One call, from either side: what the session keeps for it. Both sides send and receive, so both are one type. */

import type { RpcError } from "../errors.js";
import type { Consumer, Producer } from "../flow.js";
import type { Cid, Frame, Meta, OnLag, Req } from "../frame.js";

/** Monotonic time in milliseconds, from whatever moment the driver chose. */
export type Millis = number;

/** A call to be made. */
export interface CallSpec {
  method: string;
  payload?: unknown;
  /** More fields of `meta`; those that the engine writes itself override them. */
  meta?: Meta | undefined;
  /** Whether items are expected rather than one answer. */
  streams?: boolean | undefined;
  /** Sends items too: they are queued here. */
  up?: Producer | undefined;
  timeoutMs?: number | undefined;
  idleMs?: number | undefined;
  /** Whether it may safely run twice: decides between `CONNECTION_CLOSED` and `INDETERMINATE`. */
  idempotent?: boolean | undefined;
  /** Whether a break may be mended by issuing the stream again; where nobody says, an epoch among its items does. */
  resumable?: boolean | undefined;
  /** Items offered at first; the session's window where absent. */
  window?: number | undefined;
  onLag?: OnLag | undefined;
  lane?: string | undefined;
  op?: string | undefined;
}

/** How a call ended: with a value, with nothing more to come, or with an error. */
export interface Outcome {
  value?: unknown;
  error?: RpcError;
}

/** A call waits for a connection or its next try; a request for its lane, or until less is queued. */
export const WAITING = 0;
/** A call has been issued; a request's handler runs. */
export const LIVE = 1;
/** A call is settled; a request is answered, though its terminal frame may still be queued. */
export const OVER = 2;

/** A call of this side, or a request of the peer. */
export class Exchange {
  /** Its id; a call's changes when it is issued again. */
  cid: Cid = "";
  /** What a call was made with; undefined for a request. */
  readonly spec: CallSpec | undefined;
  /** The frame that a request came with. */
  readonly req: Req;
  /** When its time is up; infinite where it has no end. */
  deadline: Millis = Infinity;
  /** Set when a call is over. */
  outcome: Outcome | undefined;
  /** Told when something has come, when there is room again, and when it is over. */
  wake: (() => void) | undefined;
  /** Told when a request is over that its handler has not answered. */
  stop: (() => void) | undefined;
  /** Ends a call on this side, and stops listening for the wish to; the driver's. */
  _cancel: ((error: RpcError) => void) | undefined;
  _release: (() => void) | undefined;
  _stage = WAITING;
  _isInRing = false;
  /** What goes before the items: the `req`, until it has been handed to the transport. */
  _head: Frame | undefined;
  /** What follows them: a request's terminal frame, a call's half-close. */
  _tail: Frame | undefined;
  /** The size of the message that a request came in, 0 where that is not known. */
  _size = 0;
  /** Bytes of a request that waits for its start, while it does. */
  _held = 0;
  _in: Consumer | undefined;
  _out: Producer | undefined;
  /** Whether the peer takes what we send: it has given credit. */
  _isAccepted = false;
  /** Whether a request answers with a stream. */
  _isStream = false;
  /** Whether the caller has half-closed. */
  _isHalfClosed = false;
  _idleMs: number | undefined;
  _idleSince: Millis = 0;
  /** When a call is issued again, and how often it was. */
  _retryAt: Millis = Infinity;
  _tries = 0;

  constructor(spec: CallSpec | undefined, req: Req | undefined, now: Millis, timeoutMs?: number, idleMs?: number) {
    this.spec = spec;
    this.req = req!;
    if (timeoutMs! >= 0) this.deadline = now + Math.ceil(timeoutMs!);
    this._idleMs = idleMs;
    this._idleSince = now;
  }
}
