/**
 * The six frames, as they travel. `spec: frame.*`
 *
 * Payloads are whatever the transport carries: JSON values on text transports, structured clones on ports.
 */

/** A call's id: at most 64 bytes, unique in one direction of a connection. */
export type Cid = string;

/** Credit of a consumer: items up to `upto` may be sent, those up to `ack` were taken. Both absolute. `spec: credit.*` */
export interface Grant {
  upto: number;
  ack?: number;
  /** Bytes that may be sent ahead of what was acknowledged; in the first grant for upstream items. `spec: fc.17` */
  bytes?: number;
}

/** What a consumer wants done when it lags behind. `spec: lag.*` */
export type OnLag = "block" | "latest" | "dropOldest" | "close";

/** Facts about a request. Keys that are not listed are the application's. `spec: meta.*` */
export interface Meta {
  senderId?: string | number;
  doc?: string | number;
  to?: { senderId: string | number; doc?: string | number };
  rpcSpecVersion?: string | number;
  /** Epoch milliseconds, for observation only. */
  ts?: number;
  /** The budget that is left, in milliseconds; relative. */
  timeoutMs?: number;
  /** The longest gap between two items while credit is open, in milliseconds. */
  idleMs?: number;
  fc?: { upto: number; onLag?: OnLag; bytes?: number };
  up?: Record<string, never>;
  resume?: { epoch: string; after: number };
  lane?: string;
  op?: string;
  token?: string;
  traceparent?: string;
  tracestate?: string;
  baggage?: string;
  [key: string]: unknown;
}

/** A call. */
export interface Req {
  kind: "req";
  cid: Cid;
  method: string;
  payload?: unknown;
  meta?: Meta;
}

/** One answer; terminal. */
export interface Res {
  kind: "res";
  cid: Cid;
  ok: true;
  result?: unknown;
}

/** A failure; terminal. */
export interface Err {
  kind: "err";
  cid: Cid;
  ok: false;
  code: string;
  message: string;
  domain: string;
  details?: unknown;
}

/** One item of a stream, or, where `fc` is an object and `data` is absent, a grant. */
export interface Nxt {
  kind: "nxt";
  cid: Cid;
  data?: unknown;
  seq?: number;
  pos?: number;
  epoch?: string;
  method?: string;
  fc?: 1 | Grant;
  dir?: "up";
  reset?: boolean;
  skipped?: number;
}

/** A stream's end; terminal, but with `dir: "up"`. */
export interface End {
  kind: "end";
  cid: Cid;
  dir?: "up";
}

/** The caller lost interest. */
export interface Can {
  kind: "can";
  cid: Cid;
  reason?: string;
}

/** One message of the protocol. */
export type Frame = Req | Res | Err | Nxt | End | Can;

/** Whether a value is an object in the sense of JSON. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a value of `fc` gives credit. One that is no object says something else. */
export function isCredit(fc: unknown): fc is Grant {
  return (fc as Grant | undefined)?.upto! >= 0;
}

/** Whether a `nxt` is a grant, and no item. `spec: frame.15` */
export function isGrant({ data, fc }: Nxt): boolean {
  return data === undefined && isCredit(fc);
}
