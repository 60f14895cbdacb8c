/** What an entry weighs when a page bundles it: a figure that must not creep. */

import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { expect, test } from "vitest";

/** Bytes after esbuild --bundle --minify and gzip -9, with the names mangled that begin with `_`. */
async function weigh(entry: string, external: string[] = []): Promise<number> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`../src/${entry}`, import.meta.url))],
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: "es2022",
    mangleProps: /^_[a-zA-Z]/,
    external,
  });
  return gzipSync(outputFiles[0]!.contents, { level: 9 }).length;
}

const most: Record<string, number> = {
  "index.ts": 9_600,
  "upload.ts": 2_300,
  "lanes.ts": 300,
  "limits.ts": 1_200,
  "ahead.ts": 700,
};

for (const [entry, bytes] of Object.entries(most)) {
  test(`${entry} is at most ${bytes} bytes`, async () => {
    const size = await weigh(entry);
    console.log(`${entry}: ${size} bytes gzip`);
    expect(size).toBeLessThanOrEqual(bytes);
  });
}
