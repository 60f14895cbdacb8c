/** The server's side of a WebSocket, for an endpoint of a test. */

import { decode } from "sixframe/codec";
import type { Frame, OnClose, OnFrame, Transport } from "sixframe";
import type { WebSocket } from "ws";

export class SocketTransport implements Transport {
  readonly decode = decode;
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  start(onFrame: OnFrame, onClose: OnClose = () => undefined): void {
    this.#socket.on("message", (data) => onFrame(String(data)));
    this.#socket.on("close", (code) => onClose({ clean: code === 1000, reason: `closed with ${code}` }));
  }

  post(frame: Frame): void {
    this.#socket.send(JSON.stringify(frame));
  }

  stop(): void {
    this.#socket.close(1000);
  }

  get buffered(): number {
    return this.#socket.bufferedAmount;
  }
}
