/**
 * Requests of one connection that carry the same `meta.lane` start one after another. Plugged in with
 * `new RpcEndpoint(transport, { use: [lanes] })`. `spec: lane.*`
 */
import { Queue } from "./queue.js";
/** Lets the endpoint keep lanes for its peer. Without it `meta.lane` means nothing. */
export function lanes(session) {
    const byName = new Map();
    session._lanes = {
        _enter(request) {
            const name = request.meta.lane;
            if (name == null)
                return false;
            const lane = byName.get(name);
            if (lane)
                lane.waiting.push(request);
            else
                byName.set(name, { busy: request, waiting: new Queue() });
            return lane !== undefined;
        },
        _release(request) {
            const name = request.meta.lane;
            if (name == null)
                return undefined;
            const lane = byName.get(name);
            if (lane?.busy !== request)
                return undefined;
            for (let next = lane.waiting.shift(); next; next = lane.waiting.shift()) {
                // One that waited may have ended meanwhile.
                if (session._requests.get(next.cid) !== next)
                    continue;
                lane.busy = next;
                return next;
            }
            byName.delete(name);
            return undefined;
        },
        _clear() {
            byName.clear();
        },
    };
}
//# sourceMappingURL=lanes.js.map