/**
 * `sixframe/hub`: the state that all windows share, as this window sees it. One watch keeps a copy up to date; changes show
 * at once and are taken back if the hub refuses them.
 */
import { Listeners } from "./hub/listeners.js";
import { codeOf, Outbox } from "./hub/outbox.js";
import { parsePointer } from "./hub/pointer.js";
import { Replica } from "./hub/replica.js";
import { Selection } from "./hub/selection.js";
export { Demultiplexer } from "./hub/demultiplexer.js";
export { applyOperations, PatchError } from "./hub/patch.js";
export { formatPointer, parsePointer } from "./hub/pointer.js";
export { Selection } from "./hub/selection.js";
/** Failures of a watch that trying again would not change. */
const FINAL = new Set(["NO_HANDLER", "FORBIDDEN", "UNAUTHORIZED", "INVALID_PAYLOAD", "UNSUPPORTED", "UNSUPPORTED_VERSION", "NOT_FOUND"]);
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 5_000;
/** An error that a hub makes itself: `CANCELLED` for what waited when it was closed. */
class HubError extends Error {
    name = "HubError";
    code = "CANCELLED";
    domain = "common";
}
/** A copy of the hub's state that follows it. The watch begins with the first use and ends with {@link Hub.close}. */
export class Hub {
    /** The connection that it was made with. */
    peer;
    /** The name under which the hub acknowledges this client's mutations. */
    client;
    #options;
    #replica;
    #outbox;
    #listeners = new Listeners();
    #selections = new WeakMap();
    #status = "idle";
    #error;
    #mutation = 0;
    #items;
    #afresh = false;
    #wake;
    /** Connects nothing and calls nothing yet. */
    constructor(peer, options = {}) {
        this.peer = peer;
        this.client = options.client ?? randomName();
        this.#options = options;
        this.#replica = new Replica(this.client);
        this.#outbox = new Outbox((commit) => this.peer.request("hub.commit", commit), () => this.#status === "closed" || this.peer.state === "closed");
    }
    /** The state, with this client's changes; undefined before it is known. Immutable; unchanged parts keep their identity. */
    get state() {
        this.#begin();
        return this.#replica.view;
    }
    /** The version of the hub that {@link Hub.state} is built on; what `expect` takes. */
    get version() {
        return this.#replica.version;
    }
    /** How the watch stands. */
    get status() {
        return this.#status;
    }
    /** Why the watch waits or was refused. */
    get error() {
        return this.#error;
    }
    /** How many changes of this client {@link Hub.state} shows that the hub has not confirmed. */
    get pending() {
        return this.#replica.pending;
    }
    /** The state, as soon as it is known. Rejects when the watch is refused or closed before that. */
    ready() {
        return new Promise((resolve, reject) => {
            const look = () => {
                const state = this.state;
                if (state !== undefined)
                    resolve(state);
                else if (this.#status === "refused" || this.#status === "closed")
                    reject(this.#error);
                else
                    return false;
                return true;
            };
            if (look())
                return;
            const off = this.onChange(() => {
                if (look())
                    off();
            });
        });
    }
    /** Calls `listener` after each change of the state, the version or the status; the answer ends that. */
    onChange(listener) {
        this.#begin();
        return this.#listeners.add(listener);
    }
    /** The part of the state that `selector`, a pure function, picks: a value now, to subscribe to, or to iterate over. */
    select(selector) {
        const known = this.#selections.get(selector);
        if (known)
            return known;
        const selection = new Selection(this, selector);
        this.#selections.set(selector, selection);
        return selection;
    }
    /** Calls `listener` whenever what `selector` picks is another value; the answer ends that. */
    subscribe(selector, listener) {
        return new Selection(this, selector).subscribe(listener);
    }
    /**
     * Changes the state: at once here, and everywhere when the hub has applied it. All operations apply, or none. A commit
     * whose connection breaks is sent again and applied once.
     *
     * @returns the version that holds the change. Rejects with what the hub refused it with (`CONFLICT`, `INVALID_PAYLOAD`,
     * `FORBIDDEN`), having taken the change back.
     */
    async commit(operations, options = {}) {
        if (this.#status === "closed")
            throw new HubError("the hub was closed");
        this.#begin();
        const id = (this.#mutation += 1);
        if (options.optimistic ?? true) {
            this.#replica.mutate(id, operations);
            this.#listeners.tell();
        }
        const expect = options.expect && { expect: options.expect };
        try {
            const version = await this.#outbox.push({ ops: operations, ...expect, mutation: { client: this.client, id } });
            this.#replica.commit(id, version);
            return version;
        }
        catch (error) {
            this.#replica.refuse(id);
            throw error;
        }
        finally {
            this.#listeners.tell();
        }
    }
    /** Sets the member at `path`, or replaces an element of an array. */
    set(path, value, options) {
        const last = path.slice(path.lastIndexOf("/") + 1);
        const parent = path === "" ? undefined : this.at(path.slice(0, path.lastIndexOf("/")));
        const replaces = path === "" || (Array.isArray(parent) && last !== "-");
        return this.commit([{ op: replaces ? "replace" : "add", path, value }], options);
    }
    /** Removes what is at `path`. */
    remove(path, options) {
        return this.commit([{ op: "remove", path }], options);
    }
    /** Merges `value` into the value at `path` (RFC 7396): members that are null are removed, the others set. */
    merge(path, value, options) {
        return this.commit([{ op: "merge", path, value }], options);
    }
    /** Inserts `value` into the list at `path`, or replaces the element with the same `by`; see {@link Put}. */
    put(path, by, value, before, options) {
        return this.commit([{ op: "put", path, by, value, ...(before !== undefined && { before }) }], options);
    }
    /** Removes the element of the list at `path` whose `by` is `key`. */
    drop(path, by, key, options) {
        return this.commit([{ op: "drop", path, by, key }], options);
    }
    /** Moves the element whose `by` is `key` in front of the element `before`, or to the end. */
    move(path, by, key, before, options) {
        return this.commit([{ op: "move", path, by, key, ...(before !== undefined && { before }) }], options);
    }
    /** The value at `path`, a JSON pointer; undefined where there is none. */
    at(path) {
        return valueAt(this.state, path);
    }
    /** Watches again after a refusal, or at once where it waits to. */
    retry() {
        if (this.#status === "refused") {
            this.#status = "idle";
            this.#begin();
        }
        this.#wake?.();
    }
    /** Ends the watch and gives up on commits without an answer. The last state stays readable. */
    close() {
        if (this.#status === "closed")
            return;
        this.#become("closed", new HubError("the hub was closed"));
        this.#wake?.();
        void this.#items?.return?.();
        this.#outbox.close(this.#error);
    }
    #begin() {
        if (this.#status !== "idle")
            return;
        this.#status = "loading";
        void this.#follow();
    }
    async #follow() {
        for (let delay = FIRST_DELAY_MS;; delay = Math.min(delay * 2, LONGEST_DELAY_MS)) {
            const heard = this.#replica.heard;
            try {
                await this.#watch();
                this.#error = undefined;
            }
            catch (error) {
                this.#error = error;
            }
            if (this.#status === "closed")
                return;
            if (FINAL.has(codeOf(this.#error)) || this.peer.state === "closed")
                return this.#become("refused", this.#error);
            if (this.#replica.heard?.revision !== heard?.revision)
                delay = FIRST_DELAY_MS;
            this.#become("waiting", this.#error);
            await this.#pause(delay);
            if (this.#isClosed())
                return;
        }
    }
    /** Takes items until the stream ends, fails or leaves something out. */
    async #watch() {
        const { paths, session, minIntervalMs } = this.#options;
        const heard = this.#replica.heard;
        const since = heard && !this.#afresh ? { since: heard } : {};
        const payload = { ...(paths && { paths }), ...(session && { session }), ...(minIntervalMs && { minIntervalMs }), ...since };
        if (!this.peer.stream)
            throw new TypeError("the connection has no streams");
        this.#items = this.peer.stream("hub.watch", payload);
        this.#afresh = false;
        for await (const item of this.#items) {
            if (this.#isClosed() || !this.#take(item))
                return;
        }
    }
    /** Says whether the watch can go on. */
    #take(item) {
        if ("value" in item)
            this.#replica.snapshot(item);
        else {
            const taken = this.#replica.patch(item);
            this.#afresh = taken === "unfit";
            if (taken === "unfit" || taken === "gap")
                return false;
            if (taken === "old")
                return true;
        }
        this.#become("live", undefined);
        return true;
    }
    #become(status, error) {
        this.#status = status;
        this.#error = error;
        this.#listeners.tell();
    }
    #isClosed() {
        return this.#status === "closed";
    }
    #pause(delay) {
        return new Promise((resolve) => {
            const timer = setTimeout(resolve, delay);
            this.#wake = () => {
                clearTimeout(timer);
                resolve();
            };
        });
    }
}
function valueAt(state, path) {
    return parsePointer(path).reduce((node, key) => (typeof node === "object" && node !== null && Object.hasOwn(node, key) ? node[key] : undefined), state);
}
function randomName() {
    return Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
//# sourceMappingURL=hub.js.map