/** The responder's side: a request from its arrival to its terminal frame. */

import { cancelled, type RpcError } from "../errors.js";
import { type End, type Err, type Frame, type Grant, isCredit, isGrant, type OnLag, type Req, type Res } from "../frame.js";
import type { Session } from "../session.js";
import { Exchange } from "./exchange.js";
import { LIVE, OVER } from "./phase.js";

const LAGS: OnLag[] = ["block", "latest", "dropOldest", "close"];

/** A request of the peer. */
export class Request extends Exchange {
  /** The frame that it came with. */
  readonly _req: Req;
  /** Told when it is over and its handler has not answered. */
  declare _stop: (() => void) | undefined;
  /** Whether its caller has half-closed. */
  declare _isHalfClosed: boolean | undefined;
  /** Whether it answers with a stream. */
  declare _isStream: boolean | undefined;

  /** It came in a message of about so many bytes; 0 where that is not known. */
  constructor(session: Session, req: Req, size: number) {
    const { fc, timeoutMs } = req.meta ?? {};
    super(session, timeoutMs);
    this._cid = req.cid;
    this._req = req;
    if (isCredit(fc)) {
      this._out = new session._Producer(0, "block", session._options.limits);
      this._out._grant(fc);
    }
  }

  /** Starts it. */
  _start(): void {
    const { _session } = this;
    this._stage = LIVE;
    _session._events.push(() => {
      // One that ended before its turn must not start.
      if (this._stage === LIVE) _session._serve(this);
    });
  }

  /**
   * The handler answers with a stream, whose source may be asked from now on within {@link Exchange._room}. False where the
   * request was over or is refused. A source that `pushes` cannot be held back: `block` is `close` for it.
   */
  _open(declared: OnLag, pushes?: boolean): boolean {
    const { _session } = this;
    if (this._stage !== LIVE) return false;
    const chosen = this._req.meta?.fc?.onLag!;
    const lag = LAGS.includes(chosen) ? chosen : declared;
    this._out ??= new _session._Producer(undefined, declared, _session._options.limits);
    this._out._lag = pushes && lag === "block" ? "close" : lag;
    this._isStream = true;
    return true;
  }

  /** Answers it, after the items that are queued. Nothing happens where it was over. */
  _finish(answer: Res | End | Err): void {
    if (this._stage !== LIVE) return;
    this._stage = OVER;
    this._deadline = Infinity;
    this._tail = answer;
    this._enter();
  }

  override _fail(error: RpcError): void {
    this._drop();
    this._session._refuse(this._cid, error);
  }

  /** It is over, and nothing of it is sent any more. */
  _drop(): void {
    const { _session, _stage } = this;
    this._out = this._tail = undefined;
    _session._requests.delete(this._cid);
    this._stage = OVER;
    if (_stage === LIVE) _session._events.push(() => this._stop?.());
  }

  override _take(frame: Frame, _size: number): boolean {
    if (frame.kind === "can") this._fail(cancelled());
    else return frame.kind === "nxt" && isGrant(frame) && this._grant(frame.fc as Grant);
    return true;
  }
}
