/** What changed in the hub's state, one entry for each place, the newest first. */

import { formatPointer, type Hub } from "sixframe/hub";

import { kindOf } from "../json/json-rows.js";
import { Store } from "../store.js";

/** One place that is another now. */
export interface Change {
  number: number;
  /** Milliseconds since 1970. */
  at: number;
  revision: number;
  path: string;
  /** Undefined where there was nothing. */
  before: unknown;
  /** Undefined where there is nothing. */
  after: unknown;
}

/** A place, and what it was and is. */
type Difference = Pick<Change, "path" | "before" | "after">;

const MOST = 500;
/** More places than that are told of as one, further up. */
const MOST_AT_ONCE = 40;

/** The places where two states differ. What they share is not looked at. */
export function differences(before: unknown, after: unknown): Difference[] {
  const found: Difference[] = [];
  collect(found, before, after, []);
  return found;
}

function collect(found: Difference[], before: unknown, after: unknown, keys: string[]): void {
  if (Object.is(before, after)) return;
  const kind = kindOf(after);
  const isContainer = (kind === "object" || kind === "array") && kindOf(before) === kind;
  if (!isContainer || found.length >= MOST_AT_ONCE) {
    found.push({ path: formatPointer(keys), before, after });
    return;
  }
  const one = before as Record<string, unknown>;
  const other = after as Record<string, unknown>;
  const all = new Set([...Object.keys(one), ...Object.keys(other)]);
  const differing = [...all].filter((key) => !Object.is(one[key], other[key]));
  if (keys.length > 0 && differing.length > MOST_AT_ONCE) {
    found.push({ path: formatPointer(keys), before, after });
    return;
  }
  for (const key of differing) collect(found, one[key], other[key], [...keys, key]);
}

/** Follows a hub from the first state on. */
export class Changes {
  readonly list = new Store<readonly Change[]>([]);
  #number = 0;

  constructor(hub: Hub) {
    let before: unknown = hub.state;
    hub.onChange(() => {
      const after = hub.state;
      if (before !== undefined) this.#take(differences(before, after), hub.version?.revision ?? 0);
      before = after;
    });
  }

  clear(): void {
    this.list.set([]);
  }

  #take(found: readonly Difference[], revision: number): void {
    if (found.length === 0) return;
    const at = Date.now();
    const news = found.map((difference) => ({ ...difference, at, revision, number: (this.#number += 1) }));
    this.list.update((known) => [...news.reverse(), ...known].slice(0, MOST));
  }
}
