/** Several ways to the same service, in order of preference. Waiting between attempts is the endpoint's business. */
import type { Connector } from "../transport.js";
/**
 * A connector over others, the most preferred first.
 *
 * Every connection begins with the first again, so that a service returns to its preferred place as soon as that place is
 * back and the connection is made anew. It fails when all have failed, with an `AggregateError` of their reasons.
 */
export declare function failover(connectors: readonly Connector[]): Connector;
