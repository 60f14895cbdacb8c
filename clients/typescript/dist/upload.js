/**
 * Calls whose caller sends items too. {@link upload} and {@link duplex} make them on any endpoint; an endpoint that answers
 * them is made with `use: [uploads]` and registers its handler with `{ uploads: true }`. `spec: up.*`
 */
import { RpcError } from "./errors.js";
import { RpcStream } from "./stream.js";
import { acceptUpstream, UpstreamQueue } from "./upload/upstream.js";
/**
 * Calls a method that takes items and answers once. When the call ends early, by its answer too, the source's `return()` is
 * called; when the source throws, the call is cancelled and rejects with what was thrown.
 */
export function upload(endpoint, method, source, payload, meta, options = {}) {
    const { timeoutMs = endpoint._timeoutMs, idempotent, op } = options;
    const up = new UpstreamQueue(endpoint._session);
    const call = endpoint._call({ method, payload, meta, up, timeoutMs, idempotent, op }, options);
    return new Promise((resolve, reject) => {
        if (call instanceof RpcError)
            return reject(call);
        const feeder = new Feeder(endpoint, call, up, source);
        endpoint._settled(call, options, resolve, (error) => reject(feeder.failure ?? error));
        feeder.waiter = call.waiter;
        call.waiter = feeder;
        feeder.feed();
    });
}
/** Calls a method with items both ways. When the source throws, the stream is cancelled and fails with what was thrown. */
export function duplex(endpoint, method, source, payload, meta, options = {}) {
    const { timeoutMs, idleMs, onLag, window } = options;
    const up = new UpstreamQueue(endpoint._session);
    const call = endpoint._call({ method, payload, meta, up, streams: true, timeoutMs, idleMs, onLag, window }, options);
    const stream = endpoint._stream(call, options);
    if (!(call instanceof RpcError)) {
        const feeder = new Feeder(endpoint, call, up, source);
        feeder.waiter = stream;
        call.waiter = feeder;
        feeder.feed();
    }
    return stream;
}
/** Lets the endpoint's handlers take what their callers send, from `context.uploads`. */
export const uploads = (_, endpoint) => {
    const open = new WeakMap();
    endpoint._uploads = (context) => {
        let received = open.get(context);
        if (!received)
            open.set(context, (received = new Received(endpoint, context)));
        return received;
    };
};
/** Moves items from a source to a call, as far as credit goes. */
class Feeder {
    /** Who waits for the call's answer. */
    waiter;
    /** What the source threw. */
    failure;
    #endpoint;
    #call;
    #up;
    #source;
    #isAsking = false;
    constructor(endpoint, call, up, source) {
        this.#endpoint = endpoint;
        this.#call = call;
        this.#up = up;
        this.#source = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
    }
    wake() {
        this.waiter?.wake();
        this.feed();
    }
    feed() {
        if (this.#call.outcome)
            this.#release();
        else if (!this.#isAsking)
            void this.#ask();
    }
    async #ask() {
        this.#isAsking = true;
        try {
            while (this.#source && this.#up.room(this.#call) > 0) {
                const { done, value } = await this.#source.next();
                if (done)
                    this.#source = undefined;
                if (this.#call.outcome)
                    break;
                if (done)
                    this.#up.finish(this.#call, this.#endpoint._now());
                else
                    this.#up.push(this.#call, this.#endpoint._now(), value);
                this.#endpoint._run();
            }
        }
        catch (thrown) {
            this.#source = undefined;
            this.failure = thrown instanceof RpcError ? thrown : new RpcError("CANCELLED", "the source of the upload failed");
            if (this.failure !== thrown)
                this.failure.cause = thrown;
            this.#endpoint._abort(this.#call, this.failure);
        }
        this.#isAsking = false;
        if (this.#call.outcome)
            this.#release();
    }
    #release() {
        const source = this.#source;
        this.#source = undefined;
        try {
            void Promise.resolve(source?.return?.()).catch(() => { });
        }
        catch {
            // How a source ends that is not wanted any more is its own matter.
        }
    }
}
/** What the caller of a request sends. */
class Received {
    #endpoint;
    #inbox;
    #context;
    #taken = [];
    #waiting = [];
    constructor(endpoint, context) {
        this.#endpoint = endpoint;
        this.#context = context;
        this.#inbox = acceptUpstream(endpoint._session, context._request);
        context._wake = () => this.#wake();
        endpoint._run();
    }
    next() {
        return new Promise((resolve, reject) => {
            this.#waiting.push({ resolve, reject });
            this.#wake();
        });
    }
    [Symbol.asyncIterator]() {
        return this;
    }
    #wake() {
        while (this.#waiting.length) {
            if (!this.#taken.length) {
                this.#taken = this.#inbox.take(this.#endpoint._now());
                this.#endpoint._run();
            }
            const item = this.#taken.shift();
            if (item)
                this.#waiting.shift().resolve({ done: false, value: item.data });
            else if (this.#context._isStopped)
                this.#waiting.shift().reject(new RpcError("CANCELLED", "the request is over"));
            else if (this.#inbox.isEnded || this.#inbox.isOver)
                this.#waiting.shift().resolve({ done: true, value: undefined });
            else
                return;
        }
    }
}
//# sourceMappingURL=upload.js.map