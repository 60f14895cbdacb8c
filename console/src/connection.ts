/** How the page's connection stands: what the header and the banner show. */

import type { HubPeer } from "sixframe/hub";

import { Store } from "./store.js";

/** What the console needs of an endpoint. */
export interface Link extends HubPeer {
  request<T>(
    method: string,
    payload?: unknown,
    meta?: undefined,
    options?: { signal?: AbortSignal; timeoutMs?: number },
  ): Promise<T>;
  stream<T>(method: string, payload?: unknown, meta?: undefined, options?: { resume?: boolean }): AsyncIterableIterator<T>;
}

/** `lost` says that it was open before. */
export type Phase = "connecting" | "open" | "lost";

export interface Standing {
  phase: Phase;
  /** When this phase began, in milliseconds since 1970. */
  since: number;
  /** How often the connection came back. */
  reconnects: number;
}

/** Round trips that are remembered. */
const SAMPLES = 60;
const PING_EVERY_MS = 2_000;
/** The first few follow one another faster, so that there is something to see. */
const FIRST_PINGS = 8;
const FIRST_PING_EVERY_MS = 150;

export class Connection {
  readonly standing = new Store<Standing>({ phase: "connecting", since: Date.now(), reconnects: 0 });
  /** Round trips in milliseconds, the newest last; null where there was no answer. */
  readonly latency = new Store<readonly (number | null)[]>([]);
  readonly #link: Link;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(link: Link) {
    this.#link = link;
  }

  /** Takes the state that an endpoint says. */
  become(state: string): void {
    const { phase, reconnects } = this.standing.get();
    if (state === "open") {
      if (phase === "open") return;
      this.standing.set({ phase: "open", since: Date.now(), reconnects: phase === "lost" ? reconnects + 1 : reconnects });
      void this.#ping();
    } else if (phase === "open") {
      this.standing.set({ phase: "lost", since: Date.now(), reconnects });
      this.latency.update((known) => kept(known, null));
    }
  }

  /** Ends the pings. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  async #ping(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.standing.get().phase !== "open") return;
    if (!document.hidden) {
      const began = performance.now();
      try {
        await this.#link.request("rpc.ping", undefined, undefined, { timeoutMs: 5_000 });
        this.latency.update((known) => kept(known, performance.now() - began));
      } catch {
        this.latency.update((known) => kept(known, null));
      }
    }
    const pause = this.latency.get().length < FIRST_PINGS ? FIRST_PING_EVERY_MS : PING_EVERY_MS;
    this.#timer = setTimeout(() => void this.#ping(), pause);
  }
}

function kept(known: readonly (number | null)[], sample: number | null): (number | null)[] {
  return [...known, sample].slice(-SAMPLES);
}

/** The middle one of the round trips that were answered. */
export function median(samples: readonly (number | null)[]): number | undefined {
  const answered = samples.filter((sample) => sample !== null).sort((one, other) => one - other);
  return answered[Math.floor(answered.length / 2)];
}
