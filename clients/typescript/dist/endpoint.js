/** One side of a connection: it calls, and it answers. */
import { limitError, RpcError } from "./errors.js";
import { decode, Malformed, peek } from "./frame/decode.js";
import { run } from "./handlers.js";
import { Session } from "./session.js";
import { abortCall, makeCall } from "./session/calls.js";
import { wakeProducers } from "./session/streams.js";
import { RpcStream } from "./stream.js";
const DEFAULTS = {
    timeoutMs: 60_000,
    window: 32,
    windowBytes: 256 << 10,
    onWarning: (message, cause) => console.warn(message, cause),
};
/** Bytes that a transport may hold before sources wait for it. */
const FULL = 1 << 20;
/** How often a full transport is looked at, in milliseconds. */
const DRAIN_MS = 10;
/**
 * One side of a connection. It begins with {@link RpcEndpoint.start}; calls made before wait for it. A connector is asked
 * again after every break: calls that have not left wait for the next connection, resumable streams go on.
 */
export class RpcEndpoint {
    /** @internal */
    _session;
    /** @internal */
    _options;
    /** @internal Set by `uploads`. */
    _uploads;
    #source;
    #handlers = new Map();
    #state = "connecting";
    #transport;
    #token;
    #isStarted = false;
    #isRunning = false;
    #timer;
    #timerAt = Infinity;
    #retry;
    #tries = 0;
    #heard = 0;
    #isAsked = false;
    #onEnd = [];
    /** An endpoint over one transport, or over those that a connector makes. */
    constructor(source, options = {}) {
        this.#source = source;
        const { window, windowBytes, limits, use } = (this._options = { ...DEFAULTS, ...options });
        this._session = new Session({
            limits: { stream_bytes: 32 << 20, stream_items: 1024, hard_bytes: 64 << 20, malformed: 64, ...limits },
            window,
            windowBytes,
            reconnects: typeof source === "function",
        });
        for (const extension of use ?? [])
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
        this.#lose("closed by this side", false);
    }
    /**
     * Ends the connection in order: new calls and requests are refused, streams end, calls for one answer may finish, for at
     * most `deadlineMs`. `spec: close.6`
     */
    close(deadlineMs = 5000) {
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
    request(method, payload, meta, options = {}) {
        const more = typeof options === "number" ? { timeoutMs: options } : options;
        return this._answer(this._call({ timeoutMs: this._options.timeoutMs, method, payload, meta }, more), more);
    }
    /** Opens a stream. What goes wrong, that it cannot be opened included, its consumer is told. */
    stream(method, payload, meta, options = {}) {
        const resumable = options.resume !== false;
        return this._stream(this._call({ method, payload, meta, streams: true, resumable }, options), options);
    }
    /**
     * Answers a method. The handler gets the payload and the request's surroundings, and returns a value, a promise, an
     * async iterable or something with `subscribe`; the latter two are streams. What it throws with a `code` and a `domain`
     * travels; anything else is `INTERNAL`. A method that is registered again is replaced.
     */
    register(method, handler, options = {}) {
        this.#handlers.set(method, { handler, options });
    }
    /** @internal Monotonic time. */
    _now() {
        return Math.floor(performance.now());
    }
    /** @internal Makes a call, which `_run` sends, or says why it cannot be made. */
    _call(defaults, options) {
        const { signal, parent } = options;
        const spec = { ...defaults, ...options };
        spec.timeoutMs = Math.min(options.timeoutMs ?? defaults.timeoutMs ?? Infinity, parent ? parent.remainingMs : Infinity);
        try {
            for (const each of [signal, parent?.signal])
                if (each?.aborted)
                    throw cancelled(each);
            return makeCall(this._session, this._now(), spec);
        }
        catch (error) {
            return error;
        }
    }
    /** @internal How a call for one answer ends. */
    _answer(call, options) {
        return new Promise((resolve, reject) => {
            if (call instanceof RpcError)
                return reject(call);
            const release = this.#watch(options, (error) => this._abort(call, error));
            call.wake = () => {
                const { outcome } = call;
                if (!outcome)
                    return;
                release?.();
                if (outcome.error)
                    reject(outcome.error);
                else
                    resolve(outcome.value);
            };
            this._run();
        });
    }
    /** @internal Gives a stream's consumer its end of it. */
    _stream(call, options) {
        const stream = new RpcStream(this, call);
        if (!(call instanceof RpcError))
            stream._release = this.#watch(options, (error) => stream._cancel(error));
        this._run();
        return stream;
    }
    /** @internal Ends a call on this side. */
    _abort(call, error) {
        abortCall(this._session, this._now(), call, error);
        this._run();
    }
    /** @internal Carries out what the session asks for: handlers, wakes, frames, the timer. */
    _run() {
        if (this.#isRunning)
            return;
        this.#isRunning = true;
        const session = this._session;
        do {
            const events = session._events;
            session._events = [];
            for (const [kind, x] of events) {
                if (kind === "close")
                    this.#lose(x);
                else if (kind === "request")
                    run(this, x, this.#handlers.get(x.req.method));
                else
                    x[kind]?.();
            }
            this.#write();
        } while (session._events.length);
        this.#isRunning = false;
        if (this.#state !== "closed")
            this.#arm();
        if (this.#onEnd.length && session._isDrained)
            this.stop();
    }
    /** @internal Tells whoever looks after this program. */
    _warn(message, cause) {
        tell(() => this._options.onWarning(message, cause));
    }
    /** @internal What a peer is told of an error that a handler threw. `spec: error.4` */
    _errorOf(thrown, method) {
        const { code, domain, details, message } = (thrown ?? {});
        if (typeof code === "string" && typeof domain === "string")
            return new RpcError(code, String(message), details, domain);
        this._warn(`the handler of ${method} failed`, thrown);
        return new RpcError("INTERNAL", "the handler failed" + (this._options.exposeInternalErrors ? ": " + textOf(thrown) : ""));
    }
    #watch({ signal, parent }, onAbort) {
        if (!signal && !parent)
            return undefined;
        const signals = [signal, parent?.signal];
        const abort = (event) => onAbort(cancelled(event.target));
        for (const each of signals)
            each?.addEventListener("abort", abort);
        return () => {
            for (const each of signals)
                each?.removeEventListener("abort", abort);
        };
    }
    #write() {
        const session = this._session;
        const now = this._now();
        for (let transport = this.#transport; transport; transport = this.#transport) {
            const wasFull = session._isFull;
            session._isFull = transport.buffered > FULL;
            if (wasFull && !session._isFull)
                wakeProducers(session);
            const frame = session._poll(now);
            if (!frame)
                return;
            this.#see("out", frame);
            try {
                transport.post(frame);
            }
            catch (error) {
                // A value that cannot travel is the matter of its call alone.
                if (/^(DataClone|Type)Error$/.test(error?.name ?? ""))
                    session._unsendable(frame, textOf(error));
                else
                    this.#lose(textOf(error));
            }
        }
    }
    #see(direction, frame, bytes) {
        const { onFrame, onLog } = this._options;
        if (!onFrame && !onLog)
            return;
        const { meta } = frame;
        if (meta?.token != null)
            frame = { ...frame, meta: { ...meta, token: "…" } };
        tell(() => onLog?.(frame));
        tell(() => onFrame?.(direction, frame, bytes));
    }
    #receive(message) {
        const now = this._now();
        const session = this._session;
        const { depth = 64, message_bytes = 16 << 20 } = this._options.limits ?? {};
        const size = typeof message === "string" || message instanceof Uint8Array ? message.length : 0;
        this.#heard = now;
        this.#isAsked = false;
        this.#tries = 0;
        const frame = size > message_bytes
            ? peek(beginning(message), limitError("message bytes", message_bytes, "message_bytes"), true)
            : decode(message, depth);
        if (frame instanceof Malformed) {
            this._warn("malformed message", frame.error);
            session._receiveMalformed(now, frame);
        }
        else {
            if (frame)
                this.#see("in", frame, size || undefined);
            session._receive(now, frame, size);
        }
        this._run();
    }
    /** Arms the one timer. */
    #arm() {
        const { pingMs = Infinity } = this._options;
        const { _next, _isFull, _isConnected } = this._session;
        const at = Math.min(_next, _isConnected ? this.#heard + pingMs : Infinity, _isFull ? this._now() + DRAIN_MS : Infinity);
        if (at >= this.#timerAt)
            return;
        clearTimeout(this.#timer);
        this.#timerAt = at;
        // The longest span that a timer takes is a little less than 25 days.
        const timer = setTimeout(this.#onTimer, Math.min(2 ** 31 - 1, Math.max(0, at - this._now())));
        // What is due later must not keep a program alive that has nothing else to do.
        timer.unref?.();
        this.#timer = timer;
    }
    #onTimer = () => {
        const now = this._now();
        this.#timerAt = Infinity;
        if (this._session._isConnected && now >= this.#heard + this._options.pingMs) {
            if (this.#isAsked)
                this.#lose("the peer gave no sign of life; see pingMs");
            else
                this._session._ping();
            this.#isAsked = true;
            this.#heard = now;
        }
        this._session._advance(now);
        this._run();
    };
    #connect() {
        const { token } = this._options;
        const failed = (error) => this.#lose(textOf(error));
        const source = this.#source;
        // There must be a token before there is a connection: the introduction is its first frame.
        after(() => (typeof token === "function" ? token() : token), (token) => {
            this.#token = token;
            if (this.#state === "closed")
                return;
            after(() => (typeof source === "function" ? source() : source), (transport) => this.#begin(transport), failed);
        }, failed);
    }
    #begin(transport) {
        if (this.#state === "closed")
            return transport.stop();
        this.#transport = transport;
        // What a connection says that is not this one any more counts no more.
        const whileCurrent = (act) => {
            if (this.#transport === transport)
                act();
        };
        const open = () => whileCurrent(() => this.#open());
        after(() => transport.start((message) => {
            open();
            whileCurrent(() => this.#receive(message));
        }, ({ reason }) => whileCurrent(() => this.#lose(reason))), open, (error) => whileCurrent(() => this.#lose(textOf(error))));
    }
    /** There is a connection. */
    #open() {
        const session = this._session;
        if (this.#state === "open")
            return;
        this.#heard = this._now();
        this.#isAsked = false;
        session._open();
        this.#setState("open");
        this.#hello();
        session._reissue(this._now());
        this._run();
    }
    #hello() {
        const { hello, name, session, methodsHash } = this._options;
        const token = this.#token;
        if (!(hello || name || token || session || methodsHash))
            return;
        const { _lanes, _ahead } = this._session;
        const known = ["fc", "resume", this._uploads && "up", _lanes && "lane", _ahead && "ahead"];
        this.request("rpc.hello", { session, name, capabilities: known.filter(Boolean) }, token ? { token } : {}).then((welcome) => {
            if (methodsHash && welcome?.methodsHash !== methodsHash) {
                this._warn("the peer's methods are not those for which the client was generated", welcome);
            }
        }, (error) => {
            if (error.code !== "NO_HANDLER" && this.#state === "open")
                this._warn("rpc.hello failed", error);
        });
    }
    /** The connection is gone, or could not be made. The next one is made where there is a connector. */
    #lose(reason, again) {
        const session = this._session;
        const transport = this.#transport;
        if (this.#state === "closed")
            return;
        this.#transport = undefined;
        session._disconnect(reason, again);
        tell(() => transport?.stop());
        clearTimeout(this.#retry);
        if (session._isClosed) {
            clearTimeout(this.#timer);
            this.#setState("closed", reason);
            for (const each of this.#onEnd.splice(0))
                each();
        }
        else {
            const { first = 100, longest = 10_000 } = this._options.backoff ?? {};
            const pause = Math.random() * Math.min(longest, first * 2 ** this.#tries++);
            this.#retry = setTimeout(() => this.#connect(), pause);
            this.#setState("connecting", reason);
        }
        this._run();
    }
    #setState(state, reason) {
        if (this.#state === state)
            return;
        this.#state = state;
        tell(() => this._options.onState?.(state, reason));
    }
}
function cancelled(signal) {
    const error = new RpcError("CANCELLED", "the call was cancelled");
    error.cause = signal.reason;
    return error;
}
/** Calls somebody else's code: what it throws is reported as if nobody had called it. */
function tell(act) {
    try {
        act();
    }
    catch (error) {
        setTimeout(() => {
            throw error;
        });
    }
}
/** Goes on with what `act` makes: at once, where that is no promise. */
function after(act, then, failed) {
    try {
        const made = act();
        if (made?.then)
            made.then(then, failed);
        else
            then(made);
    }
    catch (error) {
        failed(error);
    }
}
/** As much of a message as is read when it is too long. */
function beginning(message) {
    return typeof message === "string" ? message.slice(0, 999) : new TextDecoder().decode(message.subarray(0, 999));
}
function textOf(error) {
    return String(error?.message ?? error);
}
//# sourceMappingURL=endpoint.js.map