/** Plays one vector: the driver, the handlers and the application around a session, with virtual time. Runs anywhere. */

import { aheadOf } from "../../src/ahead.js";
import { decode, receiveMalformed } from "../../src/codec.js";
import { beginDraining } from "../../src/drain.js";
import { errFrame, limitError, RpcError } from "../../src/errors.js";
import type { Meta } from "../../src/frame.js";
import { peek } from "../../src/frame/decode.js";
import { idle } from "../../src/idle.js";
import { Item } from "../../src/item.js";
import { lanes } from "../../src/lanes.js";
import { limits, LIMITS } from "../../src/limits.js";
import { Session } from "../../src/session.js";
import type { Call } from "../../src/session/call.js";
import type { Exchange } from "../../src/session/exchange.js";
import type { Request } from "../../src/session/request.js";
import { accept, expectCredit, halfClose, queue } from "../../src/upload.js";
import { Cids, isSent, more, same } from "./compare.js";
import type { Failure, ItemSeen, Step, Vector, Verbs } from "./script.js";

/** Plays a vector to its end; throws where a step does not hold. */
export function play(vector: Vector): void {
  const player = new Player(vector);
  for (const [index, step] of vector.steps.entries()) {
    try {
      player.step(step);
    } catch (error) {
      throw new Error(`step ${index + 1} ${JSON.stringify(step)}: ${(error as Error).message}`);
    }
  }
  player.expectNothing("at the end");
  const left = player.next();
  if (left && !vector.unsent) throw new Error(`left unsent: ${JSON.stringify(left)}`);
}

interface Ours {
  call: Call;
  parent: string | undefined;
  /** What was buffered when the stream was over. */
  rest: Item[];
}

interface Theirs {
  request: Request;
}

type Seen =
  | { what: "request"; request: Request }
  | { what: "stopped"; name: string }
  | { what: "settled"; name: string; result?: unknown; error?: RpcError }
  | { what: "completed"; name: string }
  | { what: "closing"; reason: string };

const EXPECTING = new Set([
  "send", "sendAnyOrder", "idle", "request", "stopped", "settled", "completed", "closing", "polled", "pushable", "counted",
]);

/** A session whose driver is a player. */
class PlayedSession extends Session {
  readonly _options;
  readonly #player: Player;

  constructor(player: Player, options: Session["_options"]) {
    super();
    this.#player = player;
    this._options = options;
  }

  override _now(): number {
    return this.#player.now;
  }

  override _later(_tries: number, act: () => void): void {
    this.#player.later.push({ at: this._now() + 10_000, act });
  }

  override _warn(): void {
    // Nobody reads it.
  }

  override _run(): void {
    // The player does that after every step.
  }

  override _serve(request: Request): void {
    this.#player.seen.push({ what: "request", request });
    request._stop = () => this.#player.stop(request);
  }

  override _lose(reason: unknown): void {
    this.#player.seen.push({ what: "closing", reason: String(reason) });
  }
}

class Player {
  session: Session;
  now = 0;
  cids = new Cids();
  calls = new Map<string, Ours>();
  requests = new Map<string, Theirs>();
  seen: Seen[] = [];
  /** What is tried again, and when. */
  later: { at: number; act: () => void }[] = [];
  depth: number;
  /** Frames for finished or unknown calls, so far on this connection. */
  dropped = 0;

  readonly vector: Vector;
  readonly #reconnects: boolean;

  constructor(vector: Vector) {
    this.vector = vector;
    const all = { ...LIMITS, ...vector.limits };
    for (const name of Object.keys(vector.limits ?? {})) {
      if (!(name in LIMITS)) throw new Error(`no limit ${name}`);
    }
    this.depth = all.depth;
    this.#reconnects = vector.steps.some((step) => "lost" in step);
    // Windows stay as they were offered, so that vectors need not know how big an implementation's items are.
    this.session = new PlayedSession(this, { limits: all, window: vector.window ?? 32, windowBytes: 0 });
    lanes(this.session);
    limits(this.session);
    idle(this.session);
    aheadOf(this.session, vector.ahead ?? 0);
    this.connected();
  }

