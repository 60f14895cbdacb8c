/** A page whose backend is its service worker. */

import { RpcEndpoint, type RpcStream } from "sixframe";
import { serviceWorker } from "sixframe/transports/service-worker";
import { transfer } from "sixframe/transports/transfer";

class ServedPage {
  readonly states: string[] = [];
  #endpoint: RpcEndpoint | undefined;
  #numbers: RpcStream<number> | undefined;

  async connect({ stayMs, pingMs }: { stayMs?: number; pingMs?: number }): Promise<void> {
    await navigator.serviceWorker.register("/sw.js");
    this.#endpoint = new RpcEndpoint(serviceWorker(stayMs === undefined ? {} : { stayMs }), {
      ...(pingMs === undefined ? {} : { pingMs }),
      backoff: { first: 1, longest: 10 },
      onState: (state, reason) => this.states.push(reason === undefined ? state : `${state}: ${reason}`),
    });
    this.#endpoint.start();
  }

  request(method: string, payload?: unknown): Promise<unknown> {
    return this.#connected.request(method, payload);
  }

  /** The next numbers of the stream, which goes on from call to call. */
  async numbers(count: number): Promise<number[]> {
    this.#numbers ??= this.#connected.stream<number>("numbers");
    const taken: number[] = [];
    while (taken.length < count) taken.push((await this.#numbers.next()).value ?? Number.NaN);
    return taken;
  }

  /** How a stream ends that cannot be resumed. */
  async fleeting(): Promise<() => Promise<string>> {
    const stream = this.#connected.stream("fleeting");
    await stream.next();
    return () => stream.next().then(() => "an item", (error: { code: string }) => error.code);
  }

  /** How many bytes arrive, and how many are left here when they are moved. */
  async move(count: number): Promise<[unknown, number]> {
    const bytes = new Uint8Array(count);
    return [await this.request("length", transfer(bytes)), bytes.byteLength];
  }

  get #connected(): RpcEndpoint {
    if (this.#endpoint === undefined) throw new Error("connect first");
    return this.#endpoint;
  }
}

declare global {
  interface Window {
    served: ServedPage;
  }
}

window.served = new ServedPage();
