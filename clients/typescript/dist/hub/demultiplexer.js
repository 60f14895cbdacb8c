/**
 * Splits what one stream carries by a name, such as the method of a frame or the type of an event, so that many consumers
 * share one subscription.
 */
/**
 * One source, split by name. `of("agent.message")` gives the values of one name, `of("agent.")` those of every name that
 * begins so.
 *
 * ```ts
 * const frames = new Demultiplexer<Nxt>((frame) => frame.method);
 * new RpcEndpoint(transport, { onFrame: (frame) => frame.kind === "nxt" && frames.push(frame) });
 * for await (const { data } of frames.of("agent.message")) …
 * ```
 */
export class Demultiplexer {
    #nameOf;
    #bound;
    #queues = new Set();
    #ended;
    /** `nameOf` says the name of a value; values without one reach nobody. */
    constructor(nameOf, options = {}) {
        this.#nameOf = nameOf;
        this.#bound = options.bound ?? 1024;
    }
    /** The values of `name`, or, where it ends with a dot, of every name that begins with it; those from now on. */
    of(name) {
        const queue = new Queue(name, this.#bound, () => this.#queues.delete(queue));
        if (this.#ended)
            queue.end(this.#ended);
        else
            this.#queues.add(queue);
        return queue;
    }
    /** Hands a value to the consumers of its name. Costs one look at each of them. */
    push(value) {
        const name = this.#nameOf(value);
        if (name === undefined)
            return;
        for (const queue of this.#queues)
            if (queue.takes(name))
                queue.push(value);
    }
    /** Hands over everything that `source` gives; its end and its error reach all consumers. */
    async feed(source) {
        try {
            for await (const value of source)
                this.push(value);
            this.end();
        }
        catch (error) {
            this.end({ error });
        }
    }
    /** Ends every consumer, with `error` if there is one, after what waits for it. */
    end(cause = {}) {
        this.#ended = cause;
        for (const queue of this.#queues)
            queue.end(cause);
        this.#queues.clear();
    }
}
class Queue {
    skipped = 0;
    #name;
    #bound;
    #off;
    #values = [];
    #waiting = [];
    #ended;
    constructor(name, bound, off) {
        this.#name = name;
        this.#bound = bound;
        this.#off = off;
    }
    takes(name) {
        return name === this.#name || (this.#name.endsWith(".") && name.startsWith(this.#name));
    }
    push(value) {
        const waiting = this.#waiting.shift();
        if (waiting)
            return waiting.resolve({ done: false, value });
        this.#values.push(value);
        if (this.#values.length <= this.#bound)
            return;
        this.#values.shift();
        this.skipped += 1;
    }
    end(cause) {
        this.#ended ??= cause;
        for (const { resolve, reject } of this.#waiting.splice(0)) {
            if ("error" in cause)
                reject(cause.error);
            else
                resolve({ done: true, value: undefined });
        }
    }
    next() {
        if (this.#values.length > 0)
            return Promise.resolve({ done: false, value: this.#values.shift() });
        const ended = this.#ended;
        if (!ended)
            return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
        if (!("error" in ended))
            return Promise.resolve({ done: true, value: undefined });
        this.#ended = {};
        return Promise.reject(ended.error);
    }
    return() {
        this.#off();
        this.#values = [];
        this.end({});
        return Promise.resolve({ done: true, value: undefined });
    }
    [Symbol.asyncIterator]() {
        return this;
    }
}
//# sourceMappingURL=demultiplexer.js.map