  step(step: Step): void {
    const [verb, value] = Object.entries(step)[0] as [keyof Verbs, never];
    const acts = this as unknown as Record<string, ((value: unknown) => void) | undefined>;
    const act = acts[`${verb}_`];
    if (!act) throw new Error(`no verb ${verb}`);
    if (!EXPECTING.has(verb)) this.expectNothing("before this step");
    act.call(this, value);
    this.pump();
  }

  next(): Record<string, unknown> | undefined {
    const frame = this.session._poll();
    return frame && (JSON.parse(JSON.stringify(frame)) as Record<string, unknown>);
  }

  expectNothing(when: string): void {
    if (this.seen.length) throw new Error(`${when} nobody expected ${describe(this.seen)}`);
  }

  // Acting

  call_(step: Verbs["call"]): void {
    const facts = this.vector.methods?.[step.method] ?? {};
    const kind = step.kind ?? "unary";
    const up = kind === "upload" || kind === "duplex" ? queue(this.session) : undefined;
    let timeoutMs = step.timeoutMs;
    if (step.parent !== undefined) {
      const left = this.theirs(step.parent).request._deadline - this.now;
      if (left < Infinity) timeoutMs = Math.min(timeoutMs ?? Infinity, left);
    }
    const call = this.session._call({
      method: step.method,
      payload: step.payload,
      meta: step.meta as Meta,
      streams: kind === "stream" || kind === "duplex",
      up,
      timeoutMs,
      idleMs: step.idleMs,
      idempotent: facts.idempotent,
      resume: facts.resumable ?? false,
      window: step.window,
      onLag: step.onLag,
      lane: step.lane,
      op: step.op,
    });
    if (up) expectCredit(call);
    this.calls.set(step.as, { call, parent: step.parent, rest: [] });
  }

  cancel_(name: string): void {
    const ours = this.calls.get(name);
    this.calls.delete(name);
    // A call that is over may be dropped like any other.
    if (ours) this.drop(ours);
  }

  push_({ call, data }: Verbs["push"]): void {
    if (!this.isPushable(call)) throw new Error("no upstream item may be sent now");
    this.ours(call).call._push(new Item(data));
  }

  finishUp_(name: string): void {
    halfClose(this.ours(name).call);
  }

  take_({ call, request, items, ended }: Verbs["take"]): void {
    const taken: Item[] = [];
    const takeAll = (from: Exchange) => {
      for (let item = from._in!._take(); item; item = from._in!._take()) taken.push(item);
      // The consumer comes back for more: only with that is what it took consumed.
      from._next();
    };
    if (call !== undefined) {
      const ours = this.ours(call);
      taken.push(...ours.rest.splice(0));
      if (ours.call._outcome) this.settle(call, ours);
      else takeAll(ours.call);
    } else {
      const theirs = this.theirs(request ?? "").request;
      takeAll(theirs);
      expectSame("ended", theirs._isHalfClosed ?? false, ended ?? false);
    }
    const got = taken.map(seenItem);
    const wanted = items.map((item) => ({ skipped: 0, reset: false, ...item }));
    if (!same(wanted, got)) throw new Error(`took ${describe(got)}`);
  }

  reply_({ request, result }: Verbs["reply"]): void {
    const theirs = this.theirs(request).request;
    theirs._finish({ kind: "res", cid: theirs._cid, ok: true, result });
    this.dropChildren(request);
  }

  fail_({ request, code, message, details, domain }: Verbs["fail"]): void {
    this.fail(request, new RpcError(code, message ?? "", details, domain));
  }

  panic_(request: string): void {
    this.fail(request, new RpcError("INTERNAL", "the handler failed"));
  }

  open_(name: string): void {
    const theirs = this.theirs(name);
    const lag = this.vector.methods?.[theirs.request._req.method]?.lag ?? "block";
    theirs.request._open(lag);
  }

