import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";

import { ask, begin, card, messages, prompt } from "../harness/agents.js";
import { inChromium, launch } from "../harness/chromium.js";
import { claudeConfiguration, withoutClaude } from "../harness/claude-code.js";
import { ConsoleDaemon } from "../harness/console-daemon.js";
import { enter, watched, type Watched } from "../harness/console-page.js";
import { DONE, HELLO, MessagesModel, NOT_DONE, WRITTEN } from "../harness/messages-model.js";

const SHOTS = new URL("../../../target/screenshots/", import.meta.url).pathname;
/** A program of this size takes its time to start. */
const SLOW = 90_000;

const tests = (): void => {
  let browser: Browser;
  let model: MessagesModel;
  let daemon: ConsoleDaemon;
  let first: Watched;
  let world: string;
  let folder: string;

  beforeAll(async () => {
    mkdirSync(SHOTS, { recursive: true });
    browser = await launch();
  });

  afterAll(() => browser?.close());

  beforeEach(async () => {
    model = await MessagesModel.start();
    world = mkdtempSync(join(tmpdir(), "sixframe-claude-"));
    folder = join(world, "project");
    mkdirSync(folder);
    daemon = await ConsoleDaemon.start(undefined, { configuration: claudeConfiguration(world, model.url) });
    first = await watched(browser);
    first.context.setDefaultTimeout(SLOW / 2);
    await enter(first.page, await daemon.link(), "Agents");
    await begin(first.page, folder, /^Claude/);
  }, SLOW);

  afterEach(async () => {
    expect(first.complaints).toEqual([]);
    await first.context.close();
    await daemon.stop();
    await model.stop();
    rmSync(world, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  });

  const file = (name: string): string => join(folder, name);
  const shoot = (name: string): Promise<unknown> => first.page.screenshot({ path: `${SHOTS}claude-${name}.png` });
  const said = () => messages(first.page).getByRole("article", { name: "Agent", exact: true });

  test("what Claude says is shown while it is said", { timeout: SLOW }, async () => {
    const release = model.hold();
    await ask(first.page, "hello there");
    await said().getByText(HELLO[0].trim(), { exact: true }).waitFor();
    await shoot("streams");
    release();
    await said().getByText(HELLO.join(""), { exact: true }).waitFor();
    await shoot("said");
  });

  test("a file is written after it was allowed, and not before", { timeout: SLOW }, async () => {
    const { page } = first;
    await ask(page, `write ${file("notes.txt")}`);
    await card(page).getByText("notes.txt").first().waitFor();
    expect(await card(page).getByLabel("content", { exact: true }).textContent()).toBe(WRITTEN);
    expect(existsSync(file("notes.txt"))).toBe(false);
    await shoot("card");
    await card(page).getByRole("button", { name: "Allow once" }).click();
    await said().getByText(DONE, { exact: true }).waitFor();
    expect(readFileSync(file("notes.txt"), "utf8")).toBe(WRITTEN);
    await messages(page).getByText("1 file changed").waitFor();
    await shoot("written");
  });

  test("a file is not written after it was denied", { timeout: SLOW }, async () => {
    const { page } = first;
    await ask(page, `write ${file("notes.txt")}`);
    await card(page).getByRole("button", { name: "Deny", exact: true }).click();
    await messages(page).getByText(/^Denied/).waitFor();
    await said().getByText(NOT_DONE, { exact: true }).waitFor();
    expect(existsSync(file("notes.txt"))).toBe(false);
    await shoot("denied");
  });

  test("Escape stops it in the midst of what it says", { timeout: SLOW }, async () => {
    const { page } = first;
    await ask(page, "forever please");
    await said().getByText(/on and on and/).waitFor();
    expect(model.hungUp).toBe(0);
    await prompt(page).focus();
    await page.keyboard.press("Escape");
    await messages(page).getByText("Stopped", { exact: true }).waitFor();
    await expect.poll(() => model.hungUp).toBe(1);
    await shoot("stopped");
    await ask(page, "hello again");
    await said().getByText(HELLO.join(""), { exact: true }).waitFor();
  });

  test("an error of its service is shown as one, with what can be done, and is no word of Claude's", { timeout: SLOW }, async () => {
    const { page } = first;
    await ask(page, "fail-401 please");
    const problem = messages(page).getByRole("region", { name: "What went wrong" });
    await problem.getByText("Not logged in", { exact: true }).waitFor();
    await problem.getByText(/Log in|log in/).last().waitFor();
    expect(await problem.textContent()).toContain("401");
    expect(await said().filter({ hasText: "401" }).count()).toBe(0);
    await shoot("error");
    await problem.getByRole("button", { name: "Try again" }).click();
    await expect.poll(() => problem.count()).toBe(2);
  });
};

inChromium("Claude Code in the console", tests, withoutClaude);
