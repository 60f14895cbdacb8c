/**
 * What waits for whom in a relay: the two lanes of each direction, whose turn it is, the accounts of bytes, and what happens
 * when they grow. It does not know why a frame is sent.
 */

import { limitError, type RpcError } from "../errors.js";
import type { Frame } from "../frame.js";
import type { Call, Way } from "./call.js";
import type { Limits } from "../limits.js";
import { type Message, own } from "./message.js";
import type { Source } from "./outlet.js";
import { Upstream } from "./upstream.js";
import { Window } from "./window.js";

/** One of the relay's connections. */
export type Port = Window | Upstream;

/** What the bounds lead to. */
export interface Consequences {
  /** The last message of the call was handed over. */
  onDone(call: Call): void;
  /** The consumer of a call takes too little. */
  onSlow(call: Call, error: RpcError): void;
  /** A window grants no credit for what waits for it, which is too much. */
  onFlooded(window: Window): void;
  /** A connection is to be ended. */
  onFailed(port: Port, reason: string): void;
}

export class Traffic {
  readonly upstream: Upstream;
  readonly #limits: Limits;
  readonly #consequences: Consequences;
  readonly #woken = new Set<Port>();
  #isFlushing = false;

  constructor(limits: Limits, consequences: Consequences) {
    this.#limits = limits;
    this.#consequences = consequences;
    this.upstream = new Upstream(this.#upstreamSource());
  }

  /** Queues a frame of a call; by the control lane where it is a grant. */
  send(call: Call, way: Way, message: Message, grants: boolean): void {
    if (grants) return this.sendControl(call.window, way, message);
    this.queue(call, way, message);
    // What the transport has room for does not wait.
    this.flush();
    const limit = this.#limits.stream_bytes;
    if (call.hasCredit || call.way === way || call[way].bytes <= limit) return;
    this.#consequences.onSlow(call, limitError("bytes waiting in a stream", limit, "stream_bytes", "SLOW_CONSUMER"));
  }

  queue(call: Call, way: Way, message: Message): void {
    const { window } = call;
    const direction = window.direction(way);
    direction.bytes += message.bytes;
    if (call[way].isEmpty) direction.ring.push(call);
    call[way].push(message);
    if (way === "down") return this.wake(window);
    this.upstream.bytes += message.bytes;
    if (!window.isInTurn) this.upstream.ring.push(window);
    window.isInTurn = true;
    this.wake(this.upstream);
    this.#press(window);
  }

  /** Queues a frame that waits for nothing, on a window's account. */
  sendControl(window: Window, way: Way, message: Message, cancels?: string): void {
    if (!window.isAttached || (way === "up" && !this.upstream.isConnected)) return;
    window.direction(way).bytes += message.bytes;
    if (way === "down") {
      window.control.push(message);
      return this.wake(window);
    }
    this.upstream.bytes += message.bytes;
    this.upstream.control.push({ window, message, cancels });
    this.wake(this.upstream);
    this.#press(window);
  }

  /** Queues a frame of the relay itself. */
  sendOwn(port: Port, frame: Frame): void {
    const message = own(frame);
    if (port instanceof Window) return this.sendControl(port, "down", message);
    if (!port.isConnected) return;
    port.bytes += message.bytes;
    port.ownBytes += message.bytes;
    port.control.push({ window: undefined, message, cancels: undefined });
    this.wake(port);
  }

  windowSource(window: Window): Source {
    const limits = this.#limits;
    return {
      next: () => {
        const message = window.control.shift();
        if (message !== undefined) window.down.bytes -= message.bytes;
        const call = message === undefined ? window.down.ring.shift() : undefined;
        return call === undefined ? message : this.#take(call, "down");
      },
      get hasNext() {
        return window.down.bytes > 0;
      },
      progressed: () => {
        if (window.stall !== undefined) this.#watch(window, window.down.bytes > limits.soft_bytes);
      },
      failed: (reason) => this.#consequences.onFailed(window, reason),
    };
  }

  #upstreamSource(): Source {
    const upstream = () => this.upstream;
    return {
      next: () => upstream().shiftControl() ?? this.#nextOfRing(),
      get hasNext() {
        return upstream().bytes > 0;
      },
      progressed: () => {
        if (upstream().stall !== undefined) this.#watch(upstream(), upstream().bytes > this.#limits.soft_bytes);
      },
      failed: (reason) => this.#consequences.onFailed(upstream(), reason),
    };
  }

