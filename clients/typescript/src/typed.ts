/** Types for the methods of a peer: what is called is checked when it is compiled. */

import type { RequestOptions, RpcEndpoint, StreamOptions } from "./endpoint.js";
import type { Meta } from "./frame.js";
import type { RpcStream } from "./stream.js";

/** What is known of one method. `sixframe types ADDR` writes a map of these by the methods' names. */
export type MethodType =
  | { kind: "unary"; params: unknown; result: unknown }
  | { kind: "stream"; params: unknown; item: unknown }
  | { kind: "upload"; params: unknown; upstream: unknown; result: unknown }
  | { kind: "duplex"; params: unknown; upstream: unknown; item: unknown };

type Named<Api, Kind extends string> = {
  [Name in keyof Api]: Api[Name] extends { kind: Kind } ? Name : never;
}[keyof Api] &
  string;

type Params<Method> = Method extends { params: infer P } ? P : never;
type Result<Method> = Method extends { result: infer R } ? R : never;
type ItemOf<Method> = Method extends { item: infer I } ? I : never;

/** A method without parameters is called without a payload. */
type Payload<P> = undefined extends P ? [payload?: P] : null extends P ? [payload?: P] : [payload: P];

/** An endpoint that knows its peer's methods. */
export interface Typed<Api> {
  /** As {@link RpcEndpoint.request}. */
  request<Name extends Named<Api, "unary">>(
    method: Name,
    ...rest: [...Payload<Params<Api[Name]>>, meta?: Meta, options?: number | RequestOptions]
  ): Promise<Result<Api[Name]>>;
  /** As {@link RpcEndpoint.stream}. */
  stream<Name extends Named<Api, "stream">>(
    method: Name,
    ...rest: [...Payload<Params<Api[Name]>>, meta?: Meta, options?: StreamOptions]
  ): RpcStream<ItemOf<Api[Name]>>;
}

/** How methods are called, as `sixframe types` writes it in `methods`. */
export interface MethodFacts {
  readonly [method: string]: { readonly idempotent?: boolean; readonly resumable?: boolean };
}

/**
 * The same endpoint, typed: `typed<Api>(endpoint, methods).request("hub.commit", { ops })`. What `methods` says of a method
 * are the defaults of its calls.
 */
export function typed<Api>(endpoint: RpcEndpoint, methods: MethodFacts = {}): Typed<Api> {
  return {
    request: (method: string, payload: unknown, meta: Meta, options: number | RequestOptions) => {
      const more = typeof options === "number" ? { timeoutMs: options } : options;
      return endpoint.request(method, payload, meta, { idempotent: methods[method]?.idempotent, ...more });
    },
    stream: (method: string, payload: unknown, meta: Meta, options: StreamOptions) =>
      endpoint.stream(method, payload, meta, { resume: methods[method]?.resumable, ...options }),
  } as unknown as Typed<Api>;
}

/** What calls one method for its one answer; see {@link method}. */
export interface Method<P, R> {
  (endpoint: Pick<RpcEndpoint, "request">, payload: P, options?: RequestOptions): Promise<R>;
}

/** What opens one stream; see {@link streamMethod}. */
export interface StreamMethod<P, T> {
  (endpoint: Pick<RpcEndpoint, "stream">, payload: P, options?: StreamOptions): RpcStream<T>;
}

/**
 * Describes a method, for those that no generator knows: `const add = method<[number, number], number>("add", { idempotent:
 * true })`, then `add(endpoint, [40, 2])`.
 */
export function method<P, R>(name: string, defaults?: RequestOptions): Method<P, R> {
  return (endpoint, payload, options) => endpoint.request<R>(name, payload, undefined, { ...defaults, ...options });
}

/** Describes a method that streams; see {@link method}. */
export function streamMethod<P, T>(name: string, defaults?: StreamOptions): StreamMethod<P, T> {
  return (endpoint, payload, options) => endpoint.stream<T>(name, payload, undefined, { ...defaults, ...options });
}
