/** Stands in for the daemon: serves the built console under the daemon's policy, and a hub and methods to try it on. */

import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { RpcEndpoint, RpcError } from "sixframe";
import { WebSocketServer, type WebSocket } from "ws";

import { ReferenceHub, type Json } from "../../../clients/typescript/test/hub/reference-hub.js";
import { registerSidecars } from "./console-sidecars.js";
import { OPENRPC } from "./console-methods.js";
import { SocketTransport } from "./socket-transport.js";

const DIST = process.env.SIXFRAME_CONSOLE_DIR ?? fileURLToPath(new URL("../../../console/dist/", import.meta.url));
const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

interface Watcher {
  have: number;
  wake: (() => void) | undefined;
}

export class StandIn {
  readonly hub: ReferenceHub;
  /** Sessions that are good; a restart keeps them, as the daemon's token file does. */
  readonly sessions: Set<string>;
  readonly tickets = new Set<string>();
  readonly #server: Server;
  readonly #watchers = new Set<Watcher>();
  readonly #viewers = new Set<(tapped: object) => void>();
  readonly #endpoints = new Set<RpcEndpoint>();
  #connections = 0;

  private constructor(hub: ReferenceHub, sessions: Set<string>) {
    this.hub = hub;
    this.sessions = sessions;
    this.#server = createServer((request, response) => void this.#answer(request, response));
    const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => "sixframe.v0" });
    this.#server.on("upgrade", (request, socket, head) => {
      const shown = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((one) => one.trim());
      if (!shown.some((one) => this.sessions.has(one.replace("sixframe.token.", ""))))
        return void socket.end("HTTP/1.1 401 Unauthorized\r\n\r\n");
      sockets.handleUpgrade(request, socket, head, (opened) => this.#serve(opened));
    });
  }

  /** Begins to listen; `before` is one that was stopped, whose port, state and sessions it takes over. */
  static async start(state: Json, before?: StandIn): Promise<StandIn> {
    const standIn = new StandIn(before?.hub ?? new ReferenceHub(state), before?.sessions ?? new Set());
    await new Promise<void>((resolve) => standIn.#server.listen(before?.port ?? 0, "127.0.0.1", resolve));
    standIn.#port = (standIn.#server.address() as AddressInfo).port;
    return standIn;
  }

  #port = 0;

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/`;
  }

  /** A link that lets in once. */
  link(): string {
    const ticket = randomUUID();
    this.tickets.add(ticket);
    return `${this.url}#ticket=${ticket}`;
  }

  /** Changes the state, as another program of the daemon would. */
  commit(ops: Parameters<ReferenceHub["commit"]>[0]["ops"]): void {
    this.hub.commit({ ops });
    this.#wake();
  }

  async stop(): Promise<void> {
    for (const endpoint of this.#endpoints) endpoint.stop();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader(
      "content-security-policy",
      `default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws://${request.headers.host}; img-src 'self' data:; font-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'`,
    );
    if (request.url === "/session") return this.#session(request, response);
    const path = request.url === "/" ? "index.html" : (request.url ?? "").slice(1);
    try {
      const bytes = await readFile(join(DIST, path));
      response.setHeader("content-type", TYPES[extname(path)] ?? "application/octet-stream");
      response.end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  }

  async #session(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const shown = request.headers.authorization?.replace("Bearer ", "");
    const ticket = body === "" ? undefined : (JSON.parse(body) as { ticket: string }).ticket;
    if (!(shown !== undefined ? this.sessions.has(shown) : this.tickets.delete(ticket ?? ""))) {
      return void response.writeHead(401).end("this link was used before or is too old; `sixframe open` makes a new link\n");
    }
    const token = randomUUID();
    this.sessions.add(token);
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ token, expiresInMs: 1e9 }));
  }

  #serve(socket: WebSocket): void {
    this.#connections += 1;
    const connection = this.#connections;
    const connected = { looks: false };
    const endpoint: RpcEndpoint = new RpcEndpoint(new SocketTransport(socket), {
      onFrame: (direction, frame) => {
        if (connected.looks) return;
        const tapped = {
          connection,
          transport: "ws",
          direction: direction === "in" ? "received" : "sent",
          ts: Date.now(),
          frame,
        };
        for (const show of this.#viewers) show(tapped);
      },
      onState: (state) => {
        if (state !== "closed") return;
        this.#endpoints.delete(endpoint);
        this.#windows([{ op: "remove", path: `/windows/${connection}` }]);
      },
    });
    this.#endpoints.add(endpoint);
    this.#register(endpoint, connected);
    this.#windows([
      {
        op: "add",
        path: `/windows/${connection}`,
        value: {
          transport: "ws",
          name: `Console ${connection}`,
          since: Date.now(),
          address: `127.0.0.1:${50_000 + connection}`,
        },
      },
    ]);
    endpoint.start();
  }

  #windows(ops: Parameters<ReferenceHub["commit"]>[0]["ops"]): void {
    if (this.hub.state["windows"] !== undefined) this.commit(ops);
  }

  #register(endpoint: RpcEndpoint, connected: { looks: boolean }): void {
    endpoint.register("rpc.ping", () => null);
    endpoint.register("rpc.hello", () => ({
      versions: ["0.3"],
      capabilities: ["fc", "resume"],
      limits: {},
      serverId: "stand-in",
      epoch: "stand-in",
      methodsHash: "0",
    }));
    endpoint.register("rpc.discover", () => OPENRPC);
    endpoint.register("rpc.tap", () => {
      connected.looks = true;
      return this.#tapped();
    });
    endpoint.register("hub.getSnapshot", () => ({
      ...this.hub.state,
      version: this.hub.revision,
      epoch: this.hub.epoch,
      revision: this.hub.revision,
    }));
    endpoint.register("hub.watch", (payload) =>
      this.#watch((payload as { since?: { epoch: string; revision: number } } | undefined)?.since),
    );
    endpoint.register("hub.commit", (payload) => {
      try {
        return this.hub.commit(payload as Parameters<ReferenceHub["commit"]>[0]);
      } finally {
        this.#wake();
      }
    });
    registerSidecars(endpoint, this.hub, (ops) => this.commit(ops));
    endpoint.register("math.add", (payload) => {
      const [one, other] = payload as [number, number];
      return one + other;
    });
    endpoint.register("agent.run", (payload) => agentRun(payload as { prompt: string }));
    endpoint.register("clock.tick", (payload) => ticks((payload as { perSecond: number }).perSecond));
    endpoint.register("store.charge", () => {
      throw new RpcError(
        "CARD_DECLINED",
        "the card was declined by its bank",
        { retry: false, bank: { name: "Example Bank", reason: "insufficient funds" } },
        "payments",
      );
    });
  }

  async *#watch(since: { epoch: string; revision: number } | undefined): AsyncGenerator<unknown> {
    const watcher: Watcher = { have: this.hub.revision, wake: undefined };
    this.#watchers.add(watcher);
    try {
      const first = this.hub.open(since);
      if (first) yield first;
      for (;;) {
        if (watcher.have === this.hub.revision) await new Promise<void>((resolve) => (watcher.wake = resolve));
        const item = this.hub.patch(watcher.have);
        watcher.have = this.hub.revision;
        yield item;
      }
    } finally {
      this.#watchers.delete(watcher);
    }
  }

  async *#tapped(): AsyncGenerator<object> {
    const queue: object[] = [];
    let wake: (() => void) | undefined;
    const show = (tapped: object): void => {
      queue.push(tapped);
      wake?.();
    };
    this.#viewers.add(show);
    try {
      for (;;) {
        const next = queue.shift();
        if (next) yield next;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      this.#viewers.delete(show);
    }
  }

  #wake(): void {
    for (const watcher of this.#watchers) {
      watcher.wake?.();
      watcher.wake = undefined;
    }
  }
}

async function* agentRun({ prompt }: { prompt: string }): AsyncGenerator<object> {
  yield { type: "agent.started", prompt };
  for (const word of ["Reading", "the", "six", "frames", "as", "they", "pass."])
    yield { type: "agent.message", delta: `${word} `, role: "assistant" };
  yield { type: "agent.tool", tool: "fs.read", arguments: { path: "spec/protocol.md" }, state: "done", ms: 12 };
  yield { type: "agent.ended", reason: "complete", usage: { input: 812, output: 96 } };
}

/** Items at a rate, in bursts of what a hundredth of a second brings. */
async function* ticks(perSecond: number): AsyncGenerator<object> {
  const began = performance.now();
  for (let sent = 0; ; ) {
    const due = Math.floor(((performance.now() - began) / 1_000) * perSecond);
    for (; sent < due; sent += 1) yield { tick: sent, at: Math.round(performance.now()), load: [0.1, 0.2, 0.3] };
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
