/** Runs handlers: what they return becomes an answer or a stream, and what they throw an error. */
import { Context } from "./context.js";
import { RpcError } from "./errors.js";
import { BATCH } from "./flow.js";
import { Item } from "./item.js";
import { finish, pushItem, reply, startStream, streamRoom } from "./session/requests.js";
/** Starts the handler of a request. */
export function answer(endpoint, request, handle) {
    const { method } = request;
    const now = endpoint._now();
    if (!handle) {
        const error = new RpcError("NO_HANDLER", `there is no method ${method}`, { method });
        return finish(endpoint._session, now, request, error);
    }
    const { handler, options } = handle;
    if (request.meta.up && !(options.uploads && endpoint._uploads)) {
        return finish(endpoint._session, now, request, new RpcError("UNSUPPORTED", `${method} takes no upstream items`));
    }
    const running = new Running(endpoint, request, options);
    request.waiter = running;
    try {
        const result = handler(request.payload, running.context);
        if (isThenable(result))
            result.then(running.answer, running.fail);
        else
            running.answer(result);
    }
    catch (error) {
        running.fail(error);
    }
}
/** A handler that has been started. */
class Running {
    context;
    #endpoint;
    #request;
    #options;
    #isStopped = false;
    /** Where the items come from: one that is asked for them, or one that pushes them. */
    #source;
    #subscription;
    #isAsking = false;
    /** Items that came without a pause in which others could have their turn. */
    #inRow = 0;
    constructor(endpoint, request, options) {
        this.#endpoint = endpoint;
        this.#request = request;
        this.#options = options;
        this.context = new Context(endpoint, request);
    }
    /** There may be room for more items. */
    wake() {
        this.context._wake?.();
        if (this.#source && !this.#isAsking)
            this.#ask();
    }
    stop() {
        this.#isStopped = true;
        this.context._stop();
        this.context._wake?.();
        this.#release();
    }
    answer = (result) => {
        const endpoint = this.#endpoint;
        try {
            if (isIterable(result))
                this.#iterate(result);
            else if (isObservable(result))
                this.#subscribe(result);
            else
                reply(endpoint._session, endpoint._now(), this.#request, result);
        }
        catch (error) {
            this.fail(error);
        }
        endpoint._run();
    };
    fail = (thrown) => {
        if (this.#isStopped)
            return;
        this.#finish(this.#endpoint._errorOf(thrown, this.#request.method));
    };
    #iterate(iterable) {
        if (!this.#start(false))
            return;
        this.#source = iterable[Symbol.asyncIterator]();
        this.#ask();
    }
    /** Asks the source for an item, where there is room for one. */
    #ask() {
        const source = this.#source;
        if (this.#isStopped || !source || streamRoom(this.#endpoint._session, this.#request) <= 0) {
            this.#inRow = 0;
            return;
        }
        this.#isAsking = true;
        if (++this.#inRow > BATCH) {
            this.#inRow = 0;
            later(this.#resume);
            return;
        }
        try {
            source.next().then(this.#onItem, this.#onError);
        }
        catch (error) {
            this.#onError(error);
        }
    }
    #resume = () => {
        this.#isAsking = false;
        this.#ask();
    };
    #onItem = ({ done, value }) => {
        this.#isAsking = false;
        if (this.#isStopped)
            return;
        if (done) {
            this.#source = undefined;
            this.#finish();
            return;
        }
        this.#push(value);
        this.#ask();
    };
    #onError = (error) => {
        this.#isAsking = false;
        this.#source = undefined;
        this.fail(error);
    };
    #subscribe(observable) {
        if (!this.#start(true))
            return;
        const subscription = observable.subscribe({
            next: (value) => this.#push(value),
            error: (error) => this.fail(error),
            complete: () => this.#finish(),
        });
        this.#subscription = subscription;
        // It may have ended, or have been stopped, before it could be told whom to unsubscribe.
        if (this.#isStopped)
            this.#release();
    }
    #start(pushes) {
        const endpoint = this.#endpoint;
        const declared = this.#options.onLag ?? "block";
        return startStream(endpoint._session, endpoint._now(), this.#request, declared, pushes);
    }
    #push(value) {
        if (this.#isStopped)
            return;
        const endpoint = this.#endpoint;
        const item = value instanceof Item ? new Item(value.data, value, value.skipped) : new Item(value);
        pushItem(endpoint._session, endpoint._now(), this.#request, item);
        endpoint._run();
    }
    #finish(error) {
        if (this.#isStopped)
            return;
        this.#isStopped = true;
        const endpoint = this.#endpoint;
        finish(endpoint._session, endpoint._now(), this.#request, error);
        endpoint._run();
    }
    /** Lets go of the source; what it does on its way out is its own matter. */
    #release() {
        const source = this.#source;
        const subscription = this.#subscription;
        this.#source = this.#subscription = undefined;
        try {
            source?.return?.()?.then(undefined, ignore);
            if (typeof subscription === "function")
                subscription();
            else
                subscription?.unsubscribe();
        }
        catch (error) {
            this.#endpoint._warn(`the source of ${this.#request.method} failed when it was cancelled`, error);
        }
    }
}
/** Lets everything else have its turn first: what came from the transport too. */
const later = globalThis.setImmediate ?? setTimeout;
function ignore() { }
function isThenable(value) {
    return typeof value?.then === "function";
}
function isIterable(value) {
    return typeof value?.[Symbol.asyncIterator] === "function";
}
function isObservable(value) {
    return typeof value?.subscribe === "function";
}
//# sourceMappingURL=handlers.js.map