/** A request's surroundings: who asks, how much time is left, whether it is still wanted, and the way back to the peer. */
import { RpcError } from "./errors.js";
/**
 * The surroundings of one request: the second argument of its handler. The fields of `meta` that are the application's
 * stand on it too, as version 0.2 passed `meta` in its place.
 */
export class Context {
    #abort;
    #isStopped = false;
    /** @internal */
    constructor(endpoint, request) {
        const meta = request.req.meta ?? {};
        this._endpoint = endpoint;
        this._request = request;
        this.meta = meta;
        this.method = request.req.method;
        for (const key in meta)
            if (!(key in this))
                this[key] = meta[key];
    }
    /** Aborted when the request is cancelled, times out or loses its connection; not when it was answered. */
    get signal() {
        this.#abort ??= new AbortController();
        if (this.#isStopped)
            this._stop();
        return this.#abort.signal;
    }
    /** Milliseconds that are left for the request; infinite where its caller set no limit. */
    get remainingMs() {
        return Math.max(0, this._request.deadline - this._endpoint._now());
    }
    /**
     * The peer that asked. Calls through it are children of this request: they inherit what is left of its time and are
     * cancelled with it. `spec: cancel.6, time.7`
     */
    get peer() {
        const { _endpoint } = this;
        return {
            request: (method, payload, meta, options) => _endpoint.request(method, payload, meta, { ...options, parent: this }),
            stream: (method, payload, meta, options) => _endpoint.stream(method, payload, meta, { ...options, parent: this }),
        };
    }
    /** What the caller sends beside the payload; of a handler registered with `uploads`. `spec: up.*` */
    get uploads() {
        return this._endpoint._uploads(this);
    }
    /** @internal The request is over, and was not answered by its handler. */
    _stop() {
        this.#isStopped = true;
        this.#abort?.abort(new RpcError("CANCELLED", "the request is over"));
    }
}
//# sourceMappingURL=context.js.map