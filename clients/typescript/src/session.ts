/**
 * The protocol's state machine: the tables of calls and requests, the two lanes of the writer, credit, deadlines, resume.
 * Frames go in, events and frames come out. No I/O, no clock of its own, no user code: these are its driver's.
 *
 * What is plugged into an endpoint puts its own methods and classes into the place of those of its session.
 */

import { errFrame, RpcError, timeout } from "./errors.js";
import { Consumer, Producer } from "./flow.js";
import type { Cid, Frame, Nxt, Req } from "./frame.js";
import type { Limits } from "./limits.js";
import { Call, type CallSpec } from "./session/call.js";
import type { Exchange, Millis } from "./session/exchange.js";
import { CLOSED, DISCONNECTED, DRAINING, OPEN, PING } from "./session/phase.js";
import { Request } from "./session/request.js";

/** What a session is made with. */
export interface SessionOptions {
  /** The bounds that differ from their defaults. */
  limits: Partial<Limits>;
  /** Items that a consumer offers at first; afterwards the window is sized by bytes, where messages tell their size. */
  window: number;
  /** Bytes that a consumer aims to have under way; 0 keeps windows as they were first offered. */
  windowBytes: number;
}

/** Calls that may wait for a connection. */
const MAX_WAITING = 1024;

/** The state of one connection, seen from one side. */
export abstract class Session {
  abstract readonly _options: SessionOptions;
  /** Messages that were no frames, so far on this connection. */
  declare _malformed: number;
  declare _prefix: string;
  _count = 0;
  _calls = new Map<Cid, Call>();
  /** Calls that wait for a connection, or for the moment of their next try. */
  _waiting = new Set<Call>();
  _requests = new Map<Cid, Request>();
  /** The control lane of the writer. */
  _control: Frame[] = [];
  /** The data lane: who may have something to send, in turn. */
  _ring: Exchange[] = [];
  /** Whose frame was handed over last. */
  declare _turn: Exchange | undefined;
  /** The earliest moment at which something can be due. There is no timer for each call: all are asked then. */
  _next: Millis = Infinity;
  /** What the driver must do next, in order: nobody is told of anything while it is being changed. */
  _events: (() => void)[] = [];
  _phase = DISCONNECTED;
  /** Why there is no connection, or no more calls are made. */
  declare _reason: string;
  /** Capabilities of what is plugged in. */
  declare _capabilities: string[] | undefined;
  /** What `limits` counts; for its tests. */
  declare _tally: (() => Record<string, number>) | undefined;
  /** What calls, requests and their streams are made of. */
  _Call = Call;
  _Request = Request;
  _Producer = Producer;
  _Consumer = Consumer;

  /** Monotonic time. */
  abstract _now(): Millis;
  /** Starts the handler of a request. */
  abstract _serve(request: Request): void;
  /** Ends the connection. */
  abstract _lose(why: unknown): void;
  /** Tries something again, the later the more often it was tried. */
  abstract _later(tries: number, act: () => void): unknown;
  /** Tells whoever looks after this program. */
  abstract _warn(message: string, cause?: unknown): void;
  /** Carries out what is to be done. */
  abstract _run(): void;

  /** Makes a call; one that cannot be made is over at once. */
  _call(spec: CallSpec): Call {
    const call = new this._Call(this, spec);
    const error = this._mayCall(spec);
    if (error) call._settle({ error });
    else if (this._phase) call._detach();
    else call._issue();
    return call;
  }

  /** Why a call cannot be made. */
  _mayCall({ timeoutMs }: CallSpec): RpcError | undefined {
    if (this._phase > DISCONNECTED) return new RpcError("CONNECTION_CLOSED", this._reason);
    if (timeoutMs! <= 0) return timeout();
    return this._waiting.size < MAX_WAITING ? undefined : new RpcError("RESOURCE_EXHAUSTED", "too many calls wait");
  }

  /** Takes in one frame of about `size` bytes, 0 where that is not known. False for one that concerns nothing. */
  _take(frame: Frame, size: number): boolean {
    const { kind, cid } = frame;
    if (kind === "req") return this._accept(frame, size);
    const isUp = kind === "can" || (frame as Nxt).dir === "up";
    return !!(isUp ? this._requests : this._calls).get(cid)?._take(frame, size);
  }

  /** A request has arrived: it is refused or started. Always true: it concerns something. */
  _accept(req: Req, size: number): boolean {
    const { cid, method, payload } = req;
    const live = this._requests.get(cid);
    if (live) live._fail(new RpcError("DUPLICATE_CID", "the cid is in use"));
    else if (method === PING) this._send({ kind: "res", cid, ok: true, result: payload ?? null });
    else {
      const error = this._mayServe(req, size);
      if (error) this._refuse(cid, error);
      else {
        const request = new this._Request(this, req, size);
        this._requests.set(cid, request);
        this._soon(request._deadline);
        request._start();
      }
    }
    return true;
  }

  /** Why a request is refused. */
  _mayServe({ meta }: Req, _size: number): RpcError | undefined {
    return meta?.timeoutMs === 0 ? timeout() : undefined;
  }

  /** The next frame for the transport; what is returned counts as handed over. */
  _poll(): Frame | undefined {
    let frame = this._control.shift();
    while (!frame && (this._turn = this._ring.shift())) frame = this._turn._pop();
    return frame;
  }

  /** The frame of the data lane that was handed over last cannot travel: whoever made it learns that. */
  _unsendable(frame: Frame, reason: string): void {
    const x = this._turn!;
    // What the peer has not seen need not be taken back.
    if (frame.kind === "req") x._head = frame;
    x._fail(new RpcError(x._dir ? "INVALID_PAYLOAD" : "INTERNAL", "cannot be sent: " + reason));
  }

  /** Lets time pass. */
  _advance(): void {
    const now = this._now();
    if (now < this._next) return;
    this._next = Infinity;
    for (const x of [...this._calls.values(), ...this._waiting, ...this._requests.values()]) x._due(now);
  }

  /** A new connection is there. What waited is sent by {@link Session._reissue}. */
  _connected(): void {
    this._phase = OPEN;
    this._prefix = Math.random().toString(36).slice(2, 8) + "-";
    this._malformed = 0;
  }

  /** Sends what waited for a connection, under new ids. `spec: resume.3` */
  _reissue(): void {
    for (const call of this._waiting) call._issue();
  }

  /**
   * The connection ended. Every call and request is settled, but for what may wait for the next connection where there may
   * be one. `spec: close.1` to `close.3`
   */
  _disconnect(reason: string, again: boolean): void {
    again &&= this._phase < DRAINING;
    this._reason = "connection closed: " + reason;
    this._phase = again ? DISCONNECTED : CLOSED;
    for (const request of this._requests.values()) request._drop();
    this._control = [];
    this._ring = [];
    for (const call of [...this._calls.values(), ...this._waiting]) call._lost(again);
  }

  _refuse(cid: Cid, error: RpcError): void {
    this._send(errFrame(cid, error));
  }

  /** Queues a frame in the control lane. */
  _send(frame: Frame): void {
    this._control.push(frame);
  }

  _soon(at: Millis): void {
    if (at < this._next) this._next = at;
  }
}
