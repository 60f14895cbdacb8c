/** What can be called: the daemon's methods, by `rpc.discover`. */

import type { Link } from "../connection.js";
import { Store } from "../store.js";
import type { Schema } from "./schema.js";

/** `upload` and `duplex` take items from their caller. */
export type MethodShape = "unary" | "stream" | "upload" | "duplex";

export interface MethodInfo {
  name: string;
  summary: string;
  shape: MethodShape;
  /** What a caller must be allowed to. */
  scope: string | undefined;
  idempotent: boolean;
  resumable: boolean;
  onLag: string | undefined;
  params: Schema;
  result: Schema;
}

export type CatalogueView =
  | { state: "loading" }
  | { state: "failed"; error: unknown }
  | { state: "ready"; methods: readonly MethodInfo[]; version: string };

export class Catalogue {
  readonly view = new Store<CatalogueView>({ state: "loading" });
  readonly #link: Link;

  constructor(link: Link) {
    this.#link = link;
  }

  /** Asks again; what is known stays until the answer is there. */
  async load(): Promise<void> {
    try {
      this.view.set(read(await this.#link.request<unknown>("rpc.discover")));
    } catch (error) {
      if (this.view.get().state !== "ready") this.view.set({ state: "failed", error });
    }
  }

  method(name: string): MethodInfo | undefined {
    const view = this.view.get();
    return view.state === "ready" ? view.methods.find((method) => method.name === name) : undefined;
  }
}

/** Reads an OpenRPC document; what it leaves out is taken as the least that can be said. */
export function read(document: unknown): CatalogueView {
  const methods = listOf(member(document, "methods"))
    .map(method)
    .filter(({ name }) => name !== "");
  methods.sort((one, other) => one.name.localeCompare(other.name, "en"));
  return { state: "ready", methods, version: text(member(member(document, "info"), "version")) ?? "" };
}

function method(described: unknown): MethodInfo {
  const shape = text(member(described, "x-shape"));
  return {
    name: text(member(described, "name")) ?? "",
    summary: text(member(described, "summary")) ?? text(member(described, "description")) ?? "",
    shape: shape === "stream" || shape === "upload" || shape === "duplex" ? shape : "unary",
    scope: text(member(described, "x-scope")),
    idempotent: member(described, "x-idempotent") === true,
    resumable: member(described, "x-resumable") === true,
    onLag: text(member(described, "x-onLag")),
    params: schemaOf(member(listOf(member(described, "params"))[0], "schema")),
    result: schemaOf(member(member(described, "result"), "schema")),
  };
}

function schemaOf(value: unknown): Schema {
  return typeof value === "object" && value !== null ? (value as Schema) : value !== false;
}

function member(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
