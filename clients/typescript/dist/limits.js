/**
 * Bounds on what a peer may do, and on what is queued for it. Plugged in with
 * `new RpcEndpoint(transport, { use: [limits] })`; the values are those of the option `limits`. An endpoint that serves
 * peers it does not trust wants them. `spec: limit.*, bytes.*`
 */
import { limitError, RpcError } from "./errors.js";
import { weigh } from "./item.js";
import { start } from "./session/requests.js";
import { wakeProducers } from "./session/streams.js";
/** The defaults. */
export const LIMITS = {
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
export function limits(session) {
    const bounds = { ...LIMITS, ...session._config.limits };
    const { soft_bytes, hard_bytes, stall, in_flight, streams, requests_per_second: rate } = bounds;
    session._weigh = weigh;
    let unstarted = [];
    /** When the writer last made progress, while more than the soft bound is queued. */
    let progress;
    let rateAt;
    let tokens = rate;
    session._bounds = {
        _mayCall(spec) {
            let bytes = session._bytes + session._uncredited + weigh(spec.payload);
            for (const call of session._waiting)
                bytes += weigh(call.spec.payload);
            if (bytes > hard_bytes)
                throw limitError("queued bytes", hard_bytes, "hard_bytes");
        },
        _refusal(now, { meta, payload }, size) {
            if (session._inFlight >= in_flight)
                return limitError("calls in flight", in_flight, "in_flight");
            const waits = unstarted.length || session._isOverSoft || meta?.lane != null;
            if (waits && session._inbound + (size || weigh(payload)) > hard_bytes) {
                return limitError("waiting bytes", hard_bytes, "hard_bytes");
            }
            if (!rate)
                return undefined;
            // A bucket that holds one second's requests.
            tokens = Math.min(rate, tokens + ((now - (rateAt ?? now)) * rate) / 1000);
            rateAt = now;
            if (tokens-- >= 1)
                return undefined;
            const { code, message, details } = limitError("requests a second", rate, "requests_per_second");
            const retryAfterMs = Math.ceil((-tokens++ * 1000) / rate);
            return new RpcError(code, message, { ...details, retryAfterMs });
        },
        _streamRefusal: () => (session._streams >= streams ? limitError("streams", streams, "streams") : undefined),
        _holds(request) {
            const waits = session._isOverSoft || unstarted.length > 0;
            if (waits)
                unstarted.push(request);
            return waits;
        },
        _keep(now, isProgress) {
            const isOver = session._bytes > soft_bytes;
            const wasOver = session._isOverSoft;
            session._isOverSoft = isOver;
            if (session._bytes + session._uncredited > hard_bytes) {
                session._close(limitError("queued bytes", hard_bytes, "hard_bytes").message);
            }
            else if (isOver) {
                progress = isProgress ? now : (progress ?? now);
                if (progress + stall <= now) {
                    const what = `the peer took nothing for ${stall} ms with over ${soft_bytes} bytes queued`;
                    session._close(what + "; see limits.stall and limits.soft_bytes");
                }
                else
                    session._soon(progress + stall);
            }
            if (isOver)
                return;
            progress = undefined;
            if (wasOver)
                wakeProducers(session);
            const waiting = unstarted;
            unstarted = [];
            for (const request of waiting)
                if (session._requests.get(request.cid) === request)
                    start(session, request);
        },
        _clear() {
            unstarted = [];
            progress = undefined;
        },
    };
}
//# sourceMappingURL=limits.js.map