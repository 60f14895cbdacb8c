/**
 * The page's side of Tauri: frames go to the Rust side by `invoke` and come back over a `Channel`. Both are used sparingly:
 * one `invoke` at a time, which carries all that gathered meanwhile, since commands that overlap lose their order.
 */
/**
 * A connection to the plugin.
 *
 * - `sixframe_open {channel}` answers the connection's number.
 * - `sixframe_post {connection, frames}` takes the texts of frames, in order.
 * - `sixframe_close {connection}` ends it, in good order.
 */
export class TauriTransport {
    #core;
    #prefix;
    #connection;
    #waiting = [];
    #bytes = 0;
    #sending = false;
    #onClose = () => undefined;
    #over = false;
    constructor(options = {}) {
        this.#core = options.core ?? coreOf();
        this.#prefix = options.prefix ?? "plugin:sixframe|";
    }
    async start(onFrame, onClose = () => undefined) {
        this.#onClose = onClose;
        const channel = new this.#core.Channel();
        channel.onmessage = (message) => this.#receive(message, onFrame);
        const connection = await this.#invoke("sixframe_open", { channel });
        this.#connection = connection;
        if (!this.#over)
            return;
        this.#close(connection);
        throw new Error("stopped before it was connected");
    }
    post(frame) {
        if (this.#over || this.#connection === undefined)
            throw new Error("the connection is not open");
        const text = JSON.stringify(frame);
        this.#waiting.push(text);
        this.#bytes += text.length;
        if (!this.#sending)
            void this.#send(this.#connection);
    }
    stop() {
        if (this.#over)
            return;
        this.#over = true;
        // What is being sent is sent first, and closes when it is done.
        if (this.#connection !== undefined && !this.#sending)
            this.#close(this.#connection);
    }
    get buffered() {
        return this.#bytes;
    }
    async #send(connection) {
        this.#sending = true;
        // A turn's frames go together.
        await Promise.resolve();
        try {
            while (this.#waiting.length > 0) {
                const frames = this.#waiting;
                const bytes = this.#bytes;
                this.#waiting = [];
                await this.#invoke("sixframe_post", { connection, frames });
                this.#bytes -= bytes;
            }
            if (this.#over)
                this.#close(connection);
        }
        catch (error) {
            this.#end({ clean: false, reason: `the Rust side took no frame: ${text(error)}` });
        }
        finally {
            this.#sending = false;
        }
    }
    #receive(message, onFrame) {
        if (this.#over)
            return;
        if (typeof message === "string")
            return onFrame(message);
        if ("closed" in message)
            return this.#end(message.closed);
        for (const frame of message) {
            if (!this.#over)
                onFrame(frame);
        }
    }
    #end(closed) {
        if (this.#over)
            return;
        this.#over = true;
        this.#onClose(closed);
    }
    #close(connection) {
        // There is nobody left to tell where it fails.
        this.#invoke("sixframe_close", { connection }).catch(() => undefined);
    }
    #invoke(command, args) {
        return this.#core.invoke(`${this.#prefix}${command}`, args);
    }
}
/** Connects to the plugin each time it is asked. */
export function tauri(options = {}) {
    return () => new TauriTransport(options);
}
function coreOf() {
    const core = globalThis.__TAURI__?.core;
    if (core === undefined)
        throw new Error("there is no window.__TAURI__; set app.withGlobalTauri, or give the option core");
    return core;
}
function text(error) {
    return error instanceof Error ? error.message : String(error);
}
//# sourceMappingURL=tauri.js.map