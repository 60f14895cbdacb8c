import type { Link } from "../connection.js";
import { Store } from "../store.js";
import { Run } from "./run.js";

const MOST_RUNS = 100;
/** Runs that keep their items. */
const WHOLE_RUNS = 8;

/** The calls that were made from the console, the newest first. Gone with the page. */
export class History {
  readonly runs = new Store<readonly Run[]>([]);
  readonly #link: Link;
  #made = 0;

  constructor(link: Link) {
    this.#link = link;
  }

  /** Calls a method, or begins a stream. */
  start(method: string, payload: unknown, mode: "call" | "stream"): Run {
    this.#made += 1;
    const run = new Run(this.#made, method, payload, mode);
    this.runs.update((runs) => [run, ...runs].slice(0, MOST_RUNS));
    for (const old of this.runs.get().slice(WHOLE_RUNS))
      if (old.view.get().state !== "running" && old.view.get().items.length > 0) old.forget();
    void run.start(this.#link);
    return run;
  }

  clear(): void {
    this.runs.update((runs) => runs.filter((run) => run.view.get().state === "running"));
  }
}
