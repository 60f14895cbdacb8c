import { once } from "node:events";
import { createServer } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { WebSocket, WebSocketServer } from "ws";

import { RpcEndpoint } from "../../src/index.js";
import { webSocket, WebSocketTransport } from "../../src/transports/websocket.js";
import { Listening, req, res } from "./listening.js";

const servers: WebSocketServer[] = [];

async function serve(): Promise<{ server: WebSocketServer; url: string }> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, handleProtocols: () => "sixframe.v0" });
  servers.push(server);
  await once(server, "listening");
  return { server, url: `ws://127.0.0.1:${(server.address() as { port: number }).port}/` };
}

afterEach(() => {
  for (const server of servers.splice(0)) {
    for (const client of server.clients) client.terminate();
    server.close();
  }
});

/** A server that lets nobody in. */
async function refusing(status: number): Promise<{ url: string; asked: () => number }> {
  let asked = 0;
  const verifyClient = (_: unknown, answer: (is: boolean, status: number) => void) => (asked++, answer(false, status));
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, verifyClient });
  servers.push(server);
  await once(server, "listening");
  return { url: `ws://127.0.0.1:${(server.address() as { port: number }).port}/`, asked: () => asked };
}

test("frames go out and come in as text", async () => {
  const { server, url } = await serve();
  server.on("connection", (socket) => {
    socket.on("message", (text, isBinary) => {
      expect(isBinary).toBe(false);
      socket.send(JSON.stringify(res(JSON.parse(String(text)).cid)));
    });
  });
  const transport = new WebSocketTransport(url, { WebSocket });
  const listening = await Listening.to(transport);
  transport.post(req("a"));
  expect(await listening.next()).toEqual(res("a"));
  transport.postText(JSON.stringify(req("b")));
  expect(await listening.next()).toEqual(res("b"));
  transport.stop();
  expect(() => transport.post(req("c"))).toThrow("not open");
});

test("what has no text fails its own call", async () => {
  const { server, url } = await serve();
  server.on("connection", (socket) => socket.on("message", (text) => socket.send(String(text))));
  const transport = new WebSocketTransport(url, { WebSocket });
  const listening = await Listening.to(transport);
  transport.post(req("a", "m", 1n));
  expect(await listening.next()).toMatchObject({ kind: "err", cid: "a", code: "INVALID_PAYLOAD" });
  transport.post(res("b", 1n));
  expect(await listening.next()).toMatchObject({ kind: "err", cid: "b", code: "INTERNAL" });
  transport.stop();
});

test("the token travels as a subprotocol and is asked for anew", async () => {
  const { server, url } = await serve();
  const offered: unknown[] = [];
  server.on("connection", (_socket, request) => offered.push(request.headers["sec-websocket-protocol"], request.url));
  let nth = 0;
  const connect = webSocket(url, { WebSocket, token: async () => `secret${(nth += 1)}` });
  for (let times = 0; times < 2; times += 1) {
    const transport = await connect();
    await Listening.to(transport);
    transport.stop();
  }
  expect(offered).toEqual(["sixframe.v0,sixframe.token.secret1", "/", "sixframe.v0,sixframe.token.secret2", "/"]);
});

test("only an end that is meant closes in good order: one that is given up for another connection does not", async () => {
  const { server, url } = await serve();
  const closes: Promise<number>[] = [];
  let opened = 0;
  server.on("connection", (socket) => {
    closes.push(once(socket, "close").then(([code]) => code));
    if (closes.length === 1) for (let nth = 0; nth < 16; nth += 1) socket.send("no frame");
  });
  const endpoint: RpcEndpoint = new RpcEndpoint(webSocket(url, { WebSocket }), {
    backoff: { first: 1 },
    limits: { malformed: 16 },
    onWarning: vi.fn(),
    onState: (state) => state === "open" && (opened += 1) === 2 && endpoint.stop(),
  });
  endpoint.start();
  await vi.waitFor(() => expect(closes).toHaveLength(2));
  // The second may be there before the server has heard the end of the first.
  expect(await Promise.all(closes)).toEqual([4000, 1000]);
});

