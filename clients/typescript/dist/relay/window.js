/** What a relay keeps of one window: who it is, the calls it made, and what waits to and from it. */
import { limitError, RpcError } from "../errors.js";
import { Queue } from "./call.js";
import { Outlet } from "./outlet.js";
/** What waits in one direction. */
export class Direction {
    /** The calls that have something to send, one message each in turn. */
    ring = [];
    /** Bytes of data and control. */
    bytes = 0;
    /** Calls in this direction that are not answered. */
    inFlight = 0;
}
export class Window {
    id;
    stamp;
    transport;
    outlet;
    /** The calls that it made, by its own ids. */
    cids = new Map();
    /** Calls that it made or was given. */
    calls = new Set();
    /** The relay's own frames, cancels and grants for it, which wait for nothing. */
    control = new Queue();
    up = new Direction();
    down = new Direction();
    /** Whether the upstream's ring holds it. */
    isInTurn = false;
    isAttached = true;
    malformed = 0;
    /** Watches it while much waits for it. */
    stall;
    #tokens;
    constructor(id, transport, source) {
        this.id = id;
        this.transport = transport;
        const name = String(id.senderId).replaceAll("%", "%25").replaceAll("/", "%2F");
        this.stamp = { senderId: id.senderId, doc: id.doc, lane: `${name}/` };
        this.outlet = new Outlet(source(this));
    }
    direction(way) {
        return way === "up" ? this.up : this.down;
    }
    /** Refuses a request that is beyond the window's limits. `spec: relay.4` */
    admit(way, limits) {
        const { inFlight, bytes } = this.direction(way);
        if (inFlight >= limits.in_flight)
            return limitError("calls in flight", limits.in_flight, "in_flight");
        if (bytes > limits.soft_bytes)
            return limitError("queued bytes", limits.soft_bytes, "soft_bytes");
        if (way === "down" || limits.requests_per_second === 0)
            return undefined;
        return this.#takeToken(limits.requests_per_second);
    }
    /** Takes one from a bucket that holds one second's requests. `spec: limit.6` */
    #takeToken(most) {
        const now = performance.now();
        const { at, left } = this.#tokens ?? { at: now, left: most };
        const refilled = Math.min(left + ((now - at) * most) / 1000, most);
        this.#tokens = { at: now, left: refilled < 1 ? refilled : refilled - 1 };
        if (refilled >= 1)
            return undefined;
        const { code, message, details } = limitError("requests a second", most, "requests_per_second");
        const retryAfterMs = Math.ceil(((1 - refilled) * 1000) / most);
        return new RpcError(code, message, { ...details, retryAfterMs });
    }
}
//# sourceMappingURL=window.js.map