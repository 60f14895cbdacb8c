/** Six frames, any transport: RPC between user interfaces and what runs beside them. */

export type { Context, Peer } from "./context.js";
export {
  type CallOptions,
  type EndpointOptions,
  type EndpointState,
  type Extension,
  type RequestOptions,
  type RpcClient,
  RpcEndpoint,
  type StreamOptions,
} from "./endpoint.js";
export { type Code, RpcError } from "./errors.js";
export type { Can, Cid, End, Err, Frame, Grant, Meta, Nxt, OnLag, Req, Res } from "./frame.js";
export type { HandlerOptions } from "./handlers.js";
export { Item, type Place } from "./item.js";
export type { Limits } from "./limits.js";
export type { Observer, RpcStream } from "./stream.js";
export type { BareTransport, Broken, Connector, Decode, OnClose, OnFrame, Transport } from "./transport.js";
export { type Method, type MethodFacts, type MethodType, method, type StreamMethod, streamMethod, type Typed, typed } from "./typed.js";
