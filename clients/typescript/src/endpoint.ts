/** One side of a connection: it calls, and it answers. */

import type { Context } from "./context.js";
import { cancelled, RpcError } from "./errors.js";
import { type Frame, isObject, type Meta, type OnLag, type Req } from "./frame.js";
import { after, type HandlerOptions, type Registered, run } from "./handlers.js";
import type { Limits } from "./limits.js";
import { Session } from "./session.js";
import { abortCall, makeCall } from "./session/calls.js";
import { type CallSpec, type Exchange, LIVE, type Millis } from "./session/exchange.js";
import { CLOSED } from "./session/phase.js";
import { wakeProducers } from "./session/streams.js";
import { RpcStream } from "./stream.js";
import type { BareTransport, Broken, Connector, Decode } from "./transport.js";

/** Something that is plugged into an endpoint: `uploads`, `lanes`, `limits`, `ahead`, `hello(…)`, `heartbeat(…)`. */
export type Extension = (session: Session, endpoint: RpcEndpoint) => void;

/** What a connection is doing. */
export type EndpointState = "connecting" | "open" | "closed";

/** How an endpoint behaves. */
export interface EndpointOptions {
  /** The timeout of calls for one answer that set none, in milliseconds; `Infinity` lets them wait. Default 60 000. */
  timeoutMs?: number;
  /** Items that a consumer of a stream offers at first; afterwards its window is sized by bytes. Default 32. */
  window?: number;
  /** Bytes that a consumer of a stream aims to have under way; 0 keeps windows as they are offered. Default 256 Ki. */
  windowBytes?: number;
  /** What is plugged in: `uploads`, `lanes`, `limits`, `ahead`, `hello(…)`, `heartbeat(…)`, from their subpaths. */
  use?: readonly Extension[];
  /** Limits that differ from the defaults, by their names in the protocol. Those beyond a stream's need `use: [limits]`. */
  limits?: Partial<Limits>;
  /** Whether an `INTERNAL` error carries its message to the peer. Default false. `spec: error.4` */
  exposeInternalErrors?: boolean;
  /** The pauses between attempts to connect, in milliseconds: a random part of a span that doubles. Default 100 to 10 000. */
  backoff?: { first?: number; longest?: number };
  /** Sees every frame, both ways, with secrets taken out. */
  onLog?: (frame: Frame) => void;
  /** Sees every frame with its direction and, where it came as text or bytes, its length. Secrets are taken out. */
  onFrame?: (direction: "in" | "out", frame: Frame, bytes?: number) => void;
  /** Learns of every change of `state`, and, while it is `connecting`, why each attempt failed. */
  onState?: (state: EndpointState, reason?: string) => void;
  /** Learns of what somebody should look at: a handler's failure, a malformed message, other methods. Default `console.warn`. */
  onWarning?: (message: string, cause?: unknown) => void;
}

/** How one call is made, where it differs from the endpoint's defaults. */
export interface CallOptions {
  /** Cancels the call when it is aborted. */
  signal?: AbortSignal | undefined;
  /** The budget of the whole call, in milliseconds. Streams have none unless it is given. */
  timeoutMs?: number | undefined;
  /** The request in whose name the call is made, whose time it inherits and with which it is cancelled. */
  parent?: Context | undefined;
  /** The lane in which the request starts. `spec: lane.1` */
  lane?: string | undefined;
}

/** How a call for one answer is made. */
export interface RequestOptions extends CallOptions {
  /** Whether it may safely run twice: decides between `CONNECTION_CLOSED` and `INDETERMINATE`. */
  idempotent?: boolean | undefined;
  /** An operation id: a responder that supports it answers a repeated call with the first one's outcome. `spec: close.5` */
  op?: string | undefined;
}

/** How a stream is opened. */
export interface StreamOptions extends CallOptions {
  /** The longest gap between two items while the producer may send, in milliseconds. */
  idleMs?: number | undefined;
  /** What happens to items for which there is no room. Default the method's own policy. `spec: fc.8` */
  onLag?: OnLag | undefined;
  /** Items offered at first. */
  window?: number | undefined;
  /**
   * Whether to go on after a break: true says that the stream is resumable, so that it may be opened again before its first
   * item too; false, never. By default only where an item told an `epoch`, as those of resumable streams do. `spec: resume.2`
   */
  resume?: boolean | undefined;
}

