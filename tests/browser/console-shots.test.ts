import { mkdir } from "node:fs/promises";

import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";

import { StandIn } from "./console-stand-in.js";
import { STATE } from "./console-state.js";

const SHOTS = new URL("../../target/screenshots/", import.meta.url).pathname;
const SIZES = { wide: { width: 1360, height: 850 }, narrow: { width: 390, height: 844 } };

let browser: Browser;
let daemon: StandIn;

beforeAll(async () => {
  await mkdir(SHOTS, { recursive: true });
  daemon = await StandIn.start(STATE);
  browser = await chromium.launch({ executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium", chromiumSandbox: false, args: ["--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"] });
});

afterAll(async () => {
  await browser?.close();
  await daemon?.stop();
});

for (const [size, viewport] of Object.entries(SIZES)) {
  for (const colorScheme of ["light", "dark"] as const) {
    test(`the console looks as it should: ${size}, ${colorScheme}`, async () => {
      const context = await browser.newContext({ viewport, colorScheme, deviceScaleFactor: size === "narrow" ? 2 : 1 });
      context.setDefaultTimeout(5_000);
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
      page.on("pageerror", (error) => complaints.push(String(error)));
      const shoot = (name: string): Promise<unknown> => page.screenshot({ path: `${SHOTS}${name}-${size}-${colorScheme}.png`, animations: "disabled" });
      await page.goto(daemon.url);
      await page.getByRole("heading", { name: "This page needs a link" }).waitFor();
      await shoot("gate");
      await page.goto(daemon.link());
      await page.getByText("Connected").waitFor();
      if (size === "narrow") await shoot("method-list");
      await callAgent(page);
      await shoot("methods");
      await page.getByRole("tab", { name: "State" }).click();
      await page.getByRole("treeitem", { name: /defaultModel/ }).first().click();
      await shoot("state");
      await page.getByRole("tab", { name: "Frames" }).click();
      await page.getByRole("row", { name: /hub.watch/ }).first().waitFor();
      if (size === "narrow") await shoot("frames-list");
      await page.getByRole("row", { name: /agent.run/ }).first().click();
      await shoot("frames");
      await page.getByRole("tab", { name: "Windows" }).click();
      await page.getByRole("listitem").first().waitFor();
      await shoot("windows");
      await page.keyboard.press("Control+k");
      await page.getByRole("combobox").fill("h");
      await shoot("palette");
      await page.keyboard.press("Escape");
      expect(complaints).toEqual(["Failed to load resource: the server responded with a status of 401 (Unauthorized)"].filter((known) => complaints.includes(known)));
      await context.close();
    });
  }
}

async function callAgent(page: Page): Promise<void> {
  await page.getByRole("option", { name: /agent.run/ }).click();
  await page.getByRole("textbox", { name: "prompt" }).fill("Explain the six frames.");
  await page.getByRole("button", { name: "Stream", exact: true }).click();
  await page.getByText("done", { exact: true }).waitFor();
}
