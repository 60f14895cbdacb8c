/** The relay's way to its upstream: one connection, or, by a connector, one after another with growing pauses between. */

import type { Connector, OnFrame, Transport } from "../transport.js";

/** The pauses between attempts to connect: a random part of a span that doubles with every failure. */
export interface Backoff {
  /** The first span, in milliseconds. Default 100. */
  first: number;
  /** The longest span, in milliseconds. Default 10,000. */
  longest: number;
}

/** What a link tells. */
export interface LinkEvents {
  onConnected(transport: Transport): void;
  onFrame: OnFrame;
  /** The connection is over; `isLast` when there will be no other. */
  onLost(reason: string, isLast: boolean): void;
}

export class Link {
  readonly #connect: Connector;
  readonly #again: boolean;
  readonly #backoff: Backoff;
  readonly #events: LinkEvents;
  #transport: Transport | undefined;
  #pause: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #closed = false;

  constructor(upstream: Transport | Connector, backoff: Backoff, events: LinkEvents) {
    this.#connect = typeof upstream === "function" ? upstream : () => upstream;
    this.#again = typeof upstream === "function";
    this.#backoff = backoff;
    this.#events = events;
  }

  /** Connects, and never throws: what fails is told. */
  start(): void {
    void this.#attempt();
  }

  /** Gives the present connection up. */
  lose(reason: string): void {
    const transport = this.#transport;
    if (transport === undefined) return;
    this.#transport = undefined;
    letGo(transport, this.#again);
    this.#lost(reason);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#pause);
    letGo(this.#transport);
    this.#transport = undefined;
  }

  async #attempt(): Promise<void> {
    let transport: Transport | undefined;
    let isOpen = false;
    const early: unknown[] = [];
    const isCurrent = () => this.#transport === transport;
    try {
      transport = await this.#connect();
      let ended: string | undefined;
      await transport.start(
        (message) => {
          // One that was heard is stable: the next break may be repaired at once.
          this.#failures = 0;
          if (isOpen && isCurrent()) this.#events.onFrame(message);
          else if (!isOpen) early.push(message);
        },
        ({ reason }) => {
          ended = reason;
          if (!isOpen || !isCurrent()) return;
          this.#transport = undefined;
          this.#lost(reason);
        },
      );
      if (ended !== undefined) throw new Error(ended);
      if (this.#closed) return letGo(transport);
    } catch (error) {
      letGo(transport);
      return this.#lost(error instanceof Error ? error.message : String(error));
    }
    isOpen = true;
    this.#transport = transport;
    this.#events.onConnected(transport);
    for (const message of early) {
      if (isCurrent()) this.#events.onFrame(message);
    }
  }

  #lost(reason: string): void {
    if (this.#closed) return;
    this.#events.onLost(reason, !this.#again);
    if (!this.#again) return;
    const span = Math.min(this.#backoff.first * 2 ** this.#failures, this.#backoff.longest);
    this.#failures = Math.min(this.#failures + 1, 20);
    this.#pause = setTimeout(() => void this.#attempt(), span * Math.random());
  }
}

/** Stops a transport. One that cannot even be stopped is gone, which is all that is wanted. */
export function letGo(transport: Transport | undefined, lost?: boolean): void {
  try {
    transport?.stop(lost);
  } catch {
    // It is gone.
  }
}
