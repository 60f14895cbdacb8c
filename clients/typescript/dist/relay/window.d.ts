/** What a relay keeps of one window: who it is, the calls it made, and what waits to and from it. */
import { RpcError } from "../errors.js";
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
export declare class Direction {
    /** The calls that have something to send, one message each in turn. */
    readonly ring: Call[];
    /** Bytes of data and control. */
    bytes: number;
    /** Calls in this direction that are not answered. */
    inFlight: number;
}
export declare class Window {
    #private;
    readonly id: WindowId;
    readonly stamp: Stamp;
    readonly transport: Transport;
    readonly outlet: Outlet;
    /** The calls that it made, by its own ids. */
    readonly cids: Map<string, Call>;
    /** Calls that it made or was given. */
    readonly calls: Set<Call>;
    /** The relay's own frames, cancels and grants for it, which wait for nothing. */
    readonly control: Queue;
    readonly up: Direction;
    readonly down: Direction;
    /** Whether the upstream's ring holds it. */
    isInTurn: boolean;
    isAttached: boolean;
    malformed: number;
    /** Watches it while much waits for it. */
    stall: ReturnType<typeof setTimeout> | undefined;
    constructor(id: WindowId, transport: Transport, source: (window: Window) => Source);
    direction(way: Way): Direction;
    /** Refuses a request that is beyond the window's limits. `spec: relay.4` */
    admit(way: Way, limits: Limits): RpcError | undefined;
}
