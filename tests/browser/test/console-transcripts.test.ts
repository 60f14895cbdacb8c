import { existsSync, readFileSync } from "node:fs";

import type { Locator, Page } from "playwright-core";
import { expect, test } from "vitest";

import { faint, unnamed } from "../harness/accessible.js";
import { leaveItems, messages } from "../harness/agents.js";
import { inChromium } from "../harness/chromium.js";
import { ConsoleDaemon } from "../harness/console-daemon.js";
import { inConsole } from "../harness/console-world.js";

const item = (kind: string, text: string): object => ({ kind, status: "completed", content: [{ type: "text", text }] });

/** A daemon that finds the logs of two sessions. */
async function withTranscripts(): Promise<ConsoleDaemon> {
  const before = await ConsoleDaemon.start();
  await before.kill();
  leaveItems(before.folder, "ses_b41d6e", [
    item("user_message", "How is a bridge held?"),
    item("agent_message", "By **cables** and <b>towers</b>."),
  ]);
  const long = Array.from({ length: 300 }, (_, at) => item("agent_message", `stone ${at}\n\n${"mortar ".repeat(40)}`));
  leaveItems(before.folder, "ses_3a11", [item("user_message", "Build a wall"), ...long, item("agent_message", "The keystone is set.")]);
  return ConsoleDaemon.start(before);
}

inChromium("transcripts of the real daemon", () => {
  const world = inConsole({ panel: "Transcripts", start: withTranscripts });

  const list = (page: Page, name: string): Locator => page.getByRole("list", { name, exact: true }).getByRole("button");

  test("they are listed, read from their beginning, and offer nothing that would change them", async () => {
    const { page } = world;
    await expect.poll(() => list(page, "Transcripts").count()).toBe(2);
    await list(page, "Transcripts").filter({ hasText: "bridge" }).click();
    await messages(page).getByText("How is a bridge held?").waitFor();
    expect(await messages(page).locator("strong").textContent()).toBe("cables");
    expect(await messages(page).textContent()).toContain("<b>towers</b>");
    expect(await page.getByRole("textbox", { name: "Prompt" }).count()).toBe(0);
    expect(await page.evaluate(unnamed)).toEqual([]);
    expect(await page.evaluate(faint)).toEqual([]);
    await world.shoot("transcript");
    await list(page, "Transcripts").filter({ hasText: "wall" }).click();
    await messages(page).getByText("Build a wall").waitFor();
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await page.getByRole("button", { name: "← All transcripts" }).click();
    await list(page, "Transcripts").first().waitFor();
  });

  test("what was searched for is marked, and leads to where it was said", async () => {
    const { page } = world;
    await list(page, "Transcripts").first().waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("keystone");
    await list(page, "Found").locator("mark", { hasText: "keystone" }).waitFor();
    await world.shoot("transcript-search");
    await list(page, "Found").first().click();
    await messages(page).getByText("The keystone is set.").waitFor();
    await page.getByRole("searchbox", { name: "Search transcripts" }).fill("nowhere to be found");
    await page.getByText("Nothing was found.").waitFor();
  });

  test("one is taken away as a file, and written where the daemon says", async () => {
    const { page } = world;
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
