import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // What a test waits for comes at once, but not on every machine; a test that fails may take its time.
    testTimeout: 20_000,
    expect: { poll: { timeout: 10_000, interval: 5 } },
  },
});
