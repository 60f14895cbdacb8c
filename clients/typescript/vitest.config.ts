import { defineConfig } from "vitest/config";

// A test that waits for something that never comes fails; one that only has to wait for a busy machine does not.
export default defineConfig({
  // Its own choice of workers leaves a processor to whoever watches.
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 10_000, interval: 5 } },
    maxWorkers: "100%",
  },
});
