/**
 * Ends streams in which nothing comes for too long, on this side too: those that it consumes, by their option `idleMs`, and
 * those that it produces, by what their consumers ask for. Plugged in with `new RpcEndpoint(transport, { use: [idle] })`.
 * `spec: time.8`
 */

import { timeout } from "./errors.js";
import type { Consumer } from "./flow.js";
import type { Grant, Nxt, OnLag } from "./frame.js";
import type { Item } from "./item.js";
import type { Session } from "./session.js";
import type { Exchange, Millis } from "./session/exchange.js";
import { LIVE } from "./session/phase.js";

/** Lets the endpoint watch for idle streams. Without it a consumer's `idleMs` is only told to its producer. */
export function idle(session: Session): void {
  watchCalls(session);
  watchRequests(session);
}

/** The time in which nothing came although something could. */
class Gap {
  readonly #x: Exchange;
  readonly #idleMs: number | undefined;
  readonly #mayCome: () => boolean;
  #since: Millis;

  constructor(x: Exchange, idleMs: number | null | undefined, mayCome: () => boolean) {
    this.#x = x;
    this.#idleMs = idleMs ?? undefined;
    this.#mayCome = mayCome;
    this.#since = x._session._now();
  }

  /** Something has come, or something that had to come first. */
  _end(): void {
    this.#since = this.#x._session._now();
    this._look();
  }

  /** Fails a stream that has been idle for too long, or says when it will have been. */
  _look(): void {
    const { _session, _stage } = this.#x;
    if (this.#idleMs === undefined || _stage !== LIVE) return;
    const now = _session._now();
    if (!this.#mayCome()) this.#since = now;
    const at = this.#since + Math.ceil(this.#idleMs);
    if (at > now) _session._soon(at);
    else this.#x._fail(timeout(), "idle");
  }
}

function watchCalls(session: Session): void {
  const mayCome = ({ _obeys, _received, _upto, _isHeld }: Consumer) => !_obeys || (_received < _upto && !_isHeld?.());
  session._Call = class extends session._Call {
    readonly #gap = new Gap(this, this._in && this._spec.idleMs, () => mayCome(this._in!));

    override _issue(): void {
      super._issue();
      this.#gap._end();
    }

    override _receive(nxt: Nxt, size: number): boolean {
      const isNew = super._receive(nxt, size);
      if (isNew) this.#gap._end();
      return isNew;
    }

    override _next(): Item | undefined {
      // While it had no credit the producer was not idle.
      this.#gap._look();
      const item = super._next();
      this.#gap._look();
      return item;
    }

    override _due(now: Millis): void {
      super._due(now);
      this.#gap._look();
    }
  };
}

function watchRequests(session: Session): void {
  session._Request = class extends session._Request {
    readonly #gap = new Gap(this, this._req.meta?.idleMs, () => !!this._isStream && this._out!._hasCredit());

    override _open(declared: OnLag, pushes?: boolean): boolean {
      const isOpen = super._open(declared, pushes);
      if (isOpen) this.#gap._end();
      return isOpen;
    }

    override _push(item: Item): void {
      super._push(item);
      this.#gap._end();
    }

    override _grant(fc: Grant): boolean {
      // Until now there was no credit, and the stream was not idle.
      this.#gap._look();
      const isNews = super._grant(fc);
      this.#gap._look();
      return isNews;
    }

    override _due(now: Millis): void {
      super._due(now);
      this.#gap._look();
    }
  };
}
