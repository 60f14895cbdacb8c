/** A server that others may connect to: it says who it is, and nothing more. */

import type { AddressInfo } from "node:net";
import { once } from "node:events";

import { RpcEndpoint } from "sixframe";
import { WebSocketServer } from "ws";

import { SocketTransport } from "./socket-transport.js";

export class Remote {
  readonly #server: WebSocketServer;

  private constructor(server: WebSocketServer, serverId: string) {
    this.#server = server;
    server.on("connection", (socket) => {
      const endpoint = new RpcEndpoint(new SocketTransport(socket));
      const limits = { messageBytes: 1 << 20, depth: 64, inFlight: 16, streams: 16 };
      const welcome = { versions: ["0.3"], capabilities: [], limits, serverId, epoch: "1", methodsHash: "0" };
      endpoint.register("rpc.hello", () => welcome);
      endpoint.start();
    });
  }

  static async start(serverId: string): Promise<Remote> {
    const server = new WebSocketServer({ host: "127.0.0.1", port: 0, handleProtocols: () => "sixframe.v0" });
    const remote = new Remote(server, serverId);
    await once(server, "listening");
    return remote;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  stop(): void {
    for (const socket of this.#server.clients) socket.terminate();
    this.#server.close();
  }
}
