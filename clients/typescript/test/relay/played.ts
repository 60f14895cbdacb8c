import type { Frame } from "../../src/frame.js";
import { Relay, type RelayOptions, type WindowHandle } from "../../src/relay.js";
import type { OnClose, OnFrame, Transport } from "../../src/transport.js";

type Fields = Record<string, unknown>;

/** A connection whose other end is played by the test. */
export class Played implements Transport {
  readonly heard: Fields[] = [];
  isStopped = false;
  /** What the transport says that it buffers; a stuck peer lets it grow. */
  isStuck = false;
  held = 0;
  #onFrame: OnFrame = () => undefined;
  #onClose: OnClose = () => undefined;

  start(onFrame: OnFrame, onClose: OnClose = () => undefined): void {
    this.#onFrame = onFrame;
    this.#onClose = onClose;
  }

  post(frame: Frame): void {
    this.heard.push(frame as unknown as Fields);
    if (this.isStuck) this.held += 1 << 20;
  }

  stop(): void {
    this.isStopped = true;
  }

  get buffered(): number {
    return this.held;
  }

  /** The peer says something. */
  say(message: unknown): void {
    this.#onFrame(message);
  }

  /** The peer is gone. */
  leave(reason = "gone"): void {
    this.#onClose({ clean: false, reason });
  }

  /** What was heard since this was last asked. */
  take(): Fields[] {
    return this.heard.splice(0);
  }

  /** The one message that was heard since. */
  only(): Fields {
    const [first, ...others] = this.take();
    if (first === undefined || others.length > 0) throw new Error(`heard ${JSON.stringify([first, ...others])}`);
    return first;
  }
}

/** A connection of text. */
export class PlayedText extends Played {
  override post(frame: Frame): void {
    this.postText(JSON.stringify(frame));
  }

  postText(text: string): void {
    this.heard.push(text as unknown as Fields);
  }
}

/** A relay whose upstream is played. */
export async function relayed(options: RelayOptions = {}, upstream = new Played()) {
  const relay = new Relay(upstream, options);
  // It connects in the background.
  await new Promise(setImmediate);
  return { relay, upstream };
}

/** A window that is played. */
export function windowOf(relay: Relay, senderId: string | number = "1", doc = "1"): { window: Played; handle: WindowHandle } {
  const window = new Played();
  return { window, handle: relay.attach(window, { senderId, doc }) };
}

export function req(cid: string, method = "m", rest: Fields = {}): Fields {
  return { kind: "req", cid, method, ...rest };
}

export function res(cid: unknown, result: unknown = null): Fields {
  return { kind: "res", cid, ok: true, result };
}

export function nxt(cid: unknown, data: unknown, rest: Fields = {}): Fields {
  return { kind: "nxt", cid, data, ...rest };
}

export function err(cid: string, code: string): unknown {
  return { kind: "err", cid, ok: false, code, domain: "common" };
}