  item_({ request, data, ...place }: Verbs["item"]): void {
    const theirs = this.theirs(request).request;
    if (theirs._room() <= 0) throw new Error("the source may not be polled now");
    theirs._push(new Item(data, place));
  }

  finish_(name: string): void {
    const theirs = this.theirs(name).request;
    theirs._finish({ kind: "end", cid: theirs._cid });
    this.dropChildren(name);
  }

  accept_(name: string): void {
    accept(this.theirs(name).request);
  }

  receive_(frame: Verbs["receive"]): void {
    this.receive(JSON.stringify(this.cids.resolve(frame)));
  }

  receiveRaw_(text: string): void {
    this.receive(this.cids.resolveText(text));
  }

  receiveHex_(digits: string): void {
    this.receive(Uint8Array.from(digits.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16)));
  }

  oversized_(head: string): void {
    const error = limitError("message bytes", this.vector.limits?.message_bytes ?? 0, "message_bytes");
    receiveMalformed(this.session, peek(this.cids.resolveText(head), error, true));
  }

  advance_(millis: number): void {
    const end = this.now + millis;
    for (;;) {
      const due = this.session._next;
      if (due > end) break;
      this.now = Math.max(this.now, due);
      this.session._advance();
    }
    this.now = end;
    this.session._advance();
    for (const { act } of this.later.filter(({ at }) => at <= end)) act();
    this.later = this.later.filter(({ at }) => at > end);
  }

  lost_(): void {
    this.session._disconnect("the connection broke", true);
  }

  ended_(): void {
    this.session._disconnect("the connection ended", false);
  }

  connected_(): void {
    this.connected();
    this.session._reissue();
  }

  drain_(): void {
    beginDraining(this.session);
  }

  // Expecting

  send_(frame: Verbs["send"]): void {
    const sent = this.next();
    if (!sent) throw new Error("nothing is sent");
    if (!isSent(this.cids, frame, sent)) throw new Error(`sent ${JSON.stringify(sent)}`);
  }

  sendAnyOrder_(frames: Verbs["sendAnyOrder"]): void {
    const left = [...frames];
    while (left.length) {
      const sent = this.next();
      const at = sent ? left.findIndex((frame) => isSent(this.cids, frame, sent)) : -1;
      if (at < 0) throw new Error(`sent ${JSON.stringify(sent)}, expected one of ${JSON.stringify(left)}`);
      left.splice(at, 1);
    }
  }

  idle_(): void {
    const sent = this.next();
    if (sent) throw new Error(`sends ${JSON.stringify(sent)}`);
  }

  request_(step: Verbs["request"]): void {
    const fits = ({ _req: { method, payload, meta } }: Request) =>
      method === step.method &&
      (!("payload" in step) || same(step.payload, payload ?? null)) &&
      (step.meta === undefined || same(step.meta, meta));
    const seen = this.find((seen) => seen.what === "request" && fits(seen.request)) as { request: Request };
    this.requests.set(step.as, { request: seen.request });
  }

  stopped_(name: string): void {
    this.find((seen) => seen.what === "stopped" && seen.name === name);
  }

  settled_(step: Verbs["settled"]): void {
    this.find((seen) => {
      if (seen.what !== "settled" || seen.name !== step.call) return false;
      if (step.error) return seen.error !== undefined && sameFailure(step.error, seen.error);
      return !seen.error && same(step.result, seen.result);
    });
  }

  completed_(name: string): void {
    this.find((seen) => seen.what === "completed" && seen.name === name);
  }

  closing_({ setting }: Verbs["closing"]): void {
    this.find((seen) => seen.what === "closing" && seen.reason.includes(setting));
  }

  polled_({ request, ready }: Verbs["polled"]): void {
    expectSame("polled", this.theirs(request).request._room() > 0, ready);
  }

  pushable_({ call, ready }: Verbs["pushable"]): void {
    expectSame("pushable", this.isPushable(call), ready);
  }

  counted_(counts: Verbs["counted"]): void {
    for (const [name, count] of Object.entries(counts)) {
      expectSame(name, name === "dropped" ? this.dropped : this.session._malformed, count);
    }
  }

  // What is around the session

  private connected(): void {
    this.dropped = 0;
    this.session._connected();
  }

  private receive(message: string | Uint8Array): void {
    const read = decode(message, { depth: this.depth });
    if (typeof read === "function") read(this.session);
    else if (!read || !this.session._take(read, message.length)) this.dropped++;
  }

  private fail(name: string, error: RpcError): void {
    const { request } = this.theirs(name);
    request._finish(errFrame(request._cid, error));
    this.dropChildren(name);
  }

  private isPushable(name: string): boolean {
    const ours = this.calls.get(name);
    return ours !== undefined && !ours.call._tail && ours.call._room() > 0;
  }

  /** Does what the driver does with events, until there are none. */
  private pump(): void {
    for (;;) {
      for (const act of this.session._events.splice(0)) act();
      for (const [name, ours] of this.calls) this.await(name, ours);
      if (!this.session._events.length) return;
    }
  }

  stop(request: Request): void {
    const named = [...this.requests].find(([, theirs]) => theirs.request === request);
    if (!named) throw new Error("a handler that was never started is stopped");
    this.dropChildren(named[0]);
    this.seen.push({ what: "stopped", name: named[0] });
  }

  /** What whoever awaits a call does when it is woken. */
  private await(name: string, ours: Ours): void {
    const { call } = ours;
    if (!call._outcome) return;
    if (!call._spec.streams) {
      this.settle(name, ours);
      return;
    }
    // Items are left for `take`; once the stream is over nothing is granted for taking them early.
    for (let item = call._next(); item; item = call._next()) ours.rest.push(item);
    if (!ours.rest.length) this.settle(name, ours);
  }

  private settle(name: string, { call }: Ours): void {
    const outcome = call._outcome!;
    this.calls.delete(name);
    if (outcome.error) this.seen.push({ what: "settled", name, error: outcome.error });
    else if (call._spec.streams) this.seen.push({ what: "completed", name });
    else this.seen.push({ what: "settled", name, result: outcome.value });
  }

  private drop({ call }: Ours): void {
    call._fail(new RpcError("CANCELLED", "the call was cancelled"));
    call._in?._clear();
  }

  /** A handler that is over drops the calls that it made. */
  private dropChildren(request: string): void {
    for (const [name, ours] of this.calls) {
      if (ours.parent === request) this.cancel_(name);
    }
  }

  private find(fits: (seen: Seen) => boolean): Seen {
    const at = this.seen.findIndex(fits);
    if (at < 0) throw new Error(`saw only ${describe(this.seen)}`);
    return this.seen.splice(at, 1)[0]!;
  }

  private ours(name: string): Ours {
    const ours = this.calls.get(name);
    if (!ours) throw new Error(`no call ${name}`);
    return ours;
  }

  private theirs(name: string): Theirs {
    const theirs = this.requests.get(name);
    if (!theirs) throw new Error(`no request ${name}`);
    return theirs;
  }
}

function seenItem({ data, pos, skipped, reset }: Item): ItemSeen {
  return { data, ...(pos !== undefined && { pos }), skipped, reset };
}

function sameFailure(expected: Failure, error: RpcError): boolean {
  return (
    expected.code === error.code &&
    (expected.message === undefined || expected.message === error.message) &&
    (expected.domain === undefined || expected.domain === error.domain) &&
    (expected.details === undefined || more(expected.details, error.details))
  );
}

function expectSame(what: string, actual: unknown, expected: unknown): void {
  if (actual !== expected) throw new Error(`${what} is ${String(actual)}, not ${String(expected)}`);
}

function describe(value: unknown): string {
  return JSON.stringify(value, (key, inner: unknown) => (key === "request" ? "…" : inner));
}
