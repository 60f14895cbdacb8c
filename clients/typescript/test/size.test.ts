/** What the entries weigh when a page bundles them: figures that must not creep. */

import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { describe, expect, test } from "vitest";

/** Bytes after esbuild --bundle --minify and gzip -9, with the names mangled that begin with `_`. */
async function weigh(...entries: string[]): Promise<number> {
  const engine = `export { Item, RpcEndpoint, RpcError } from "./index.js";`;
  const contents = [engine, ...entries.map((entry) => `export * from "./${entry}.js";`)].join("\n");
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: fileURLToPath(new URL("../src", import.meta.url)), loader: "ts" },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: "es2022",
    mangleProps: /^_[a-zA-Z]/,
  });
  return gzipSync(outputFiles[0]!.contents, { level: 9 }).length;
}

describe("in a bundle", () => {
  test("the engine is small", async () => {
    const size = await weigh();
    console.log(`sixframe: ${size} bytes gzip`);
    expect(size).toBeLessThanOrEqual(7_650);
  });

  test.each([
    ["codec", 1_400],
    ["hello", 400],
    ["heartbeat", 300],
    ["drain", 400],
    ["upload", 800],
    ["lanes", 200],
    ["limits", 900],
    ["ahead", 600],
    ["hub", 4_600],
  ])("%s adds at most %d bytes", async (entry, most) => {
    const added = (await weigh(entry)) - (await weigh());
    console.log(`sixframe/${entry}: + ${added} bytes gzip`);
    expect(added).toBeLessThanOrEqual(most);
  });
});
