/** What is published, as others meet it: whoever compiles against its types checks them too, with the library that is theirs. */

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const home = fileURLToPath(new URL("..", import.meta.url));
const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");
/** What these are made for has types of its own. */
const FOREIGN = /nest|react|electron\/(main|preload|events)|transports\/(child|stdio|chrome-port|tauri)/;

/** What a program of 0.2 does with an endpoint, and what a page does with 0.3. */
const PAGE = `
  import { Item, type RpcClient, RpcEndpoint } from "./dist/index.js";
  import { webSocket } from "./dist/transports/websocket.js";

  const transport = { start(onFrame: (frame: unknown) => void) { onFrame({}); }, post(frame: unknown) { void frame; }, stop() {} };
  export const endpoint = new RpcEndpoint(transport, { timeoutMs: 5, onLog: (frame) => void frame.cid });
  export class Agent {
    private readonly rpc: RpcClient;
    constructor(rpc: RpcClient) { this.rpc = rpc; }
    chat(text: string): AsyncGenerator<string, void, unknown> { return this.rpc.stream!<string>("agent.chat", { text }); }
  }
  export const agent = new Agent(endpoint);
  export const generator: AsyncGenerator<number, void, unknown> = endpoint.stream<number>("count");
  export const iterator: AsyncIterableIterator<number> = endpoint.stream<number>("count");
  export const answer: Promise<string> = endpoint.request<string>("m", {}, { senderId: 1 }, 100);
  endpoint.register("m", (payload: { text: string }, { senderId, signal }) => new Item([payload.text, senderId, signal.aborted]));
  export const page = new RpcEndpoint(webSocket("ws://127.0.0.1:4700/", { token: "t" }));
`;

/** What is published at work: a field of `meta` named as one of the package's own may be, and everything plugged in. */
const AT_WORK = `
  import { RpcEndpoint } from "./dist/index.js";
  import { memory } from "./dist/transports/memory.js";
  import { upload, uploads } from "./dist/upload.js";
  const plugIns = ["limits", "idle", "ahead", "lanes"].map(async (name) => (await import("./dist/" + name + ".js"))[name]);
  const use = [uploads, ...(await Promise.all(plugIns))];
  class Page extends RpcEndpoint { e = 1; t = 2; s = 3; a = 4; }
  const ends = memory({ text: true }).map((transport) => new Page(transport, { use }));
  ends[1].register("sum", async ({ start }, { uploads, e }) => {
    for await (const n of uploads) start += n;
    return [start, e];
  }, { uploads: true });
  ends[1].register("count", async function* (to) { for (let n = 1; n <= to; n++) yield n; });
  for (const end of ends) end.start();
  const told = [await upload(ends[0], "sum", [1, 2, 3], { start: 10 }, { e: "mine" }, { lane: "a" })];
  for await (const n of ends[0].stream("count", 3, {}, { idleMs: 1000 })) told.push(n);
  console.log(JSON.stringify(told));
  for (const end of ends) end.stop();
`;

describe("what is published", () => {
  let folder: string;

  const compile = async (...args: string[]) => {
    const { stdout } = await promisify(execFile)(process.execPath, [tsc, ...args], { cwd: home }).catch((error) => error as { stdout: string });
    return stdout;
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "sixframe-declarations-"));
    await promisify(execFile)(process.execPath, ["build.mjs", join(folder, "dist")], { cwd: home });
    const { exports } = JSON.parse(await readFile(join(home, "package.json"), "utf8")) as { exports: Record<string, { types: string }> };
    const entries = Object.values(exports).map(({ types }) => types.replace(".d.ts", ".js"));
    const imports = entries.filter((entry) => !FOREIGN.test(entry)).map((entry, n) => `export * as entry${n} from "${entry}";`);
    await writeFile(join(folder, "page.ts"), PAGE + imports.join("\n"));
    await writeFile(join(folder, "package.json"), '{"type":"module"}');
  });

  afterAll(() => rm(folder, { recursive: true }));

  test.each([
    ["ES2022 and the DOM", ["ES2022", "DOM"]],
    ["all there is", ["ESNext", "DOM", "DOM.Iterable"]],
  ])("declares what compiles with %s", async (_, lib) => {
    const compilerOptions = { target: "ES2022", module: "NodeNext", strict: true, noEmit: true, skipLibCheck: false, lib, types: [] };
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["page.ts"] }));
    expect(await compile("-p", folder)).toBe("");
  });

  test("works", async () => {
    await writeFile(join(folder, "at-work.js"), AT_WORK);
    const { stdout } = await promisify(execFile)(process.execPath, ["at-work.js"], { cwd: folder });
    expect(JSON.parse(stdout)).toEqual([[16, "mine"], 1, 2, 3]);
  });
});
