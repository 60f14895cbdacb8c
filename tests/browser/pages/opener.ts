/** Two windows of one origin that speak over a port: the first opens the second and hands it one end. */

import { type Context, RpcEndpoint } from "sixframe";
import { MessagePortTransport } from "sixframe/transports/message-port";
import { transfer } from "sixframe/transports/transfer";
import { worker } from "sixframe/transports/worker";

const asked: unknown[] = [];
const stopped: string[] = [];

function serve(port: MessagePort): RpcEndpoint {
  const endpoint = new RpcEndpoint(new MessagePortTransport(port), { pingMs: 500 });
  endpoint.register("where", () => location.pathname);
  endpoint.register("ask", async (payload, { peer }: Context) => {
    asked.push(payload);
    return [await peer.request("where"), payload];
  });
  endpoint.register("tail", async function* (_payload, { signal }: Context) {
    const over = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    yield "first";
    await over;
    stopped.push("tail");
  });
  endpoint.register("bytes", (bytes: Uint8Array) => transfer(bytes.map((byte) => byte + 1)));
  endpoint.start();
  return endpoint;
}

const windows = {
  serve,
  stopped,
  endpoint: undefined as RpcEndpoint | undefined,
  open(): void {
    const { port1, port2 } = new MessageChannel();
    const child = window.open("/child", "child");
    addEventListener("message", ({ source, data }) => {
      if (source === child && data === "ready") child?.postMessage("port", location.origin, [port2]);
    });
    this.endpoint = serve(port1);
  },
  worker(script: string): RpcEndpoint {
    const endpoint = new RpcEndpoint(worker(() => new Worker(script)), { pingMs: 200, backoff: { first: 1, longest: 10 } });
    endpoint.start();
    return endpoint;
  },
};

declare global {
  interface Window {
    windows: typeof windows;
  }
}

window.windows = windows;

if (window.opener !== null) {
  addEventListener("message", ({ source, data, ports }) => {
    if (source === window.opener && data === "port" && ports[0] !== undefined) windows.endpoint = serve(ports[0]);
  });
  (window.opener as Window).postMessage("ready", location.origin);
}
