/** The real daemon, started as a program that embeds it would start it. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

interface Ready {
  listen: string[];
  tokenFile: string;
}

export class Daemon {
  readonly folder: string;
  readonly url: string;
  readonly token: string;
  readonly #process: ChildProcess;

  private constructor(child: ChildProcess, folder: string, ready: Ready) {
    this.#process = child;
    this.folder = folder;
    this.url = ready.listen.find((address) => address.startsWith("ws://")) ?? "";
    this.token = readFileSync(ready.tokenFile, "utf8").trim();
  }

  /** A daemon in a folder of its own, which it also shows; on the port of another one that is gone, where that is given. */
  static async start(options: { origins?: readonly string[]; instead?: Daemon } = {}): Promise<Daemon> {
    const { origins = [], instead } = options;
    const folder = instead?.folder ?? mkdtempSync(join(tmpdir(), "sixframe-daemon-"));
    const child = spawn(
      process.env.SIXFRAME_BIN ?? "sixframe",
      [
        ...["serve", "--runtime-dir", folder, "--listen", instead?.url ?? "ws://127.0.0.1:0"],
        ...["--allow", "process.run", "--console-port", "0", "--set", "drain_ms=100", "--set", "log=warn"],
        ...["--set", `fs.roots=${folder}`],
        ...["--set", `ws.allowed_origins=${origins.join(",")}`],
      ],
      { cwd: folder, stdio: ["ignore", "pipe", "inherit"], env: environment(folder) },
    );
    return new Daemon(child, folder, await ready<Ready>(child));
  }

  /** As a power cut would. */
  async kill(): Promise<void> {
    const exited = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await exited;
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** What a daemon says of itself when it is ready. */
export async function ready<T>(child: ChildProcess): Promise<T> {
  const lines = createInterface({ input: child.stdout as Readable });
  const failed = once(child, "exit").then(([code]) => {
    throw new Error(`the daemon exited with ${code} before it was ready`);
  });
  const [line] = (await Promise.race([once(lines, "line"), failed])) as [string];
  failed.catch(() => undefined);
  return JSON.parse(line) as T;
}

/** Ours without what would configure a daemon. */
export function environment(folder: string): NodeJS.ProcessEnv {
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith("SIXFRAME_"));
  return { ...Object.fromEntries(others), XDG_CONFIG_HOME: folder };
}
