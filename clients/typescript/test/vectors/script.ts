/** The shape of a vector file. What a step means stands in `spec/vectors/README.md`. */

import type { OnLag } from "../../src/frame.js";

export interface File {
  profile: string;
  vectors: Vector[];
}

export interface Vector {
  name: string;
  rules: string[];
  limits?: Record<string, number>;
  methods?: Record<string, MethodFacts>;
  window?: number;
  ahead?: number;
  unsent?: true;
  steps: Step[];
}

export interface MethodFacts {
  idempotent?: boolean;
  resumable?: boolean;
  lag?: OnLag;
}

export interface CallStep {
  as: string;
  method: string;
  kind?: "unary" | "stream" | "upload" | "duplex";
  payload?: unknown;
  meta?: Record<string, unknown>;
  timeoutMs?: number;
  idleMs?: number;
  window?: number;
  onLag?: OnLag;
  lane?: string;
  op?: string;
  parent?: string;
}

export interface ItemSeen {
  data: unknown;
  pos?: number;
  skipped?: number;
  reset?: boolean;
}

export interface Failure {
  code: string;
  message?: string;
  domain?: string;
  details?: unknown;
}

export interface Verbs {
  call: CallStep;
  cancel: string;
  push: { call: string; data: unknown };
  finishUp: string;
  take: { call?: string; request?: string; items: ItemSeen[]; ended?: boolean };
  reply: { request: string; result: unknown };
  fail: Failure & { request: string };
  open: string;
  item: { request: string; data: unknown; pos?: number; epoch?: string; reset?: boolean };
  finish: string;
  accept: string;
  panic: string;
  receive: Record<string, unknown>;
  receiveRaw: string;
  receiveHex: string;
  oversized: string;
  advance: number;
  lost: true;
  ended: true;
  connected: true;
  drain: true;
  send: Record<string, unknown>;
  sendAnyOrder: Record<string, unknown>[];
  idle: true;
  request: { as: string; method: string; payload?: unknown; meta?: unknown };
  stopped: string;
  settled: { call: string; result?: unknown; error?: Failure };
  completed: string;
  closing: { setting: string };
  polled: { request: string; ready: boolean };
  pushable: { call: string; ready: boolean };
  counted: Record<string, number>;
}

export type Step = { [V in keyof Verbs]: Record<V, Verbs[V]> }[keyof Verbs];
