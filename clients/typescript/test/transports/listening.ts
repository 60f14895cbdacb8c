import type { OnClose, OnFrame, Transport } from "../../src/transport.js";

/** What a transport gives, to be waited for in the order in which it came. */
export class Listening {
  readonly frames: unknown[] = [];
  readonly #waiting: ((message: unknown) => void)[] = [];
  #taken = 0;
  #close!: (closed: Parameters<OnClose>[0]) => void;
  readonly closed = new Promise<Parameters<OnClose>[0]>((resolve) => (this.#close = resolve));

  readonly onFrame: OnFrame = (message) => {
    const frame = typeof message === "string" ? (JSON.parse(message) as unknown) : message;
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.frames.push(frame);
    else waiting(frame);
  };

  readonly onClose: OnClose = (closed) => this.#close(closed);

  /** Starts `transport` and listens to it. */
  static async to(transport: Transport): Promise<Listening> {
    const listening = new Listening();
    await transport.start(listening.onFrame, listening.onClose);
    return listening;
  }

  /** The next message that was not taken yet. */
  next(): Promise<unknown> {
    if (this.#taken < this.frames.length) return Promise.resolve(this.frames[this.#taken++]);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

/** A request. */
export function req(cid: string, method = "rpc.ping", payload: unknown = cid) {
  return { kind: "req", cid, method, payload } as const;
}

/** Its answer. */
export function res(cid: string, result: unknown = cid) {
  return { kind: "res", cid, ok: true, result } as const;
}
