/** The real daemon with its console, as `sixframe serve` runs it, and links into it, as `sixframe open` makes them. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { environment, ready } from "./daemon.js";

const DIST = process.env.SIXFRAME_CONSOLE_DIR ?? fileURLToPath(new URL("../../../console/dist/", import.meta.url));
const PROGRAM = process.env.SIXFRAME_BIN ?? "sixframe";

interface Ready {
  listen: string[];
  tokenFile: string;
  console: string;
}

export class ConsoleDaemon {
  readonly folder: string;
  /** Where the console is. */
  readonly url: string;
  readonly #ready: Ready;
  readonly #process: ChildProcess;

  private constructor(child: ChildProcess, folder: string, ready: Ready) {
    this.#process = child;
    this.folder = folder;
    this.url = ready.console;
    this.#ready = ready;
  }

  /**
   * A daemon in a folder of its own, or in that of one that is gone, and at its ports. `configuration` is the text of its file,
   * which it keeps; `inherits` what its environment has beside ours.
   */
  static async start(
    instead?: ConsoleDaemon,
    { configuration, inherits = {} }: { configuration?: string; inherits?: NodeJS.ProcessEnv } = {},
  ): Promise<ConsoleDaemon> {
    const folder = instead?.folder ?? mkdtempSync(join(tmpdir(), "sixframe-console-"));
    const file = join(folder, "sixframe.toml");
    if (configuration !== undefined) writeFileSync(file, configuration);
    const child = spawn(
      PROGRAM,
      [
        ...["serve", ...(existsSync(file) ? ["--config", file] : [])],
        ...["--runtime-dir", folder, "--listen", instead?.address ?? "ws://127.0.0.1:0", "--allow", "process.run"],
        ...["--console-port", instead ? new URL(instead.url).port : "0", "--console-dir", DIST],
        ...["--set", "drain_ms=100", "--set", "log=warn", "--set", `fs.roots=${folder}`],
      ],
      { cwd: folder, stdio: ["ignore", "pipe", "inherit"], env: { ...environment(folder), ...inherits } },
    );
    return new ConsoleDaemon(child, folder, await ready<Ready>(child));
  }

  get address(): string {
    return this.#ready.listen.find((address) => address.startsWith("ws://")) ?? "";
  }

  /** A link that lets in once. */
  async link(): Promise<string> {
    const { url, ticket } = await this.call<{ url: string; ticket: string }>("console.ticket");
    return `${url}#ticket=${ticket}`;
  }

  /** Calls a method from outside the browser. */
  async call<T>(method: string, payload?: unknown): Promise<T> {
    const parameters = payload === undefined ? [] : [JSON.stringify(payload)];
    const child = spawn(PROGRAM, ["call", this.address, method, ...parameters, "--token-file", this.#ready.tokenFile], {
      stdio: ["ignore", "pipe", "inherit"],
      env: environment(this.folder),
    });
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    const [code] = (await once(child, "close")) as [number];
    if (code !== 0) throw new Error(`${method} ended with ${code}`);
    return JSON.parse(Buffer.concat(chunks).toString()) as T;
  }

  /** As a power cut would. */
  kill(): Promise<void> {
    return this.#signal("SIGKILL");
  }

  /** In order, as a service manager would. */
  end(): Promise<void> {
    return this.#signal("SIGTERM");
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #signal(signal: NodeJS.Signals): Promise<void> {
    const exited = once(this.#process, "exit");
    this.#process.kill(signal);
    await exited;
  }
}
