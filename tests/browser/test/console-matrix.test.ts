/** What holds for agents in the console, whatever happens: for the real Claude Code, and for the built-in agent. */

import { existsSync, writeFileSync } from "node:fs";

import type { Page } from "playwright-core";
import { beforeEach, expect, test } from "vitest";

import { ask, begin, card, ended, messages, prompt } from "../harness/agents.js";
import { inChromium } from "../harness/chromium.js";
import { withoutClaude } from "../harness/claude-code.js";
import { enter, watched } from "../harness/console-page.js";
import { HELLO } from "../harness/messages-model.js";
import { BUILT_IN, CLAUDE_CODE, onStage, type Player, type Stage } from "../harness/players.js";
import { killAll } from "../harness/processes.js";

/** A program of Claude Code's size takes its time to start, and to start again. */
const SLOW = 120_000;

const said = (page: Page) => messages(page).getByRole("article", { name: "Agent", exact: true });
const allow = (page: Page) => card(page).getByRole("button", { name: "Allow once" });
const sessions = (page: Page) => page.getByRole("list", { name: "Sessions" });

/** Lets the agent run what never ends by itself, and waits until it runs. */
async function toil({ world }: Stage): Promise<void> {
  await ask(world.page, "run touch begun; tail -f /dev/null");
  await allow(world.page).click();
  await expect.poll(() => existsSync(world.file("begun"))).toBe(true);
}

/** The connection is lost, and comes back with another daemon. */
async function overcome(stage: Stage): Promise<void> {
  await stage.world.page.getByRole("alert").getByText("The connection was lost.").waitFor();
  await stage.another();
  await stage.world.page.getByRole("alert").waitFor({ state: "detached" });
}

/** What was asked is asked again, and is denied this time. */
async function askAgainAndDeny({ world: { page }, player }: Stage): Promise<void> {
  await messages(page).getByRole("button", { name: "Try again" }).click();
  await card(page).getByRole("button", { name: "Deny", exact: true }).click();
  await said(page).getByText(player.refusal, { exact: true }).waitFor();
}

function whatHolds(player: Player): void {
  const stage = onStage(player);
  const { world } = stage;
  const shoot = (what: string): Promise<void> => world.shoot(`${player.shots}-${what}`);

  beforeEach(() => begin(world.page, world.folder, player.choice), SLOW);

  test("Escape while leave is awaited withdraws what was asked, and nothing is done", { timeout: SLOW }, async () => {
    const { page } = world;
    await ask(page, `write ${world.file("never.txt")}`);
    await card(page).waitFor();
    await prompt(page).focus();
    await page.keyboard.press("Escape");
    await messages(page).getByText("Stopped", { exact: true }).waitFor();
    await messages(page).getByText("Withdrawn", { exact: true }).waitFor();
    expect(await card(page).count()).toBe(0);
    await shoot("withdrawn");
    await ask(page, "search magpie");
    await ended(page, "search magpie", "Done");
    expect(existsSync(world.file("never.txt"))).toBe(false);
  });

  test("prompts wait while it is busy, can be taken back and changed, and are done in their order", { timeout: SLOW }, async () => {
    const { page } = world;
    await ask(page, `write ${world.file("one.txt")}`);
    await card(page).waitFor();
    await ask(page, "search kept");
    await ask(page, "search gone");
    const queue = page.getByRole("region", { name: "Prompts that wait" });
    await queue.getByText("2 prompts wait").waitFor();
    await shoot("queue");
    await queue.getByRole("listitem").filter({ hasText: "gone" }).getByRole("button", { name: "Take the prompt back" }).click();
    await queue.getByText("1 prompt waits").waitFor();
    await queue.getByRole("button", { name: "Change the prompt" }).click();
    await queue.getByRole("textbox", { name: "The prompt" }).fill("search changed");
    await page.keyboard.press("Enter");
    await queue.getByText("search changed", { exact: true }).waitFor();
    expect(existsSync(world.file("one.txt"))).toBe(false);
    await allow(page).click();
    await ended(page, "search changed", "Done");
    expect(existsSync(world.file("one.txt"))).toBe(true);
    expect(await messages(page).getByRole("article", { name: "You" }).filter({ hasText: /kept|gone/ }).count()).toBe(0);
  });

  test("a session goes on after the daemon was started anew, with what was said before", { timeout: SLOW }, async () => {
    const { page } = world;
    await ask(page, "search magpie");
    await ended(page, "search magpie", "Done");
    await world.daemon.end();
    expect(stage.processes()).toEqual([]);
    await overcome(stage);
    await messages(page).getByText("search magpie", { exact: true }).first().waitFor();
    await ask(page, "recall magpie");
    await ended(page, "recall magpie", "Done");
    if (player.recollection) await said(page).getByText(player.recollection, { exact: true }).waitFor();
    await shoot("resumed");
  });

  test("what does its work is killed: the turn says so, nothing of it is left, and the session goes on", { timeout: SLOW }, async () => {
    const { page } = world;
    await ask(page, "search magpie");
    await ended(page, "search magpie", "Done");
    const before = stage.processes();
    await toil(stage);
    const killed = stage.programs();
    expect(killed).not.toEqual([]);
    killAll(killed);
    await messages(page).getByText(player.death).waitFor();
    await expect.poll(() => stage.processes().filter((pid) => killed.includes(pid) || !before.includes(pid))).toEqual([]);
    await shoot("killed");
    await ask(page, "recall magpie");
    await ended(page, "recall magpie", "Done");
    if (player.recollection) await said(page).getByText(player.recollection, { exact: true }).waitFor();
  });

  test("a window that is closed in the midst of a turn stops it, with all that it started", { timeout: SLOW }, async () => {
    await ask(world.page, "search magpie");
    await ended(world.page, "search magpie", "Done");
    const before = stage.processes();
    await toil(stage);
    expect(stage.processes().length).toBeGreaterThan(before.length);
    await world.page.close();
    await expect.poll(() => stage.processes().filter((pid) => !before.includes(pid))).toEqual([]);
    const other = await watched(world.browser, world.first.context);
    await enter(other.page, await world.daemon.link(), "Agents");
    await sessions(other.page).getByRole("button").click();
    await ended(other.page, "run touch begun", "Stopped");
    await world.shoot(`${player.shots}-left`, other.page);
    await ask(other.page, "search heron");
    await ended(other.page, "search heron", "Done");
    expect(other.complaints).toEqual([]);
  });

  test("eight sessions work at once, each on what it was asked", { timeout: SLOW }, async () => {
    const { page } = world;
    for (let number = 1; number <= 8; number += 1) {
      if (number > 1) {
        await page.getByRole("button", { name: "New session" }).click();
        await begin(page, world.folder, player.choice);
      }
      await ask(page, `run touch begun-${number}; until [ -e go ]; do sleep 0.1; done; echo over-${number}`);
      await allow(page).click();
    }
    for (let number = 1; number <= 8; number += 1) await expect.poll(() => existsSync(world.file(`begun-${number}`))).toBe(true);
    const doing = (state: RegExp) => sessions(page).getByRole("listitem").filter({ hasText: state });
    await expect.poll(() => doing(/Working/).count()).toBe(8);
    const order = await sessions(page).getByRole("listitem").allTextContents();
    expect(order.map((text) => /begun-(\d)/.exec(text)?.[1])).toEqual(["8", "7", "6", "5", "4", "3", "2", "1"]);
    await shoot("eight");
    writeFileSync(world.file("go"), "");
    await expect.poll(() => doing(/Idle/).count()).toBe(8);
    for (let number = 1; number <= 8; number += 1) {
      await doing(new RegExp(`begun-${number}`)).getByRole("button").click();
      await ended(page, `echo over-${number}`, "Done");
    }
  });

  test("a daemon that is killed in the midst of a turn leaves nothing behind, and the next one has the session", { timeout: SLOW }, async () => {
    const { page } = world;
    await ask(page, "search magpie");
    await ended(page, "search magpie", "Done");
    await toil(stage);
    await world.daemon.kill();
    await expect.poll(() => stage.processes()).toEqual([]);
    await overcome(stage);
    await messages(page).getByText("The agent ended", { exact: true }).waitFor();
    await shoot("crashed");
    await askAgainAndDeny(stage);
    if (!player.recollection) return;
    await ask(page, "recall magpie");
    await said(page).getByText(player.recollection, { exact: true }).waitFor();
  });
}

