import { defineConfig } from "vitest/config";

const client = new URL("../../clients/typescript/src/", import.meta.url).pathname;

export default defineConfig({
  resolve: {
    alias: [
      { find: /^sixframe$/, replacement: `${client}index.ts` },
      { find: /^sixframe\/(.*)$/, replacement: `${client}$1.ts` },
    ],
  },
  test: { include: ["console*.test.ts"], testTimeout: 60_000, hookTimeout: 60_000, fileParallelism: false },
});
