import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, gzip } from "node:zlib";

import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import type { Plugin } from "vite";

const client = new URL("../clients/typescript/src/", import.meta.url).pathname;

/** Puts a `.br` and a `.gz` beside every file of text, which the daemon gives out to browsers that take them. */
function compressed(): Plugin {
  let folder = "";
  return {
    name: "compressed",
    apply: "build",
    configResolved: (config) => void (folder = config.build.outDir),
    closeBundle: async () => {
      const names = await readdir(folder, { recursive: true });
      const texts = names.filter((name) => /\.(html|js|css|svg)$/.test(name)).map((name) => join(folder, name));
      await Promise.all(texts.map(compress));
    },
  };
}

async function compress(path: string): Promise<void> {
  const bytes = await readFile(path);
  await writeFile(`${path}.br`, await promisify(brotliCompress)(bytes));
  await writeFile(`${path}.gz`, await promisify(gzip)(bytes, { level: 9 }));
}

export default defineConfig({
  plugins: [react(), compressed()],
  resolve: {
    alias: [
      { find: /^sixframe$/, replacement: `${client}index.ts` },
      { find: /^sixframe\/(.*)$/, replacement: `${client}$1.ts` },
    ],
  },
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    cssTarget: ["chrome123", "firefox121", "safari17.5"],
  },
  test: {
    environment: "jsdom",
    setupFiles: ["test/set-up.ts"],
    restoreMocks: true,
    testTimeout: 20_000,
    // Its own choice leaves a processor to whoever watches.
    maxWorkers: "100%",
  },
});
