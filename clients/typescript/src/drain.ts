/** Ends a connection in order. `spec: close.6` */

import type { RpcEndpoint } from "./endpoint.js";
import { RpcError } from "./errors.js";
import type { Session } from "./session.js";
import type { Millis } from "./session/exchange.js";
import { CLOSED, DISCONNECTED, DRAINING } from "./session/phase.js";

/**
 * Stops an endpoint once it has finished: new calls and requests are refused, streams end, calls for one answer may finish,
 * for at most `deadlineMs`. Resolves when the connection is over.
 */
export function drain(endpoint: RpcEndpoint, deadlineMs = 5000): Promise<void> {
  const session = endpoint._session;
  return new Promise((resolve) => {
    const timer = setTimeout(() => endpoint.stop(), deadlineMs);
    const before = endpoint._afterRun;
    endpoint._afterRun = () => {
      before?.();
      if (session._phase === CLOSED) {
        clearTimeout(timer);
        resolve();
      } else if (isDrained(session)) endpoint.stop();
    };
    if (session._phase === DISCONNECTED) endpoint.stop();
    else {
      beginDraining(session, endpoint._now());
      endpoint._run();
    }
  });
}

/** New calls and requests are refused, streams end, unary calls may finish. */
export function beginDraining(s: Session, now: Millis): void {
  if (s._phase) return;
  s._phase = DRAINING;
  s._reason = "the endpoint is closing";
  for (const x of [...s._calls.values(), ...s._requests.values()]) {
    if (x.spec ? x._in || x._out : x._isStream) {
      s._fail(x, new RpcError(x.spec ? "CANCELLED" : "CONNECTION_CLOSED", s._reason));
    }
  }
  s._changed(now);
}

/** Whether nothing is left to finish or send. */
function isDrained(s: Session): boolean {
  return s._phase === DRAINING && !(s._inFlight + s._calls.size + s._control.length + s._ring.length);
}
