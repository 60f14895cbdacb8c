/**
 * Applies operations to a state without changing it: what an operation does not reach is shared with the new state.
 */

import { isContainer, sameJson, setMember, type Container } from "./json.js";
import type { Drop, Move, Operation, Put } from "./operation.js";
import { parsePointer } from "./pointer.js";

/** Operations that do not fit the state: a path that is not there, a `test` that failed. */
export class PatchError extends Error {
  override readonly name = "PatchError";
  /** The path of the operation that did not fit. */
  readonly path: string;

  constructor(path: string, why: string) {
    super(`${path === "" ? "the root" : path}: ${why}`);
    this.path = path;
  }
}

/**
 * The state after `operations`: all of them, or, by an exception, none.
 *
 * @throws PatchError where one does not fit.
 */
export function applyOperations<T>(state: T, operations: readonly Operation[]): T {
  const draft = new Draft(state);
  for (const operation of operations) draft.apply(operation);
  return draft.root as T;
}

/** A state that is being changed. Each container is copied once, when it is first written to. */
class Draft {
  root: unknown;
  readonly #copies = new Set<object>();

  constructor(root: unknown) {
    this.root = root;
  }

  apply(operation: Operation): void {
    const { path } = operation;
    switch (operation.op) {
      case "add":
        return this.#add(path, operation.value);
      case "replace":
        return this.#replace(path, operation.value);
      case "remove":
        return this.#remove(path);
      case "test":
        if (!sameJson(this.#read(path), operation.value)) throw new PatchError(path, "another value is there");
        return;
      case "put":
        return putElement(this.#list(path), operation);
      case "drop":
        return dropElement(this.#list(path), operation);
      case "move":
        return moveElement(this.#list(path), operation);
      case "merge":
        return this.#merge(path, operation.value);
    }
  }

  #add(path: string, value: unknown): void {
    const { parent, key } = this.#slot(path);
    if (parent === undefined) this.root = value;
    else if (!Array.isArray(parent)) setMember(parent, key, value);
    else parent.splice(key === "-" ? parent.length : arrayIndex(parent.length, key, path), 0, value);
  }

  #replace(path: string, value: unknown): void {
    const { parent, key } = this.#slot(path);
    if (parent === undefined) {
      this.root = value;
      return;
    }
    child(parent, key, path);
    setMember(parent, key, value);
  }

  #remove(path: string): void {
    const { parent, key } = this.#slot(path);
    if (parent === undefined) throw new PatchError(path, "cannot be removed");
    child(parent, key, path);
    if (Array.isArray(parent)) parent.splice(Number(key), 1);
    else delete parent[key];
  }

  #merge(path: string, value: unknown): void {
    const { parent, key } = this.#slot(path);
    if (parent === undefined) this.root = mergePatch(this.root, value);
    else if (Array.isArray(parent)) {
      const at = key === "-" ? parent.length : arrayIndex(parent.length, key, path);
      parent.splice(at, 1, mergePatch(parent[at], value));
    }
    else setMember(parent, key, mergePatch(Object.hasOwn(parent, key) ? parent[key] : undefined, value));
  }

  #read(path: string): unknown {
    return parsePointer(path).reduce((node, key) => child(node, key, path), this.root);
  }

  #list(path: string): unknown[] {
    const list = this.#writable(parsePointer(path), path);
    if (!Array.isArray(list)) throw new PatchError(path, "is no array");
    return list;
  }

  /** The container that holds what `path` names, ready to be written to, and the key there; no container for the root. */
  #slot(path: string): { parent: Container | undefined; key: string } {
    const keys = parsePointer(path);
    const key = keys.pop();
    return key === undefined ? { parent: undefined, key: "" } : { parent: this.#writable(keys, path), key };
  }

  #writable(keys: readonly string[], path: string): Container {
    let container = this.#copy(this.root, path);
    this.root = container;
    for (const key of keys) {
      const next = this.#copy(child(container, key, path), path);
      setMember(container, key, next);
      container = next;
    }
    return container;
  }

  #copy(node: unknown, path: string): Container {
    if (!isContainer(node)) throw new PatchError(path, "leads through a value that is neither object nor array");
    if (this.#copies.has(node)) return node;
    const copy = (Array.isArray(node) ? [...(node as unknown[])] : { ...node }) as Container;
    this.#copies.add(copy);
    return copy;
  }
}

function child(node: unknown, key: string, path: string): unknown {
  if (Array.isArray(node)) return (node as unknown[])[arrayIndex(node.length - 1, key, path)];
  if (!isContainer(node) || !Object.hasOwn(node, key)) throw new PatchError(path, "nothing is there");
  return node[key];
}

function arrayIndex(last: number, key: string, path: string): number {
  const index = /^(0|[1-9]\d*)$/.test(key) ? Number(key) : Infinity;
  if (index > last) throw new PatchError(path, `there is no index ${key}`);
  return index;
}

function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isContainer(patch) || Array.isArray(patch)) return patch;
  const merged: Container = isContainer(target) && !Array.isArray(target) ? { ...target } : {};
  for (const key of Object.keys(patch)) {
    if (patch[key] === null) delete merged[key];
    else setMember(merged, key, mergePatch(Object.hasOwn(merged, key) ? merged[key] : undefined, patch[key]));
  }
  return merged;
}

function find(list: readonly unknown[], by: string, key: unknown): number {
  return list.findIndex((element) => isContainer(element) && Object.hasOwn(element, by) && sameJson(element[by], key));
}

function placeOf(list: readonly unknown[], operation: Put | Drop | Move, key: unknown): number {
  const place = find(list, operation.by, key);
  if (place < 0) throw new PatchError(operation.path, `no element has the ${operation.by} ${JSON.stringify(key)}`);
  return place;
}

function putElement(list: unknown[], put: Put): void {
  const key = isContainer(put.value) && Object.hasOwn(put.value, put.by) ? put.value[put.by] : undefined;
  if (key === undefined) throw new PatchError(put.path, `the new element has no ${put.by}`);
  const place = find(list, put.by, key);
  // The hub reads null as absent.
  if (put.before == null) {
    if (place < 0) list.push(put.value);
    else list[place] = put.value;
    return;
  }
  if (place >= 0) list.splice(place, 1);
  list.splice(placeOf(list, put, put.before), 0, put.value);
}

function dropElement(list: unknown[], drop: Drop): void {
  list.splice(placeOf(list, drop, drop.key), 1);
}

function moveElement(list: unknown[], move: Move): void {
  const [element] = list.splice(placeOf(list, move, move.key), 1);
  list.splice(move.before == null ? list.length : placeOf(list, move, move.before), 0, element);
}
