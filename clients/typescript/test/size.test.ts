/** What the entries weigh when a page bundles them: figures that must not creep. */

import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, type BuildOptions } from "esbuild";
import { describe, expect, test } from "vitest";

/** Bytes after esbuild --bundle --minify and gzip -9, with the names mangled that begin with `_`. */
function weigh(...entries: string[]): Promise<number> {
  return bundled(entries, { mangleProps: /^_[a-zA-Z]/ });
}

/** The same as a bundler leaves it that is told nothing of names. */
function weighUnmangled(): Promise<number> {
  return bundled([], {});
}

async function bundled(entries: string[], options: BuildOptions): Promise<number> {
  const engine = `export { Item, RpcEndpoint, RpcError } from "./index.js";`;
  const contents = [engine, ...entries.map((entry) => `export * from "./${entry}.js";`)].join("\n");
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: fileURLToPath(new URL("../src", import.meta.url)), loader: "ts" },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: "es2022",
    ...options,
  });
  return gzipSync(outputFiles![0]!.contents, { level: 9 }).length;
}

describe("in a bundle", () => {
  test("the engine is small", async () => {
    const size = await weigh();
    console.log(`sixframe: ${size} bytes gzip, ${await weighUnmangled()} with its names`);
    expect(size).toBeLessThanOrEqual(6_000);
  });

  test.each([
    ["codec", 1_500],
    ["hello", 300],
    ["heartbeat", 200],
    ["drain", 250],
    ["idle", 300],
    ["upload", 920],
    ["lanes", 250],
    ["limits", 1_800],
    ["ahead", 650],
    ["hub", 4_500],
  ])("%s adds at most %d bytes", async (entry, most) => {
    const added = (await weigh(entry)) - (await weigh());
    console.log(`sixframe/${entry}: + ${added} bytes gzip`);
    expect(added).toBeLessThanOrEqual(most);
  });
});
