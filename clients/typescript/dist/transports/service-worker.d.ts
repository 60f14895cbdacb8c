/**
 * Frames between pages and their service worker, over a port that the page hands over. A service worker sleeps when it is
 * idle and forgets everything; the port shows that, so that the endpoint connects again, which wakes it.
 */
import type { Frame } from "../frame.js";
import type { Connector, OnClose, OnFrame, Transport } from "../transport.js";
/** How a page connects. */
export interface ServiceWorkerOptions {
    /** The registration; by default the one that is ready for this page. */
    registration?: ServiceWorkerRegistration | Promise<ServiceWorkerRegistration>;
    /** Milliseconds within which the worker must wake and take the port. Default 10,000. */
    readyMs?: number;
    /**
     * How often the worker is asked to stay awake, in milliseconds; it also shows that it forgot us. 0 lets it sleep, which
     * then only `pingMs` or the browser's `close` event of ports tells. Default 20,000: browsers stop a worker after 30 s.
     */
    stayMs?: number;
}
/** Connects to the service worker each time it is asked, waking it where it sleeps. */
export declare function serviceWorker(options?: ServiceWorkerOptions): Connector;
/**
 * A page's connection. `start` resolves when the worker has taken the port, and rejects when it does not.
 *
 * It ends when the worker forgot it, was replaced by another version, or said goodbye.
 */
export declare class ServiceWorkerTransport implements Transport {
    #private;
    constructor(options?: ServiceWorkerOptions);
    start(onFrame: OnFrame, onClose?: OnClose): Promise<void>;
    post(frame: Frame): void;
    stop(): void;
}
/** What is used of a service worker's global scope. */
export interface ServiceWorkerScope {
    addEventListener(type: "message", listener: (event: unknown) => void): void;
    removeEventListener(type: "message", listener: (event: unknown) => void): void;
}
/** The page that a connection comes from: always one of the worker's own origin. */
export interface ServiceWorkerClient {
    readonly id: string;
    readonly url: string;
}
/**
 * The worker's side: gives a transport for every page that connects, and stops doing so when the returned function is
 * called. Call it while the script is first run: the browser wakes a worker only for listeners that were added then.
 *
 * A page that asked to keep the worker awake and falls silent for three such turns is gone.
 */
export declare function acceptPorts(accept: (transport: Transport, client: ServiceWorkerClient) => void, scope?: ServiceWorkerScope): () => void;
