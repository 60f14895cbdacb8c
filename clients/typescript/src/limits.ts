/**
 * Bounds on what a peer may do, and on what is queued for it. Plugged in with
 * `new RpcEndpoint(transport, { use: [limits] })`; the values are those of the option `limits`. An endpoint that serves
 * peers it does not trust wants them. `spec: limit.*, bytes.*`
 */

import { limitError, RpcError } from "./errors.js";
import type { End, Err, Frame, OnLag, Req, Res } from "./frame.js";
import { Backlog, type Carried } from "./limits/backlog.js";
import { bounding, weighing } from "./limits/items.js";
import { weigh } from "./limits/weigh.js";
import type { Session } from "./session.js";
import type { Outcome } from "./session/call.js";
import type { Millis } from "./session/exchange.js";
import { LIVE, OVER } from "./session/phase.js";

/** The limits of one connection, by the names that the protocol gives them. */
export interface Limits {
  /** Longest message accepted, in UTF-16 units of its text. Default 16 Mi. */
  message_bytes: number;
  /** Deepest nesting of arrays and objects in a message. Default 64. */
  depth: number;
  /** Requests of the peer that may be unanswered at once. Default 1024. */
  in_flight: number;
  /** Streams of the peer that may be open at once. Default 256. */
  streams: number;
  /** Bytes of items that may wait in one stream, on either side. Default 32 Mi. */
  stream_bytes: number;
  /** Items that may wait in one stream for which no credit applies, on either side. Default 1024. */
  stream_items: number;
  /** Bytes waiting for the peer above which streams are not polled and requests not started. Default 1 Mi. */
  soft_bytes: number;
  /** Bytes waiting for the peer above which the connection is closed; also the bytes that may wait on this side. Default 64 Mi. */
  hard_bytes: number;
  /** Milliseconds above `soft_bytes` without progress after which the connection is closed. Default 30 000. */
  stall: number;
  /** Requests a second that the peer may send; 0 is unlimited. Default 0. */
  requests_per_second: number;
  /** Malformed messages after which the connection is closed, at least 16. Default 64. */
  malformed: number;
}

/** The defaults. */
export const LIMITS: Readonly<Limits> = {
  message_bytes: 16 << 20,
  depth: 64,
  in_flight: 1024,
  streams: 256,
  stream_bytes: 32 << 20,
  stream_items: 1024,
  soft_bytes: 1 << 20,
  hard_bytes: 64 << 20,
  stall: 30_000,
  requests_per_second: 0,
  malformed: 64,
};

/** Bounds what the endpoint's peer may do, by the limits that the session was made with. */
export function limits(session: Carried): void {
  const bounds: Limits = { ...LIMITS, ...session._options.limits };
  const backlog = new Backlog(session, bounds);
  const kept: Kept = { inbound: 0, inFlight: 0, streams: 0 };
  session._Producer = weighing(session._Producer, bounds);
  session._Consumer = bounding(session._Consumer, kept, bounds);
  boundCalls(session, backlog, bounds);
  boundRequests(session, backlog, kept, bounds);
  refuseRequests(session, backlog, kept, bounds);
  session._tally = () => ({ ...kept, queued: backlog._bytes });
}

/** What the peer makes this side keep. */
export interface Kept {
  /** Bytes that have been received and wait to be taken, or to be started. */
  inbound: number;
  inFlight: number;
  streams: number;
}

/** Counts what calls have queued. */
function boundCalls(session: Session, backlog: Backlog, { hard_bytes }: Limits): void {
  const mayCall = session._mayCall.bind(session);
  session._mayCall = (spec) => {
    let bytes = backlog._bytes + weigh(spec.payload);
    for (const call of session._waiting) bytes += weigh(call._spec.payload);
    return mayCall(spec) ?? (bytes > hard_bytes ? limitError("queued bytes", hard_bytes, "hard_bytes") : undefined);
  };
  session._Call = class extends session._Call {
    override _room(): number {
      return backlog._isFull ? 0 : super._room();
    }

    override _enter(): void {
      super._enter();
      backlog._count(this);
    }

    override _pop(): Frame | undefined {
      const frame = super._pop();
      backlog._count(this);
      return frame;
    }

    override _detach(): void {
      super._detach();
      backlog._count(this);
    }

    override _settle(outcome: Outcome): void {
      super._settle(outcome);
      backlog._count(this);
    }
  };
}

/** Counts what requests have queued and keep, and holds back what is too much. */
function boundRequests(session: Session, backlog: Backlog, kept: Kept, { streams }: Limits): void {
  session._Request = class extends session._Request {
    /** Its bytes, while it waits for its start. */
    #held: number;

    constructor(...[of, req, size]: ConstructorParameters<typeof session._Request>) {
      super(of, req, size);
      this.#held = size || weigh(req.payload);
      kept.inbound += this.#held;
      kept.inFlight++;
    }

    override _start(): void {
      if (backlog._holds) return backlog._hold(this);
      super._start();
      if (this._stage === LIVE) this.#release();
    }

    override _open(declared: OnLag, pushes?: boolean): boolean {
      if (this._stage === LIVE && kept.streams >= streams) {
        this._fail(limitError("streams", streams, "streams"));
        return false;
      }
      const isOpen = super._open(declared, pushes);
      if (isOpen) kept.streams++;
      return isOpen;
    }

    override _room(): number {
      return backlog._isFull ? 0 : super._room();
    }

    override _enter(): void {
      super._enter();
      backlog._count(this);
    }

    override _pop(): Frame | undefined {
      const frame = super._pop();
      backlog._count(this);
      return frame;
    }

    override _finish(answer: Res | End | Err): void {
      this.#settled(() => super._finish(answer));
    }

    override _drop(): void {
      this.#settled(() => super._drop());
      backlog._count(this);
    }

    #release(): void {
      kept.inbound -= this.#held;
      this.#held = 0;
    }

    #settled(act: () => void): void {
      const before = this._stage;
      act();
      if (before === OVER || this._stage !== OVER) return;
      this.#release();
      kept.inFlight--;
      if (this._isStream) kept.streams--;
    }
  };
}

/** Refuses requests that are too many. */
function refuseRequests(session: Session, backlog: Backlog, kept: Kept, bounds: Limits): void {
  const { in_flight, hard_bytes, requests_per_second: rate } = bounds;
  const mayServe = session._mayServe.bind(session);
  /** A bucket that holds one second's requests. */
  let tokens = rate;
  let filledAt: Millis | undefined;

  session._mayServe = (req: Req, size: number) => {
    const { meta, payload } = req;
    const error = mayServe(req, size);
    if (error) return error;
    if (kept.inFlight >= in_flight) return limitError("calls in flight", in_flight, "in_flight");
    if ((backlog._holds || meta?.lane != null) && kept.inbound + (size || weigh(payload)) > hard_bytes) {
      return limitError("waiting bytes", hard_bytes, "hard_bytes");
    }
    if (!rate) return undefined;
    const now = session._now();
    tokens = Math.min(rate, tokens + ((now - (filledAt ?? now)) * rate) / 1000);
    filledAt = now;
    if (tokens-- >= 1) return undefined;
    const { code, message, details } = limitError("requests a second", rate, "requests_per_second");
    const retryAfterMs = Math.ceil((-tokens++ * 1000) / rate);
    return new RpcError(code, message, { ...(details as object), retryAfterMs });
  };
}
