/**
 * Frames between pages and their service worker, over a port that the page hands over. A service worker sleeps when it is
 * idle and forgets everything; the port shows that, so that the endpoint connects again, which wakes it.
 */
import { MessagePortTransport } from "./message-port.js";
import { portMessage } from "./port-message.js";
/** Connects to the service worker each time it is asked, waking it where it sleeps. */
export function serviceWorker(options = {}) {
    return () => new ServiceWorkerTransport(options);
}
/**
 * A page's connection. `start` resolves when the worker has taken the port, and rejects when it does not.
 *
 * It ends when the worker forgot it, was replaced by another version, or said goodbye.
 */
export class ServiceWorkerTransport {
    #options;
    #id = crypto.randomUUID();
    #port;
    #release = () => undefined;
    #stopped = false;
    constructor(options = {}) {
        this.#options = options;
    }
    async start(onFrame, onClose = () => undefined) {
        const container = navigator.serviceWorker;
        const registration = await (this.#options.registration ?? container.ready);
        const active = await activated(registration);
        const port = await this.#handOver(active);
        if (this.#stopped) {
            port.close();
            throw new Error("stopped before it was connected");
        }
        const transport = new MessagePortTransport(port);
        this.#port = transport;
        transport.start(onFrame, (closed) => {
            this.#release();
            onClose(closed);
        });
        this.#watch(container, active, transport);
    }
    post(frame) {
        if (this.#port === undefined)
            throw new Error("the service worker has not taken the port yet");
        this.#port.post(frame);
    }
    stop() {
        this.#stopped = true;
        this.#release();
        this.#port?.stop();
    }
    /** Gives the worker one end of a channel; the other end, when it has taken it. */
    async #handOver(active) {
        const { port1, port2 } = new MessageChannel();
        const readyMs = this.#options.readyMs ?? 10_000;
        await new Promise((resolve, reject) => {
            const reason = `the service worker did not take the port within ${readyMs} ms; does it call acceptPorts()?`;
            const tooLate = setTimeout(() => {
                port1.close();
                reject(new Error(reason));
            }, readyMs);
            port1.onmessage = ({ data }) => {
                if (portMessage(data)?.sixframe !== "ready")
                    return;
                clearTimeout(tooLate);
                port1.onmessage = null;
                resolve();
            };
            say(active, { sixframe: "connect", id: this.#id, stayMs: this.#stayMs }, [port2]);
        });
        return port1;
    }
    #watch(container, active, port) {
        const hear = ({ data }) => {
            const message = portMessage(data);
            if (message?.sixframe !== "gone" || message.id !== this.#id)
                return;
            port.end({ clean: false, reason: "the service worker slept and forgot this page" });
        };
        const change = () => {
            if (active.state !== "redundant")
                return;
            port.end({ clean: false, reason: "the service worker was replaced by another version" });
        };
        const stay = setInterval(() => say(active, { sixframe: "stay", id: this.#id }), this.#stayMs || 0x7fffffff);
        container.addEventListener("message", hear);
        container.startMessages();
        active.addEventListener("statechange", change);
        this.#release = () => {
            clearInterval(stay);
            container.removeEventListener("message", hear);
            active.removeEventListener("statechange", change);
        };
    }
    get #stayMs() {
        return this.#options.stayMs ?? 20_000;
    }
}
/**
 * The worker's side: gives a transport for every page that connects, and stops doing so when the returned function is
 * called. Call it while the script is first run: the browser wakes a worker only for listeners that were added then.
 *
 * A page that asked to keep the worker awake and falls silent for three such turns is gone.
 */
export function acceptPorts(accept, scope = globalThis) {
    const connections = new Map();
    const hear = (event) => {
        const { data, ports, source } = event;
        const message = portMessage(data);
        const port = ports[0];
        if (message?.sixframe === "connect" && port !== undefined && source !== null) {
            const { id, stayMs } = message;
            const page = new PagePort(port, stayMs, () => connections.delete(id));
            connections.set(id, page);
            port.postMessage({ sixframe: "ready" });
            accept(page, { id: source.id, url: source.url });
        }
        else if (message?.sixframe === "stay") {
            const page = connections.get(message.id);
            if (page === undefined)
                source?.postMessage({ sixframe: "gone", id: message.id });
            else
                page.isAwake();
        }
    };
    scope.addEventListener("message", hear);
    return () => scope.removeEventListener("message", hear);
}
/** A page, as the worker sees it. */
class PagePort {
    #port;
    #stayMs;
    #forget;
    #silence;
    constructor(port, stayMs, forget) {
        this.#port = new MessagePortTransport(port);
        this.#stayMs = stayMs;
        this.#forget = forget;
    }
    start(onFrame, onClose = () => undefined) {
        this.#port.start(onFrame, (closed) => {
            this.#over();
            onClose(closed);
        });
        this.isAwake();
    }
    post(frame) {
        this.#port.post(frame);
    }
    stop() {
        this.#over();
        this.#port.stop();
    }
    isAwake() {
        clearTimeout(this.#silence);
        if (this.#stayMs === 0)
            return;
        const gone = { clean: false, reason: "the page is gone" };
        this.#silence = setTimeout(() => this.#port.end(gone), 3 * this.#stayMs);
    }
    #over() {
        clearTimeout(this.#silence);
        this.#forget();
    }
}
/** The registration's worker, when it is active. */
async function activated(registration) {
    if (registration.active !== null)
        return registration.active;
    const coming = registration.waiting ?? registration.installing;
    if (coming === null)
        throw new Error("the registration has no service worker");
    await new Promise((resolve, reject) => {
        coming.addEventListener("statechange", () => {
            if (coming.state === "activated")
                resolve();
            if (coming.state === "redundant")
                reject(new Error("the service worker failed to install"));
        });
    });
    return coming;
}
function say(active, message, ports = []) {
    active.postMessage(message, ports);
}
//# sourceMappingURL=service-worker.js.map