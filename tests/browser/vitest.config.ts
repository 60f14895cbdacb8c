import { fileURLToPath } from "node:url";

import { defineConfig } from "vitest/config";

const source = fileURLToPath(new URL("../../clients/typescript/src", import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^sixframe$/, replacement: `${source}/index.ts` },
      { find: /^sixframe\/(.*)$/, replacement: `${source}/$1.ts` },
    ],
  },
  test: {
    include: ["test/**/*.test.ts"],
    // One browser at a time: they share the machine with the daemons that they speak to.
    fileParallelism: false,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    expect: { poll: { timeout: 15_000, interval: 20 } },
  },
});
