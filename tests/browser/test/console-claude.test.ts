import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import { ask, begin, card, messages, prompt } from "../harness/agents.js";
import { inChromium } from "../harness/chromium.js";
import { claudeConfiguration, withoutClaude } from "../harness/claude-code.js";
import { ConsoleDaemon } from "../harness/console-daemon.js";
import { inConsole } from "../harness/console-world.js";
import { DONE, HELLO, MessagesModel, NOT_DONE, WRITTEN } from "../harness/messages-model.js";

/** A program of this size takes its time to start. */
const SLOW = 90_000;

const tests = (): void => {
  let model: MessagesModel;
  let home: string;

  // Behind the daemon's own end, since it stands in front of it.
  afterEach(async () => {
    await model.stop();
    rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  });

  const world = inConsole({
    panel: "Agents",
    patienceMs: SLOW / 2,
    start: async () => {
      model = await MessagesModel.start();
      home = mkdtempSync(join(tmpdir(), "sixframe-claude-"));
      return ConsoleDaemon.start(undefined, { configuration: claudeConfiguration(home, model.url) });
    },
  });

  beforeEach(() => begin(world.page, world.folder, /^Claude/), SLOW);

  const said = () => messages(world.page).getByRole("article", { name: "Agent", exact: true });

  test("what Claude says is shown while it is said", { timeout: SLOW }, async () => {
    const release = model.hold();
    await ask(world.page, "hello there");
    await said().getByText(HELLO[0].trim(), { exact: true }).waitFor();
    await world.shoot("claude-streams");
    release();
    await said().getByText(HELLO.join(""), { exact: true }).waitFor();
    await world.shoot("claude-said");
  });

  test("a file is written after it was allowed, and not before", { timeout: SLOW }, async () => {
    const { page } = world;
    await ask(page, `write ${world.file("notes.txt")}`);
    await card(page).getByText("notes.txt").first().waitFor();
    expect(await card(page).getByLabel("content", { exact: true }).textContent()).toBe(WRITTEN);
    expect(existsSync(world.file("notes.txt"))).toBe(false);
    await world.shoot("claude-card");
    await card(page).getByRole("button", { name: "Allow once" }).click();
    await said().getByText(DONE, { exact: true }).waitFor();
    expect(readFileSync(world.file("notes.txt"), "utf8")).toBe(WRITTEN);
    await messages(page).getByText("1 file changed").waitFor();
    await world.shoot("claude-written");
  });

  test("a file is not written after it was denied", { timeout: SLOW }, async () => {
    const { page } = world;
    await ask(page, `write ${world.file("notes.txt")}`);
    await card(page).getByRole("button", { name: "Deny", exact: true }).click();
    await messages(page).getByText(/^Denied/).waitFor();
    await said().getByText(NOT_DONE, { exact: true }).waitFor();
    expect(existsSync(world.file("notes.txt"))).toBe(false);
    await world.shoot("claude-denied");
  });

  test("Escape stops it in the midst of what it says", { timeout: SLOW }, async () => {
    const { page } = world;
    await ask(page, "forever please");
    await said().getByText(/on and on and/).waitFor();
    expect(model.hungUp).toBe(0);
    await prompt(page).focus();
    await page.keyboard.press("Escape");
    await messages(page).getByText("Stopped", { exact: true }).waitFor();
    await expect.poll(() => model.hungUp).toBe(1);
    await world.shoot("claude-stopped");
    await ask(page, "hello again");
    await said().getByText(HELLO.join(""), { exact: true }).waitFor();
  });

  test("an error of its service is shown as one, with what can be done, and is no word of Claude's", { timeout: SLOW }, async () => {
    const { page } = world;
    await ask(page, "fail-401 please");
    const problem = messages(page).getByRole("region", { name: "What went wrong" });
    await problem.getByText("Not logged in", { exact: true }).waitFor();
    await problem.getByText(/Log in|log in/).last().waitFor();
    expect(await problem.textContent()).toContain("401");
    expect(await said().filter({ hasText: "401" }).count()).toBe(0);
    await world.shoot("claude-error");
    await problem.getByRole("button", { name: "Try again" }).click();
    await expect.poll(() => problem.count()).toBe(2);
  });
};

inChromium("Claude Code in the console", tests, withoutClaude);
