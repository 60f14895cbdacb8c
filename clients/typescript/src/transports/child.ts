/**
 * A program that we start, spoken to over its standard input and output. Owns the process and its group; starting it again
 * is the endpoint's business.
 */

import { type ChildProcess, spawn, type StdioPipe } from "node:child_process";
import type { Readable, Writable } from "node:stream";

import { decode } from "../codec.js";
import type { Frame } from "../frame.js";
import type { Connector, Decode, OnClose, OnFrame, Transport } from "../transport.js";
import { type Framing, StdioTransport } from "./stdio.js";

/** How the program is started, and how it is spoken to. */
export interface ChildOptions {
  /** The folder to start in. Default: ours. */
  cwd?: string;
  /** Variables set on top of our own environment; those that are undefined are taken out of it. */
  env?: Readonly<Record<string, string | undefined>>;
  /** Default `newline`. */
  framing?: Framing;
  /** The longest message accepted, in bytes. Default 16 MiB. */
  messageBytes?: number;
  /** Milliseconds that the program gets to exit by itself when its input has ended. Default 2,000. */
  graceMs?: number;
  /** Gets each line that the program writes to its standard error. */
  onStderr?: (line: string) => void;
}

type Pipes = ChildProcess & { stdin: Writable; stdout: Readable; stderr: Readable };

/** How many of the last lines of the standard error a failure tells. */
const TOLD_LINES = 5;

/** Time for what an exited program left in its pipes, when somebody else keeps them open. */
const DRAIN_MS = 500;

/** What is kept of a line of the standard error. */
const LINE_CHARS = 4096;

/**
 * One run of a program.
 *
 * Its exit ends the connection, which is clean after status 0; the reason names the program, how it exited and what it last
 * wrote to stderr. `stop` ends the program's input; what has not exited after `graceMs` is killed with its whole group, and
 * so is everything when this process exits.
 */
export class ChildTransport implements Transport {
  readonly decode: Decode = decode;
  readonly #program: string;
  readonly #args: readonly string[];
  readonly #options: ChildOptions;
  #child: Pipes | undefined;
  #bytes: StdioTransport | undefined;
  #stopped = false;

  constructor(program: string, args: readonly string[] = [], options: ChildOptions = {}) {
    this.#program = program;
    this.#args = args;
    this.#options = options;
  }

  /** The process's id, once it runs. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  async start(onFrame: OnFrame, onClose: OnClose = () => undefined): Promise<void> {
    const child = await this.#spawn();
    const lines = new StderrLines(child.stderr, this.#options.onStderr);
    const stdio = { input: child.stdout, output: child.stdin };
    const bytes = new StdioTransport({ ...stdio, ...pick(this.#options) });
    this.#child = child;
    this.#bytes = bytes;
    let failed: string | undefined;
    let ended = false;
    const killGroup = () => kill(child, "SIGKILL");
    process.once("exit", killGroup);
    const over = (clean: boolean, reason: string) => {
      if (ended) return;
      ended = true;
      if (!this.#stopped) onClose({ clean, reason });
    };
    // An exit says more than the broken pipe that it caused.
    bytes.start(onFrame, ({ clean, reason }) => {
      if (!clean) failed = reason;
      this.#end(child);
    });
    child.once("exit", (code, signal) => {
      // Whatever it started goes with it; all that it wrote is read to its end, unless that is kept open.
      killGroup();
      process.removeListener("exit", killGroup);
      const how = code === null ? `was ended by ${signal}` : `exited with status ${code}`;
      const tell = () => {
        const what = `${this.#program} ${failed === undefined ? how : `${how}: ${failed}`}`;
        over(code === 0 && failed === undefined, [what, ...lines.last()].join("\n"));
      };
      // A moment that passed in a busy process still leaves a look at what is there.
      const patience = setTimeout(() => setImmediate(tell), DRAIN_MS);
      child.once("close", () => {
        clearTimeout(patience);
        tell();
      });
    });
    if (this.#stopped) this.stop();
  }

  post(frame: Frame): void {
    if (this.#bytes === undefined) throw new Error(`${this.#program} has not been started`);
    this.#bytes.post(frame);
  }

  /** Sends a frame that is text already, byte for byte. */
  postText(text: string): void {
    if (this.#bytes === undefined) throw new Error(`${this.#program} has not been started`);
    this.#bytes.postText(text);
  }

  stop(): void {
    this.#stopped = true;
    this.#bytes?.stop();
    if (this.#child !== undefined) this.#end(this.#child);
  }

  get buffered(): number {
    return this.#bytes?.buffered ?? 0;
  }

  async #spawn(): Promise<Pipes> {
    const { cwd, env } = this.#options;
    const pipe: StdioPipe = "pipe";
    // A group of its own, so that what it starts can be ended with it.
    const detached = process.platform !== "win32";
    const child = spawn(this.#program, [...this.#args], {
      stdio: [pipe, pipe, pipe],
      env: { ...process.env, ...env },
      windowsHide: true,
      detached,
      ...(cwd === undefined ? {} : { cwd }),
    });
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", ({ message }) => reject(new Error(`cannot start ${this.#program}: ${message}`)));
    });
    child.on("error", () => undefined);
    return child;
  }

  /** Ends the program's input, and the program if that does not. */
  #end(child: Pipes): void {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.stdin.end();
    const grace = setTimeout(() => kill(child, "SIGKILL"), this.#options.graceMs ?? 2_000);
    child.once("exit", () => clearTimeout(grace));
  }
}

/** Starts `program` each time it is asked. No shell is involved. */
export function child(program: string, args: readonly string[] = [], options: ChildOptions = {}): Connector {
  return () => new ChildTransport(program, args, options);
}

/** The last lines of a program's standard error. */
class StderrLines {
  readonly #lines: string[] = [];
  #rest = "";

  constructor(stderr: Readable, onLine: ((line: string) => void) | undefined) {
    stderr.setEncoding("utf8");
    stderr.on("data", (text: string) => {
      const lines = (this.#rest + text).split("\n");
      this.#rest = (lines.pop() ?? "").slice(0, LINE_CHARS);
      for (const line of lines) {
        onLine?.(line);
        this.#lines.push(line.slice(0, LINE_CHARS));
      }
      this.#lines.splice(0, this.#lines.length - TOLD_LINES);
    });
    stderr.on("error", () => undefined);
  }

  last(): string[] {
    return this.#rest === "" ? this.#lines : [...this.#lines, this.#rest];
  }
}

function kill(child: ChildProcess, signal: "SIGKILL"): void {
  if (child.pid === undefined) return;
  try {
    if (process.platform === "win32") child.kill(signal);
    else process.kill(-child.pid, signal);
  } catch {
    // The group is gone already.
  }
}

function pick({ framing, messageBytes }: ChildOptions): { framing?: Framing; messageBytes?: number } {
  return { ...(framing && { framing }), ...(messageBytes && { messageBytes }) };
}
