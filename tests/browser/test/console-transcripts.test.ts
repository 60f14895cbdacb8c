import { existsSync, mkdirSync, readFileSync } from "node:fs";

import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";

import { faint, unnamed } from "../harness/accessible.js";
import { leaveItems, messages } from "../harness/agents.js";
import { inChromium, launch } from "../harness/chromium.js";
import { ConsoleDaemon } from "../harness/console-daemon.js";
import { enter, watched, type Watched } from "../harness/console-page.js";

const SHOTS = new URL("../../../target/screenshots/", import.meta.url).pathname;

const item = (kind: string, text: string): object => ({ kind, status: "completed", content: [{ type: "text", text }] });

inChromium("transcripts of the real daemon", () => {
  let browser: Browser;
  let daemon: ConsoleDaemon;
  let first: Watched;

  beforeAll(async () => {
    mkdirSync(SHOTS, { recursive: true });
    browser = await launch();
  });

  afterAll(() => browser?.close());

  beforeEach(async () => {
    daemon = await ConsoleDaemon.start();
    await daemon.kill();
    leaveItems(daemon.folder, "ses_b41d6e", [
      item("user_message", "How is a bridge held?"),
      item("agent_message", "By **cables** and <b>towers</b>."),
    ]);
    const long = Array.from({ length: 300 }, (_, at) => item("agent_message", `stone ${at}\n\n${"mortar ".repeat(40)}`));
    leaveItems(daemon.folder, "ses_3a11", [item("user_message", "Build a wall"), ...long, item("agent_message", "The keystone is set.")]);
    daemon = await ConsoleDaemon.start(daemon);
    first = await watched(browser);
    await enter(first.page, await daemon.link(), "Transcripts");
  });

  afterEach(async () => {
    expect(first.complaints).toEqual([]);
    await first.context.close();
    await daemon.stop();
  });

  const list = (page: Page, name: string): Locator => page.getByRole("list", { name, exact: true }).getByRole("button");

  test("they are listed, read from their beginning, and offer nothing that would change them", async () => {
    const { page } = first;
    await expect.poll(() => list(page, "Transcripts").count()).toBe(2);
    await list(page, "Transcripts").filter({ hasText: "bridge" }).click();
    await messages(page).getByText("How is a bridge held?").waitFor();
    expect(await messages(page).locator("strong").textContent()).toBe("cables");
    expect(await messages(page).textContent()).toContain("<b>towers</b>");
    expect(await page.getByRole("textbox", { name: "Prompt" }).count()).toBe(0);
    expect(await page.evaluate(unnamed)).toEqual([]);
    expect(await page.evaluate(faint)).toEqual([]);
    await page.screenshot({ path: `${SHOTS}transcript.png` });
    await list(page, "Transcripts").filter({ hasText: "wall" }).click();
    await messages(page).getByText("Build a wall").waitFor();
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await page.getByRole("button", { name: "← All transcripts" }).click();
    await list(page, "Transcripts").first().waitFor();
  });

  test("what was searched for is marked, and leads to where it was said", async () => {
    const { page } = first;
    await list(page, "Transcripts").first().waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("keystone");
    await list(page, "Found").locator("mark", { hasText: "keystone" }).waitFor();
    await page.screenshot({ path: `${SHOTS}transcript-search.png` });
    await list(page, "Found").first().click();
    await messages(page).getByText("The keystone is set.").waitFor();
    await page.getByRole("searchbox", { name: "Search transcripts" }).fill("nowhere to be found");
    await page.getByText("Nothing was found.").waitFor();
  });

  test("one is taken away as a file, and written where the daemon says", async () => {
    const { page } = first;
    await list(page, "Transcripts").filter({ hasText: "bridge" }).click();
    await messages(page).getByText("How is a bridge held?").waitFor();
    for (const [name, ending] of [["Markdown", "md"], ["Org", "org"], ["JSON", "json"]] as const) {
      const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name, exact: true }).click()]);
      expect(download.suggestedFilename()).toBe(`ses_b41d6e.${ending}`);
      const path = page.locator(".transcript-told code").filter({ hasText: new RegExp(`\\.${ending}$`) });
      await path.waitFor();
      const written = (await path.textContent()) ?? "";
      expect(existsSync(written)).toBe(true);
      expect(readFileSync(written, "utf8")).toContain("How is a bridge held?");
    }
  });
});
