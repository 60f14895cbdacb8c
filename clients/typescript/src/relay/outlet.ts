/**
 * What waits for one transport, and when it is posted: as long as the transport has room. Control goes first. It does not
 * know what a call is.
 */

import type { Transport } from "../transport.js";
import type { Message } from "./message.js";

/** Bytes that a transport may buffer before more waits here, where it can still be taken back. */
const ROOM = 256 * 1024;

/** Nothing tells when a transport has room again, so it is looked at this often, in milliseconds. */
const LOOK = 4;

/** What gives the messages, and hears of their fate. */
export interface Source {
  /** The next message, which then counts as handed over. */
  next(): Message | undefined;
  /** Whether there is one. */
  readonly hasNext: boolean;
  /** Something was handed over. */
  progressed(): void;
  /** The transport took no message. */
  failed(reason: string): void;
}

export class Outlet {
  readonly #source: Source;
  #transport: Transport | undefined;
  #looking: ReturnType<typeof setTimeout> | undefined;

  constructor(source: Source) {
    this.#source = source;
  }

  /** Posts to `transport` from now on, or to nobody. */
  connect(transport: Transport | undefined): void {
    this.#transport = transport;
    clearTimeout(this.#looking);
    this.#looking = undefined;
  }

  /** Posts what waits, as far as there is room. */
  pump(): void {
    const transport = this.#transport;
    while (transport !== undefined && transport === this.#transport) {
      if ((transport.buffered ?? 0) > ROOM) return this.#lookAgain();
      const message = this.#source.next();
      if (message === undefined) return;
      try {
        message.post(transport);
      } catch (error) {
        return this.#source.failed(error instanceof Error ? error.message : String(error));
      }
      this.#source.progressed();
    }
  }

  #lookAgain(): void {
    if (this.#looking !== undefined || !this.#source.hasNext) return;
    this.#looking = setTimeout(() => {
      this.#looking = undefined;
      this.pump();
    }, LOOK);
  }
}
