/**
 * An endpoint over an application's existing functions, such as a preload's `window.electronAPI`: requests become calls of
 * those functions, so that a page can be written against `RpcEndpoint` before its main process speaks frames.
 */

import type { Err, Frame, Req } from "../frame.js";
import type { OnFrame, Transport } from "../transport.js";

/** Functions by name, in objects as deep as the method's name has dots: `agent.chat` is `api.agent.chat`. */
export interface InvokeApi {
  readonly [name: string]: unknown;
}

/** How methods find their functions. */
export interface ElectronInvokeOptions {
  /** Functions that stand elsewhere, or are called otherwise, by method. What they give may also be streamed. */
  methods?: { readonly [method: string]: (payload: unknown) => unknown };
  /** A general `invoke(channel, payload)`, for methods that have no function of their own. */
  invoke?: (method: string, payload: unknown) => unknown;
}

/** What an observable is known by. */
interface Subscribable {
  subscribe(observer: {
    next(value: unknown): void;
    error(failure: unknown): void;
    complete(): void;
  }): { unsubscribe(): void };
}

/**
 * Answers its endpoint's requests by calling functions: with the request's payload, with no argument where there is none.
 * A promise or a plain value is the answer; async iterables and observables are streams, which a cancel ends. Items are
 * given without credit: their source cannot be slowed down.
 *
 * A method without a function is answered `NO_HANDLER`; what a function throws, with its `code`, `domain` and `details`
 * where it has them, else with `INTERNAL`.
 */
export class ElectronInvokeTransport implements Transport {
  readonly #api: InvokeApi;
  readonly #options: ElectronInvokeOptions;
  readonly #running = new Map<string, () => void>();
  #onFrame: OnFrame | undefined;

  constructor(api: InvokeApi = apiOf(), options: ElectronInvokeOptions = {}) {
    this.#api = api;
    this.#options = options;
  }

  start(onFrame: OnFrame): void {
    this.#onFrame = onFrame;
  }

  post(frame: Frame): void {
    if (this.#onFrame === undefined) throw new Error("the transport is stopped");
    if (frame.kind === "req") void this.#answer(frame);
    if (frame.kind === "can") this.#cancel(frame.cid);
  }

  stop(): void {
    this.#onFrame = undefined;
    for (const cancel of this.#running.values()) cancel();
    this.#running.clear();
  }

  #cancel(cid: string): void {
    const cancel = this.#running.get(cid);
    if (cancel === undefined) return;
    this.#finish(cid, failure(cid, { code: "CANCELLED", message: "the caller cancelled" }));
    cancel();
  }

  async #answer({ cid, method, payload }: Req): Promise<void> {
    const call = this.#find(method);
    if (call === undefined) {
      const details = { method };
      this.#give(failure(cid, { code: "NO_HANDLER", message: `no function for ${method}`, details }));
      return;
    }
    this.#running.set(cid, () => undefined);
    try {
      const answer = await call(payload);
      if (isSubscribable(answer)) this.#subscribe(cid, method, answer);
      else if (isAsyncIterable(answer)) await this.#iterate(cid, method, answer);
      else this.#finish(cid, { kind: "res", cid, ok: true, result: answer ?? null });
    } catch (error) {
      this.#finish(cid, failure(cid, error));
    }
  }

  #find(method: string): ((payload: unknown) => unknown) | undefined {
    if (method === "rpc.ping") return (payload) => payload;
    const { methods = {}, invoke } = this.#options;
    if (Object.hasOwn(methods, method)) return methods[method];
    let owner: unknown;
    let found: unknown = this.#api;
    for (const name of method.split(".")) {
      owner = found;
      if (typeof owner !== "object" || owner === null || !Object.hasOwn(owner, name)) {
        return invoke && ((payload) => invoke(method, payload));
      }
      found = (owner as InvokeApi)[name];
    }
    if (typeof found !== "function") return invoke && ((payload) => invoke(method, payload));
    const call = found as (this: unknown, ...payload: unknown[]) => unknown;
    return (payload) => (payload === undefined ? call.call(owner) : call.call(owner, payload));
  }

  async #iterate(cid: string, method: string, items: AsyncIterable<unknown>): Promise<void> {
    const iterator = items[Symbol.asyncIterator]();
    const end = () => void Promise.resolve(iterator.return?.()).catch(() => undefined);
    if (!this.#running.has(cid)) return end();
    this.#running.set(cid, end);
    for (let seq = 1; ; seq += 1) {
      const { done, value } = await iterator.next();
      if (!this.#running.has(cid)) return;
      if (done === true) return this.#finish(cid, { kind: "end", cid });
      this.#give({ kind: "nxt", cid, seq, data: value ?? null, method });
    }
  }

  #subscribe(cid: string, method: string, source: Subscribable): void {
    if (!this.#running.has(cid)) return;
    let seq = 0;
    let over = false;
    const finish = (frame: Frame) => {
      over = true;
      this.#finish(cid, frame);
    };
    const subscription = source.subscribe({
      next: (data) => {
        if (this.#running.has(cid)) this.#give({ kind: "nxt", cid, seq: (seq += 1), data: data ?? null, method });
      },
      error: (error) => finish(failure(cid, error)),
      complete: () => finish({ kind: "end", cid }),
    });
    // It may have ended, or been cancelled, while it was subscribed to.
    if (over) return;
    if (this.#running.has(cid)) this.#running.set(cid, () => subscription.unsubscribe());
    else subscription.unsubscribe();
  }

  #finish(cid: string, terminal: Frame): void {
    if (this.#running.delete(cid)) this.#give(terminal);
  }

  #give(frame: Frame): void {
    this.#onFrame?.(frame);
  }
}

function failure(cid: string, error: unknown): Err {
  const told = typeof error === "object" && error !== null ? (error as Partial<Record<keyof Err, unknown>>) : {};
  const text = (value: unknown, otherwise: string) => (typeof value === "string" ? value : otherwise);
  const err: Err = {
    kind: "err",
    cid,
    ok: false,
    code: text(told.code, "INTERNAL"),
    message: text(told.message, String(error)),
    domain: text(told.domain, "common"),
  };
  return told.details === undefined ? err : { ...err, details: told.details };
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

function isSubscribable(value: unknown): value is Subscribable {
  return typeof value === "object" && value !== null && "subscribe" in value && typeof value.subscribe === "function";
}

function apiOf(): InvokeApi {
  const api = (globalThis as { electronAPI?: InvokeApi }).electronAPI;
  if (api === undefined) throw new Error("there is no window.electronAPI; does the preload expose it?");
  return api;
}
