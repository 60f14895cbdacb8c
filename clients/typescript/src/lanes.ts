/**
 * Requests of one connection that carry the same `meta.lane` start one after another. Plugged in with
 * `new RpcEndpoint(transport, { use: [lanes] })`. `spec: lane.*`
 */

import type { End, Err, OnLag, Res } from "./frame.js";
import type { Session } from "./session.js";
import type { Request } from "./session/request.js";

/** Lets the endpoint keep lanes for its peer. Without it `meta.lane` means nothing. */
export function lanes(session: Session): void {
  /** Who holds each lane, and who waits behind it. */
  const byName = new Map<string, Request[]>();
  const leave = (request: Request) => {
    const name = request._req.meta?.lane;
    const lane = name == null ? undefined : byName.get(name);
    const at = lane?.indexOf(request) ?? -1;
    if (at < 0) return;
    lane!.splice(at, 1);
    if (!lane!.length) byName.delete(name!);
    // Only who held the lane makes room in it.
    else if (!at) lane![0]!._start();
  };
  const disconnect = session._disconnect.bind(session);

  (session._capabilities ??= []).push("lane");
  session._disconnect = (reason, again) => {
    // Nothing that waits may start in the place of what is dropped.
    byName.clear();
    disconnect(reason, again);
  };
  session._Request = class extends session._Request {
    override _start(): void {
      const name = this._req.meta?.lane;
      if (name != null) {
        const lane = byName.get(name) ?? [];
        byName.set(name, lane);
        if (!lane.includes(this)) lane.push(this);
        if (lane[0] !== this) return;
      }
      super._start();
    }

    override _open(declared: OnLag, pushes?: boolean): boolean {
      const isOpen = super._open(declared, pushes);
      leave(this);
      return isOpen;
    }

    override _finish(answer: Res | End | Err): void {
      super._finish(answer);
      leave(this);
    }

    override _drop(): void {
      super._drop();
      leave(this);
    }
  };
}
