/** The real browser: where it is, how it is started, and what is done without it. */

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type Browser, type BrowserContext, chromium } from "playwright-core";
import { describe, test } from "vitest";

import { environment } from "./daemon.js";

const EXECUTABLE = process.env.SIXFRAME_CHROMIUM ?? "/usr/bin/chromium";

const FLAGS = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Why the tests of this folder cannot run here; undefined where they can. */
export function missing(): string | undefined {
  if (!existsSync(EXECUTABLE)) return `there is no Chromium at ${EXECUTABLE}; install it, or set SIXFRAME_CHROMIUM`;
  if (!existsSync(process.env.SIXFRAME_BIN ?? "")) return "SIXFRAME_BIN names no daemon; build it and say where it is";
  return undefined;
}

/**
 * Tests that need a browser, the daemon and perhaps more, of which `without` says why it is missing: skipped with a word where
 * one is missing, but failed where CI is set.
 */
export function inChromium(name: string, tests: () => void, without: () => string | undefined = () => undefined): void {
  const why = missing() ?? without();
  if (why === undefined) {
    describe(name, tests);
    return;
  }
  describe(name, () => {
    if (process.env.CI) {
      test("needs what is missing", () => {
        throw new Error(why);
      });
    } else {
      test.skip(`NOT TESTED: ${why}`, () => undefined);
      console.warn(`${name}: NOT TESTED: ${why}`);
    }
  });
}

/** Starts a browser. As root it needs to do without its sandbox. */
export function launch(flags: readonly string[] = []): Promise<Browser> {
  return chromium.launch({ executablePath: EXECUTABLE, chromiumSandbox: false, args: [...FLAGS, ...flags] });
}

/** A browser with a profile of its own, which extensions and native messaging hosts need. */
export async function launchWithProfile(
  flags: readonly string[],
  prepare: (profile: string) => void = () => undefined,
): Promise<{ context: BrowserContext; close(): Promise<void> }> {
  const profile = mkdtempSync(join(tmpdir(), "sixframe-profile-"));
  prepare(profile);
  const args = [...FLAGS, ...flags];
  // What the browser starts must not be configured by us.
  const env = environment(profile) as Record<string, string>;
  const options = { executablePath: EXECUTABLE, chromiumSandbox: false, headless: true, args, env };
  const context = await chromium.launchPersistentContext(profile, options);
  const close = async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  };
  return { context, close };
}