/** What goes wrong with the model's service, as what it is shown. The built-in agent has no model, and so no service. */
const REFUSALS = [
  { asks: "fail-429", shown: "Too many requests", status: "429" },
  { asks: "fail-500", shown: "The service failed", status: "500" },
  { asks: "fail-503", shown: "The service has too much to do", status: "503" },
  { asks: "fail-529", shown: "The service has too much to do", status: "529" },
  { asks: "garble", shown: "The service failed", status: "" },
  { asks: "cut", shown: "The service cannot be reached", status: "" },
] as const;

function whatItsServiceDoes(): void {
  const stage = onStage(CLAUDE_CODE);
  const { world } = stage;

  beforeEach(() => begin(world.page, world.folder, CLAUDE_CODE.choice), SLOW);

  test("what its service refuses, garbles or breaks off is shown by its kind, and trying again does when it is well", { timeout: SLOW }, async () => {
    const { page } = world;
    const { model } = stage;
    for (const { asks, shown, status } of REFUSALS) {
      model.fallIll();
      await ask(page, `${asks} please`);
      await ended(page, asks, "Failed");
      const problem = messages(page).getByRole("region", { name: "What went wrong" }).last();
      expect(await problem.textContent(), asks).toContain(shown);
      expect(await problem.textContent(), asks).toContain(status);
      expect(await said(page).filter({ hasText: /refused with|JSON/ }).count(), asks).toBe(0);
      await world.shoot(`claude-${asks}`);
      model.recover();
      await problem.getByRole("button", { name: "Try again" }).click();
      await ended(page, asks, "Done");
      await said(page).last().getByText(HELLO.join(""), { exact: true }).waitFor();
    }
  });

  test("a service that it asks again by itself is shown as that, and then what it says", { timeout: SLOW }, async () => {
    const { page } = world;
    await ask(page, "tired-529 please");
    await messages(page).getByText(/^The service has too much to do\. The agent (asks again in|asked again)/).waitFor();
    await world.shoot("claude-again");
    await ended(page, "tired-529", "Done");
    await said(page).getByText(HELLO.join(""), { exact: true }).waitFor();
  });
}

inChromium("Claude Code in the console, whatever happens", () => whatHolds(CLAUDE_CODE), withoutClaude);
inChromium("the built-in agent in the console, whatever happens", () => whatHolds(BUILT_IN));
inChromium("Claude Code in the console, whatever its service does", whatItsServiceDoes, withoutClaude);
