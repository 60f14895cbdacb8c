/**
 * The relay's traffic: whose call each frame belongs to, what waits for whom, and who is told what at an end. It knows no
 * connector and no Electron.
 */
import type { Transport } from "../transport.js";
import { Call } from "./call.js";
import type { Limits } from "../limits.js";
import { type Port, Traffic } from "./traffic.js";
import type { Upstream } from "./upstream.js";
import { Window, type WindowId } from "./window.js";
export declare class Switch {
    #private;
    readonly limits: Limits;
    readonly windows: Map<string, Window>;
    readonly calls: Map<string, Call>;
    readonly traffic: Traffic;
    dropped: number;
    constructor(limits: Limits, onUpstreamFailed: (reason: string) => void, onDetached: (window: Window, reason: string) => void);
    get upstream(): Upstream;
    /** Lets a window in. An earlier one of the same sender is fenced: nothing of it is heard any more. `spec: identity.3` */
    attach(id: WindowId, transport: Transport): Window;
    /** The window is gone: what it called is cancelled, who called it is told. `spec: relay.8` */
    detach(window: Window, reason: string): void;
    /** The upstream is there: what waited for it is sent. */
    connected(transport: Transport): void;
    /** The upstream broke: every call of a window is answered, every call to a window cancelled. `spec: relay.7` */
    disconnected(reason: string): void;
    /** Takes in a message of one of the connections. */
    receive(port: Port, message: unknown): void;
}
