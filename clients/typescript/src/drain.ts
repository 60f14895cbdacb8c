/** Ends a connection in order. `spec: close.6` */

import type { RpcEndpoint } from "./endpoint.js";
import { RpcError } from "./errors.js";
import type { Session } from "./session.js";
import { CLOSED, DISCONNECTED, DRAINING } from "./session/phase.js";

/**
 * Stops an endpoint once it has finished: new calls and requests are refused, streams end, calls for one answer may finish,
 * for at most `deadlineMs`. Resolves when the connection is over.
 */
export function drain(endpoint: RpcEndpoint, deadlineMs = 5000): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => endpoint.stop(), deadlineMs);
    const run = endpoint._run.bind(endpoint);
    endpoint._run = () => {
      run();
      if (endpoint._phase === CLOSED) {
        clearTimeout(timer);
        resolve();
      } else if (isDrained(endpoint)) endpoint.stop();
    };
    if (endpoint._phase === DISCONNECTED) endpoint.stop();
    else {
      beginDraining(endpoint);
      endpoint._run();
    }
  });
}

/** New calls and requests are refused, streams end, unary calls may finish. */
export function beginDraining(s: Session): void {
  if (s._phase) return;
  s._phase = DRAINING;
  s._reason = "the endpoint is closing";
  const closed = () => new RpcError("CONNECTION_CLOSED", s._reason);
  s._mayServe = closed;
  for (const call of [...s._calls.values()]) if (call._in || call._out) call._fail(new RpcError("CANCELLED", s._reason));
  for (const request of [...s._requests.values()]) {
    if (request._isStream) request._fail(closed());
    request._open = () => {
      request._fail(closed());
      return false;
    };
  }
}

/** Whether nothing is left to finish or send. */
function isDrained(s: Session): boolean {
  return s._phase === DRAINING && !(s._requests.size + s._calls.size + s._control.length + s._ring.length);
}
