import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";

import { ask, begin as beginSession, card, messages } from "../harness/agents.js";
import { inChromium, launch } from "../harness/chromium.js";
import { ConsoleDaemon } from "../harness/console-daemon.js";
import { enter, show, watched } from "../harness/console-page.js";

/** Where the pictures go; `SIXFRAME_PICTURE` names another folder, such as `docs`, whose pictures the README shows. */
const FOLDER = process.env.SIXFRAME_PICTURE ?? fileURLToPath(new URL("../../../target/screenshots/", import.meta.url));

inChromium("the pictures of the README", () => {
  let browser: Browser;
  let daemon: ConsoleDaemon;

  beforeAll(async () => {
    mkdirSync(FOLDER, { recursive: true });
    daemon = await ConsoleDaemon.start();
    browser = await launch();
  });

  afterAll(async () => {
    await browser?.close();
    await daemon?.stop();
  });

  test("is taken of the daemon at work", async () => {
    const { page, complaints } = await watched(browser, {
      viewport: { width: 1280, height: 760 },
      deviceScaleFactor: 2,
      colorScheme: "light",
    });
    await enter(page, await daemon.link());
    await choose(page, "fs.watch");
    await page.getByRole("textbox", { name: "path" }).fill(".");
    await begin(page);
    await page.getByText("streaming").waitFor();
    await choose(page, "fs.tail");
    await page.getByRole("textbox", { name: "path" }).fill("/etc/shadow");
    await begin(page);
    await page.getByRole("alert").getByText("FORBIDDEN").waitFor();
    await choose(page, "hub.updateSession");
    await page.getByRole("textbox", { name: "sessionId" }).fill("s-1");
    await page.getByRole("button", { name: "Call", exact: true }).click();
    await page.getByRole("treeitem", { name: /result/ }).waitFor();
    await choose(page, "process.run");
    await page.getByRole("textbox", { name: "program" }).fill("sh");
    await page.getByRole("radio", { name: "JSON" }).click();
    await page.getByPlaceholder("JSON").fill(JSON.stringify({ program: "sh", args: ["-c", SCRIPT] }));
    await begin(page);
    await page.getByText("done", { exact: true }).waitFor();
    await show(page, "Frames");
    await page.getByRole("row", { name: /process\.run/ }).click();
    const frames = page.getByRole("listbox", { name: "Frames of the call" });
    await frames.getByRole("option").nth(3).click();
    await page.mouse.move(0, 400);
    await page.screenshot({ path: join(FOLDER, "console.png"), animations: "disabled" });
    expect(complaints).toEqual([]);
  });

  test("is taken of an agent that changed a file and asks leave to run a command", async () => {
    const { page, complaints } = await watched(browser, {
      viewport: { width: 1280, height: 800 },
      deviceScaleFactor: 2,
      colorScheme: "light",
    });
    const folder = join(daemon.folder, "shop");
    mkdirSync(folder);
    writeFileSync(join(folder, "price.ts"), PRICE);
    await enter(page, await daemon.link(), "Agents");
    await beginSession(page, folder);
    await ask(page, `replace "${OLD}" with "${NEW}" in price.ts\nrun node --test price.test.ts`);
    await card(page).getByRole("button", { name: "Allow once" }).click();
    await card(page).getByText("Run a command").waitFor();
    const allow = card(page).getByRole("button", { name: "Allow once" });
    await expect.poll(() => allow.isEnabled()).toBe(true);
    await page.mouse.move(0, 400);
    await page.screenshot({ path: join(FOLDER, "agents.png"), animations: "disabled" });
    await card(page).getByRole("button", { name: "Deny", exact: true }).click();
    expect(complaints).toEqual([]);
  });
});

const OLD = "return net * 1.19;";
const NEW = "return Math.round(net * (1 + rate) * 100) / 100;";
const PRICE = `/** What a customer pays. */
export function gross(net: number, rate = 0.19): number {
  ${OLD}
}
`;

/** Says something now and then, for a second. */
const SCRIPT = 'for step in parse check build link; do echo "$step"; sleep 0.2; done; echo done; sleep 0.1';

async function choose(page: Page, method: string): Promise<void> {
  await page.getByRole("option", { name: new RegExp(` ${method.replace(".", "\\.")}$`) }).click();
}

async function begin(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Stream", exact: true }).click();
}
