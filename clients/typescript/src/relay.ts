/**
 * A relay: many windows over one upstream connection, in Electron's main process for example. It rewrites ids and stamps who
 * sends; payloads pass untouched. It keeps every window within its limits, and tells each what became of its calls when the
 * upstream breaks. It knows no methods but `rpc.ping` and `rpc.hello`. `spec: relay.*`
 */

import { type Limits, LIMITS } from "./limits.js";
import { type Backoff, letGo, Link } from "./relay/link.js";
import { Probed } from "./relay/probed.js";
import { Switch } from "./relay/switch.js";
import type { Window, WindowId } from "./relay/window.js";
import type { Connector, Transport } from "./transport.js";

export type { Backoff } from "./relay/link.js";
export type { WindowId } from "./relay/window.js";

/** How a relay behaves. */
export interface RelayOptions {
  /**
   * The limits of each window. `in_flight` counts the calls of a window and, by themselves, those made to it; `soft_bytes`
   * and `hard_bytes` bound what waits in each direction: above the first, requests are refused, above the second the window
   * is detached. `stream_bytes` bounds a stream whose consumer grants no credit. `streams` and `stream_items` are the
   * endpoints' business.
   */
  limits?: Partial<Limits>;
  /** The pauses between attempts to connect to the upstream. */
  backoff?: Partial<Backoff>;
  /** Hears of connections made and lost and of windows that were ended for a reason; nothing of payloads. */
  onLog?: (event: RelayEvent) => void;
}

/** What a relay tells of itself. */
export type RelayEvent =
  | { readonly event: "connected" }
  | { readonly event: "disconnected"; readonly reason: string }
  | { readonly event: "detached"; readonly window: WindowId; readonly reason: string };

/** What is under way in a relay. */
export interface RelayLoad {
  /** Windows that are attached. */
  readonly windows: number;
  /** Calls whose terminal frame has not been handed to their caller. */
  readonly calls: number;
  /** Bytes that wait here, in all directions. */
  readonly queuedBytes: number;
  /** Frames that were dropped since the relay was made: for calls that are over, of windows that are gone, of unknown kinds. */
  readonly dropped: number;
}

/** A window's place in a relay. */
export interface WindowHandle {
  /** Resolves when the window is gone, whatever ended it, with the reason. */
  readonly closed: Promise<string>;
  /** Detaches the window: its calls are cancelled upstream, calls to it fail, its transport is stopped. */
  close(reason?: string): void;
}

/** Windows over one upstream. */
export class Relay {
  readonly #switch: Switch;
  readonly #link: Link;
  readonly #handles = new Map<Window, (reason: string) => void>();
  #isClosed = false;

  /**
   * Over a connector, which is asked again whenever the upstream breaks, and calls that windows make meanwhile wait for it;
   * or over one connection, with whose end the relay closes.
   */
  constructor(upstream: Transport | Connector, options: RelayOptions = {}) {
    const log = options.onLog ?? (() => undefined);
    this.#switch = new Switch(
      { ...LIMITS, ...options.limits },
      (reason) => this.#link.lose(reason),
      (window, reason) => {
        letGo(window.transport);
        this.#handles.get(window)?.(reason);
        this.#handles.delete(window);
        log({ event: "detached", window: window.id, reason });
      },
    );
    const backoff = { first: 100, longest: 10_000, ...options.backoff };
    this.#link = new Link(upstream, backoff, {
      onConnected: (transport) => {
        log({ event: "connected" });
        this.#switch.connected(transport);
      },
      onFrame: (message) => this.#switch.receive(this.#switch.upstream, message),
      onLost: (reason, isLast) => {
        log({ event: "disconnected", reason });
        this.#switch.disconnected(reason);
        if (isLast) this.#close(`the upstream is gone: ${reason}`);
      },
    });
    this.#link.start();
  }

  /**
   * Lets a window in, and starts its transport. A window of the same sender that is attached is fenced, whatever its document:
   * its calls are cancelled, its transport is stopped. How many windows there may be is for the caller to bound: the limits
   * hold for each.
   */
  attach(transport: Transport, id: WindowId): WindowHandle {
    const probed = transport.buffered === undefined ? new Probed(transport) : transport;
    const window = this.#switch.attach(id, probed);
    const closed = new Promise<string>((resolve) => this.#handles.set(window, resolve));
    const close = (reason = "the window was detached") => this.#switch.detach(window, reason);
    void this.#start(window, close);
    if (this.#isClosed) close("the relay is closed");
    return { closed, close };
  }

  /** Ends the relay: all windows are detached and the upstream's connection is stopped. */
  close(): void {
    this.#close("the relay was closed");
  }

  /** What is under way: no calls and no bytes when nothing waits. */
  get load(): RelayLoad {
    const { windows, calls, upstream, dropped } = this.#switch;
    const down = [...windows.values()].reduce((sum, window) => sum + window.down.bytes, 0);
    return { windows: windows.size, calls: calls.size, queuedBytes: down + upstream.bytes, dropped };
  }

  async #start(window: Window, close: (reason: string) => void): Promise<void> {
    try {
      await window.transport.start(
        (message) => this.#switch.receive(window, message),
        ({ reason }) => close(reason),
      );
    } catch (error) {
      close(error instanceof Error ? error.message : String(error));
    }
  }

  #close(reason: string): void {
    this.#isClosed = true;
    for (const window of [...this.#switch.windows.values()]) this.#switch.detach(window, reason);
    this.#link.close();
  }
}
