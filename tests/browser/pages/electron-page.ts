/** A window's page. It knows the preload's API and nothing of Electron. */

import { RpcEndpoint, type RpcStream } from "sixframe";
import { FunctionSubscriber, subscribeJson } from "sixframe/electron/events";
import type { PreloadBridge, PreloadRpc } from "sixframe/electron/preload";
import { electron, electronPort } from "sixframe/transports/electron";

interface Output {
  data?: string;
  exit?: unknown;
}

class WindowPage {
  readonly heard: unknown[] = [];
  #endpoint: RpcEndpoint | undefined;
  #stream: RpcStream<Output> | undefined;

  connect(by: "bridge" | "port"): void {
    this.#endpoint = new RpcEndpoint(by === "bridge" ? electron() : electronPort());
    this.#endpoint.start();
  }

  /** Everything that a program writes. */
  async output(program: string, args: string[]): Promise<string> {
    let text = "";
    for await (const { data } of this.#run(program, args)) text += data ?? "";
    return text;
  }

  /** The first word of a program that then goes on. */
  async running(): Promise<number> {
    this.#stream = this.#run("sh", ["-c", "echo $$; exec sleep 600"]);
    return Number((await this.#stream.next()).value?.data);
  }

  async cancel(): Promise<void> {
    await this.#stream?.return();
  }

  listen(channel: string): void {
    const { on } = window.electronBridge;
    const subscriber = new FunctionSubscriber((name, handler) => on(`agentos:${name}`, handler));
    const isText = (payload: unknown): payload is { text: string } =>
      typeof (payload as { text?: unknown } | null)?.text === "string";
    subscribeJson(subscriber, channel, isText, (payload) => this.heard.push(payload), (name) => this.heard.push(`refused ${name}`));
  }

  /** What happens to what the preload does not open. */
  async refusals(): Promise<string[]> {
    const refusals: string[] = [];
    try {
      window.electronBridge.on("bridge:frame", () => undefined);
    } catch (error) {
      refusals.push((error as Error).message);
    }
    await window.rpc.request("app.quit").catch((error: Error) => refusals.push(error.message));
    return refusals;
  }

  #run(program: string, args: string[]): RpcStream<Output> {
    if (this.#endpoint === undefined) throw new Error("connect first");
    return this.#endpoint.stream<Output>("process.run", { program, args });
  }
}

interface PageWindow {
  electronBridge: PreloadBridge;
  rpc: PreloadRpc;
  page: WindowPage;
}

declare const window: PageWindow;

window.page = new WindowPage();

export type { PageWindow };
