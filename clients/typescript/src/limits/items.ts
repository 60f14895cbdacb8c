/** The bytes of items: how many may wait in one stream, and in all of them. `spec: bytes.1` */

import { limitError, RpcError } from "../errors.js";
import type { Consumer, Producer } from "../flow.js";
import type { Nxt } from "../frame.js";
import type { Item } from "../item.js";
import type { Kept, Limits } from "../limits.js";
import { weigh } from "./weigh.js";

/** What an item takes beside its value. */
const ENVELOPE = 64;

type Bounds = Pick<Limits, "stream_bytes" | "hard_bytes">;

/** A producer that knows how much its items are. */
export function weighing(Base: typeof Producer, { stream_bytes }: Bounds): typeof Producer {
  return class extends Base {
    override _bytes = 0;

    override _add(item: Item): RpcError | undefined {
      try {
        item._size = weigh(item.data) + ENVELOPE;
      } catch {
        return new RpcError("INTERNAL", "an item cannot be read");
      }
      const error = super._add(item);
      if (!error) this._bytes += item._size;
      return error;
    }

    override _excess(item: Item): RpcError | undefined {
      return this._bytes + item._size > stream_bytes ? tooMany(stream_bytes) : super._excess(item);
    }

    override _shift(): Item | undefined {
      const item = super._shift();
      if (item) this._bytes -= item._size;
      return item;
    }

    override _clear(): void {
      super._clear();
      this._bytes = 0;
    }
  };
}

/** A consumer that knows how much its items are, and does not take more than it can keep. */
export function bounding(Base: typeof Consumer, kept: Kept, { stream_bytes, hard_bytes }: Bounds): typeof Consumer {
  return class extends Base {
    override _bytes = 0;

    override _receive(nxt: Nxt, size: number): RpcError | boolean {
      size ||= weigh(nxt.data);
      if (kept.inbound + size > hard_bytes) return limitError("waiting bytes", hard_bytes, "hard_bytes", "SLOW_CONSUMER");
      return super._receive(nxt, size + ENVELOPE);
    }

    override _add(item: Item): RpcError | undefined {
      const error = super._add(item);
      if (error) return error;
      this.#count(item._size);
      return undefined;
    }

    override _excess(item: Item): RpcError | undefined {
      return this._bytes + item._size > stream_bytes ? tooMany(stream_bytes) : super._excess(item);
    }

    override _shift(): Item | undefined {
      const item = super._shift();
      if (item) this.#count(-item._size);
      return item;
    }

    override _clear(): void {
      super._clear();
      this.#count(-this._bytes);
    }

    #count(bytes: number): void {
      this._bytes += bytes;
      kept.inbound += bytes;
    }
  };
}

function tooMany(stream_bytes: number): RpcError {
  return limitError("stream bytes", stream_bytes, "stream_bytes", "SLOW_CONSUMER");
}
