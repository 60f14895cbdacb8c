/** One side of a connection: it calls, and it answers. */
import { Context } from "./context.js";
import { RpcError } from "./errors.js";
import type { Frame, Meta, OnLag } from "./frame.js";
import { type HandlerOptions } from "./handlers.js";
import type { Limits } from "./limits.js";
import { Session } from "./session.js";
import type { Call, CallSpec } from "./session/calls.js";
import type { Millis } from "./session/deadlines.js";
import { RpcStream } from "./stream.js";
import type { Connector, Transport } from "./transport.js";
/** Something that is plugged into an endpoint: `uploads`, `lanes`, `limits`. */
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
    /** What is plugged in: `uploads`, `lanes`, `limits` from their subpaths. */
    use?: readonly Extension[];
    /** Limits that differ from the defaults, by their names in the protocol. Those beyond a stream's need `use: [limits]`. */
    limits?: Partial<Limits>;
    /** Asks a silent peer for a sign of life this often, and gives up on one that gives none in the same time again. */
    pingMs?: number;
    /** Whether to introduce itself by `rpc.hello` on every connection. Implied by `token`, `session`, `methodsHash`. */
    hello?: boolean;
    /** Shown to the peer in `meta.token` of `rpc.hello`; a function is asked on every connection. Never logged. */
    token?: string | (() => string | Promise<string>);
    /** The session that owns the work which outlives its call: a secret of the caller's own choosing. `spec: owner.1` */
    session?: string;
    /** The hash of the methods for which a client was generated; a peer with others is a warning. */
    methodsHash?: string;
    /** Whether an `INTERNAL` error carries its message to the peer. Default false. `spec: error.4` */
    exposeInternalErrors?: boolean;
    /** The pauses between attempts to connect, in milliseconds: a random part of a span that doubles. Default 100 to 10 000. */
    backoff?: {
        first?: number;
        longest?: number;
    };
    /** Sees every frame, both ways, with secrets taken out. */
    onLog?: (frame: Frame) => void;
    /** Sees every frame with its direction and, where it travelled as text, its length. Secrets are taken out. */
    onFrame?: (direction: "in" | "out", frame: Frame, bytes?: number) => void;
    /** Learns of every change of `state`. */
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
/**
 * One side of a connection. It begins with {@link RpcEndpoint.start}; calls made before wait for it. A connector is asked
 * again after every break: calls that have not left wait for the next connection, resumable streams go on.
 */
export declare class RpcEndpoint implements RpcClient {
    #private;
    /** @internal */
    readonly _session: Session;
    /** @internal Set by `uploads`. */
    _uploads: ((context: Context) => AsyncIterableIterator<unknown>) | undefined;
    /** An endpoint over one transport, or over those that a connector makes. */
    constructor(source: Transport | Connector, options?: EndpointOptions);
    /** What the connection is doing. */
    get state(): EndpointState;
    /** Begins to connect. */
    start(): void;
    /** Ends the connection at once: every call is settled, every handler stopped. */
    stop(): void;
    /**
     * Ends the connection in order: new calls and requests are refused, streams end, calls for one answer may finish, for at
     * most `deadlineMs`. `spec: close.6`
     */
    close(deadlineMs?: number): Promise<void>;
    /**
     * Calls a method for its one answer. The fourth argument is a timeout in milliseconds, or options. Rejects with an
     * {@link RpcError}.
     */
    request<T = unknown>(method: string, payload?: unknown, meta?: Meta, options?: number | RequestOptions | undefined): Promise<T>;
    /** Opens a stream. What goes wrong, that it cannot be opened included, its consumer is told. */
    stream<T = unknown>(method: string, payload?: unknown, meta?: Meta, options?: StreamOptions): RpcStream<T>;
    /**
     * Answers a method. The handler gets the payload and the request's surroundings, and returns a value, a promise, an
     * async iterable or something with `subscribe`; the latter two are streams. What it throws with a `code` and a `domain`
     * travels; anything else is `INTERNAL`. A method that is registered again is replaced.
     */
    register<P = unknown>(method: string, handler: (payload: P, context: Context) => unknown, options?: HandlerOptions): void;
    /** @internal Monotonic time. */
    _now(): Millis;
    /** @internal The timeout of calls for one answer that set none. */
    get _timeoutMs(): number;
    /** @internal Makes a call, which `_run` sends, or says why it cannot be made. */
    _call(spec: CallSpec, { parent, signal, lane }: CallOptions): Call | RpcError;
    /** @internal Gives a stream's consumer its end of it. */
    _stream<T>(call: Call | RpcError, options: CallOptions): RpcStream<T>;
    /** @internal Tells how a call for one answer ends. */
    _settled(call: Call, options: CallOptions, resolve: (value: unknown) => void, reject: (error: unknown) => void): void;
    /** @internal Ends a call on this side. */
    _abort(call: Call, error: RpcError): void;
    /** @internal Carries out what the session asks for: handlers, wakes, frames, the timer. */
    _run(): void;
    /** @internal Tells whoever looks after this program. */
    _warn(message: string, cause?: unknown): void;
    /** @internal What a peer is told of an error that a handler threw. `spec: error.4` */
    _errorOf(thrown: unknown, method: string): RpcError;
}
