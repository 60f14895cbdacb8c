/** Frames over a WebSocket, one text message each, as the daemon serves them. Connecting again is the endpoint's business. */

import { decode } from "../codec.js";
import { RpcError } from "../errors.js";
import type { Frame } from "../frame.js";
import type { Connector, Decode, OnClose, OnFrame, Transport } from "../transport.js";
import { postAsText } from "./unsendable.js";

/** The subprotocol that both sides name. */
export const SUBPROTOCOL = "sixframe.v0";

/** What is used of a WebSocket: the browser's, or the one of the package `ws`. */
export interface WebSocketLike {
  readonly readyState: number;
  readonly bufferedAmount: number;
  send(text: string): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: "open", listener: () => void): void;
  addEventListener(type: "error", listener: (event: { message?: string }) => void): void;
  addEventListener(type: "message", listener: (event: { data: unknown }) => void): void;
  addEventListener(
    type: "close",
    listener: (event: { code: number; reason: string; wasClean: boolean }) => void,
  ): void;
}

/** How to connect. */
export interface WebSocketOptions {
  /** The daemon's token; a function is asked anew for every connection. It travels as a subprotocol, never in the URL. */
  token?: string | (() => string | Promise<string>);
  /** The class to use, where there is no global one: `import { WebSocket } from "ws"`. */
  WebSocket?: new (url: string, protocols: string[]) => WebSocketLike;
  /** Milliseconds within which the connection must be open. Default 10,000. */
  openMs?: number;
}

const OPEN = 1;

/** The code of a close by who will come back. */
const LOST = 4000;

/** The codes of a close in good order: done, going away, and none given. */
const CLEAN: readonly number[] = [1000, 1001, 1005];

/**
 * One WebSocket. `start` resolves once it is open and rejects where it cannot be opened; browsers do not say why. Where the
 * class tells that the server refused with 401 or 403, as that of `ws` does, and the token is not a function, it rejects with
 * an {@link RpcError} `UNAUTHORIZED` or `FORBIDDEN`: trying again is of no use.
 *
 * A close with 1000, 1001 or no code is clean. `stop` sends what was posted and closes with 1000, or,
 * where the connection is given up for another one, with 4000.
 */
export class WebSocketTransport implements Transport {
  readonly decode: Decode = decode;
  readonly #url: string;
  readonly #options: WebSocketOptions;
  #socket: WebSocketLike | undefined;
  #stopped = false;
  #give: OnFrame = () => undefined;

  constructor(url: string, options: WebSocketOptions = {}) {
    this.#url = url;
    this.#options = options;
  }

  async start(onFrame: OnFrame, onClose: OnClose = () => undefined): Promise<void> {
    const protocols = await this.#protocols();
    if (this.#stopped) throw new Error("stopped before it was connected");
    const socket = this.#make(protocols);
    this.#socket = socket;
    this.#give = (message) => {
      if (socket.readyState === OPEN) onFrame(message);
    };
    await new Promise<void>((resolve, reject) => {
      const tooLate = setTimeout(() => {
        reject(new Error(`${this.#url} did not answer within ${this.#openMs} ms; see openMs`));
        socket.close();
      }, this.#openMs);
      let opened = false;
      let why = "";
      socket.addEventListener("open", () => {
        opened = true;
        clearTimeout(tooLate);
        resolve();
      });
      // Only Node's says more than that it failed.
      socket.addEventListener("error", ({ message }) => (why = message ?? ""));
      socket.addEventListener("message", ({ data }) => {
        if (typeof data === "string") onFrame(data);
        else socket.close(1003, "only text is spoken here");
      });
      socket.addEventListener("close", ({ code, reason, wasClean }) => {
        clearTimeout(tooLate);
        if (!opened) return reject(this.#stopped ? new Error("stopped before it was connected") : this.#refused(why));
        if (this.#stopped) return;
        const clean = wasClean && CLEAN.includes(code);
        onClose({ clean, reason: reason === "" ? `the WebSocket closed with code ${code}` : reason });
      });
    });
  }

  post(frame: Frame): void {
    postAsText(frame, this.#give, (text) => this.postText(text));
  }

  /** Sends a frame that is text already, byte for byte. */
  postText(text: string): void {
    if (this.#socket?.readyState !== OPEN) throw new Error("the WebSocket is not open");
    this.#socket.send(text);
  }

  stop(lost?: boolean): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#socket?.close(lost ? LOST : 1000);
  }

  get buffered(): number {
    return this.#socket?.bufferedAmount ?? 0;
  }

  get #openMs(): number {
    return this.#options.openMs ?? 10_000;
  }

  async #protocols(): Promise<string[]> {
    const { token } = this.#options;
    const secret = typeof token === "function" ? await token() : token;
    return secret === undefined ? [SUBPROTOCOL] : [SUBPROTOCOL, `sixframe.token.${secret}`];
  }

  /** Another token may be right where the token is a function; what else a server refuses it will refuse again. */
  #refused(why: string): Error {
    const causes = "is the daemon there, is the token right, and is this page's origin in ws.allowed_origins?";
    const message = `cannot connect to ${this.#url}: ${why === "" ? causes : why}`;
    const [, status] = /response: (401|403)$/.exec(why) ?? [];
    if (status === undefined || typeof this.#options.token === "function") return new Error(message);
    return new RpcError(status === "401" ? "UNAUTHORIZED" : "FORBIDDEN", message);
  }

  #make(protocols: string[]): WebSocketLike {
    const Socket = this.#options.WebSocket ?? (globalThis.WebSocket as WebSocketOptions["WebSocket"]);
    if (Socket === undefined) throw new Error("there is no WebSocket here; give the option WebSocket, from the package ws");
    return new Socket(this.#url, protocols);
  }
}

/** Connects to `url` each time it is asked. */
export function webSocket(url: string, options: WebSocketOptions = {}): Connector {
  return () => new WebSocketTransport(url, options);
}
