/** Changes of the state that overwrite nothing that their author has not seen. */

import { formatPointer, parsePointer, type Hub, type Operation, type Version } from "sixframe/hub";

import { failureOf, type Failure } from "../methods/run.js";
import { kindOf } from "../json/json-rows.js";

/** What became of an edit. */
export type Outcome =
  | { kind: "done"; version: Version }
  | { kind: "conflict"; theirs: unknown }
  | { kind: "refused"; failure: Failure };

/** A change of one place. */
export interface Edit {
  path: string;
  /** What its author saw there; undefined for nothing. */
  seen: unknown;
  /** What is to stand there; undefined for nothing. */
  value: unknown;
  /** Puts the value into a list, in front of whatever stands there: it was removed from there. */
  inserts?: boolean;
}

/** Tries on a version, before the place alone is made the condition: a state may change faster than it can be followed. */
const TRIES = 3;
const CATCH_UP_MS = 5_000;

/**
 * Commits `edit` on the condition that the state is still the one that was looked at. A change elsewhere does not matter:
 * where the place itself is as its author saw it, the edit is tried on the newer state. Otherwise it is a conflict.
 */
export async function commitEdit<S>(hub: Hub<S>, edit: Edit): Promise<Outcome> {
  for (let tries = 1; ; tries += 1) {
    const expect = hub.version;
    const theirs = hub.at(edit.path);
    if (edit.inserts === true) {
      if (!hasRoom(hub, edit.path)) return { kind: "refused", failure: NO_PLACE };
    } else if (!same(theirs, edit.seen)) return { kind: "conflict", theirs };
    try {
      const version = await (tries < TRIES || edit.seen === undefined
        ? hub.commit(operationsOf(hub, edit), { optimistic: false, ...(expect && { expect }) })
        : hub.commit([{ op: "test", path: edit.path, value: edit.seen }, ...operationsOf(hub, edit)], {
            optimistic: false,
          }));
      return { kind: "done", version };
    } catch (error) {
      const failure = failureOf(error);
      if (failure.code !== "CONFLICT" || tries === 2 * TRIES) return { kind: "refused", failure };
      await caughtUp(hub, currentOf(failure.details));
    }
  }
}

/** The edit that takes `edit` back, which was made on the state of `hub`. */
export function reverse<S>(hub: Hub<S>, { path, seen, value }: Edit): Edit {
  const isBack = value === undefined && listAround(hub, path) !== undefined;
  return { path, seen: value, value: seen, ...(isBack && { inserts: true }) };
}

const NO_PLACE: Failure = {
  code: "CONFLICT",
  message: "the list from which it was removed is no longer so long",
  domain: "page",
  details: undefined,
};

/** Whether something can be put into the list at `path`. */
function hasRoom<S>(hub: Hub<S>, path: string): boolean {
  const list = listAround(hub, path);
  return list !== undefined && Number(parsePointer(path).at(-1)) <= list.length;
}

/** The list of which `path` names an element. */
function listAround<S>(hub: Hub<S>, path: string): readonly unknown[] | undefined {
  const around = path === "" ? undefined : hub.at(formatPointer(parsePointer(path).slice(0, -1)));
  return Array.isArray(around) ? around : undefined;
}

function operationsOf<S>(hub: Hub<S>, { path, seen, value }: Edit): Operation[] {
  if (value === undefined) return [{ op: "remove", path }];
  const replaces = path === "" || (listAround(hub, path) !== undefined && seen !== undefined);
  return [{ op: replaces ? "replace" : "add", path, value }];
}

/** Waits until the hub has told of `current`, which an answer spoke of. */
function caughtUp<S>(hub: Hub<S>, current: Partial<Version> | undefined): Promise<void> {
  const isThere = (): boolean => {
    const version = hub.version;
    if (!version || current?.revision === undefined) return true;
    return version.epoch === (current.epoch ?? version.epoch) && version.revision >= current.revision;
  };
  if (isThere()) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      off();
      resolve();
    };
    const timer = setTimeout(done, CATCH_UP_MS);
    const off = hub.onChange(() => {
      if (isThere()) done();
    });
  });
}

function currentOf(details: unknown): Partial<Version> | undefined {
  const current = typeof details === "object" && details !== null && "current" in details ? details.current : undefined;
  return typeof current === "object" && current !== null ? (current as Partial<Version>) : undefined;
}

function same(one: unknown, other: unknown): boolean {
  return one === other || JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (kindOf(value) !== "object") return value;
  return Object.fromEntries(
    Object.entries(value as object)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, member]) => [key, sorted(member)]),
  );
}
