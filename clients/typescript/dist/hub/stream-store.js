/**
 * A stream as a value that changes: its items folded into one, for whatever renders. It runs while somebody listens.
 */
import { Listeners } from "./listeners.js";
/**
 * Runs a stream while it has listeners. They hear of the first item and of the end at once, and of the items between them
 * once a frame of the screen.
 */
export class StreamStore {
    #peer;
    #method;
    #payload;
    #fold;
    #listeners = new Listeners();
    #listening = 0;
    #items;
    #view;
    #telling = false;
    /** Calls nothing before the first listener. */
    constructor(peer, method, payload, fold) {
        this.#peer = peer;
        this.#method = method;
        this.#payload = payload;
        this.#fold = fold;
        this.#view = { value: fold.initial, state: "open", count: 0 };
    }
    /** What is known now; the same object while nothing changes. */
    view = () => this.#view;
    /** Calls `listener` after changes; the answer ends that, and with the last listener the stream. */
    subscribe = (listener) => {
        const off = this.#listeners.add(listener);
        this.#listening += 1;
        if (this.#listening === 1)
            this.#start();
        return () => {
            off();
            this.#listening -= 1;
            if (this.#listening === 0)
                this.#stop();
        };
    };
    #start() {
        if (!this.#peer.stream)
            throw new TypeError("the connection has no streams");
        this.#view = { value: this.#fold.initial, state: "open", count: 0 };
        const items = this.#peer.stream(this.#method, this.#payload);
        this.#items = items;
        void this.#follow(items);
    }
    #stop() {
        void this.#items?.return?.();
        this.#items = undefined;
    }
    async #follow(items) {
        try {
            for await (const item of items) {
                if (this.#items !== items)
                    return;
                this.#become({ ...this.#view, value: this.#fold.reduce(this.#view.value, item), count: this.#view.count + 1 });
            }
            if (this.#items === items)
                this.#become({ ...this.#view, state: "ended" });
        }
        catch (error) {
            if (this.#items === items)
                this.#become({ ...this.#view, state: "failed", error });
        }
    }
    #become(view) {
        this.#view = view;
        if (view.state !== "open" || view.count === 1)
            return this.#listeners.tell();
        if (this.#telling)
            return;
        this.#telling = true;
        soon(() => {
            this.#telling = false;
            this.#listeners.tell();
        });
    }
}
function soon(run) {
    if (typeof requestAnimationFrame === "function")
        requestAnimationFrame(run);
    else
        queueMicrotask(run);
}
//# sourceMappingURL=stream-store.js.map