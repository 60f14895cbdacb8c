import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";

import type { Locator, Page } from "playwright-core";
import { beforeEach, expect, test } from "vitest";

import { faint, unnamed } from "../harness/accessible.js";
import { inChromium } from "../harness/chromium.js";
import { inConsole } from "../harness/console-world.js";
import { environment } from "../harness/daemon.js";

inChromium("runs of the real daemon", () => {
  const world = inConsole({ panel: "Agents" });

  beforeEach(() => {
    writeFileSync(world.file("poem.txt"), "roses are red\n");
    git("init", "--quiet");
    git("add", ".");
    git("-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "--quiet", "-m", "first");
  });

  const git = (...args: string[]): string =>
    execFileSync("git", args, { cwd: world.folder, encoding: "utf8", env: environment(world.daemon.folder) });

  /** Begins a run of two built-in agents, and gives their columns. */
  async function begun(page: Page, prompt: string, mode: string): Promise<[Locator, Locator]> {
    await page.getByRole("button", { name: "Several agents at once" }).click();
    const form = page.getByRole("form", { name: "New run" });
    await form.getByRole("textbox", { name: "Prompt" }).fill(prompt);
    await form.getByRole("textbox", { name: "Folder" }).fill(world.folder);
    for (const at of [1, 2]) {
      const member = form.getByRole("listitem", { name: `Agent ${at}` });
      await member.getByRole("combobox", { name: "Agent" }).selectOption("builtin");
      await member.getByRole("combobox", { name: "What it may do" }).selectOption(mode);
    }
    await form.getByRole("button", { name: "Begin" }).click();
    const pane = page.getByRole("region", { name: "Run", exact: true });
    await pane.waitFor();
    return [pane.getByRole("article", { name: "builtin", exact: true }), pane.getByRole("article", { name: "builtin-2" })];
  }

  test("two agents work in folders of their own, and what one of them changed is applied after it was reviewed", async () => {
    const { page } = world;
    const [one, other] = await begun(page, "replace red with blue in poem.txt", "acceptEdits");
    for (const column of [one, other]) await column.getByText("1 file changed", { exact: true }).last().waitFor();
    expect(readFileSync(world.file("poem.txt"), "utf8")).toBe("roses are red\n");
    for (const column of [one, other]) await column.getByRole("figure", { name: "Change of poem.txt", exact: true }).first().waitFor();
    expect(await page.evaluate(unnamed)).toEqual([]);
    expect(await page.evaluate(faint)).toEqual([]);
    await world.shoot("run");
    await other.getByRole("button", { name: "Review and apply" }).click();
    const dialog = page.getByRole("dialog", { name: "Apply what builtin-2 changed" });
    await dialog.getByText("roses are").first().waitFor();
    await world.shoot("run-apply");
    await dialog.getByRole("button", { name: "Apply", exact: true }).click();
    await other.getByText("applied", { exact: true }).waitFor();
    expect(readFileSync(world.file("poem.txt"), "utf8")).toBe("roses are blue\n");
    await page.getByRole("button", { name: "Discard" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Discard" }).click();
    await expect.poll(() => git("worktree", "list").trim().split("\n").length).toBe(1);
  });

  test("all of them are stopped at once, also while they wait for a person", async () => {
    const { page } = world;
    const [one, other] = await begun(page, "write notes.txt\nnever", "ask");
    for (const column of [one, other]) await column.getByRole("button", { name: "Allow once" }).waitFor();
    await page.getByRole("button", { name: "Stop all" }).click();
    for (const column of [one, other]) await column.getByText("Stopped", { exact: true }).first().waitFor();
    await page.getByRole("button", { name: "Allow once" }).waitFor({ state: "detached" });
    expect(existsSync(world.file("notes.txt"))).toBe(false);
  });
});