/** What a typed service needs of an endpoint. */
export interface RpcClient {
  request<T = unknown, P = unknown>(method: string, payload?: P): Promise<T>;
  stream?<T = unknown, P = unknown>(method: string, payload?: P): AsyncGenerator<T, void, unknown>;
}

const DEFAULTS = {
  timeoutMs: 60_000,
  window: 32,
  windowBytes: 256 << 10,
  onWarning: (message: string, cause?: unknown): void => console.warn(message, cause),
};

/** The kinds of frames beside requests. */
const KINDS = /^(res|err|nxt|end|can)$/;

/** Bytes that a transport may hold before sources wait for it. */
const FULL = 1 << 20;
/** How often a full transport is looked at, in milliseconds. */
const DRAIN_MS = 10;

/**
 * One side of a connection. It begins with {@link RpcEndpoint.start}; calls made before wait for it. A connector is asked
 * again after every break: calls that have not left wait for the next connection, resumable streams go on.
 */
export class RpcEndpoint implements RpcClient {
  /** @internal */
  readonly _session: Session;
  /** @internal */
  readonly _options: EndpointOptions & typeof DEFAULTS;
  /** @internal Set by `uploads`. */
  _uploads: ((context: Context) => AsyncIterableIterator<unknown>) | undefined;
  /** @internal Set by `hello`. */
  _hello: { _prepare(): Promise<void>; _say(): unknown } | undefined;
  /** @internal Set by `heartbeat`: told when there is a connection, and of everything that arrives. */
  _heard: (() => void) | undefined;
  /** @internal Set by `drain`: told when everything has been done that the session asked for. */
  _afterRun: (() => void) | undefined;
  readonly #source: BareTransport | Connector;
  readonly #handlers = new Map<string, Registered>();
  #state: EndpointState = "connecting";
  #transport: BareTransport | undefined;
  #isStarted = false;
  #isRunning = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt: Millis = Infinity;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #tries = 0;

  /** An endpoint over one transport, or over those that a connector makes. */
  constructor(source: BareTransport | Connector, options: EndpointOptions = {}) {
    this.#source = source;
    const { window, windowBytes, limits, use } = (this._options = { ...DEFAULTS, ...options });
    this._session = new Session({
      limits: { stream_bytes: 32 << 20, stream_items: 1024, hard_bytes: 64 << 20, malformed: 64, ...limits },
      window,
      windowBytes,
      reconnects: typeof source === "function",
    });
    for (const extension of use ?? []) extension(this._session, this);
  }

  /** What the connection is doing. */
  get state(): EndpointState {
    return this.#state;
  }

