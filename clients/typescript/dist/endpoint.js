/** One side of a connection: it calls, and it answers. */
import { Context } from "./context.js";
import { limitError, RpcError } from "./errors.js";
import { decode, Malformed, peek } from "./frame/decode.js";
import { answer } from "./handlers.js";
import { CLOSED, Session } from "./session.js";
import { RpcStream } from "./stream.js";
/** Bytes that a transport may hold before sources wait for it. */
const FULL = 1 << 20;
/** How often a full transport is looked at, in milliseconds. */
const DRAIN_MS = 10;
/** The longest span that a timer takes. */
const LONGEST = 2 ** 31 - 1;
/**
 * One side of a connection. It begins with {@link RpcEndpoint.start}; calls made before wait for it. A connector is asked
 * again after every break: calls that have not left wait for the next connection, resumable streams go on.
 */
export class RpcEndpoint {
    #source;
    #options;
    #handlers = new Map();
    /** @internal */
    _session;
    /** @internal Set by `uploads`. */
    _uploads;
    #state = "connecting";
    #transport;
    #token;
    #isStarted = false;
    #isRunning = false;
    #timer;
    #timerAt = Infinity;
    #retry;
    #drain;
    #tries = 0;
    #heard = 0;
    #isAsked = false;
    #closing;
    /** An endpoint over one transport, or over those that a connector makes. */
    constructor(source, options = {}) {
        this.#source = source;
        this.#options = options;
        const { window = 32, windowBytes = 256 << 10, limits } = options;
        this._session = new Session({
            limits: { stream_bytes: 32 << 20, stream_items: 1024, hard_bytes: 64 << 20, malformed: 64, ...limits },
            window,
            windowBytes,
            reconnects: typeof source === "function",
        });
        for (const extension of options.use ?? [])
            extension(this._session, this);
    }
    /** What the connection is doing. */
    get state() {
        return this.#state;
    }
    /** Begins to connect. */
    start() {
        if (this.#isStarted || this.#state === "closed")
            return;
        this.#isStarted = true;
        this.#connect();
    }
    /** Ends the connection at once: every call is settled, every handler stopped. */
    stop() {
        this.#end("closed by this side");
    }
    /**
     * Ends the connection in order: new calls and requests are refused, streams end, calls for one answer may finish, for at
     * most `deadlineMs`. `spec: close.6`
     */
    close(deadlineMs = 5000) {
        return new Promise((resolve) => {
            const timer = setTimeout(() => this.stop(), deadlineMs);
            const before = this.#closing;
            this.#closing = () => {
                clearTimeout(timer);
                before?.();
                resolve();
            };
            this._session.drain(this._now());
            this._run();
        });
    }
    /**
     * Calls a method for its one answer. The fourth argument is a timeout in milliseconds, or options. Rejects with an
     * {@link RpcError}.
     */
    request(method, payload, meta, options = undefined) {
        const more = typeof options === "number" ? { timeoutMs: options } : (options ?? {});
        const { idempotent, op } = more;
        return new Promise((resolve, reject) => {
            const spec = { method, payload, meta, timeoutMs: more.timeoutMs ?? this._timeoutMs };
            const call = this._call(Object.assign(spec, { idempotent, op }), more);
            if (call instanceof RpcError)
                reject(call);
            else
                this._settled(call, more, resolve, reject);
        });
    }
    /** Opens a stream. What goes wrong, that it cannot be opened included, its consumer is told. */
    stream(method, payload, meta, options = {}) {
        const { idleMs, onLag, window, resume = true, timeoutMs } = options;
        const call = this._call({ method, payload, meta, streams: true, timeoutMs, idleMs, onLag, window, resumable: resume }, options);
        return this._stream(call, options);
    }
    /**
     * Answers a method. The handler gets the payload and the request's surroundings, and returns a value, a promise, an
     * async iterable or something with `subscribe`; the latter two are streams. What it throws with a `code` and a `domain`
     * travels; anything else is `INTERNAL`. A method that is registered again is replaced.
     */
    register(method, handler, options = {}) {
        this.#handlers.set(method, { handler: handler, options });
    }
    /** @internal Monotonic time. */
    _now() {
        return Math.floor(performance.now());
    }
    /** @internal The timeout of calls for one answer that set none. */
    get _timeoutMs() {
        return this.#options.timeoutMs ?? 60_000;
    }
    /** @internal Makes a call, which `_run` sends, or says why it cannot be made. */
    _call(spec, { parent, signal, lane }) {
        if (signal?.aborted || parent?._isStopped)
            return cancelled(signal);
        let budget = spec.timeoutMs;
        if (parent)
            budget = Math.min(budget ?? Infinity, parent.remainingMs);
        spec.timeoutMs = budget === Infinity ? undefined : budget;
        spec.lane = lane;
        try {
            return this._session.call(this._now(), spec);
        }
        catch (error) {
            return error;
        }
    }
    /** @internal Gives a stream's consumer its end of it. */
    _stream(call, options) {
        const stream = new RpcStream(this, call);
        if (!(call instanceof RpcError))
            stream._release = watch(options, (error) => stream._cancel(error));
        this._run();
        return stream;
    }
    /** @internal Tells how a call for one answer ends. */
    _settled(call, options, resolve, reject) {
        call.waiter = new PendingCall(call, resolve, reject);
        if (options.signal || options.parent) {
            call.waiter.release = watch(options, (error) => this._abort(call, error));
        }
        this._run();
    }
    /** @internal Ends a call on this side. */
    _abort(call, error) {
        this._session.abort(this._now(), call, error);
        this._run();
    }
    /** @internal Carries out what the session asks for: handlers, wakes, frames, the timer. */
    _run() {
        if (this.#isRunning)
            return;
        this.#isRunning = true;
        const session = this._session;
        do {
            for (let event = session.pollEvent(); event; event = session.pollEvent()) {
                if (event.kind === "wake")
                    event.target.waiter?.wake();
                else if (event.kind === "request")
                    this.#dispatch(event.request);
                else if (event.kind === "stopped")
                    event.request.waiter?.stop();
                else
                    this.#lose(event.reason);
            }
            this.#write();
        } while (session._events.size);
        this.#isRunning = false;
        this.#arm();
        if (this.#closing && session.isDrained)
            this.stop();
    }
    /** @internal Tells whoever looks after this program. */
    _warn(message, cause) {
        const { onWarning = (...args) => console.warn(...args) } = this.#options;
        onWarning(message, cause);
    }
    /** @internal What a peer is told of an error that a handler threw. `spec: error.4` */
    _errorOf(thrown, method) {
        if (thrown instanceof RpcError)
            return thrown;
        const { code, domain, details, message } = (thrown ?? {});
        if (typeof code === "string" && typeof domain === "string")
            return new RpcError(code, String(message), details, domain);
        this._warn(`the handler of ${method} failed`, thrown);
        const exposed = this.#options.exposeInternalErrors && `the handler failed: ${String(message ?? thrown)}`;
        return new RpcError("INTERNAL", exposed || "the handler failed; its own side's log says why");
    }
    #dispatch(request) {
        answer(this, request, this.#handlers.get(request.method));
    }
    #write() {
        const session = this._session;
        for (;;) {
            const transport = this.#transport;
            if (!transport)
                return;
            const isFull = (transport.buffered ?? 0) > FULL;
            const frame = isFull ? session.pollControl() : session.poll(this._now());
            if (!frame) {
                if (isFull)
                    this.#drain ??= setTimeout(this.#onDrain, DRAIN_MS);
                return;
            }
            this.#see("out", frame);
            try {
                transport.post(frame);
            }
            catch (error) {
                this.#lose(String(error?.message ?? error));
            }
        }
    }
    #onDrain = () => {
        this.#drain = undefined;
        this._run();
    };
    #see(direction, frame, bytes) {
        const { onFrame, onLog } = this.#options;
        if (!onFrame && !onLog)
            return;
        if (frame.kind === "req" && frame.meta?.token != null)
            frame = { ...frame, meta: { ...frame.meta, token: "…" } };
        onLog?.(frame);
        if (bytes === undefined)
            onFrame?.(direction, frame);
        else
            onFrame?.(direction, frame, bytes);
    }
    #receive(message) {
        const now = this._now();
        this.#heard = now;
        this.#isAsked = false;
        this.#tries = 0;
        const { depth = 64, message_bytes = 16 << 20 } = this.#options.limits ?? {};
        const size = typeof message === "string" || message instanceof Uint8Array ? message.length : 0;
        const frame = size > message_bytes
            ? peek(String(message).slice(0, 1024), limitError("message bytes", message_bytes, "message_bytes"))
            : decode(message, depth);
        if (frame instanceof Malformed) {
            this._warn("malformed message: " + frame.error.message);
            this._session.receiveMalformed(now, frame);
        }
        else {
            if (frame)
                this.#see("in", frame, size || undefined);
            this._session.receive(now, frame, size);
        }
        this._run();
    }
    /** Arms the one timer. */
    #arm() {
        const { pingMs } = this.#options;
        let at = this._session.nextDeadline;
        if (pingMs && this.#state === "open")
            at = Math.min(at, this.#heard + pingMs);
        if (at >= this.#timerAt)
            return;
        clearTimeout(this.#timer);
        this.#timerAt = at;
        this.#timer = setTimeout(this.#onTimer, Math.min(LONGEST, Math.max(0, at - this._now())));
        // What is due later must not keep a program alive that has nothing else to do.
        this.#timer.unref?.();
    }
    #onTimer = () => {
        const now = this._now();
        const { pingMs } = this.#options;
        this.#timerAt = Infinity;
        if (pingMs && this.#state === "open" && now >= this.#heard + pingMs) {
            if (this.#isAsked) {
                this.#lose("the peer gave no sign of life; see pingMs");
            }
            else {
                this.#isAsked = true;
                this.#heard = now;
                this._session.ping();
            }
        }
        this._session.advance(now);
        this._run();
    };
    #connect() {
        this.#retry = undefined;
        const { token } = this.#options;
        if (typeof token !== "function") {
            this.#token = token;
            this.#make();
            return;
        }
        // A connection is made when there is a token for it: the introduction must be its first frame.
        new Promise((resolve) => resolve(token())).then((token) => {
            this.#token = token;
            if (this.#state !== "closed")
                this.#make();
        }, (error) => this.#failed(error));
    }
    #make() {
        const source = this.#source;
        try {
            const made = typeof source === "function" ? source() : source;
            if ("then" in made)
                made.then((transport) => this.#begin(transport), (error) => this.#failed(error));
            else
                this.#begin(made);
        }
        catch (error) {
            this.#failed(error);
        }
    }
    /** Starts a transport. */
    #begin(transport) {
        if (this.#state === "closed") {
            transport.stop();
            return;
        }
        this.#transport = transport;
        const isCurrent = () => this.#transport === transport;
        try {
            const started = transport.start((message) => {
                if (!isCurrent())
                    return;
                this.#open();
                this.#receive(message);
            }, ({ reason }) => {
                if (isCurrent())
                    this.#lose(reason);
            });
            if (started) {
                started.then(() => isCurrent() && this.#open(), (error) => isCurrent() && this.#lose(String(error?.message ?? error)));
            }
            else if (isCurrent()) {
                this.#open();
            }
        }
        catch (error) {
            if (isCurrent())
                this.#lose(String(error?.message ?? error));
        }
    }
    /** There is a connection. */
    #open() {
        if (this.#state !== "connecting")
            return;
        this.#heard = this._now();
        this.#isAsked = false;
        this._session.open();
        this.#setState("open");
        this.#hello();
        this._session.reissue(this._now());
        this._run();
    }
    #hello() {
        const { hello, token, session, methodsHash } = this.#options;
        if (!hello && token === undefined && session === undefined && methodsHash === undefined)
            return;
        const meta = this.#token === undefined ? undefined : { token: this.#token };
        this.request("rpc.hello", { session, capabilities: ["fc", "resume"] }, meta).then((welcome) => {
            if (methodsHash !== undefined && welcome?.methodsHash !== methodsHash) {
                this._warn("the peer's methods are not those for which the client was generated; generate it again", welcome);
            }
        }, (error) => {
            if (error.code !== "NO_HANDLER" && this.#state === "open")
                this._warn("rpc.hello failed", error);
        });
    }
    #failed(error) {
        const reason = String(error?.message ?? error);
        if (this.#state !== "closed")
            this.#lose(reason);
    }
    /** The connection is gone, or could not be made. The next one is made where there is a connector. */
    #lose(reason) {
        const transport = this.#transport;
        this.#transport = undefined;
        if (this.#state === "closed")
            return;
        quietly(() => transport?.stop());
        this._session.disconnect(reason);
        if (this._session._phase === CLOSED) {
            this.#end(reason);
            return;
        }
        const { first = 100, longest = 10_000 } = this.#options.backoff ?? {};
        const pause = Math.random() * Math.min(longest, first * 2 ** Math.min(20, this.#tries++));
        this.#retry = setTimeout(() => this.#connect(), pause);
        this.#setState("connecting", reason);
        this._run();
    }
    #end(reason) {
        const transport = this.#transport;
        this.#transport = undefined;
        if (this.#state === "closed")
            return;
        this._session.giveUp(reason);
        clearTimeout(this.#retry);
        clearTimeout(this.#drain);
        quietly(() => transport?.stop());
        this.#setState("closed", reason);
        this._run();
        clearTimeout(this.#timer);
        this.#closing?.();
        this.#closing = undefined;
    }
    #setState(state, reason) {
        if (this.#state === state)
            return;
        this.#state = state;
        this.#options.onState?.(state, reason);
    }
}
/** Who awaits one answer. */
class PendingCall {
    release;
    #call;
    #resolve;
    #reject;
    constructor(call, resolve, reject) {
        this.#call = call;
        this.#resolve = resolve;
        this.#reject = reject;
    }
    wake() {
        const { outcome } = this.#call;
        if (!outcome)
            return;
        this.release?.();
        if (outcome.error)
            this.#reject(outcome.error);
        else
            this.#resolve(outcome.value);
    }
}
/** Calls `onAbort` when the signal or the parent says so; returns how to stop looking. */
function watch({ signal, parent }, onAbort) {
    const signals = [signal, parent?.signal];
    const abort = (event) => onAbort(cancelled(event.target));
    for (const each of signals)
        each?.addEventListener("abort", abort);
    return () => {
        for (const each of signals)
            each?.removeEventListener("abort", abort);
    };
}
function cancelled(signal) {
    const error = new RpcError("CANCELLED", "the call was cancelled");
    error.cause = signal?.reason;
    return error;
}
function quietly(act) {
    try {
        act();
    }
    catch {
        // It is gone anyway.
    }
}
//# sourceMappingURL=endpoint.js.map