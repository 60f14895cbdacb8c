/** The vectors in a real Chromium, by the same player as under Node. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { File } from "./vectors/script.js";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const folder = new URL("../../../spec/vectors/", import.meta.url);

async function bundle(): Promise<string> {
  const entryPoints = [fileURLToPath(new URL("vectors/page.ts", import.meta.url))];
  const { outputFiles } = await build({ entryPoints, bundle: true, write: false, format: "iife", target: "es2022" });
  return outputFiles[0]!.text;
}

function vectors(): Record<string, File> {
  const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
  return Object.fromEntries(names.map((name) => [name, JSON.parse(readFileSync(new URL(name, folder), "utf8")) as File]));
}

describe.skipIf(!existsSync(CHROMIUM))("in Chromium", { timeout: 60_000 }, () => {
  let browser: Browser;
  const server = createServer((_, response) => response.setHeader("content-type", "text/html").end("<!doctype html>"));

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    browser = await chromium.launch({ executablePath: CHROMIUM, chromiumSandbox: false, args: ["--disable-gpu"] });
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await new Promise((resolve) => server.close(resolve));
  });

  test("every vector holds", async () => {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.addScriptTag({ content: await bundle() });
    const files = vectors();
    const result = await page.evaluate(
      (files) => (globalThis as unknown as { playAll(files: unknown): { count: number; failures: string[] } }).playAll(files),
      files as object,
    );
    expect(result.failures).toEqual([]);
    expect(result.count).toBe(Object.values(files).flatMap(({ vectors }) => vectors).length);
  });
});
