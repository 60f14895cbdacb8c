/** A request's surroundings: who asks, how much time is left, whether it is still wanted, and the way back to the peer. */
import { RpcError } from "./errors.js";
/**
 * The surroundings of one request: the second argument of its handler. The fields of `meta` that are the application's
 * stand on it too, as version 0.2 passed `meta` in its place.
 */
export class Context {
    /** The request's `meta`, as it came. */
    meta;
    /** What was called. */
    method;
    /** @internal */
    _endpoint;
    /** @internal */
    _request;
    /** @internal Set when it is first asked for. */
    _abort;
    /** @internal */
    _isStopped = false;
    /** @internal */
    _peer;
    /** @internal Something has come for whoever takes upstream items. */
    _wake;
    /** @internal */
    constructor(endpoint, request) {
        this._endpoint = endpoint;
        this._request = request;
        this.meta = request.meta;
        this.method = request.method;
        for (const key in request.meta) {
            if (!(key in this))
                this[key] = request.meta[key];
        }
    }
    /** Who sends, as the trusted hop stamped it. `spec: identity.1` */
    get senderId() {
        return this.meta.senderId ?? undefined;
    }
    /** Aborted when the request is cancelled, times out or loses its connection; not when it was answered. */
    get signal() {
        const abort = (this._abort ??= new AbortController());
        if (this._isStopped)
            abort.abort(stopped());
        return abort.signal;
    }
    /** Milliseconds that are left for the request; infinite where its caller set no limit. */
    get remainingMs() {
        return this._request.deadline === Infinity ? Infinity : Math.max(0, this._request.deadline - this._endpoint._now());
    }
    /** Where a broken stream is to go on: the epoch and the position of the last item that its consumer has. */
    get resume() {
        return this.meta.resume ?? undefined;
    }
    /**
     * The peer that asked. Calls through it are children of this request: they inherit what is left of its time and are
     * cancelled with it. `spec: cancel.6, time.7`
     */
    get peer() {
        return (this._peer ??= new Peer(this._endpoint, this));
    }
    /** What the caller sends beside the payload; of a handler registered with `uploads`. `spec: up.*` */
    get uploads() {
        const { _uploads } = this._endpoint;
        if (!_uploads || !this.meta.up)
            throw new RpcError("INVALID_PAYLOAD", "the method takes upstream items; call it with meta.up");
        return _uploads(this);
    }
    /** @internal The request is over, and was not answered by its handler. */
    _stop() {
        this._isStopped = true;
        this._abort?.abort(stopped());
    }
}
/** The peer as the handler of a request sees it. */
export class Peer {
    #endpoint;
    #parent;
    /** @internal */
    constructor(endpoint, parent) {
        this.#endpoint = endpoint;
        this.#parent = parent;
    }
    /** As {@link RpcEndpoint.request}, as a child of the request. */
    request(method, payload, meta, options) {
        return this.#endpoint.request(method, payload, meta, this.#within(options));
    }
    /** As {@link RpcEndpoint.stream}, as a child of the request. */
    stream(method, payload, meta, options) {
        return this.#endpoint.stream(method, payload, meta, this.#within(options));
    }
    #within(options) {
        return { ...(typeof options === "number" ? { timeoutMs: options } : options), parent: this.#parent };
    }
}
function stopped() {
    return new RpcError("CANCELLED", "the request is over");
}
//# sourceMappingURL=context.js.map