  /** Begins to connect. */
  start(): void {
    if (this.#isStarted || this.#state === "closed") return;
    this.#isStarted = true;
    this.#connect();
  }

  /** Ends the connection at once: every call is settled, every handler stopped. */
  stop(): void {
    this._lose("closed by this side", false);
  }

  /**
   * Calls a method for its one answer. The fourth argument is a timeout in milliseconds, or options. Rejects with an
   * {@link RpcError}.
   */
  request<T = unknown, P = unknown>(method: string, payload?: P, meta?: Meta, options: number | RequestOptions = {}): Promise<T> {
    const more = typeof options === "number" ? { timeoutMs: options } : options;
    return this._answer(this._call({ timeoutMs: this._options.timeoutMs, method, payload, meta }, more));
  }

  /** Opens a stream. What goes wrong, that it cannot be opened included, its consumer is told. */
  stream<T = unknown, P = unknown>(method: string, payload?: P, meta?: Meta, options: StreamOptions = {}): RpcStream<T> {
    return this._stream(this._call({ method, payload, meta, streams: true, resumable: options.resume }, options));
  }

  /**
   * Answers a method. The handler gets the payload and the request's surroundings, and returns a value, a promise, an
   * async iterable or something with `subscribe`; the latter two are streams. What it throws with a `code` and a `domain`
   * travels; anything else is `INTERNAL`. A method that is registered again is replaced.
   */
  register<P = unknown>(method: string, handler: (payload: P, context: Context) => unknown, options: HandlerOptions = {}): void {
    this.#handlers.set(method, { handler, options });
  }

  /** @internal Monotonic time. */
  _now(): Millis {
    return Math.floor(performance.now());
  }

  /** @internal Makes a call, which `_run` sends, or says why it cannot be made. */
  _call(defaults: CallSpec, options: CallOptions): Exchange | RpcError {
    const { parent } = options;
    const timeoutMs = Math.min(options.timeoutMs ?? defaults.timeoutMs ?? Infinity, parent ? parent.remainingMs : Infinity);
    const signals = [options.signal, parent?.signal];
    try {
      for (const each of signals) if (each?.aborted) throw cancelled(each.reason);
      const call = makeCall(this._session, this._now(), { ...defaults, ...options, timeoutMs });
      const abort = ({ target }: Event) => call._cancel!(cancelled((target as AbortSignal).reason));
      for (const each of signals) each?.addEventListener("abort", abort);
      call._cancel = (error) => this._abort(call, error);
      call._release = () => {
        for (const each of signals) each?.removeEventListener("abort", abort);
      };
      return call;
    } catch (error) {
      return error as RpcError;
    }
  }

  /** @internal How a call for one answer ends. */
  _answer<T>(call: Exchange | RpcError): Promise<T> {
    return new Promise((resolve, reject) => {
      if (call instanceof RpcError) return reject(call);
      call.wake = () => {
        const { outcome } = call;
        if (outcome?.error) reject(outcome.error);
        else if (outcome) resolve(outcome.value as T);
      };
      this._run();
    });
  }

  /** @internal Gives a stream's consumer its end of it. */
  _stream<T>(call: Exchange | RpcError): RpcStream<T> {
    const stream = new RpcStream<T>(this, call);
    this._run();
    return stream;
  }

  /** @internal Ends a call on this side. */
  _abort(call: Exchange, error: RpcError): void {
    abortCall(this._session, this._now(), call, error);
    this._run();
  }

  /** @internal Carries out what the session asks for: handlers, wakes, frames, the timer. */
  _run(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    const session = this._session;
    do {
      const events = session._events;
      session._events = [];
      for (const [kind, x] of events) {
        if (kind === "close") this._lose(x);
        // One that ended before its turn must not start.
        else if (kind !== "request") {
          if (x.outcome) x._release?.();
          x[kind]?.();
        }
        else if (x._stage === LIVE) run(this, x, this.#handlers.get(x.req.method));
      }
      this.#write();
    } while (session._events.length);
    this.#isRunning = false;
    if (this.#state !== "closed") this.#arm();
    this._afterRun?.();
  }

  /** @internal Tells whoever looks after this program. */
  _warn(message: string, cause?: unknown): void {
    tell(() => this._options.onWarning(message, cause));
  }

  /** @internal What a peer is told of an error that a handler threw. `spec: error.4` */
  _errorOf(thrown: unknown, method: string): RpcError {
    const { code, domain, details, message } = (thrown ?? {}) as Partial<RpcError>;
    if (typeof code === "string" && typeof domain === "string") return new RpcError(code, String(message), details, domain);
    this._warn(`the handler of ${method} failed`, thrown);
    return new RpcError("INTERNAL", "the handler failed" + (this._options.exposeInternalErrors ? ": " + textOf(thrown) : ""));
  }

  #write(): void {
    const session = this._session;
    const now = this._now();
    for (let transport = this.#transport; transport; transport = this.#transport) {
      const wasFull = session._isFull;
      session._isFull = transport.buffered! > FULL;
      if (wasFull && !session._isFull) wakeProducers(session);
      const frame = session._poll(now);
      if (!frame) return;
      this.#see("out", frame);
      try {
        transport.post(frame);
      } catch (error) {
        // A value that cannot travel is the matter of its call alone.
        if (/^(DataClone|Type)Error$/.test((error as Error | undefined)?.name ?? "")) session._unsendable(frame, textOf(error));
        else this._lose(textOf(error));
      }
    }
  }

  #see(direction: "in" | "out", frame: Frame, bytes?: number): void {
    const { onFrame, onLog } = this._options;
    if (!onFrame && !onLog) return;
    const { meta } = frame as Req;
    if (meta?.token != null) frame = { ...frame, meta: { ...meta, token: "…" } } as Req;
    tell(() => onLog?.(frame));
    tell(() => onFrame?.(direction, frame, bytes));
  }

  #receive(message: unknown, decode: Decode | undefined): void {
    const now = this._now();
    const session = this._session;
    const size = typeof message === "string" || message instanceof Uint8Array ? message.length : 0;
    this.#tries = 0;
    this._heard?.();
    try {
      const read = decode ? decode(message, this._options.limits) : unchecked(message);
      if ((read as Broken | undefined)?._settle) {
        const broken = read as Broken;
        this._warn("malformed message", broken.error);
        broken._settle(session, now);
      } else {
        const frame = read as Frame | undefined;
        if (frame) this.#see("in", frame, size || undefined);
        session._receive(now, frame, size);
      }
    } catch (error) {
      // Only what nobody checked is as wrong as that.
      this._lose(textOf(error));
    }
    this._run();
  }

