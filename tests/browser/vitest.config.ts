import { fileURLToPath } from "node:url";

import { defineConfig } from "vitest/config";

const source = fileURLToPath(new URL("../../clients/typescript/src", import.meta.url));

/** What measures how fast something is, or how often in half a second, has the machine to itself. */
const MEASURED = [
  "test/console-agents.test.ts",
  "test/console-load.test.ts",
  "test/round-trip.test.ts",
  "test/service-worker.test.ts",
];

export default defineConfig({
  resolve: {
    alias: [
      { find: /^sixframe$/, replacement: `${source}/index.ts` },
      { find: /^sixframe\/(.*)$/, replacement: `${source}/$1.ts` },
    ],
  },
  test: {
    projects: [
      { extends: true, test: { name: "measured", include: MEASURED, maxWorkers: 1, sequence: { groupOrder: 1 } } },
      // A browser and its daemon wait for each other most of the time.
      {
        extends: true,
        test: { name: "two at once", include: ["test/**/*.test.ts"], exclude: MEASURED, maxWorkers: 2, sequence: { groupOrder: 2 } },
      },
    ],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 30_000, interval: 20 } },
  },
});
