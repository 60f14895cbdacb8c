/**
 * The items of a connection's streams, by method: what version 0.2's windows took from one `frames$`.
 */

import type { Frame } from "../frame.js";
import { Demultiplexer, type Channel, type DemultiplexerOptions } from "./demultiplexer.js";

/** An item of a stream, and the method that was asked for it. */
export interface MethodItem {
  method: string;
  data: unknown;
}

/**
 * Watches the frames of an endpoint and hands their items out by method. An item whose frame names no method is known by the
 * request that it answers.
 *
 * ```ts
 * const frames = new Frames();
 * const endpoint = new RpcEndpoint(transport, { onFrame: frames.onFrame });
 * for await (const { data } of frames.of("agent.")) …
 * ```
 */
export class Frames {
  readonly #items: Demultiplexer<MethodItem>;
  readonly #methods = new Map<string, string>();

  constructor(options?: DemultiplexerOptions) {
    this.#items = new Demultiplexer(({ method }) => method, options);
  }

  /** What an endpoint takes as `onFrame`. */
  readonly onFrame = (direction: "in" | "out", frame: Frame): void => {
    if (frame.kind === "req") {
      if (direction === "out") this.#methods.set(frame.cid, frame.method);
    } else if (frame.kind === "nxt") {
      if (direction === "in") this.#take(frame.method ?? this.#methods.get(frame.cid), frame.data);
    } else if (frame.kind === "can" || direction === "in") {
      this.#methods.delete(frame.cid);
    }
  };

  /** The items of `method`, or, where it ends with a dot, of every method that begins with it; those from now on. */
  of(method: string): Channel<MethodItem> {
    return this.#items.of(method);
  }

  #take(method: string | undefined, data: unknown): void {
    if (method !== undefined && data !== undefined) this.#items.push({ method, data });
  }
}
