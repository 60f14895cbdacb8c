/**
 * Events beside calls, as version 0.2 knows them: the main process publishes `agentos:<channel>`, pages subscribe through
 * `electronBridge.on`. What arrives is checked by a guard before it is used.
 */
/** Begins the name of every event's channel. */
export declare const EVENT_PREFIX = "agentos:";
/** Where events go. */
export interface EventPublisher {
    publish(channel: string, payload: unknown): void;
}
/** Where events come from. */
export interface EventSubscriber {
    /** Gives the payloads of `channel`, until what it returns is called. */
    subscribe(channel: string, handler: (payload: unknown) => void): () => void;
}
/** A publisher made of a function. */
export declare class FunctionPublisher implements EventPublisher {
    #private;
    constructor(publish: (channel: string, payload: unknown) => void);
    publish(channel: string, payload: unknown): void;
}
/**
 * A subscriber made of a function:
 * ``new FunctionSubscriber((channel, handler) => electronBridge.on(`agentos:${channel}`, handler))``.
 */
export declare class FunctionSubscriber implements EventSubscriber {
    #private;
    constructor(subscribe: (channel: string, handler: (payload: unknown) => void) => (() => void) | void);
    subscribe(channel: string, handler: (payload: unknown) => void): () => void;
}
/** Hears of payloads that a guard refused. */
export type OnRefused = (channel: string, payload: unknown) => void;
/**
 * Gives those payloads of a channel that pass `guard`. A payload that is text is read as JSON first. Others are told to
 * `onRefused`, by default on the console, without their content.
 */
export declare function subscribeJson<T>(subscriber: EventSubscriber, channel: string, guard: (payload: unknown) => payload is T, handler: (payload: T) => void, onRefused?: OnRefused): () => void;
/** What is used of `webContents`. */
export interface EventWindow {
    isDestroyed(): boolean;
    send(channel: string, payload: unknown): void;
}
/**
 * Publishes to windows, those that `windows` gives at that moment: `() => webContents.getAllWebContents()`. A window that is
 * gone, or goes while it is told, misses the event; that is no reason for others to miss it.
 */
export declare function windowPublisher(windows: () => Iterable<EventWindow>): EventPublisher;
