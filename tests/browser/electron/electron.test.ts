/** The suite on Electron itself, where it is installed: `npm run electron`. */

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { build } from "esbuild";
import { _electron, type ElectronApplication, type Page } from "playwright-core";
import { describe, test } from "vitest";

import { environment } from "../harness/daemon.js";
import { bridgeSuite, type RunningApp } from "./suite.js";

/** Electron's program; the package alone, without it, is what type checks need. */
function program(): string | undefined {
  const named = process.env.SIXFRAME_ELECTRON;
  if (named !== undefined) return named;
  try {
    const require = createRequire(import.meta.url);
    const folder = dirname(require.resolve("electron/package.json"));
    const path = require(folder) as unknown;
    return typeof path === "string" && existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

async function start(executablePath: string): Promise<RunningApp> {
  const folder = mkdtempSync(join(tmpdir(), "sixframe-electron-"));
  const here = (name: string) => new URL(name, import.meta.url).pathname;
  await build({
    entryPoints: [here("main.ts"), here("preload.ts")],
    bundle: true,
    outdir: folder,
    outExtension: { ".js": ".cjs" },
    platform: "node",
    format: "cjs",
    external: ["electron"],
    tsconfig: here("../tsconfig.json"),
  });
  const env = { ...environment(folder), APP_DAEMON: process.env.SIXFRAME_BIN ?? "", APP_PRELOAD: join(folder, "preload.cjs") };
  const app: ElectronApplication = await _electron.launch({
    executablePath,
    args: [join(folder, "main.cjs"), "--no-sandbox"],
    env: env as Record<string, string>,
  });
  await app.evaluate(({ app }) => app.whenReady());
  return {
    async open(url): Promise<Page> {
      const window = app.waitForEvent("window");
      await app.evaluate((_electron, to) => globalThis.underTest.open(to), url);
      return window;
    },
    publish: (channel, payload) =>
      app.evaluate((_electron, [name, value]) => globalThis.underTest.publish(name, value), [channel, payload] as const),
    windows: () => app.evaluate(() => globalThis.underTest.windows()),
    async close() {
      await app.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const electron = program();

if (electron === undefined) {
  test.skip("NOT RUN: Electron is not installed here; set SIXFRAME_ELECTRON", () => undefined);
  console.warn("NOT RUN: Electron is not installed here; install it, or set SIXFRAME_ELECTRON to its program");
} else {
  describe("on Electron", () => bridgeSuite(() => start(electron)));
}
