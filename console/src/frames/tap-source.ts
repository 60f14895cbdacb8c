/** The frames of the daemon's other connections, by `rpc.tap`: asked for while somebody looks. */

import type { TappedFrame } from "../api.js";
import type { Link } from "../connection.js";
import { failureOf, passes, type Failure } from "../methods/run.js";
import { Store } from "../store.js";
import { FrameLog, type Origin } from "./frame-log.js";

interface TappedStream extends AsyncIterableIterator<TappedFrame> {
  items?(): AsyncIterableIterator<{ data: TappedFrame; skipped?: number }>;
}

const AGAIN_MS = 1_000;

export class TapSource {
  readonly log: FrameLog;
  /** Why there is nothing to see; undefined while it works. */
  readonly failure = new Store<Failure | undefined>(undefined);
  readonly #link: Link;
  readonly #origins = new Map<number, Origin>();
  #stream: TappedStream | undefined;
  #wanted = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(link: Link, log = new FrameLog()) {
    this.#link = link;
    this.log = log;
  }

  /** Begins to look. */
  open(): void {
    if (this.#wanted) return;
    this.#wanted = true;
    void this.#follow();
  }

  /** Stops looking; what was seen stays. */
  close(): void {
    this.#wanted = false;
    clearTimeout(this.#timer);
    void this.#stream?.return?.();
    this.#stream = undefined;
  }

  async #follow(): Promise<void> {
    const stream: TappedStream = this.#link.stream<TappedFrame>("rpc.tap", undefined, undefined, { resume: false });
    this.#stream = stream;
    this.failure.set(undefined);
    try {
      for await (const item of itemised(stream)) {
        if (item.skipped) this.log.miss(item.skipped);
        this.#take(item.data);
      }
    } catch (error) {
      if (!this.#isWanted(stream)) return;
      const failure = failureOf(error);
      this.failure.set(failure);
      // The frame that was too large for a message is gone.
      if (!passes(failure) && failure.code !== "RESOURCE_EXHAUSTED") return;
    }
    // Where it was closed and opened again meanwhile, another one is followed.
    if (this.#isWanted(stream)) this.#timer = setTimeout(() => void this.#follow(), AGAIN_MS);
  }

  #isWanted(stream: TappedStream): boolean {
    return this.#wanted && this.#stream === stream;
  }

  #take({ connection, transport, pid, direction, ts, frame }: TappedFrame): void {
    let origin = this.#origins.get(connection);
    if (!origin) {
      origin = { id: String(connection), label: `#${connection} ${transport}${pid == null ? "" : ` · pid ${pid}`}` };
      this.#origins.set(connection, origin);
    }
    this.log.push(origin, direction, frame, ts);
  }
}

async function* plain(stream: AsyncIterable<TappedFrame>): AsyncGenerator<{ data: TappedFrame; skipped?: number }> {
  for await (const data of stream) yield { data };
}

function itemised(stream: TappedStream): AsyncIterable<{ data: TappedFrame; skipped?: number }> {
  return stream.items ? stream.items() : plain(stream);
}
