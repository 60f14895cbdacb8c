/** Several ways to the same service, in order of preference. Waiting between attempts is the endpoint's business. */

import { RpcError } from "../errors.js";
import type { Frame } from "../frame.js";
import type { BareTransport, Connector, Decode, OnClose, OnFrame, Transport } from "../transport.js";

/**
 * A connector over others, the most preferred first.
 *
 * Every connection begins with the first again, so that a service returns to its preferred place as soon as that place is
 * back and the connection is made anew. It fails when all have failed, with an `AggregateError` of their reasons; where each
 * says by an {@link RpcError} that it will fail again, with that of the most preferred.
 */
export function failover(connectors: readonly Connector<BareTransport>[]): Connector {
  return () => new FailoverTransport(connectors);
}

/** The first of several connections that can be made. */
class FailoverTransport implements Transport {
  readonly #connectors: readonly Connector<BareTransport>[];
  #current: BareTransport | undefined;
  #stopped = false;

  constructor(connectors: readonly Connector<BareTransport>[]) {
    this.#connectors = connectors;
  }

  async start(onFrame: OnFrame, onClose: OnClose = () => undefined): Promise<void> {
    const failures: Error[] = [];
    for (const connect of this.#connectors) {
      try {
        this.#current = await this.#attempt(connect, onFrame, onClose);
        return;
      } catch (failure) {
        if (this.#stopped) throw failure;
        failures.push(failure instanceof Error ? failure : new Error(String(failure)));
      }
    }
    throw summary(failures);
  }

  post(frame: Frame): void {
    if (this.#current === undefined) throw new Error("there is no connection");
    this.#current.post(frame);
  }

  stop(lost?: boolean): void {
    this.#stopped = true;
    this.#current?.stop?.(lost);
  }

  get decode(): Decode | undefined {
    return this.#current?.decode;
  }

  get buffered(): number {
    return this.#current?.buffered ?? 0;
  }

  async #attempt(connect: Connector<BareTransport>, onFrame: OnFrame, onClose: OnClose): Promise<BareTransport> {
    const transport = await connect();
    // One that closes while it starts has failed; one that fails must not be heard later.
    let failed: string | undefined;
    let started = false;
    let over = false;
    try {
      this.#current = transport;
      if (this.#stopped) throw new Error("stopped before it was connected");
      await transport.start(
        (message) => {
          if (!over) onFrame(message);
        },
        (closed) => {
          failed = closed.reason;
          if (started && !over) onClose(closed);
        },
      );
      if (failed !== undefined) throw new Error(failed);
      started = true;
      return transport;
    } catch (failure) {
      over = true;
      this.#current = undefined;
      transport.stop?.();
      throw failure;
    }
  }
}

function summary(failures: Error[]): Error {
  const [only, ...others] = failures;
  if (only === undefined) return new Error("there is nothing to connect to");
  // Where all are final, so is the whole.
  if (others.length === 0 || failures.every((failure) => failure instanceof RpcError)) return only;
  const reasons = failures.map(({ message }) => message).join("; ");
  return new AggregateError(failures, `none of ${failures.length} connections can be made: ${reasons}`);
}
