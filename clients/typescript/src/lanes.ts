/**
 * Requests of one connection that carry the same `meta.lane` start one after another. Plugged in with
 * `new RpcEndpoint(transport, { use: [lanes] })`. `spec: lane.*`
 */

import type { Session } from "./session.js";
import type { Exchange } from "./session/exchange.js";

/** Lets the endpoint keep lanes for its peer. Without it `meta.lane` means nothing. */
export function lanes(session: Session): void {
  /** Who holds each lane, and who waits behind it. */
  const byName = new Map<string, Exchange[]>();
  session._lanes = {
    _enter(request) {
      const name = request.req.meta?.lane;
      if (name == null) return false;
      const lane = byName.get(name);
      if (lane) lane.push(request);
      else byName.set(name, [request]);
      return lane !== undefined;
    },

    _release(request) {
      const name = request.req.meta?.lane;
      const lane = name == null ? undefined : byName.get(name);
      const at = lane?.indexOf(request) ?? -1;
      if (at < 0) return undefined;
      lane!.splice(at, 1);
      if (!lane!.length) byName.delete(name!);
      // Only who held the lane makes room in it.
      return at ? undefined : lane![0];
    },

    _clear: () => byName.clear(),
  };
}
