/** A peer that follows a script: the test reads as the trace of a connection. */

import { expect } from "vitest";
import type { RpcEndpoint } from "../src/endpoint.js";
import type { Frame } from "../src/frame.js";
import { memory, type MemoryTransport } from "../src/transports/memory.js";

type Fields = Record<string, unknown>;

/** The other end of a connection, played by a test. */
export class Peer {
  readonly transport: MemoryTransport;
  readonly #frames: Fields[] = [];
  #waiting: ((frame: Fields) => void)[] = [];
  #onEnd: (() => void) | undefined;
  isEnded = false;

  private constructor(transport: MemoryTransport) {
    this.transport = transport;
    transport.start(
      (message) => {
        const frame = (typeof message === "string" ? JSON.parse(message) : message) as Fields;
        const waiting = this.#waiting.shift();
        if (waiting) waiting(frame);
        else this.#frames.push(frame);
      },
      () => {
        this.isEnded = true;
        this.#onEnd?.();
      },
    );
  }

  /** A peer and the transport that leads to it. */
  static pair(): [Peer, MemoryTransport] {
    const [near, far] = memory({ text: true });
    return [new Peer(near), far];
  }

  /** The next frame, whatever it is. */
  next(): Promise<Fields> {
    const frame = this.#frames.shift();
    return frame ? Promise.resolve(frame) : new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The next frame, which must have these fields. */
  async expect(pattern: Fields): Promise<Fields & { cid: string }> {
    const frame = await this.next();
    expect(frame).toMatchObject(pattern);
    return frame as Fields & { cid: string };
  }

  /** Sends a frame, whatever its fields are. */
  send(frame: Fields): void {
    this.transport.post(frame as unknown as Frame);
  }

  /** Sends text as one message, whatever it is. */
  sendRaw(text: string): void {
    this.transport._peer._receive(text);
  }

  /** Nothing has come, although everything that was under way has had its turn. */
  async silent(): Promise<void> {
    await turns();
    expect(this.#frames).toEqual([]);
  }

  /** Waits for the end of the connection. */
  ended(): Promise<void> {
    return this.isEnded ? Promise.resolve() : new Promise((resolve) => (this.#onEnd = resolve));
  }
}

/** Calls and requests in the tables of an endpoint. */
export function open({ _calls, _waiting, _requests }: RpcEndpoint): number {
  return _calls.size + _waiting.size + _requests.size;
}

/** Lets everything that is under way in memory have its turn. */
export async function turns(count = 5): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}
