/** What the entries weigh when a page bundles them: figures that must not creep. */

import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const home = fileURLToPath(new URL("..", import.meta.url));
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sixframe-size-"));
  await promisify(execFile)(process.execPath, ["build.mjs", folder], { cwd: home });
});

afterAll(() => rm(folder, { recursive: true }));

/** Bytes of what is published, as a page gets it: bundled and minified by esbuild with no other options, then gzip -9. */
async function weigh(...entries: string[]): Promise<number> {
  const engine = `export { Item, RpcEndpoint, RpcError } from "./index.js";`;
  const contents = [engine, ...entries.map((entry) => `export * from "./${entry}.js";`)].join("\n");
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: folder },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
  });
  return gzipSync(outputFiles[0]!.contents, { level: 9 }).length;
}

describe("in a bundle", () => {
  test("the engine is small", async () => {
    const size = await weigh();
    console.log(`sixframe: ${size} bytes gzip`);
    expect(size).toBeLessThanOrEqual(6_000);
  });

  test("what a page on a WebSocket loads is small", async () => {
    const size = await weigh("codec", "transports/websocket");
    console.log(`sixframe, sixframe/codec, sixframe/transports/websocket: ${size} bytes gzip`);
    expect(size).toBeLessThanOrEqual(8_500);
  });

  test.each([
    ["codec", 1_520],
    ["hello", 300],
    ["heartbeat", 200],
    ["drain", 250],
    ["idle", 310],
    ["upload", 920],
    ["lanes", 250],
    ["limits", 1_900],
    ["ahead", 650],
    ["hub", 4_530],
  ])("%s adds at most %d bytes", async (entry, most) => {
    const added = (await weigh(entry)) - (await weigh());
    console.log(`sixframe/${entry}: + ${added} bytes gzip`);
    expect(added).toBeLessThanOrEqual(most);
  });
});
