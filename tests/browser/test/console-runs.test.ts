import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";

import { faint, unnamed } from "../harness/accessible.js";
import { inChromium, launch } from "../harness/chromium.js";
import { ConsoleDaemon } from "../harness/console-daemon.js";
import { enter, watched, type Watched } from "../harness/console-page.js";
import { environment } from "../harness/daemon.js";

const SHOTS = new URL("../../../target/screenshots/", import.meta.url).pathname;

inChromium("runs of the real daemon", () => {
  let browser: Browser;
  let daemon: ConsoleDaemon;
  let first: Watched;
  let folder: string;

  beforeAll(async () => {
    mkdirSync(SHOTS, { recursive: true });
    browser = await launch();
  });

  afterAll(() => browser?.close());

  beforeEach(async () => {
    daemon = await ConsoleDaemon.start();
    folder = join(daemon.folder, "project");
    mkdirSync(folder);
    writeFileSync(join(folder, "poem.txt"), "roses are red\n");
    git("init", "--quiet");
    git("add", ".");
    git("-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "--quiet", "-m", "first");
    first = await watched(browser);
    await enter(first.page, await daemon.link(), "Agents");
  });

  afterEach(async () => {
    expect(first.complaints).toEqual([]);
    await first.context.close();
    await daemon.stop();
  });

  const git = (...args: string[]): string =>
    execFileSync("git", args, { cwd: folder, encoding: "utf8", env: environment(daemon.folder) });

  /** Begins a run of two built-in agents, and gives their columns. */
  async function begun(page: Page, prompt: string, mode: string): Promise<[Locator, Locator]> {
    await page.getByRole("button", { name: "Several agents at once" }).click();
    const form = page.getByRole("form", { name: "New run" });
    await form.getByRole("textbox", { name: "Prompt" }).fill(prompt);
    await form.getByRole("textbox", { name: "Folder" }).fill(folder);
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
    const { page } = first;
    const [one, other] = await begun(page, "replace red with blue in poem.txt", "acceptEdits");
    for (const column of [one, other]) await column.getByText("1 file changed", { exact: true }).last().waitFor();
    expect(readFileSync(join(folder, "poem.txt"), "utf8")).toBe("roses are red\n");
    expect(await page.evaluate(unnamed)).toEqual([]);
    expect(await page.evaluate(faint)).toEqual([]);
    await page.screenshot({ path: `${SHOTS}run.png` });
    await other.getByRole("button", { name: "Review and apply" }).click();
    const dialog = page.getByRole("dialog", { name: "Apply what builtin-2 changed" });
    await dialog.getByText("roses are").first().waitFor();
    await page.screenshot({ path: `${SHOTS}run-apply.png` });
    await dialog.getByRole("button", { name: "Apply", exact: true }).click();
    await other.getByText("applied", { exact: true }).waitFor();
    expect(readFileSync(join(folder, "poem.txt"), "utf8")).toBe("roses are blue\n");
    await page.getByRole("button", { name: "Discard" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Discard" }).click();
    await expect.poll(() => git("worktree", "list").trim().split("\n").length).toBe(1);
  });

  test("all of them are stopped at once, also while they wait for a person", async () => {
    const { page } = first;
    const [one, other] = await begun(page, "write notes.txt\nnever", "ask");
    for (const column of [one, other]) await column.getByRole("button", { name: "Allow once" }).waitFor();
    await page.getByRole("button", { name: "Stop all" }).click();
    for (const column of [one, other]) await column.getByText("Stopped", { exact: true }).first().waitFor();
    await page.getByRole("button", { name: "Allow once" }).waitFor({ state: "detached" });
    expect(existsSync(join(folder, "notes.txt"))).toBe(false);
  });
});
