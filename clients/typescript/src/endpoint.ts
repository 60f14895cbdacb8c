/** One side of a connection: it calls, and it answers. */

import type { Context } from "./context.js";
import { limitError, RpcError } from "./errors.js";
import type { Frame, Meta, OnLag, Req } from "./frame.js";
import { decode, Malformed, peek } from "./frame/decode.js";
import { type HandlerOptions, type Registered, run } from "./handlers.js";
import type { Limits } from "./limits.js";
import { Session } from "./session.js";
import { abortCall, makeCall } from "./session/calls.js";
import { type CallSpec, type Exchange, LIVE, type Millis } from "./session/exchange.js";
import { wakeProducers } from "./session/streams.js";
import { RpcStream } from "./stream.js";
import type { Connector, Transport } from "./transport.js";

/** Something that is plugged into an endpoint: `uploads`, `lanes`, `limits`, `ahead`. */
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
  /** What is plugged in: `uploads`, `lanes`, `limits`, `ahead` from their subpaths. */
  use?: readonly Extension[];
  /** Limits that differ from the defaults, by their names in the protocol. Those beyond a stream's need `use: [limits]`. */
  limits?: Partial<Limits>;
  /** Asks a silent peer for a sign of life this often, and gives up on one that gives none in the same time again. */
  pingMs?: number;
  /** Whether to introduce itself by `rpc.hello` on every connection. Implied by `name`, `token`, `session`, `methodsHash`. */
  hello?: boolean;
  /** What this side calls itself, for people: at most 128 bytes. Shown to others. */
  name?: string;
  /** Shown to the peer in `meta.token` of `rpc.hello`; a function is asked before every connection. Never logged. */
  token?: string | (() => string | Promise<string>);
  /** The session that owns the work which outlives its call: a secret of the caller's own choosing. `spec: owner.1` */
  session?: string;
  /** The hash of the methods for which a client was generated; a peer with others is a warning. */
  methodsHash?: string;
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
  /** Whether to go on after a break where the peer can. Default true. `spec: resume.2` */
  resume?: boolean | undefined;
}

/** What a typed service needs of an endpoint. */
export interface RpcClient {
  request<T = unknown>(method: string, payload?: unknown): Promise<T>;
  stream?<T = unknown>(method: string, payload?: unknown): AsyncIterableIterator<T>;
}

