/**
 * Events beside calls, as version 0.2 knows them: the main process publishes `agentos:<channel>`, pages subscribe through
 * `electronBridge.on`. What arrives is checked by a guard before it is used.
 */

/** Begins the name of every event's channel. */
export const EVENT_PREFIX = "agentos:";

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
export class FunctionPublisher implements EventPublisher {
  readonly #publish: (channel: string, payload: unknown) => void;

  constructor(publish: (channel: string, payload: unknown) => void) {
    this.#publish = publish;
  }

  publish(channel: string, payload: unknown): void {
    this.#publish(channel, payload);
  }
}

/**
 * A subscriber made of a function:
 * ``new FunctionSubscriber((channel, handler) => electronBridge.on(`agentos:${channel}`, handler))``.
 */
export class FunctionSubscriber implements EventSubscriber {
  readonly #subscribe: (channel: string, handler: (payload: unknown) => void) => (() => void) | void;

  constructor(subscribe: (channel: string, handler: (payload: unknown) => void) => (() => void) | void) {
    this.#subscribe = subscribe;
  }

  subscribe(channel: string, handler: (payload: unknown) => void): () => void {
    let isOpen = true;
    // What was subscribed to by a function that cannot take it back is at least not heard any more.
    const off = this.#subscribe(channel, (payload) => {
      if (isOpen) handler(payload);
    });
    return () => {
      isOpen = false;
      off?.();
    };
  }
}

/** Hears of payloads that a guard refused. */
export type OnRefused = (channel: string, payload: unknown) => void;

/**
 * Gives those payloads of a channel that pass `guard`. A payload that is text is read as JSON first. Others are told to
 * `onRefused`, by default on the console, without their content.
 */
export function subscribeJson<T>(
  subscriber: EventSubscriber,
  channel: string,
  guard: (payload: unknown) => payload is T,
  handler: (payload: T) => void,
  onRefused: OnRefused = (name) => console.warn(`an event of ${name} is not what it should be, and was dropped`),
): () => void {
  return subscriber.subscribe(channel, (payload) => {
    const value = typeof payload === "string" ? parsed(payload) : payload;
    if (guard(value)) handler(value);
    else onRefused(channel, payload);
  });
}

/** What is used of `webContents`. */
export interface EventWindow {
  isDestroyed(): boolean;
  send(channel: string, payload: unknown): void;
}

/**
 * Publishes to windows, those that `windows` gives at that moment: `() => webContents.getAllWebContents()`. A window that is
 * gone, or goes while it is told, misses the event; that is no reason for others to miss it.
 */
export function windowPublisher(windows: () => Iterable<EventWindow>): EventPublisher {
  return new FunctionPublisher((channel, payload) => {
    // Refused here, once, rather than by every window.
    structuredClone(payload);
    for (const window of windows()) {
      if (window.isDestroyed()) continue;
      try {
        window.send(`${EVENT_PREFIX}${channel}`, payload);
      } catch {
        // It was destroyed in between.
      }
    }
  });
}

/** The text itself where it is no JSON: a guard may want text. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
