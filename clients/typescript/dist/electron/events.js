/**
 * Events beside calls, as version 0.2 knows them: the main process publishes `agentos:<channel>`, pages subscribe through
 * `electronBridge.on`. What arrives is checked by a guard before it is used.
 */
/** Begins the name of every event's channel. */
export const EVENT_PREFIX = "agentos:";
/** A publisher made of a function. */
export class FunctionPublisher {
    #publish;
    constructor(publish) {
        this.#publish = publish;
    }
    publish(channel, payload) {
        this.#publish(channel, payload);
    }
}
/**
 * A subscriber made of a function:
 * ``new FunctionSubscriber((channel, handler) => electronBridge.on(`agentos:${channel}`, handler))``.
 */
export class FunctionSubscriber {
    #subscribe;
    constructor(subscribe) {
        this.#subscribe = subscribe;
    }
    subscribe(channel, handler) {
        let isOpen = true;
        // What was subscribed to by a function that cannot take it back is at least not heard any more.
        const off = this.#subscribe(channel, (payload) => {
            if (isOpen)
                handler(payload);
        });
        return () => {
            isOpen = false;
            off?.();
        };
    }
}
/**
 * Gives those payloads of a channel that pass `guard`. A payload that is text is read as JSON first. Others are told to
 * `onRefused`, by default on the console, without their content.
 */
export function subscribeJson(subscriber, channel, guard, handler, onRefused = (name) => console.warn(`an event of ${name} is not what it should be, and was dropped`)) {
    return subscriber.subscribe(channel, (payload) => {
        const value = typeof payload === "string" ? parsed(payload) : payload;
        if (guard(value))
            handler(value);
        else
            onRefused(channel, payload);
    });
}
/**
 * Publishes to windows, those that `windows` gives at that moment: `() => webContents.getAllWebContents()`. A window that is
 * gone, or goes while it is told, misses the event; that is no reason for others to miss it.
 */
export function windowPublisher(windows) {
    return new FunctionPublisher((channel, payload) => {
        // Refused here, once, rather than by every window.
        structuredClone(payload);
        for (const window of windows()) {
            if (window.isDestroyed())
                continue;
            try {
                window.send(`${EVENT_PREFIX}${channel}`, payload);
            }
            catch {
                // It was destroyed in between.
            }
        }
    });
}
/** The text itself where it is no JSON: a guard may want text. */
function parsed(text) {
    try {
        return JSON.parse(text);
    }
    catch {
        return text;
    }
}
//# sourceMappingURL=events.js.map