const DEFAULTS = {
  timeoutMs: 60_000,
  window: 32,
  windowBytes: 256 << 10,
  onWarning: (message: string, cause?: unknown): void => console.warn(message, cause),
};

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
  readonly #source: Transport | Connector;
  readonly #handlers = new Map<string, Registered>();
  #state: EndpointState = "connecting";
  #transport: Transport | undefined;
  #token: string | undefined;
  #isStarted = false;
  #isRunning = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt: Millis = Infinity;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #tries = 0;
  #heard = 0;
  #isAsked = false;
  #onEnd: (() => void)[] = [];

  /** An endpoint over one transport, or over those that a connector makes. */
  constructor(source: Transport | Connector, options: EndpointOptions = {}) {
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
    this.#lose("closed by this side", false);
  }

  /**
   * Ends the connection in order: new calls and requests are refused, streams end, calls for one answer may finish, for at
   * most `deadlineMs`. `spec: close.6`
   */
  close(deadlineMs = 5000): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.stop(), deadlineMs);
      this.#onEnd.push(() => {
        clearTimeout(timer);
        resolve();
      });
      this._session._drain(this._now());
      this._run();
    });
  }

  /**
   * Calls a method for its one answer. The fourth argument is a timeout in milliseconds, or options. Rejects with an
   * {@link RpcError}.
   */
  request<T = unknown>(method: string, payload?: unknown, meta?: Meta, options: number | RequestOptions = {}): Promise<T> {
    const more = typeof options === "number" ? { timeoutMs: options } : options;
    return this._answer(this._call({ timeoutMs: this._options.timeoutMs, method, payload, meta }, more), more);
  }

  /** Opens a stream. What goes wrong, that it cannot be opened included, its consumer is told. */
  stream<T = unknown>(method: string, payload?: unknown, meta?: Meta, options: StreamOptions = {}): RpcStream<T> {
    const resumable = options.resume !== false;
    return this._stream(this._call({ method, payload, meta, streams: true, resumable }, options), options);
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
    const { signal, parent } = options;
    const spec: CallSpec = { ...defaults, ...options };
    spec.timeoutMs = Math.min(options.timeoutMs ?? defaults.timeoutMs ?? Infinity, parent ? parent.remainingMs : Infinity);
    try {
      for (const each of [signal, parent?.signal]) if (each?.aborted) throw cancelled(each);
      return makeCall(this._session, this._now(), spec);
    } catch (error) {
      return error as RpcError;
    }
  }

  /** @internal How a call for one answer ends. */
  _answer<T>(call: Exchange | RpcError, options: CallOptions): Promise<T> {
    return new Promise((resolve, reject) => {
      if (call instanceof RpcError) return reject(call);
      const release = this.#watch(options, (error) => this._abort(call, error));
      call.wake = () => {
        const { outcome } = call;
        if (!outcome) return;
        release?.();
        if (outcome.error) reject(outcome.error);
        else resolve(outcome.value as T);
      };
      this._run();
    });
  }

  /** @internal Gives a stream's consumer its end of it. */
  _stream<T>(call: Exchange | RpcError, options: CallOptions): RpcStream<T> {
    const stream = new RpcStream<T>(this, call);
    if (!(call instanceof RpcError)) stream._release = this.#watch(options, (error) => stream._cancel(error));
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
        if (kind === "close") this.#lose(x);
        // One that ended before its turn must not start.
        else if (kind !== "request") x[kind]?.();
        else if (x._stage === LIVE) run(this, x, this.#handlers.get(x.req.method));
      }
      this.#write();
    } while (session._events.length);
    this.#isRunning = false;
    if (this.#state !== "closed") this.#arm();
    if (this.#onEnd.length && session._isDrained) this.stop();
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

  #watch({ signal, parent }: CallOptions, onAbort: (error: RpcError) => void): (() => void) | undefined {
    if (!signal && !parent) return undefined;
    const signals = [signal, parent?.signal];
    const abort = (event: Event) => onAbort(cancelled(event.target as AbortSignal));
    for (const each of signals) each?.addEventListener("abort", abort);
    return () => {
      for (const each of signals) each?.removeEventListener("abort", abort);
    };
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
        else this.#lose(textOf(error));
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

  #receive(message: unknown): void {
    const now = this._now();
    const session = this._session;
    const { depth = 64, message_bytes = 16 << 20 } = this._options.limits ?? {};
    const size = typeof message === "string" || message instanceof Uint8Array ? message.length : 0;
    this.#heard = now;
    this.#isAsked = false;
    this.#tries = 0;
    const frame =
      size > message_bytes
        ? peek(beginning(message as string | Uint8Array), limitError("message bytes", message_bytes, "message_bytes"), true)
        : decode(message, depth);
    if (frame instanceof Malformed) {
      this._warn("malformed message", frame.error);
      session._receiveMalformed(now, frame);
    } else {
      if (frame) this.#see("in", frame, size || undefined);
      session._receive(now, frame, size);
    }
    this._run();
  }

  /** Arms the one timer. */
  #arm(): void {
    const { pingMs = Infinity } = this._options;
    const { _next, _isFull, _isConnected } = this._session;
    const at = Math.min(_next, _isConnected ? this.#heard + pingMs : Infinity, _isFull ? this._now() + DRAIN_MS : Infinity);
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
    const now = this._now();
    this.#timerAt = Infinity;
    if (this._session._isConnected && now >= this.#heard + this._options.pingMs!) {
      if (this.#isAsked) this.#lose("the peer gave no sign of life; see pingMs");
      else this._session._ping();
      this.#isAsked = true;
      this.#heard = now;
    }
    this._session._advance(now);
    this._run();
  };

  #connect(): void {
    const { token } = this._options;
    const failed = (error: unknown) => this.#lose(textOf(error));
    const source = this.#source;
    // There must be a token before there is a connection: the introduction is its first frame.
    after(
      () => (typeof token === "function" ? token() : token),
      (token) => {
        this.#token = token;
        if (this.#state === "closed") return;
        after(() => (typeof source === "function" ? source() : source), (transport) => this.#begin(transport), failed);
      },
      failed,
    );
  }

  #begin(transport: Transport): void {
    if (this.#state === "closed") return transport.stop();
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
            whileCurrent(() => this.#receive(message));
          },
          ({ reason }) => whileCurrent(() => this.#lose(reason)),
        ),
      open,
      (error) => whileCurrent(() => this.#lose(textOf(error))),
    );
  }

  /** There is a connection. */
  #open(): void {
    const session = this._session;
    if (this.#state === "open") return;
    this.#heard = this._now();
    this.#isAsked = false;
    session._open();
    this.#setState("open");
    this.#hello();
    session._reissue(this._now());
    this._run();
  }

  #hello(): void {
    const { hello, name, session, methodsHash } = this._options;
    const token = this.#token;
    if (!(hello || name || token || session || methodsHash)) return;
    const { _lanes, _ahead } = this._session;
    const known = ["fc", "resume", this._uploads && "up", _lanes && "lane", _ahead && "ahead"];
    this.request<{ methodsHash?: string }>("rpc.hello", { session, name, capabilities: known.filter(Boolean) }, token ? { token } : {}).then(
      (welcome) => {
        if (methodsHash && welcome?.methodsHash && welcome.methodsHash !== methodsHash) {
          this._warn("the peer's methods are not those for which the client was generated", welcome);
        }
      },
      (error: RpcError) => {
        if (error.code !== "NO_HANDLER" && this.#state === "open") this._warn("rpc.hello failed", error);
      },
    );
  }

  /** The connection is gone, or could not be made. The next one is made where there is a connector. */
  #lose(reason: string, again?: boolean): void {
    const session = this._session;
    const transport = this.#transport;
    if (this.#state === "closed") return;
    this.#transport = undefined;
    session._disconnect(reason, again);
    tell(() => transport?.stop());
    clearTimeout(this.#retry);
    if (session._isClosed) {
      clearTimeout(this.#timer);
      this.#setState("closed", reason);
      for (const each of this.#onEnd.splice(0)) each();
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

function cancelled(signal: AbortSignal): RpcError {
  const error = new RpcError("CANCELLED", "the call was cancelled");
  error.cause = signal.reason;
  return error;
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

/** Goes on with what `act` makes: at once, where that is no promise. */
function after<T>(act: () => T | PromiseLike<T>, then: (made: T) => void, failed: (error: unknown) => void): void {
  try {
    const made = act() as PromiseLike<T> | undefined;
    if (made?.then) made.then(then, failed);
    else then(made as T);
  } catch (error) {
    failed(error);
  }
}

/** As much of a message as is read when it is too long. */
function beginning(message: string | Uint8Array): string {
  return typeof message === "string" ? message.slice(0, 999) : new TextDecoder().decode(message.subarray(0, 999));
}

function textOf(error: unknown): string {
  return String((error as Error | undefined)?.message ?? error);
}
