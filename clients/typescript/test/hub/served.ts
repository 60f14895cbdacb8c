/** The reference hub behind an endpoint, over a transport in memory. */

import type { Operation, Version } from "../../src/hub.js";
import { RpcEndpoint, type Transport } from "../../src/index.js";
import { ReferenceHub, type Json } from "./reference-hub.js";

export class Served {
  readonly hub: ReferenceHub;
  readonly endpoint: RpcEndpoint;
  readonly #wakes = new Set<() => void>();
  readonly #open = new Map<string, number>();

  constructor(state: Json, transport: Transport) {
    this.hub = new ReferenceHub(state);
    this.endpoint = new RpcEndpoint(transport);
    this.endpoint.register("hub.getSnapshot", () => ({ ...this.hub.state, revision: this.hub.revision }));
    this.endpoint.register("hub.watch", (payload, { signal }) =>
      this.#opened("hub.watch", this.#watch((payload as { since?: Version } | undefined)?.since, signal)),
    );
    this.endpoint.register("hub.watchGlobal", (_, { signal }) => this.#opened("hub.watchGlobal", this.#global(signal)));
    this.endpoint.register("hub.commit", (payload) => {
      const version = this.hub.commit(payload as Parameters<ReferenceHub["commit"]>[0]);
      this.#wake();
      return version;
    });
    this.endpoint.register("events.watch", () => this.#events());
    this.endpoint.start();
  }

  commit(ops: readonly Operation[]): void {
    this.hub.commit({ ops });
    this.#wake();
  }

  stop(): void {
    this.endpoint.stop();
  }

  /** Resolves when no call of `method` is open any more. */
  async settled(method: string): Promise<void> {
    while ((this.#open.get(method) ?? 0) > 0) await this.#changed();
  }

  async *#opened<T>(method: string, items: AsyncIterable<T>): AsyncGenerator<T> {
    this.#open.set(method, (this.#open.get(method) ?? 0) + 1);
    try {
      yield* items;
    } finally {
      this.#open.set(method, (this.#open.get(method) ?? 1) - 1);
      this.#wake();
    }
  }

  async *#watch(since: Version | undefined, signal: AbortSignal): AsyncGenerator<unknown> {
    let have = this.hub.revision;
    yield this.hub.open(since);
    for (;;) {
      while (have === this.hub.revision) {
        await this.#changed(signal);
        if (signal.aborted) return;
      }
      const item = this.hub.patch(have);
      have = this.hub.revision;
      yield item;
    }
  }

  async *#global(signal: AbortSignal): AsyncGenerator<unknown> {
    for (let have = -1; ; ) {
      while (have === this.hub.revision) {
        await this.#changed(signal);
        if (signal.aborted) return;
      }
      have = this.hub.revision;
      yield this.hub.state["global"];
    }
  }

  async *#events(): AsyncGenerator<unknown> {
    for (const text of ["hello", "world"]) yield { text };
  }

  #changed(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#wakes.add(resolve);
      signal?.addEventListener("abort", () => resolve());
    });
  }

  #wake(): void {
    const waiting = [...this.#wakes];
    this.#wakes.clear();
    for (const wake of waiting) wake();
  }
}
