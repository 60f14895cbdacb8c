/** What a relay keeps of one window: who it is, the calls it made, and what waits to and from it. */

import { limitError, RpcError } from "../errors.js";
import type { Transport } from "../transport.js";
import { type Call, Queue, type Way } from "./call.js";
import type { Limits } from "../limits.js";
import { Outlet, type Source } from "./outlet.js";
import type { Stamp } from "./splice.js";

/** Who a window is, as the hop that accepted it knows. */
export interface WindowId {
  /** What is stamped as `meta.senderId`: one window of a name at a time. */
  readonly senderId: string | number;
  /** What is stamped as `meta.doc`: another one with every navigation and reload. */
  readonly doc: string;
}

/** What waits in one direction. */
export class Direction {
  /** The calls that have something to send, one message each in turn. */
  readonly ring: Call[] = [];
  /** Bytes of data and control. */
  bytes = 0;
  /** Calls in this direction that are not answered. */
  inFlight = 0;
}

export class Window {
  readonly id: WindowId;
  readonly stamp: Stamp;
  readonly transport: Transport;
  readonly outlet: Outlet;
  /** The calls that it made, by its own ids. */
  readonly cids = new Map<string, Call>();
  /** Calls that it made or was given. */
  readonly calls = new Set<Call>();
  /** The relay's own frames, cancels and grants for it, which wait for nothing. */
  readonly control = new Queue();
  readonly up = new Direction();
  readonly down = new Direction();
  /** Whether the upstream's ring holds it. */
  isInTurn = false;
  isAttached = true;
  malformed = 0;
  /** Watches it while much waits for it. */
  stall: ReturnType<typeof setTimeout> | undefined;
  #tokens: { at: number; left: number } | undefined;

  constructor(id: WindowId, transport: Transport, source: (window: Window) => Source) {
    this.id = id;
    this.transport = transport;
    const name = String(id.senderId).replaceAll("%", "%25").replaceAll("/", "%2F");
    this.stamp = { senderId: id.senderId, doc: id.doc, lane: `${name}/` };
    this.outlet = new Outlet(source(this));
  }

  direction(way: Way): Direction {
    return way === "up" ? this.up : this.down;
  }

  /** Refuses a request that is beyond the window's limits. `spec: relay.4` */
  admit(way: Way, limits: Limits): RpcError | undefined {
    const { inFlight, bytes } = this.direction(way);
    if (inFlight >= limits.in_flight) return limitError("calls in flight", limits.in_flight, "in_flight");
    if (bytes > limits.soft_bytes) return limitError("queued bytes", limits.soft_bytes, "soft_bytes");
    if (way === "down" || limits.requests_per_second === 0) return undefined;
    return this.#takeToken(limits.requests_per_second);
  }

  /** Takes one from a bucket that holds one second's requests. `spec: limit.6` */
  #takeToken(most: number): RpcError | undefined {
    const now = performance.now();
    const { at, left } = this.#tokens ?? { at: now, left: most };
    const refilled = Math.min(left + ((now - at) * most) / 1000, most);
    this.#tokens = { at: now, left: refilled < 1 ? refilled : refilled - 1 };
    if (refilled >= 1) return undefined;
    const { code, message, details } = limitError("requests a second", most, "requests_per_second");
    const retryAfterMs = Math.ceil(((1 - refilled) * 1000) / most);
    return new RpcError(code, message, { ...(details as object), retryAfterMs });
  }
}
