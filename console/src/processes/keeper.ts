/** Starts, stops and restarts sidecars, switches the mode, and watches what their processes take while somebody looks. */

import type { Link } from "../connection.js";
import { failureOf, passes, type Failure } from "../methods/run.js";
import type { Toasts } from "../shell/toasts.js";
import { Store } from "../store.js";
import { dependentsOf, sidecarOf, type Action, type ModeName, type Sidecar, type Usage } from "./sidecar.js";

/** What was asked for last, where that was refused, or no answer came. */
export interface Refusal {
  action: Action;
  failure: Failure;
}

/** A stop that takes others down with it, until somebody says whether to go on. */
export interface Asked {
  name: string;
  dependents: readonly string[];
}

/** A mode, and what it needs. */
export type ModeWanted =
  | { mode: "standalone" }
  | { mode: "service"; serviceUrl?: string }
  | { mode: "connected"; serverUrl: string; identity?: string };

/** What its processes took, in the run that this is of. */
export interface Measured {
  generation: number;
  usage: Usage;
}

/** Whether a failure leaves open what came of what was asked for: the daemon goes on with it though nobody waits. */
export function leavesOpen({ code }: Failure): boolean {
  return code === "RPC_TIMEOUT" || code === "CONNECTION_CLOSED" || code === "INDETERMINATE";
}

/** To stop takes as long as the ladder of its stop allows. */
const ACTION_MS = 120_000;
const AGAIN_MS = 1_000;

const DONE: Record<Action, string> = { start: "is being started", stop: "was stopped", restart: "is being restarted" };

export class Keeper {
  /** What is under way, by name. */
  readonly busy = new Store<ReadonlyMap<string, Action>>(new Map());
  readonly refusals = new Store<ReadonlyMap<string, Refusal>>(new Map());
  /** What waits for a yes or a no. */
  readonly asked = new Store<Asked | undefined>(undefined);
  /** The mode that is asked about. */
  readonly modeAsked = new Store<ModeName | undefined>(undefined);
  readonly measured = new Store<ReadonlyMap<string, Measured>>(new Map());
  readonly #link: Link;
  readonly #toasts: Toasts;
  #stream: AsyncIterableIterator<unknown> | undefined;
  #watched = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(link: Link, toasts: Toasts) {
    this.#link = link;
    this.#toasts = toasts;
  }

  /** Does it, but asks before a stop that stops others too. */
  propose(action: Action, name: string, sidecars: readonly Sidecar[]): void {
    const dependents = dependentsOf(name, sidecars);
    if (action !== "stop" || dependents.length === 0) void this.act(action, name);
    else this.asked.set({ name, dependents });
  }

  /** Does it, unless something is under way with that sidecar already. */
  async act(action: Action, name: string): Promise<void> {
    if (this.busy.get().has(name)) return;
    this.busy.update((busy) => new Map(busy).set(name, action));
    this.forgive(name);
    try {
      await this.#link.request(`sidecar.${action}`, { name }, undefined, { timeoutMs: ACTION_MS });
      this.#toasts.say(`${name} ${DONE[action]}`);
    } catch (error) {
      const failure = failureOf(error);
      this.refusals.update((refusals) => new Map(refusals).set(name, { action, failure }));
      const open = leavesOpen(failure) ? "; it may still be under way" : "";
      this.#toasts.say(`${name}: ${failure.message} (${failure.code})${open}`, undefined, "bad");
    } finally {
      this.busy.update((busy) => without(busy, name));
    }
  }

  /** Takes a refusal away. */
  forgive(name: string): void {
    this.refusals.update((refusals) => (refusals.has(name) ? without(refusals, name) : refusals));
  }

  /** Switches the mode; a failure says that nothing was changed, unless it leaves that open. */
  async setMode(wanted: ModeWanted): Promise<Failure | undefined> {
    try {
      await this.#link.request("sidecar.setMode", wanted, undefined, { timeoutMs: ACTION_MS });
      this.#toasts.say(`The mode is ${wanted.mode} now`);
      return undefined;
    } catch (error) {
      return failureOf(error);
    }
  }

  /** Begins to watch what they take: it is measured only while somebody does. */
  open(): void {
    if (this.#watched) return;
    this.#watched = true;
    void this.#follow();
  }

  close(): void {
    this.#watched = false;
    clearTimeout(this.#timer);
    void this.#stream?.return?.();
    this.#stream = undefined;
    this.measured.set(new Map());
  }

  async #follow(): Promise<void> {
    const stream = this.#link.stream<unknown>("sidecar.watch", {}, undefined, { resume: false });
    this.#stream = stream;
    try {
      for await (const told of stream) this.#take(told);
    } catch (error) {
      // What they take is shown where it is known; whether the daemon can be reached, the page says elsewhere.
      if (!passes(failureOf(error))) return;
    }
    if (!this.#watched || this.#stream !== stream) return;
    this.measured.set(new Map());
    this.#timer = setTimeout(() => void this.#follow(), AGAIN_MS);
  }

  #take(told: unknown): void {
    const { name, generation, usage } = sidecarOf(told);
    if (usage) this.measured.update((measured) => new Map(measured).set(name, { generation, usage }));
    else this.measured.update((measured) => (measured.has(name) ? without(measured, name) : measured));
  }
}

function without<V>(map: ReadonlyMap<string, V>, key: string): ReadonlyMap<string, V> {
  const rest = new Map(map);
  rest.delete(key);
  return rest;
}