  #nextOfRing(): Message | undefined {
    const { ring } = this.upstream;
    for (let window = ring.shift(); window !== undefined; window = ring.shift()) {
      const call = window.up.ring.shift();
      const message = call && this.#take(call, "up");
      window.isInTurn = window.up.ring.length > 0;
      if (window.isInTurn) ring.push(window);
      if (message !== undefined) return message;
    }
    return undefined;
  }

  /** Hands the next message of a call over, and forgets the call with its last. */
  #take(call: Call, way: Way): Message | undefined {
    const message = call[way].shift();
    if (message === undefined) return undefined;
    const direction = call.window.direction(way);
    const answers = way !== call.way;
    call.isSent ||= !answers;
    direction.bytes -= message.bytes;
    if (way === "up") this.upstream.bytes -= message.bytes;
    if (!call[way].isEmpty) direction.ring.push(call);
    else if (answers && call.isFinished) this.#consequences.onDone(call);
    return message;
  }

  /** Discards what waits of a call in one direction. */
  unqueue(call: Call, way: Way): void {
    const bytes = call[way].clear();
    const direction = call.window.direction(way);
    direction.bytes -= bytes;
    if (way === "up") this.upstream.bytes -= bytes;
    remove(direction.ring, call);
  }

  /** A window that goes has no turn any more. */
  forget(window: Window): void {
    remove(this.upstream.ring, window);
    clearTimeout(window.stall);
  }

  wake(port: Port): void {
    this.#woken.add(port);
  }

  /** Posts what can be posted. What is caused by that is posted afterwards, so that nothing here runs within itself. */
  flush(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    try {
      for (const port of this.#woken) {
        this.#woken.delete(port);
        port.outlet.pump();
        if (port instanceof Window) this.#press(port);
        else this.#pressUpstream();
      }
    } finally {
      this.#isFlushing = false;
    }
  }

  /** Acts on bounds that a window exceeds. `spec: relay.4` */
  #press(window: Window): void {
    if (!window.isAttached) return;
    const { soft_bytes: soft, hard_bytes: hard } = this.#limits;
    if (window.down.bytes > hard) this.#consequences.onFlooded(window);
    if (window.down.bytes > hard || window.up.bytes > hard) {
      return this.#consequences.onFailed(window, limitError("queued bytes", hard, "hard_bytes").message);
    }
    if (window.down.bytes > soft && window.stall === undefined) this.#watch(window, true);
  }

  #pressUpstream(): void {
    const { upstream } = this;
    const limits = this.#limits;
    if (!upstream.isConnected) return;
    if (upstream.ownBytes > limits.hard_bytes) {
      return this.#consequences.onFailed(upstream, limitError("queued bytes", limits.hard_bytes, "hard_bytes").message);
    }
    if (upstream.bytes > limits.soft_bytes && upstream.stall === undefined) this.#watch(upstream, true);
  }

  /** Waits for progress, anew from now on, while much waits for a connection. */
  #watch(port: Port, isPressed: boolean): void {
    clearTimeout(port.stall);
    port.stall = isPressed ? setTimeout(() => this.#stalled(port), this.#limits.stall) : undefined;
  }

  /** It took nothing for too long: it is freed of what nobody grants credit for, or ended. `spec: relay.6, bytes.5` */
  #stalled(port: Port): void {
    port.stall = undefined;
    const { stall, soft_bytes: soft } = this.#limits;
    if (port instanceof Window) this.#consequences.onFlooded(port);
    const waiting = port instanceof Window ? port.down.bytes : port.bytes;
    if (waiting > soft) {
      this.#consequences.onFailed(port, `it took nothing for ${stall} ms; see limits.stall and limits.soft_bytes`);
    }
    this.flush();
  }
}

function remove<T>(list: T[], item: T): void {
  const at = list.indexOf(item);
  if (at >= 0) list.splice(at, 1);
}
