/** Frames over two streams of bytes: a program's standard input and output, or a child's, seen from its parent. */

import type { Frame } from "../frame.js";
import type { OnClose, OnFrame, Transport } from "../transport.js";
import { decoder, encode, FramingError, type Framing } from "./framing.js";
import { failUnsendable, postAsText } from "./unsendable.js";

export type { Framing } from "./framing.js";

/** What is used of a readable stream of Node. */
export interface ByteSource {
  on(event: "data", listener: (bytes: Uint8Array) => void): unknown;
  on(event: "end" | "close", listener: () => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  removeListener(event: "data", listener: (bytes: Uint8Array) => void): unknown;
  removeListener(event: "end" | "close", listener: () => void): unknown;
  pause(): unknown;
}

/** What is used of a writable stream of Node. */
export interface ByteSink {
  write(bytes: Uint8Array): boolean;
  end(): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  readonly writableLength: number;
}

/** Where the bytes are, and what they mean. */
export interface StdioOptions {
  /** Default: the process's standard input. */
  input?: ByteSource;
  /** Default: the process's standard output, to which nothing else may then write. */
  output?: ByteSink;
  /** Default `newline`. */
  framing?: Framing;
  /** The longest message accepted, in bytes; a longer one ends the connection. Default 16 MiB. */
  messageBytes?: number;
}

/**
 * Frames over bytes.
 *
 * The input's end between two messages is a clean end; within one, or by an error of either stream, it is not. `stop` ends
 * the output and reads no more. A frame that is longer than a browser takes from its native messaging host fails its own call.
 */
export class StdioTransport implements Transport {
  readonly #input: ByteSource;
  readonly #output: ByteSink;
  readonly #framing: Framing;
  readonly #messageBytes: number;
  #release: () => void = () => undefined;
  #give: OnFrame = () => undefined;
  #open = false;
  #isOver = false;

  constructor(options: StdioOptions = {}) {
    const standard = (globalThis as { process?: { stdin: ByteSource; stdout: ByteSink } }).process;
    const input = options.input ?? standard?.stdin;
    const output = options.output ?? standard?.stdout;
    if (input === undefined || output === undefined) throw new Error("there is no standard input and output here");
    this.#input = input;
    this.#output = output;
    this.#framing = options.framing ?? "newline";
    this.#messageBytes = options.messageBytes ?? 16 * 1024 * 1024;
  }

  start(onFrame: OnFrame, onClose: OnClose = () => undefined): void {
    this.#open = true;
    const over = (clean: boolean, reason: string) => {
      if (this.#isOver) return;
      this.#isOver = true;
      this.#release();
      onClose({ clean, reason });
    };
    this.#give = (message) => {
      if (this.#open) onFrame(message);
    };
    const messages = decoder(this.#framing, this.#messageBytes, (message) => {
      if (this.#open) onFrame(message);
    });
    const data = (bytes: Uint8Array) => {
      try {
        messages.push(bytes);
      } catch (error) {
        // What the receiver of a frame throws is not ours.
        if (!(error instanceof FramingError)) throw error;
        over(false, error.message);
      }
    };
    const end = () => over(messages.between, messages.between ? "the input ended" : "the input ended within a message");
    const failed = (error: Error) => over(false, error.message);
    this.#output.on("error", failed);
    this.#input.on("error", failed);
    this.#input.on("end", end);
    this.#input.on("close", end);
    this.#input.on("data", data);
    this.#release = () => {
      this.#open = false;
      // The listeners for errors stay: a late one must not end the process.
      this.#input.removeListener("end", end);
      this.#input.removeListener("close", end);
      this.#input.removeListener("data", data);
      this.#input.pause();
    };
  }

  post(frame: Frame): void {
    try {
      postAsText(frame, this.#give, (text) => this.postText(text));
    } catch (error) {
      if (!(error instanceof FramingError)) throw error;
      failUnsendable(frame, error, this.#give, (instead) => this.postText(JSON.stringify(instead)));
    }
  }

  /** Sends a frame that is text already, byte for byte. It must not hold a line feed where lines are messages. */
  postText(text: string): void {
    if (!this.#open) throw new Error("the connection is closed");
    this.#output.write(encode(text, this.#framing));
  }

  stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#release();
    this.#output.end();
  }

  /** Bytes that the stream has not passed on yet. */
  get buffered(): number {
    return this.#output.writableLength;
  }
}
