/** One side of a connection: it calls, and it answers. */

import type { Context } from "./context.js";
import { cancelled, RpcError } from "./errors.js";
import type { Frame, Meta, OnLag, Req } from "./frame.js";
import { after, type HandlerOptions, type Registered, run } from "./handlers.js";
import type { Limits } from "./limits.js";
import { Session, type SessionOptions } from "./session.js";
import type { Call, CallSpec } from "./session/call.js";
import type { Millis } from "./session/exchange.js";
import { CLOSED, DISCONNECTED } from "./session/phase.js";
import type { Request } from "./session/request.js";
import { RpcStream } from "./stream.js";
import type { BareTransport, Connector, Decode } from "./transport.js";

/** Something that is plugged into an endpoint: `uploads`, `lanes`, `limits`, `ahead`, `hello(…)`, `heartbeat(…)`. */
export type Extension = (endpoint: RpcEndpoint) => void;

/** What a connection is doing. */
export type EndpointState = "connecting" | "open" | "closed";

/** How an endpoint behaves. */
export interface EndpointOptions {
  /** The timeout of calls for one answer that set none, in milliseconds; `Infinity` lets them wait. Default 60 000. */
  timeoutMs?: number;
  /**
   * Items that a consumer of a stream offers at first. Afterwards its window is sized by the bytes of what comes: where that
   * is text or bytes, or `limits` are plugged in, which weigh everything. Default 32.
   */
  window?: number;
  /** Bytes that a consumer of a stream aims to have under way; 0 keeps windows as they are offered. Default 256 Ki. */
  windowBytes?: number;
  /** What is plugged in: `uploads`, `lanes`, `limits`, `ahead`, `hello(…)`, `heartbeat(…)`, from their subpaths. */
  use?: readonly Extension[];
  /** Limits that differ from the defaults, by their names in the protocol. All but `stream_items` need `use: [limits]`. */
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

const DEFAULTS: Required<Pick<EndpointOptions, "timeoutMs" | "window" | "windowBytes" | "limits" | "backoff" | "onWarning">> = {
  timeoutMs: 60_000,
  window: 32,
  windowBytes: 256 << 10,
  limits: {},
  backoff: {},
  onWarning: (message, cause) => console.warn(message, cause),
};

/** By the phases of the session. */
const STATES: EndpointState[] = ["open", "connecting", "open", "closed"];

/**
 * One side of a connection. It begins with {@link RpcEndpoint.start}; calls made before wait for it. A connector is asked
 * again after every break: calls that have not left wait for the next connection, resumable streams go on.
 */
export class RpcEndpoint extends Session implements RpcClient {
  /** @internal */
  override readonly _options: EndpointOptions & SessionOptions & typeof DEFAULTS;
  /** @internal Set by `uploads`. */
  declare _uploads: ((context: Context) => AsyncIterableIterator<unknown>) | undefined;
  /** @internal What carries frames now. */
  declare _transport: BareTransport | undefined;
  readonly #source: BareTransport | Connector<BareTransport>;
  /** @internal */
  readonly _handlers = new Map<string, Registered>();
  #isStarted = false;
  #isRunning = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt: Millis = Infinity;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #tries = 0;

  /** An endpoint over one transport, or over those that a connector makes. */
  constructor(source: BareTransport | Connector<BareTransport>, options: EndpointOptions = {}) {
    super();
    this.#source = source;
    this._options = { ...DEFAULTS, ...options };
    for (const extension of options.use ?? []) extension(this);
  }

  /** What the connection is doing. */
  get state(): EndpointState {
    return STATES[this._phase]!;
  }

  /** Begins to connect. */
  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this._connect();
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
    return this._answer(this._place({ timeoutMs: this._options.timeoutMs, method, payload, meta }, more));
  }

  /** Opens a stream. What goes wrong, that it cannot be opened included, its consumer is told. */
  stream<T = unknown, P = unknown>(method: string, payload?: P, meta?: Meta, options: StreamOptions = {}): RpcStream<T> {
    return new RpcStream(this, this._place({ method, payload, meta, streams: true }, options));
  }

  /**
   * Answers a method. The handler gets the payload and the request's surroundings, and returns a value, a promise, an
   * async iterable or something with `subscribe`; the latter two are streams. What it throws with a `code` and a `domain`
   * travels; anything else is `INTERNAL`. A method that is registered again is replaced.
   */
  register<P = unknown>(method: string, handler: (payload: P, context: Context) => unknown, options: HandlerOptions = {}): void {
    this._handlers.set(method, { handler, options });
  }

  /** @internal */
  override _now(): Millis {
    return Math.floor(performance.now());
  }

  /** @internal */
  override _later(tries: number, act: () => void): ReturnType<typeof setTimeout> {
    const { first = 100, longest = 10_000 } = this._options.backoff;
    return setTimeout(act, Math.random() * Math.min(longest, first * 2 ** tries));
  }

  /** @internal */
  override _serve(request: Request): void {
    run(this, request);
  }

  /** @internal Makes a call, which `_run` sends. */
  _place(defaults: CallSpec, options: CallOptions): Call {
    const { parent, signal, timeoutMs = defaults.timeoutMs ?? Infinity } = options;
    const call = this._call({ ...defaults, ...options, timeoutMs: Math.min(timeoutMs, parent?.remainingMs ?? Infinity) });
    this.#heed(call, signal);
    this.#heed(call, parent?.signal);
    return call;
  }

