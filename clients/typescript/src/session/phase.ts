/** What a connection is doing, and what a call is, as their session sees it; and the names that sessions have in common. */

/** The heartbeat, which the session answers itself; it and its answer go by the control lane. `spec: discover.5` */
export const PING = "rpc.ping";

/** There is a connection. */
export const OPEN = 0;
/** There is none yet, or none any more, and there may be one. */
export const DISCONNECTED = 1;
/** Nothing new is taken on. */
export const DRAINING = 2;
/** There will be no connection. */
export const CLOSED = 3;

/** A call waits for a connection or its next try; a request for its lane, or until less is queued. */
export const WAITING = 0;
/** A call has been issued; a request's handler runs. */
export const LIVE = 1;
/** A call is settled; a request is answered, though its terminal frame may still be queued. */
export const OVER = 2;
