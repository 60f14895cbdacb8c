/** What the tests of the endpoint begin with. */

import { type EndpointOptions, RpcEndpoint, type RpcError } from "../../src/index.js";
import { memory } from "../../src/transports/memory.js";
import { Peer } from "../peer.js";

/** Options of an endpoint whose warnings nobody reads. */
export const silent = { onWarning: () => {} };

/** An endpoint, and the peer that a test plays. */
export function connected(options: EndpointOptions = {}): [Peer, RpcEndpoint] {
  const [peer, transport] = Peer.pair();
  const endpoint = new RpcEndpoint(transport, { ...silent, ...options });
  endpoint.start();
  return [peer, endpoint];
}

/** Two endpoints, connected. */
export function two(options: EndpointOptions = {}): [RpcEndpoint, RpcEndpoint] {
  const [near, far] = memory();
  const ends = [new RpcEndpoint(near, { ...silent, ...options }), new RpcEndpoint(far, { ...silent, ...options })] as const;
  for (const end of ends) end.start();
  return [...ends];
}

/** The code that a promise rejects with. */
export const code = (promise: Promise<unknown>) => promise.then(() => "no error", (error: RpcError) => error.code);

/** A signal, and what aborts it. */
export function controller(): [AbortController, AbortSignal] {
  const abort = new AbortController();
  return [abort, abort.signal];
}

/** A source whose end can be seen. */
export function endless() {
  const seen = { asked: 0, returned: 0 };
  const source: AsyncIterableIterator<number> = {
    next: () => (++seen.asked, new Promise(() => {})),
    return: () => (++seen.returned, Promise.resolve({ done: true, value: undefined })),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
  return { seen, source };
}