  /** Ends a call when a signal says so. */
  #heed(call: Call, signal: AbortSignal | undefined): void {
    const { _outcome, _release } = call;
    // Nobody would stop listening for one that is over.
    if (!signal || _outcome) return;
    const look = () => {
      if (signal.aborted) this._abort(call, cancelled(signal.reason));
    };
    signal.addEventListener("abort", look);
    call._release = () => {
      _release?.();
      signal.removeEventListener("abort", look);
    };
    look();
  }

  /** @internal How a call for one answer ends. */
  _answer<T>(call: Call): Promise<T> {
    return new Promise((resolve, reject) => {
      const look = (call._wake = () => {
        const { _outcome } = call;
        if (_outcome?.error) reject(_outcome.error);
        else if (_outcome) resolve(_outcome.value as T);
      });
      look();
      this._run();
    });
  }

  /** @internal Ends a call on this side, with what has come of it. */
  _abort(call: Call, error?: RpcError): void {
    call._fail(error);
    call._in?._clear();
    this._run();
  }

  /** @internal Carries out what the session asks for: handlers, wakes, frames, the timer. */
  override _run(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    do {
      // Those that come meanwhile have their turn too.
      for (const act of this._events) act();
      this._events = [];
      this.#write();
    } while (this._events.length);
    this.#isRunning = false;
    if (this._phase < CLOSED) this.#arm();
  }

  /** @internal */
  override _warn(message: string, cause?: unknown): void {
    tell(() => this._options.onWarning(message, cause));
  }

  /** @internal What a peer is told of an error that a handler threw. `spec: error.4` */
  _errorOf(thrown: unknown, method: string): RpcError {
    const { code, domain } = (thrown ?? {}) as Partial<RpcError>;
    if (typeof code === "string" && typeof domain === "string") return thrown as RpcError;
    this._warn(`the handler of ${method} failed`, thrown);
    return new RpcError("INTERNAL", "the handler failed" + (this._options.exposeInternalErrors ? ": " + textOf(thrown) : ""));
  }

  #write(): void {
    for (let transport; (transport = this._transport); ) {
      const frame = this._poll();
      if (!frame) return;
      this.#see("out", frame);
      try {
        transport.post(frame);
      } catch (error) {
        // A value that cannot travel is the matter of its call alone.
        if (/^(DataClone|Type)Error/.test((error as Error | undefined)?.name!)) this._unsendable(frame, textOf(error));
        else this._lose(error);
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

  /** @internal Something has come. */
  _arrive(message: unknown, decode: Decode | undefined): void {
    const size = typeof message === "string" || message instanceof Uint8Array ? message.length : 0;
    this.#tries = 0;
    try {
      if (size && !decode) throw new Error("text needs sixframe/codec");
      // What arrives as an object comes from a peer that is trusted with its fields.
      const read = decode ? decode(message, this._options.limits) : (message as Frame);
      if (typeof read === "function") read(this);
      else if (read) {
        this.#see("in", read, size || undefined);
        this._take(read, size);
      }
    } catch (error) {
      // Only what nobody checked is as wrong as that.
      this._lose(error);
    }
    this._run();
  }

  /** Arms the one timer. */
  #arm(): void {
    const at = this._next;
    if (at >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(
      () => {
        this.#timerAt = Infinity;
        this._advance();
        this._run();
      },
      // The longest span that a timer takes is a little less than 25 days.
      Math.min(2 ** 31 - 1, at - this._now()),
    );
    // What is due later must not keep a program alive that has nothing else to do.
    (this.#timer as { unref?: () => void }).unref?.();
  }

  /** @internal Makes a connection. */
  _connect(): void {
    const source = this.#source;
    if (this._phase === CLOSED) return;
    after(
      () => (typeof source === "function" ? source() : source),
      (transport) => this.#begin(transport),
      (error) => this._lose(error),
    );
  }

  #begin(transport: BareTransport): void {
    if (this._phase === CLOSED) return transport.stop?.();
    this._transport = transport;
    // What a connection says that is not this one any more counts no more.
    const isCurrent = () => this._transport === transport;
    const open = () => {
      if (!isCurrent() || this._phase !== DISCONNECTED) return;
      this._connected();
      this.#tellState();
      this._reissue();
      this._run();
    };
    const lose = (why: unknown) => {
      if (isCurrent()) this._lose(why);
    };
    after(
      () =>
        transport.start(
          (message) => {
            open();
            if (isCurrent()) this._arrive(message, transport.decode);
          },
          ({ reason }) => lose(reason),
        ),
      open,
      lose,
    );
  }

  /**
   * @internal The connection is gone, or could not be made. The next one is made where there is a connector, unless it says
   * by an `RpcError` that there is no use in that: those who wait for a connection get this very error.
   */
  override _lose(why: unknown, again = typeof this.#source === "function" && !(why instanceof RpcError)): void {
    const transport = this._transport;
    const reason = textOf(why);
    if (this._phase === CLOSED) return;
    this._transport = undefined;
    if (why instanceof RpcError) for (const call of this._waiting) call._settle({ error: why });
    this._disconnect(reason, again);
    tell(() => transport?.stop?.(again));
    clearTimeout(this.#retry);
    if (this._phase === CLOSED) clearTimeout(this.#timer);
    else this.#retry = this._later(this.#tries++, () => this._connect());
    this.#tellState(reason);
    this._run();
  }

  #tellState(reason?: string): void {
    tell(() => this._options.onState?.(this.state, reason));
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

function textOf(error: unknown): string {
  return String((error as Error | undefined)?.message ?? error);
}
