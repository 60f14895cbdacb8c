/** A service worker that serves every page that connects. It forgets everything when it sleeps but what it can compute. */

import { Item, RpcEndpoint } from "sixframe";
import { acceptPorts } from "sixframe/transports/service-worker";

const instance = crypto.randomUUID();
let connections = 0;

acceptPorts((transport, client) => {
  connections += 1;
  const endpoint = new RpcEndpoint(transport, {
    onState: (state) => {
      if (state === "closed") connections -= 1;
    },
  });
  endpoint.register("instance", () => instance);
  endpoint.register("connections", () => connections);
  endpoint.register("client", () => new URL(client.url).pathname);
  endpoint.register("length", (bytes: Uint8Array) => bytes.byteLength);
  endpoint.register("numbers", async function* (_payload, { resume, signal }) {
    // The numbers are the same in every life of the worker.
    for (let n = (resume?.after ?? 0) + 1; !signal.aborted; n += 1) {
      yield new Item(n, { pos: n, epoch: "naturals" });
    }
  });
  endpoint.register("fleeting", async function* (_payload, { signal }) {
    yield "first";
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
  });
  endpoint.start();
});

const scope = globalThis as unknown as {
  skipWaiting(): Promise<void>;
  addEventListener(type: "install", listener: (event: { waitUntil(work: Promise<void>): void }) => void): void;
};
scope.addEventListener("install", (event) => event.waitUntil(scope.skipWaiting()));
