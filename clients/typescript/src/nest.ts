/**
 * NestJS controllers as the backend of windows and other peers: `@MessagePattern` and `@EventPattern` name methods, and what
 * handlers return is an answer or a stream. `EventPattern` is no less than `MessagePattern` here, as in version 0.2.
 */

import { Catch, type RpcExceptionFilter } from "@nestjs/common";
import { BaseRpcExceptionFilter, type CustomTransportStrategy, type MessageHandler, Server } from "@nestjs/microservices";
import type { WebContents } from "electron";
import type { Observable } from "rxjs";
import { throwError } from "rxjs";

import type { Context } from "./context.js";
import { drain } from "./drain.js";
import { type MainElectron, WindowBridge, type WindowBridgeOptions } from "./electron/main.js";
import { type EndpointOptions, RpcEndpoint } from "./endpoint.js";
import { RpcError } from "./errors.js";
import type { OnLag } from "./frame.js";
import { idle } from "./idle.js";
import { limits } from "./limits.js";
import { Relay, type RelayOptions } from "./relay.js";
import type { BareTransport, Connector, Transport } from "./transport.js";
import { memory } from "./transports/memory.js";

/** Gives a transport for every peer that comes, until the returned function is called. */
export type Acceptor = (accept: (transport: Transport) => void) => () => void;

/** How a strategy's endpoints behave. `limits` and `idle` are always plugged in. */
export interface SixframeStrategyOptions extends EndpointOptions {
  /** What happens to items that a peer has no room for. A pattern's own `extras`, `{onLag: "latest"}`, come first. */
  onLag?: OnLag;
}

/**
 * A strategy for `NestFactory.createMicroservice`, over one connection, or over each that an acceptor gives.
 *
 * A handler gets the payload and, as its context, what every handler of an endpoint gets: `senderId`, `meta`, `signal`,
 * `peer`. Promises and values are answers, async iterables and observables are streams; an observable that ends with its
 * first value is an answer, since interceptors make one of everything. A cancel unsubscribes, or returns from the generator.
 */
export class SixframeStrategy extends Server implements CustomTransportStrategy {
  readonly #source: BareTransport | Connector<BareTransport> | { accept: Acceptor };
  readonly #options: SixframeStrategyOptions;
  readonly #endpoints = new Set<RpcEndpoint>();
  #stopAccepting: () => void = () => undefined;

  constructor(source: BareTransport | Connector<BareTransport> | { accept: Acceptor }, options: SixframeStrategyOptions = {}) {
    super();
    this.#source = source;
    this.#options = options;
  }

  listen(callback: (error?: unknown) => void): void {
    const source = this.#source;
    if (typeof source === "object" && "accept" in source) {
      this.#stopAccepting = source.accept((transport) => this.#serve(transport));
    } else {
      this.#serve(source);
    }
    callback();
  }

