/** A page that speaks to the daemon; the test acts through `window.rpc`. */

import { RpcEndpoint, type RpcStream } from "sixframe";
import { webSocket } from "sixframe/transports/websocket";

interface Followed {
  stream: RpcStream<unknown>;
  items: unknown[];
  ended: string | undefined;
}

class DaemonPage {
  readonly states: string[] = [];
  endpoint: RpcEndpoint | undefined;
  readonly streams: Record<string, Followed> = {};

  connect(url: string, token: string): void {
    this.endpoint = new RpcEndpoint(webSocket(url, { token }), {
      backoff: { first: 10, longest: 100 },
      onState: (state, reason) => this.states.push(reason === undefined ? state : `${state}: ${reason}`),
    });
    this.endpoint.start();
  }

  request(method: string, payload?: unknown): Promise<unknown> {
    return this.#connected.request(method, payload);
  }

  /** The code with which a request fails. */
  async failure(method: string, payload?: unknown): Promise<unknown> {
    return await this.#connected.request(method, payload).then(
      () => "no failure",
      (error: { code: string; details: unknown }) => [error.code, error.details],
    );
  }

  /** Follows a stream under a name of the test's. */
  follow(name: string, method: string, payload: unknown): void {
    const stream = this.#connected.stream(method, payload);
    const followed: Followed = { stream, items: [], ended: undefined };
    this.streams[name] = followed;
    const read = async () => {
      for await (const item of stream) followed.items.push(item);
    };
    read().then(
      () => (followed.ended = "end"),
      (error: { code: string }) => (followed.ended = error.code),
    );
  }

  /** What a stream has said in text. */
  text(name: string): string {
    return (this.streams[name]?.items ?? []).map((item) => (item as { data?: string }).data ?? "").join("");
  }

  /** Why no connection can be made. */
  async refusal(url: string, token: string): Promise<unknown> {
    const transport = await webSocket(url, { token })();
    try {
      await transport.start(() => undefined);
      transport.stop();
      return "none";
    } catch (error) {
      return (error as Error).message;
    }
  }

  stop(): void {
    this.#connected.stop();
  }

  get #connected(): RpcEndpoint {
    if (this.endpoint === undefined) throw new Error("connect first");
    return this.endpoint;
  }
}

declare global {
  interface Window {
    rpc: DaemonPage;
  }
}

window.rpc = new DaemonPage();
