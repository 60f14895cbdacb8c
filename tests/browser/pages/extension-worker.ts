/**
 * An extension's worker. Ports called `rpc` are served by itself; ports called `daemon` share one native messaging host, by a
 * relay.
 */

import { Item, RpcEndpoint } from "sixframe";
import { Relay } from "sixframe/relay";
import { acceptChromePorts, nativeHost, type Serialization } from "sixframe/transports/chrome-port";

declare global {
  var serialization: Serialization;
}

const instance = crypto.randomUUID();
const allowExternal = ({ origin }: { origin?: string | undefined }) => origin?.startsWith("http://127.0.0.1:") === true;

acceptChromePorts(
  (transport, { sender }) => {
    const endpoint = new RpcEndpoint(transport);
    endpoint.register("instance", () => instance);
    endpoint.register("origin", () => sender?.origin ?? sender?.url);
    endpoint.register("kinds", (values: unknown[]) => values.map((value) => Object.prototype.toString.call(value)));
    endpoint.register("numbers", async function* (_payload, { resume, signal }) {
      for (let n = (resume?.after ?? 0) + 1; !signal.aborted; n += 1) yield new Item(n, { pos: n, epoch: "naturals" });
    });
    endpoint.start();
  },
  { serialization: globalThis.serialization, allowExternal, runtime: chrome.runtime },
);

let relay: Relay | undefined;
let windows = 0;

acceptChromePorts(
  (transport) => {
    relay ??= new Relay(nativeHost("dev.sixframe.test"));
    windows += 1;
    relay.attach(transport, { senderId: `page ${windows}`, doc: "1" });
  },
  { name: "daemon", serialization: globalThis.serialization },
);