test("one that is stopped before it is connected connects no more", async () => {
  const { server, url } = await serve();
  let connections = 0;
  server.on("connection", () => (connections += 1));
  let give!: (token: string) => void;
  const token = () => new Promise<string>((resolve) => (give = resolve));
  const asking = new WebSocketTransport(url, { WebSocket, token });
  const asked = Listening.to(asking);
  asking.stop();
  give("late");
  await expect(asked).rejects.toThrow("stopped before");
  expect(connections).toBe(0);
  const opening = new WebSocketTransport(url, { WebSocket });
  const opened = Listening.to(opening);
  await Promise.resolve();
  opening.stop();
  await expect(opened).rejects.toThrow("stopped before");
});

test("how the peer closed is told", async () => {
  const { server, url } = await serve();
  for (const [code, clean] of [[1000, true], [1001, true], [1011, false], [4000, false]] as const) {
    server.once("connection", (socket) => socket.close(code, "because"));
    const listening = await Listening.to(new WebSocketTransport(url, { WebSocket }));
    expect(await listening.closed).toEqual({ clean, reason: "because" });
  }
  server.once("connection", (socket) => socket.terminate());
  const cut = await Listening.to(new WebSocketTransport(url, { WebSocket }));
  expect(await cut.closed).toMatchObject({ clean: false, reason: "the WebSocket closed with code 1006" });
});

test("a refusal rejects and names its cause but not the token", async () => {
  const { url } = await serve();
  const refused = webSocket(url.replace(/:\d+/, ":1"), { WebSocket, token: "hidden" });
  const failure = await Promise.resolve(refused()).then((transport) => Listening.to(transport)).catch(String);
  expect(failure).toMatch(/cannot connect to ws:.*ECONNREFUSED/);
  expect(failure).not.toContain("hidden");
});

test.each([
  [401, "UNAUTHORIZED"],
  [403, "FORBIDDEN"],
])("a server that refuses with %d ends the endpoint, and the calls that wait", async (status, code) => {
  const { url, asked } = await refusing(status);
  const states: unknown[] = [];
  const endpoint = new RpcEndpoint(webSocket(url, { WebSocket, token: "wrong" }), { onState: (...state) => states.push(state) });
  endpoint.start();
  const message = expect.stringContaining(`${url}: Unexpected server response: ${status}`);
  await expect(endpoint.request("m")).rejects.toMatchObject({ code, message });
  expect(states).toEqual([["closed", message]]);
  expect(asked()).toBe(1);
});

test("a token that is asked for anew may be right the next time", async () => {
  const { url, asked } = await refusing(401);
  const backoff = { first: 1, longest: 1 };
  const endpoint = new RpcEndpoint(webSocket(url, { WebSocket, token: () => "old" }), { backoff });
  endpoint.start();
  await vi.waitFor(() => expect(asked()).toBeGreaterThan(1));
  expect(endpoint.state).toBe("connecting");
  endpoint.stop();
});

test("a server that does not answer the handshake is given up", async () => {
  const silent = createServer().listen(0, "127.0.0.1");
  await once(silent, "listening");
  const url = `ws://127.0.0.1:${(silent.address() as { port: number }).port}`;
  await expect(Listening.to(new WebSocketTransport(url, { WebSocket, openMs: 20 }))).rejects.toThrow("within 20 ms");
  silent.close();
});

test("binary messages end the connection", async () => {
  const { server, url } = await serve();
  const closed = new Promise((resolve) => {
    server.once("connection", (socket) => {
      socket.on("close", resolve);
      socket.send(new Uint8Array([1, 2, 3]));
    });
  });
  await Listening.to(new WebSocketTransport(url, { WebSocket }));
  expect(await closed).toBe(1003);
});
