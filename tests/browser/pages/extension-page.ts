/** A page of the extension, or one that the extension lets connect. */

import { RpcEndpoint, type RpcStream } from "sixframe";
import { chromePort } from "sixframe/transports/chrome-port";

class ExtensionPage {
  readonly states: string[] = [];
  readonly said: unknown[] = [];
  #endpoint: RpcEndpoint | undefined;
  #numbers: RpcStream<number> | undefined;
  ended: string | undefined;

  connect(name: string, extensionId?: string): void {
    const options = { name, serialization: globalThis.serialization, ...(extensionId === undefined ? {} : { extensionId }) };
    this.#endpoint = new RpcEndpoint(chromePort(options), {
      backoff: { first: 1, longest: 10 },
      onState: (state) => this.states.push(state),
    });
    this.#endpoint.start();
  }

  async request(method: string, payload?: unknown): Promise<unknown> {
    return await this.#connected.request(method, payload);
  }

  /** The kinds in which a date and bytes arrive; or why they cannot be sent. */
  async kinds(): Promise<unknown> {
    const kinds = await this.request("kinds", [new Date(0)]);
    const bytes = await this.request("kinds", [new Uint8Array(3)]).catch((error: { message: string }) => error.message);
    return [kinds, bytes];
  }

  async numbers(count: number): Promise<number[]> {
    this.#numbers ??= this.#connected.stream<number>("numbers");
    const taken: number[] = [];
    while (taken.length < count) taken.push((await this.#numbers.next()).value ?? Number.NaN);
    return taken;
  }

  /** Runs a program; its first word is the answer. */
  async run(args: string[]): Promise<string> {
    const stream = this.#connected.stream<{ data?: string }>("process.run", { program: "sh", args });
    const first = await stream.next();
    stream.next().catch((error: { code: string }) => (this.ended = error.code));
    return first.value?.data ?? "";
  }

  get #connected(): RpcEndpoint {
    if (this.#endpoint === undefined) throw new Error("connect first");
    return this.#endpoint;
  }
}

declare global {
  interface Window {
    extension: ExtensionPage;
  }
}

window.extension = new ExtensionPage();