  /** Arms the one timer. */
  #arm(): void {
    const { _next, _isFull } = this._session;
    const at = Math.min(_next, _isFull ? this._now() + DRAIN_MS : Infinity);
    if (at >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    // The longest span that a timer takes is a little less than 25 days.
    const timer = setTimeout(this.#onTimer, Math.min(2 ** 31 - 1, Math.max(0, at - this._now())));
    // What is due later must not keep a program alive that has nothing else to do.
    (timer as { unref?: () => void }).unref?.();
    this.#timer = timer;
  }

  readonly #onTimer = (): void => {
    this.#timerAt = Infinity;
    this._session._advance(this._now());
    this._run();
  };

  #connect(): void {
    const source = this.#source;
    const failed = (error: unknown) => this._lose(textOf(error));
    const make = () => {
      if (this.#state === "closed") return;
      after(() => (typeof source === "function" ? source() : source), (transport) => this.#begin(transport), failed);
    };
    after(() => this._hello?._prepare(), make, failed);
  }

  #begin(transport: BareTransport): void {
    if (this.#state === "closed") return transport.stop?.();
    this.#transport = transport;
    // What a connection says that is not this one any more counts no more.
    const whileCurrent = (act: () => void) => {
      if (this.#transport === transport) act();
    };
    const open = () => whileCurrent(() => this.#open());
    after(
      () =>
        transport.start(
          (message) => {
            open();
            whileCurrent(() => this.#receive(message, transport.decode));
          },
          ({ reason }) => whileCurrent(() => this._lose(reason)),
        ),
      open,
      (error) => whileCurrent(() => this._lose(textOf(error))),
    );
  }

  /** There is a connection. */
  #open(): void {
    const session = this._session;
    if (this.#state === "open") return;
    session._open();
    this._heard?.();
    this._hello?._say();
    this.#setState("open");
    session._reissue(this._now());
    this._run();
  }

  /** @internal The connection is gone, or could not be made. The next one is made where there is a connector. */
  _lose(reason: string, again?: boolean): void {
    const session = this._session;
    const transport = this.#transport;
    if (this.#state === "closed") return;
    this.#transport = undefined;
    session._disconnect(reason, again);
    tell(() => transport?.stop?.());
    clearTimeout(this.#retry);
    if (session._phase === CLOSED) {
      clearTimeout(this.#timer);
      this.#setState("closed", reason);
    } else {
      const { first = 100, longest = 10_000 } = this._options.backoff ?? {};
      const pause = Math.random() * Math.min(longest, first * 2 ** this.#tries++);
      this.#retry = setTimeout(() => this.#connect(), pause);
      this.#setState("connecting", reason);
    }
    this._run();
  }

  #setState(state: EndpointState, reason?: string): void {
    // Every attempt that fails is told, with its reason.
    if (this.#state === state && !reason) return;
    this.#state = state;
    tell(() => this._options.onState?.(state, reason));
  }
}

/** Calls somebody else's code: what it throws is reported as if nobody had called it. */
function tell(act: () => void): void {
  try {
    act();
  } catch (error) {
    setTimeout(() => {
      throw error;
    });
  }
}

/** What arrives as an object from a peer that is trusted with its fields. */
function unchecked(message: unknown): Frame | undefined {
  if (!isObject(message)) throw new Error("no object arrived; text needs the `decode` of sixframe/codec");
  const { kind, method } = message;
  const isKnown = kind === "req" ? typeof method === "string" : KINDS.test(String(kind));
  return isKnown ? (message as unknown as Frame) : undefined;
}

function textOf(error: unknown): string {
  return String((error as Error | undefined)?.message ?? error);
}
