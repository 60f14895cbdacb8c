/** An extension's script within a page: it asks the worker once, and leaves what it heard in the page. */

import { RpcEndpoint } from "sixframe";
import { chromePort } from "sixframe/transports/chrome-port";

const endpoint = new RpcEndpoint(chromePort({ serialization: globalThis.serialization }), { backoff: { first: 1, longest: 10 } });
endpoint.start();

async function report(): Promise<void> {
  const stream = endpoint.stream<number>("numbers");
  const numbers = [];
  while (numbers.length < 50) numbers.push((await stream.next()).value);
  await stream.return();
  const said = { origin: await endpoint.request("origin"), instance: await endpoint.request("instance"), numbers };
  document.documentElement.dataset.said = JSON.stringify(said);
}

document.addEventListener("ask-again", () => void report());
void report();
