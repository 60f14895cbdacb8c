/**
 * Frames over the ports of a Chrome extension: between pages, content scripts and the extension's service worker, and to a
 * native messaging host. The worker is put to sleep when nothing arrives for 30 s; its ports then disconnect, and the
 * endpoint connects again, which wakes it. A `pingMs` below that keeps it awake.
 */
import { portMessage } from "./port-message.js";
/**
 * One port.
 *
 * With `json` serialisation a frame that holds bytes is refused by `post`, since Chrome would turn them into something
 * else without a word. A port that disconnects without a goodbye is not a clean end.
 */
export class ChromePortTransport {
    #port;
    #serialization;
    #lastError;
    #goodbye;
    #release = () => undefined;
    #open = false;
    constructor(port, serialization = "json", runtime = runtimeOf(), goodbye = "spoken") {
        this.#port = port;
        this.#serialization = serialization;
        this.#goodbye = goodbye;
        this.#lastError = () => runtime?.lastError?.message;
    }
    start(onFrame, onClose = () => undefined) {
        const over = (closed) => {
            if (!this.#open)
                return;
            this.#release();
            onClose(closed);
        };
        const hear = (message) => {
            if (portMessage(message)?.sixframe !== "bye")
                return onFrame(message);
            this.#port.disconnect();
            over({ clean: true, reason: "the peer closed the port" });
        };
        const disconnect = () => over({ clean: false, reason: this.#lastError() ?? "the port was disconnected" });
        this.#port.onMessage.addListener(hear);
        this.#port.onDisconnect.addListener(disconnect);
        this.#open = true;
        this.#release = () => {
            this.#open = false;
            this.#port.onMessage.removeListener(hear);
            this.#port.onDisconnect.removeListener(disconnect);
        };
    }
    post(frame) {
        if (!this.#open)
            throw new Error("the port is disconnected");
        if (this.#serialization === "json")
            refuseBytes(frame);
        this.#port.postMessage(frame);
    }
    stop() {
        if (!this.#open)
            return;
        this.#release();
        if (this.#goodbye === "spoken")
            this.#port.postMessage({ sixframe: "bye" });
        this.#port.disconnect();
    }
}
/** Connects to the extension's service worker each time it is asked, waking it where it sleeps. */
export function chromePort(options = {}) {
    return () => {
        const runtime = options.runtime ?? runtimeOf();
        if (runtime?.connect === undefined)
            throw new Error("there is no chrome.runtime here that could connect");
        const port = runtime.connect(options.extensionId ?? runtime.id, { name: options.name ?? "rpc" });
        return new ChromePortTransport(port, options.serialization, runtime);
    };
}
/** Starts the native messaging host `host`, `sixframe stdio --framing native` for example, each time it is asked. */
export function nativeHost(host, runtime = runtimeOf()) {
    return () => {
        if (runtime?.connectNative === undefined)
            throw new Error("there is no chrome.runtime.connectNative here");
        return new ChromePortTransport(runtime.connectNative(host), "json", runtime, "silent");
    };
}
/**
 * The service worker's side: gives a transport for every port, until the returned function is called. Call it while the
 * worker's script is first run: Chrome wakes a worker only for listeners that were added then.
 */
export function acceptChromePorts(accept, options = {}) {
    const runtime = options.runtime ?? runtimeOf();
    if (runtime?.onConnect === undefined)
        throw new Error("there is no chrome.runtime here that could be connected to");
    const take = (port) => {
        if (port.name !== (options.name ?? "rpc"))
            return;
        accept(new ChromePortTransport(port, options.serialization, runtime), port);
    };
    const takeExternal = (port) => {
        if (options.allowExternal?.(port.sender ?? {}) === true)
            take(port);
        else
            port.disconnect();
    };
    runtime.onConnect.addListener(take);
    runtime.onConnectExternal?.addListener(takeExternal);
    return () => {
        runtime.onConnect?.removeListener(take);
        runtime.onConnectExternal?.removeListener(takeExternal);
    };
}
function runtimeOf() {
    return globalThis.chrome?.runtime;
}
function refuseBytes(value) {
    if (typeof value !== "object" || value === null)
        return;
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
        throw new TypeError('bytes need "message_serialization": "structured_clone" and the serialization "structured"');
    }
    for (const part of Object.values(value))
        refuseBytes(part);
}
//# sourceMappingURL=chrome-port.js.map