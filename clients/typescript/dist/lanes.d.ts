/**
 * Requests of one connection that carry the same `meta.lane` start one after another. Plugged in with
 * `new RpcEndpoint(transport, { use: [lanes] })`. `spec: lane.*`
 */
import type { Session } from "./session.js";
/** Lets the endpoint keep lanes for its peer. Without it `meta.lane` means nothing. */
export declare function lanes(session: Session): void;
