/**
 * Frames between pages and their service worker, over a port that the page hands over. A service worker sleeps when it is
 * idle and forgets everything; this transport finds that out, so that the endpoint connects again, which wakes it.
 */

import type { Frame } from "../frame.js";
import type { Connector, OnClose, OnFrame, Transport } from "../transport.js";
import { MessagePortTransport } from "./message-port.js";
import { type PortMessage, portMessage } from "./port-message.js";
import { randomId } from "./random-id.js";

/** How a page connects. */
export interface ServiceWorkerOptions {
  /** The registration; by default the one that is ready for this page. */
  registration?: ServiceWorkerRegistration | Promise<ServiceWorkerRegistration>;
  /** Milliseconds within which the worker must wake and take the port. Default 10,000. */
  readyMs?: number;
  /**
   * How often the worker is asked to stay awake, in milliseconds; it also shows that it forgot us. 0 lets it sleep, which
   * then only `pingMs` tells: a port does not. Default 20,000, since browsers stop a worker that is idle for 30 s.
   */
  stayMs?: number;
}

/** Connects to the service worker each time it is asked, waking it where it sleeps. */
export function serviceWorker(options: ServiceWorkerOptions = {}): Connector {
  return () => new ServiceWorkerTransport(options);
}

/**
 * A page's connection. `start` resolves when the worker has taken the port, and rejects when it does not.
 *
 * It ends when the worker forgot it, was replaced by another version, or said goodbye.
 */
export class ServiceWorkerTransport implements Transport {
  readonly #options: ServiceWorkerOptions;
  readonly #id = randomId();
  #port: MessagePortTransport | undefined;
  #release: () => void = () => undefined;
  #stopped = false;

  constructor(options: ServiceWorkerOptions = {}) {
    this.#options = options;
  }

  async start(onFrame: OnFrame, onClose: OnClose = () => undefined): Promise<void> {
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

  post(frame: Frame): void {
    if (this.#port === undefined) throw new Error("the service worker has not taken the port yet");
    this.#port.post(frame);
  }

  stop(): void {
    this.#stopped = true;
    this.#release();
    this.#port?.stop();
  }

  /** Gives the worker one end of a channel; the other end, when it has taken it. */
  async #handOver(active: ServiceWorker): Promise<MessagePort> {
    const { port1, port2 } = new MessageChannel();
    const readyMs = this.#options.readyMs ?? 10_000;
    await new Promise<void>((resolve, reject) => {
      const reason = `the service worker did not take the port within ${readyMs} ms; does it call acceptPorts()?`;
      const tooLate = setTimeout(() => {
        port1.close();
        reject(new Error(reason));
      }, readyMs);
      port1.onmessage = ({ data }) => {
        if (portMessage(data)?.sixframe !== "ready") return;
        clearTimeout(tooLate);
        port1.onmessage = null;
        resolve();
      };
      say(active, { sixframe: "connect", id: this.#id, stayMs: this.#stayMs }, [port2]);
    });
    return port1;
  }

  #watch(container: ServiceWorkerContainer, active: ServiceWorker, port: MessagePortTransport): void {
    const hear = ({ data }: MessageEvent) => {
      const message = portMessage(data);
      if (message?.sixframe !== "gone" || message.id !== this.#id) return;
      port.end({ clean: false, reason: "the service worker slept and forgot this page" });
    };
    const change = () => {
      if (active.state !== "redundant") return;
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

  get #stayMs(): number {
    return this.#options.stayMs ?? 20_000;
  }
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

/** A client as the browser gives it, with the message. */
type Source = ServiceWorkerClient & { postMessage(message: unknown): void };

/**
 * The worker's side: gives a transport for every page that connects, and stops doing so when the returned function is
 * called. Call it while the script is first run: the browser wakes a worker only for listeners that were added then.
 *
 * A page that asked to keep the worker awake and falls silent for three such turns is gone.
 */
export function acceptPorts(
  accept: (transport: Transport, client: ServiceWorkerClient) => void,
  scope: ServiceWorkerScope = globalThis as unknown as ServiceWorkerScope,
): () => void {
  const connections = new Map<string, PagePort>();
  const hear = (event: unknown) => {
    const { data, ports, source } = event as { data: unknown; ports: readonly MessagePort[]; source: Source | null };
    const message = portMessage(data);
    const port = ports[0];
    if (message?.sixframe === "connect" && port !== undefined && source !== null) {
      const { id, stayMs } = message;
      const page = new PagePort(port, stayMs, () => connections.delete(id));
      connections.set(id, page);
      port.postMessage({ sixframe: "ready" } satisfies PortMessage);
      accept(page, { id: source.id, url: source.url });
    } else if (message?.sixframe === "stay") {
      const page = connections.get(message.id);
      if (page === undefined) source?.postMessage({ sixframe: "gone", id: message.id } satisfies PortMessage);
      else page.isAwake();
    }
  };
  scope.addEventListener("message", hear);
  return () => scope.removeEventListener("message", hear);
}

/** A page, as the worker sees it. */
class PagePort implements Transport {
  readonly #port: MessagePortTransport;
  readonly #stayMs: number;
  readonly #forget: () => void;
  #silence: ReturnType<typeof setTimeout> | undefined;

  constructor(port: MessagePort, stayMs: number, forget: () => void) {
    this.#port = new MessagePortTransport(port);
    this.#stayMs = stayMs;
    this.#forget = forget;
  }

  start(onFrame: OnFrame, onClose: OnClose = () => undefined): void {
    this.#port.start(onFrame, (closed) => {
      this.#over();
      onClose(closed);
    });
    this.isAwake();
  }

  post(frame: Frame): void {
    this.#port.post(frame);
  }

  stop(): void {
    this.#over();
    this.#port.stop();
  }

  isAwake(): void {
    clearTimeout(this.#silence);
    if (this.#stayMs === 0) return;
    const gone = { clean: false, reason: "the page is gone" };
    this.#silence = setTimeout(() => this.#port.end(gone), 3 * this.#stayMs);
  }

  #over(): void {
    clearTimeout(this.#silence);
    this.#forget();
  }
}

/** The registration's worker, when it is active. */
async function activated(registration: ServiceWorkerRegistration): Promise<ServiceWorker> {
  if (registration.active !== null) return registration.active;
  const coming = registration.waiting ?? registration.installing;
  if (coming === null) throw new Error("the registration has no service worker");
  await new Promise<void>((resolve, reject) => {
    coming.addEventListener("statechange", () => {
      if (coming.state === "activated") resolve();
      if (coming.state === "redundant") reject(new Error("the service worker failed to install"));
    });
  });
  return coming;
}

function say(active: ServiceWorker, message: PortMessage, ports: MessagePort[] = []): void {
  active.postMessage(message, ports);
}
