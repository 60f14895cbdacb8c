/**
 * Bounds on what a peer may do, and on what is queued for it. Plugged in with
 * `new RpcEndpoint(transport, { use: [limits] })`; the values are those of the option `limits`. An endpoint that serves
 * peers it does not trust wants them. `spec: limit.*, bytes.*`
 */
import { limitError, RpcError } from "./errors.js";
import { weigh } from "./item.js";
import { Queue } from "./queue.js";
import { enter as enterCall } from "./session/calls.js";
import { start } from "./session/requests.js";
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
/** Bounds what the endpoint's peer may do. */
export function limits(session, options = {}) {
    const bounds = { ...LIMITS, ...options };
    const outbox = session._outbox;
    outbox._weigh = weigh;
    const unstarted = new Queue();
    /** When the writer last made progress, while more than the soft bound is queued. */
    let progress;
    let heldBack = false;
    let rateAt;
    let tokens = bounds.requests_per_second;
    const isOver = () => outbox._bytes > bounds.soft_bytes;
    session._bounds = {
        _mayCall(spec, waits) {
            const { hard_bytes } = bounds;
            let bytes = outbox._bytes + weigh(spec.payload);
            if (waits)
                for (const call of session._detached)
                    bytes += weigh(call.spec.payload);
            if (bytes > hard_bytes)
                throw limitError("queued bytes", hard_bytes, "hard_bytes");
        },
        _refusal(meta, size, payload) {
            const { in_flight, hard_bytes } = bounds;
            if (session._inFlight >= in_flight)
                return limitError("calls in flight", in_flight, "in_flight");
            const waits = unstarted.size > 0 || isOver() || meta?.lane != null;
            if (waits && session._inbound + (size || weigh(payload)) > hard_bytes) {
                return limitError("waiting bytes", hard_bytes, "hard_bytes");
            }
            return undefined;
        },
        _rateRefusal(now) {
            // A bucket that holds one second's requests.
            const rate = bounds.requests_per_second;
            if (!rate)
                return undefined;
            tokens = Math.min(rate, tokens + ((now - (rateAt ?? now)) * rate) / 1000);
            rateAt = now;
            if (tokens >= 1) {
                tokens--;
                return undefined;
            }
            const { code, message, details } = limitError("requests a second", rate, "requests_per_second");
            const retryAfterMs = Math.ceil(((1 - tokens) * 1000) / rate);
            return new RpcError(code, message, { ...details, retryAfterMs });
        },
        _mayStream() {
            return session._streams >= bounds.streams ? limitError("streams", bounds.streams, "streams") : undefined;
        },
        _holds(request) {
            if (!isOver() && !unstarted.size)
                return false;
            unstarted.push(request);
            return true;
        },
        _forget() { },
        _isOver() {
            const over = isOver();
            heldBack ||= over;
            return over;
        },
        _keep(now) {
            if (isOver()) {
                progress ??= now;
                if (outbox._bytes > bounds.hard_bytes) {
                    session._close(limitError("queued bytes", bounds.hard_bytes, "hard_bytes").message);
                }
                else if (progress + bounds.stall <= now) {
                    session._close(`the peer took nothing for ${bounds.stall} ms with over ${bounds.soft_bytes} bytes queued; ` +
                        "see limits.stall and limits.soft_bytes");
                }
                else {
                    session._deadlines._soon(progress + bounds.stall);
                }
                return;
            }
            if (progress !== undefined || heldBack) {
                progress = undefined;
                heldBack = false;
                for (const request of session._requests.values())
                    if (request._producer)
                        session._wake(request);
                for (const call of session._calls.values()) {
                    if (call.spec.up)
                        session._wake(call);
                    enterCall(session, call);
                }
            }
            while (unstarted.size && !isOver()) {
                const waiting = unstarted.take();
                for (const request of waiting)
                    if (session._requests.get(request.cid) === request)
                        start(session, request);
            }
        },
        _progress(now) {
            if (progress !== undefined)
                progress = now;
            this._keep(now);
        },
        _clear() {
            unstarted.take();
            progress = undefined;
        },
    };
}
//# sourceMappingURL=limits.js.map