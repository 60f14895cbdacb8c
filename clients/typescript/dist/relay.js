/**
 * A relay: many windows over one upstream connection, in Electron's main process for example. It rewrites ids and stamps who
 * sends; payloads pass untouched. It keeps every window within its limits, and tells each what became of its calls when the
 * upstream breaks. It knows no methods but `rpc.ping` and `rpc.hello`. `spec: relay.*`
 */
import { LIMITS } from "./limits.js";
import { Link } from "./relay/link.js";
import { Probed } from "./relay/probed.js";
import { Switch } from "./relay/switch.js";
/** Windows over one upstream. */
export class Relay {
    #switch;
    #link;
    #handles = new Map();
    #isClosed = false;
    /**
     * Over a connector, which is asked again whenever the upstream breaks, and calls that windows make meanwhile wait for it;
     * or over one connection, with whose end the relay closes.
     */
    constructor(upstream, options = {}) {
        const log = options.onLog ?? (() => undefined);
        this.#switch = new Switch({ ...LIMITS, ...options.limits }, (reason) => this.#link.lose(reason), (window, reason) => {
            window.transport.stop();
            this.#handles.get(window)?.(reason);
            this.#handles.delete(window);
            log({ event: "detached", window: window.id, reason });
        });
        const backoff = { firstMs: 100, longestMs: 10_000, ...options.backoff };
        this.#link = new Link(upstream, backoff, {
            onConnected: (transport) => {
                log({ event: "connected" });
                this.#switch.connected(transport);
            },
            onFrame: (message) => this.#switch.receive(this.#switch.upstream, message),
            onLost: (reason, isLast) => {
                log({ event: "disconnected", reason });
                this.#switch.disconnected(reason);
                if (isLast)
                    this.#close(`the upstream is gone: ${reason}`);
            },
        });
        this.#link.start();
    }
    /**
     * Lets a window in, and starts its transport. A window of the same sender that is attached is fenced, whatever its document:
     * its calls are cancelled, its transport is stopped. How many windows there may be is for the caller to bound: the limits
     * hold for each.
     */
    attach(transport, id) {
        const probed = transport.buffered === undefined ? new Probed(transport) : transport;
        const window = this.#switch.attach(id, probed);
        const closed = new Promise((resolve) => this.#handles.set(window, resolve));
        const close = (reason = "the window was detached") => this.#switch.detach(window, reason);
        void this.#start(window, close);
        if (this.#isClosed)
            close("the relay is closed");
        return { closed, close };
    }
    /** Ends the relay: all windows are detached and the upstream's connection is stopped. */
    close() {
        this.#close("the relay was closed");
    }
    /** What is under way: no calls and no bytes when nothing waits. */
    get load() {
        const { windows, calls, upstream, dropped } = this.#switch;
        const down = [...windows.values()].reduce((sum, window) => sum + window.down.bytes, 0);
        return { windows: windows.size, calls: calls.size, queuedBytes: down + upstream.bytes, dropped };
    }
    async #start(window, close) {
        try {
            await window.transport.start((message) => this.#switch.receive(window, message), ({ reason }) => close(reason));
        }
        catch (error) {
            close(error instanceof Error ? error.message : String(error));
        }
    }
    #close(reason) {
        this.#isClosed = true;
        for (const window of [...this.#switch.windows.values()])
            this.#switch.detach(window, reason);
        this.#link.close();
    }
}
//# sourceMappingURL=relay.js.map