/**
 * A model's service for one test: the Messages API, streamed, on a port of this machine. What it answers is chosen by the first
 * word of the last thing that it was asked: `write PATH`, `run COMMAND`, `recall WORD`, `forever`; while it is ill also
 * `fail-STATUS`, `tired-STATUS` (once, and worth another try), `garble` and `cut`. Anything else is answered with `HELLO`.
 */

import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What is answered to anything else, in pieces. */
export const HELLO = ["Hello ", "from ", "the ", "model."] as const;
/** What is said when a tool has done its work, and when it has not. */
export const DONE = "It is done.";
export const NOT_DONE = "It was not done.";
/** What is answered to who asks for a word that was said before, and for one that was not. */
export const KNOWN = "That was said.";
export const UNKNOWN = "That was never said.";
/** What a `write` writes. */
export const WRITTEN = "written\n";

const BETWEEN_MS = 20;

type Stop = "end_turn" | "tool_use";

interface Part {
  type: string;
  text?: string;
  is_error?: boolean;
}

/** What it was asked: by a person, or by a tool that answered. */
type Question = { word: string; rest: string } | { isDone: boolean };

interface Asked {
  model?: string;
  messages?: readonly { role: string; content: string | readonly Part[] }[];
}

export class MessagesModel {
  readonly url: string;
  readonly #server: Server;
  #answers = 0;
  #hungUp = 0;
  #isIll = true;
  #gate: { opened: Promise<void>; open: () => void } | undefined;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("request", (request, response) => void this.#serve(request, response));
  }

  static async start(): Promise<MessagesModel> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new MessagesModel(server);
  }

  /** How many have hung up in the midst of an answer. */
  get hungUp(): number {
    return this.#hungUp;
  }

  /** From now on nothing fails, until it falls ill again. */
  recover(): void {
    this.#isIll = false;
  }

  /** From now on it fails where it is asked to. */
  fallIll(): void {
    this.#isIll = true;
  }

  /** Holds what follows the first pieces of a text back until the function that it gives is called. */
  hold(): () => void {
    const { promise: opened, resolve: open } = deferred();
    this.#gate = { opened, open };
    return () => {
      this.#gate = undefined;
      open();
    };
  }

  async stop(): Promise<void> {
    this.#gate?.open();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { pathname } = new URL(request.url ?? "/", this.url);
    if (request.method !== "POST" || pathname !== "/v1/messages") {
      plain(response, 200, {});
      return;
    }
    await this.#answer(response, JSON.parse(Buffer.concat(chunks).toString()) as Asked);
  }

  async #answer(response: ServerResponse, body: Asked): Promise<void> {
    const number = (this.#answers += 1);
    const asked = lastAsked(body);
    if (this.#isIll && "word" in asked && this.#fails(response, asked.word)) return;
    response.writeHead(200, { "content-type": "text/event-stream" });
    const usage = { input_tokens: 10, output_tokens: 1 };
    const stops = { stop_reason: null, stop_sequence: null };
    const message = { id: `msg_${number}`, type: "message", role: "assistant", model: body.model, content: [], usage, ...stops };
    event(response, { type: "message_start", message });
    const stop = await this.#content(response, number, body, asked);
    if (stop === undefined) return;
    event(response, { type: "message_delta", delta: { stop_reason: stop, stop_sequence: null }, usage: { output_tokens: 12 } });
    event(response, { type: "message_stop" });
    response.end();
  }

  /** Fails with a status where the word says so, or with what no service says; gives whether it does. */
  #fails(response: ServerResponse, word: string): boolean {
    const [, how, status] = /^(fail|tired)-(\d{3})$/.exec(word) ?? [];
    if (status !== undefined) {
      if (how === "tired") this.recover();
      const error = { type: "error", error: { type: "api_error", message: `refused with ${status}` } };
      plain(response, Number(status), error, { "x-should-retry": String(how === "tired") });
      return true;
    }
    if (word !== "garble") return false;
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.end("data: {\"type\": \ufffd, nothing of this is JSON\n\n");
    return true;
  }

  /** What is between the head and the end of a message; undefined where nobody listens any more. */
  async #content(response: ServerResponse, number: number, body: Asked, asked: Question): Promise<Stop | undefined> {
    if ("isDone" in asked) return this.#text(response, [asked.isDone ? DONE : NOT_DONE]);
    const id = `toolu_${number}`;
    if (asked.word === "write") return tool(response, id, "Write", { file_path: asked.rest, content: WRITTEN });
    if (asked.word === "run") return tool(response, id, "Bash", { command: asked.rest, description: "as asked" });
    if (asked.word === "recall") return this.#text(response, [wasTold(body, asked.rest) ? KNOWN : UNKNOWN]);
    if (asked.word === "forever") return this.#forever(response);
    if (asked.word === "cut" && this.#isIll) return cut(response);
    return this.#text(response, HELLO);
  }

  async #text(response: ServerResponse, [first = "", ...others]: readonly string[]): Promise<Stop> {
    begin(response, { type: "text", text: "" });
    delta(response, { type: "text_delta", text: first });
    if (others.length > 0) await this.#gate?.opened;
    for (const text of others) delta(response, { type: "text_delta", text });
    event(response, { type: "content_block_stop", index: 0 });
    return "end_turn";
  }

  async #forever(response: ServerResponse): Promise<undefined> {
    begin(response, { type: "text", text: "" });
    const timer = setInterval(() => delta(response, { type: "text_delta", text: "on and " }), BETWEEN_MS);
    await once(response, "close");
    clearInterval(timer);
    this.#hungUp += 1;
  }
}

/** What it was asked last. */
function lastAsked({ messages = [] }: Asked): Question {
  const content = messages.findLast(({ role }) => role === "user")?.content ?? "";
  const parts = typeof content === "string" ? [{ type: "text", text: content }] : content;
  const result = parts.find(({ type }) => type === "tool_result");
  if (result) return { isDone: result.is_error !== true };
  const text = parts.findLast(({ text }) => text !== undefined && !text.includes("<system-reminder>"))?.text ?? "";
  const [word = "", ...rest] = text.trim().split(" ");
  return { word, rest: rest.join(" ") };
}

/** Whether a word stands there more often than in the question for it. */
function wasTold({ messages = [] }: Asked, word: string): boolean {
  return JSON.stringify(messages).split(word).length > 2;
}

/** Hangs up in the midst of an answer. */
function cut(response: ServerResponse): undefined {
  begin(response, { type: "text", text: "" });
  delta(response, { type: "text_delta", text: "Hel" });
  response.socket?.end();
}

function tool(response: ServerResponse, id: string, name: string, input: object): Stop {
  begin(response, { type: "tool_use", id, name, input: {} });
  delta(response, { type: "input_json_delta", partial_json: JSON.stringify(input) });
  event(response, { type: "content_block_stop", index: 0 });
  return "tool_use";
}

function begin(response: ServerResponse, block: object): void {
  event(response, { type: "content_block_start", index: 0, content_block: block });
}

function delta(response: ServerResponse, piece: object): void {
  event(response, { type: "content_block_delta", index: 0, delta: piece });
}

function event(response: ServerResponse, told: { type: string } & Record<string, unknown>): void {
  response.write(`event: ${told.type}\ndata: ${JSON.stringify(told)}\n\n`);
}

function plain(response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}
