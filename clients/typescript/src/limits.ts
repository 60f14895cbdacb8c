/**
 * Bounds on what a peer may do, and on what is queued for it. Plugged in with
 * `new RpcEndpoint(transport, { use: [limits] })`; the values are those of the option `limits`. An endpoint that serves
 * peers it does not trust wants them. `spec: limit.*, bytes.*`
 */

import { limitError, RpcError } from "./errors.js";
import { weigh } from "./item.js";
import type { Session } from "./session.js";
import type { Exchange, Millis } from "./session/exchange.js";
import { start } from "./session/requests.js";
import { wakeProducers } from "./session/streams.js";

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
export function limits(session: Session): void {
  const bounds: Limits = { ...LIMITS, ...session._config.limits };
  const { soft_bytes, hard_bytes, stall, in_flight, streams, requests_per_second: rate } = bounds;
  session._weigh = weigh;
  let unstarted: Exchange[] = [];
  /** When the writer last made progress, while more than the soft bound is queued. */
  let progress: Millis | undefined;
  let rateAt: Millis | undefined;
  let tokens = rate;

  session._bounds = {
    _mayCall(spec) {
      let bytes = session._bytes + session._uncredited + weigh(spec.payload);
      for (const call of session._waiting) bytes += weigh(call.spec!.payload);
      if (bytes > hard_bytes) throw limitError("queued bytes", hard_bytes, "hard_bytes");
    },

    _refusal(now, { meta, payload }, size) {
      if (session._inFlight >= in_flight) return limitError("calls in flight", in_flight, "in_flight");
      const waits = unstarted.length || session._isOverSoft || meta?.lane != null;
      if (waits && session._inbound + (size || weigh(payload)) > hard_bytes) {
        return limitError("waiting bytes", hard_bytes, "hard_bytes");
      }
      if (!rate) return undefined;
      // A bucket that holds one second's requests.
      tokens = Math.min(rate, tokens + ((now - (rateAt ?? now)) * rate) / 1000);
      rateAt = now;
      if (tokens-- >= 1) return undefined;
      const { code, message, details } = limitError("requests a second", rate, "requests_per_second");
      const retryAfterMs = Math.ceil((-tokens++ * 1000) / rate);
      return new RpcError(code, message, { ...(details as object), retryAfterMs });
    },

    _streamRefusal: () => (session._streams >= streams ? limitError("streams", streams, "streams") : undefined),

    _holds(request) {
      const waits = session._isOverSoft || unstarted.length > 0;
      if (waits) unstarted.push(request);
      return waits;
    },

    _keep(now, isProgress) {
      const isOver = session._bytes > soft_bytes;
      const wasOver = session._isOverSoft;
      session._isOverSoft = isOver;
      if (session._bytes + session._uncredited > hard_bytes) {
        session._close(limitError("queued bytes", hard_bytes, "hard_bytes").message);
      } else if (isOver) {
        progress = isProgress ? now : (progress ?? now);
        if (progress + stall <= now) {
          const what = `the peer took nothing for ${stall} ms with over ${soft_bytes} bytes queued`;
          session._close(what + "; see limits.stall and limits.soft_bytes");
        } else session._soon(progress + stall);
      }
      if (isOver) return;
      progress = undefined;
      if (wasOver) wakeProducers(session);
      const waiting = unstarted;
      unstarted = [];
      for (const request of waiting) if (session._requests.get(request.cid) === request) start(session, request);
    },

    _clear() {
      unstarted = [];
      progress = undefined;
    },
  };
}