  async close(): Promise<void> {
    this.#stopAccepting();
    await Promise.all([...this.#endpoints].map((endpoint) => drain(endpoint)));
  }

  /** Nothing is emitted but Nest's own `status`. */
  on(): void {
    return undefined;
  }

  /** The endpoints that are connected now, by which peers can be called. */
  unwrap<T = readonly RpcEndpoint[]>(): T {
    return [...this.#endpoints] as T;
  }

  #serve(source: BareTransport | Connector<BareTransport>): void {
    const { onLag, onState, use = [], ...options } = this.#options;
    const endpoint = new RpcEndpoint(source, {
      ...options,
      use: [...new Set([limits, idle, ...use])],
      onState: (state, reason) => {
        if (state === "closed") this.#endpoints.delete(endpoint);
        onState?.(state, reason);
      },
    });
    for (const [pattern, handler] of this.getHandlers()) {
      const policy = (handler.extras?.onLag as OnLag | undefined) ?? onLag;
      const run = (payload: unknown, context: Context) => answerOf(handler, payload, context);
      endpoint.register(pattern, run, policy === undefined ? {} : { onLag: policy });
    }
    this.#endpoints.add(endpoint);
    endpoint.start();
  }
}

/** How Electron's windows are served. */
export interface ElectronStrategyOptions extends SixframeStrategyOptions, WindowBridgeOptions {
  /** Windows that are to be called before they speak. */
  windows?: readonly WebContents[];
  relay?: RelayOptions;
}

/**
 * Electron's windows, served by this process itself: `new ElectronStrategy(electron)`, with `import * as electron from
 * "electron"`.
 */
export class ElectronStrategy extends SixframeStrategy {
  readonly #open: () => { bridge: WindowBridge; relay: Relay };
  #opened: { bridge: WindowBridge; relay: Relay } | undefined;

  constructor(electron: MainElectron, options: ElectronStrategyOptions = {}) {
    const [near, far] = memory();
    super(far, options);
    this.#open = () => {
      const relay = new Relay(near, options.relay);
      const bridge = new WindowBridge(relay, electron, options);
      for (const contents of options.windows ?? []) bridge.attach(contents);
      return { bridge, relay };
    };
  }

  override listen(callback: (error?: unknown) => void): void {
    this.#opened = this.#open();
    super.listen(callback);
  }

  override async close(): Promise<void> {
    this.#opened?.bridge.close();
    await super.close();
    this.#opened?.relay.close();
  }
}

/**
 * Lets errors that carry a `code` of their own travel as they are: `app.useGlobalFilters(new CodedErrorFilter())`. Nest hides
 * all that are no `RpcException`.
 */
export class CodedErrorFilter extends BaseRpcExceptionFilter implements RpcExceptionFilter {
  override catch(exception: unknown, ...rest: [never]): Observable<unknown> {
    if (typeof (exception as { code?: unknown } | null)?.code === "string") return throwError(() => exception);
    return super.catch(exception as never, ...rest) as Observable<unknown>;
  }
}

Catch()(CodedErrorFilter);

async function answerOf(handler: MessageHandler, payload: unknown, context: Context): Promise<unknown> {
  try {
    const result: unknown = await handler(payload, context);
    return isObservable(result) ? await observed(result, context.signal) : result;
  } catch (error) {
    throw told(error);
  }
}

/** What an observable begins with: its one value, or itself, of which nothing is lost until somebody subscribes. */
function observed(source: Observable<unknown>, signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const early: ((observer: Observer) => void)[] = [];
    let observer: Observer | undefined;
    const pass = (event: (observer: Observer) => void) => {
      if (observer === undefined) early.push(event);
      else event(observer);
    };
    const asStream = () =>
      resolve({
        subscribe: (given: Observer) => {
          for (const event of early.splice(0)) event(given);
          observer = given;
          return subscription;
        },
      });
    let first: { value: unknown } | undefined;
    let count = 0;
    const subscription = source.subscribe({
      next: (value) => {
        count += 1;
        first ??= { value };
        pass((to) => to.next(value));
        // If this is the only one, its end follows within the turn.
        if (count === 1) queueMicrotask(asStream);
      },
      error: (error) => {
        if (count === 0) return reject(error as Error);
        pass((to) => to.error(told(error)));
      },
      complete: () => {
        if (count === 1) resolve(first?.value);
        pass((to) => to.complete());
        asStream();
      },
    });
    if (signal.aborted) subscription.unsubscribe();
    signal.addEventListener("abort", () => subscription.unsubscribe());
  });
}

interface Observer {
  next(value: unknown): void;
  error(error: unknown): void;
  complete(): void;
}

function isObservable(value: unknown): value is Observable<unknown> {
  return typeof value === "object" && value !== null && "subscribe" in value && typeof value.subscribe === "function";
}

/** What Nest's filters leave of an error: an object with a message, a code where there was one, and no class. */
function told(error: unknown): unknown {
  if (error instanceof RpcError || typeof error !== "object" || error === null) return error;
  const { code, message, domain, details } = error as Partial<Record<string, unknown>>;
  if (typeof message !== "string") return error;
  const isNests = (error as { status?: unknown }).status === "error";
  if (typeof code !== "string") return isNests ? new RpcError("INTERNAL", message) : error;
  return new RpcError(code, message, details, typeof domain === "string" ? domain : "common");
}
