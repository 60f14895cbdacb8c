import { writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Page } from "playwright-core";
import { expect, test } from "vitest";

import { ask, begin, card, leaveItems, messages, prompt } from "../harness/agents.js";
import { inChromium } from "../harness/chromium.js";
import { ConsoleDaemon } from "../harness/console-daemon.js";
import { enter, watched } from "../harness/console-page.js";
import { inConsole } from "../harness/console-world.js";
import { conversation } from "../harness/conversation.js";

const said = (kind: string, text: string): object => ({ kind, status: "completed", content: [{ type: "text", text }] });

/** That the beginning of what is asked can be seen, and what answers it can be seen and clicked, without scrolling. */
async function expectAnswers(page: Page): Promise<void> {
  for (const name of ["Allow once", "Deny", "Deny and say why"]) {
    const answer = card(page).getByRole("button", { name, exact: true });
    const isOnTop = (button: HTMLElement | SVGElement): boolean => {
      const { x, y, width, height } = button.getBoundingClientRect();
      return button.contains(document.elementFromPoint(x + width / 2, y + height / 2));
    };
    expect(await answer.evaluate(isOnTop), name).toBe(true);
  }
  const isSeen = (title: HTMLElement | SVGElement): boolean => {
    const { x, y } = title.getBoundingClientRect();
    return title.closest(".waiting-cards")?.scrollTop === 0 && title.contains(document.elementFromPoint(x + 10, y + 10));
  };
  expect(await card(page).locator(".ask-title").evaluate(isSeen), "the title").toBe(true);
}

/** That what is to be run can be read, at the latest after scrolling, and when the words about what was done are gone. */
async function expectCommand(page: Page): Promise<void> {
  const isSeen = (field: HTMLElement | SVGElement): boolean => {
    field.scrollIntoView({ block: "start" });
    const { x, y } = field.getBoundingClientRect();
    return [12, 40].every((below) => field.contains(document.elementFromPoint(x + 12, y + below)));
  };
  await expect.poll(() => card(page).locator(".exact-field pre").first().evaluate(isSeen), { message: "the command" }).toBe(true);
  await card(page).evaluate((article) => article.closest(".waiting-cards")?.scrollTo(0, 0));
}

/** That the prompt is not pushed out of the window. */
async function expectPrompt(page: Page): Promise<void> {
  const bar = await page.getByRole("tablist", { name: "Panels" }).boundingBox();
  const box = await page.getByRole("button", { name: "Send" }).boundingBox();
  expect((box?.y ?? 0) + (box?.height ?? 0)).toBeLessThanOrEqual(bar?.y ?? 0);
}

inChromium("the chat of the real daemon", () => {
  const world = inConsole({ panel: "Agents" });

  test("a card and a queue leave room for the prompt, and its answers stay in sight, in a narrow window too", async () => {
    const { page, folder } = world;
    await begin(page, folder);
    await page.setViewportSize({ width: 420, height: 800 });
    await ask(page, `write notes.txt\n${"line\n".repeat(30)}`);
    await card(page).waitFor();
    for (const wanted of ["list", "read notes.txt", "list ."]) await ask(page, wanted);
    await page.getByText("3 prompts wait").waitFor();
    for (const [width, height] of [[360, 640], [420, 800]] as const) {
      await page.setViewportSize({ width, height });
      await world.shoot(`agent-card-narrow-${width}`);
      await expectPrompt(page);
      await expectAnswers(page);
    }
    await page.getByRole("button", { name: "Stop" }).click();
    await expect.poll(() => prompt(page).inputValue()).toBe("list\n\nread notes.txt\n\nlist .");
    await prompt(page).fill(`run echo ${"A".repeat(3_000)}`);
    await page.keyboard.press("Enter");
    for (const [width, height] of [[360, 640], [420, 800], [1280, 800]] as const) {
      await page.setViewportSize({ width, height });
      await card(page).waitFor();
      await world.shoot(`agent-card-long-${width}`);
      await expectAnswers(page);
      await expectCommand(page);
    }
    await card(page).getByRole("button", { name: "Deny", exact: true }).click();
  });

  test("a dialog that the menu of the session opened gives the focus back to it, and Escape there stops nothing", async () => {
    const { page, folder } = world;
    await begin(page, folder);
    await ask(page, "run sleep 30");
    await card(page).waitFor();
    const more = page.getByRole("button", { name: "More of the session" });
    for (const name of ["Rules…", "Settings in the folder…", "Close the session"]) {
      await more.focus();
      await page.keyboard.press("Enter");
      await page.getByRole("menuitem", { name }).focus();
      await page.keyboard.press("Enter");
      const dialog = page.getByRole("dialog");
      await dialog.waitFor();
      await page.keyboard.press("Escape");
      await dialog.waitFor({ state: "detached" });
      await expect.poll(() => more.evaluate((button) => button === document.activeElement)).toBe(true);
      await page.keyboard.press("Escape");
    }
    await card(page).waitFor();
    await page.getByRole("button", { name: "Stop" }).click();
    await card(page).waitFor({ state: "detached" });
  });

  test("what goes along with a prompt is chosen, and shown before it is sent", async () => {
    const { page, folder } = world;
    writeFileSync(join(folder, "bridge.txt"), "a bridge of cables\n");
    await begin(page, folder);
    await page.getByRole("button", { name: "Context" }).click();
    const row = page.getByRole("group", { name: "Context" });
    await row.getByLabel("File").fill("bridge.txt");
    expect(await page.locator("datalist option").evaluateAll((all) => all.map((one) => (one as HTMLOptionElement).value))).toEqual(["default"]);
    await prompt(page).fill("How is it held?");
    for (const width of [1200, 420]) {
      await page.setViewportSize({ width, height: 800 });
      await row.getByRole("button", { name: "Show what is sent" }).click();
      const shown = page.getByRole("dialog");
      await shown.getByText("a bridge of cables").waitFor();
      await world.shoot(`agent-context-${width}`);
      await page.keyboard.press("Escape");
      await shown.waitFor({ state: "detached" });
      await expect.poll(() => page.evaluate(() => document.activeElement?.textContent)).toBe("Show what is sent");
    }
    await world.shoot("agent-context-row");
  });

  test("who has answered goes on with the keyboard: Escape stops, wherever the focus is", async () => {
    const { page, folder } = world;
    await begin(page, folder);
    await ask(page, "run echo begun; sleep 60");
    await card(page).getByRole("button", { name: "Allow once" }).click();
    await messages(page).getByText("begun", { exact: true }).last().waitFor();
    await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toBe("Prompt");
    await messages(page).getByText("begun", { exact: true }).last().click();
    await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    await page.keyboard.press("Escape");
    await messages(page).getByText("Stopped", { exact: true }).waitFor();
  });

  test("two windows show one session, and either answers; the clock of one may be wrong", async () => {
    const { page, folder } = world;
    await begin(page, folder);
    await ask(page, "write notes.txt\nfirst");
    await card(page).waitFor();
    const other = await watched(world.browser);
    await other.page.clock.setSystemTime(Date.now() + 3_600_000);
    await enter(other.page, await world.daemon.link(), "Agents");
    await other.page.getByRole("list", { name: "Sessions" }).getByRole("button").first().click();
    await card(other.page).getByText(/Denied in 9 min/).waitFor();
    await card(other.page).getByRole("button", { name: "Allow once" }).click();
    for (const one of [page, other.page]) {
      await messages(one).getByText("Done", { exact: true }).waitFor();
      expect(await card(one).count()).toBe(0);
    }
    await ask(page, "run echo begun; sleep 60");
    await card(page).waitFor();
    await ask(other.page, "list");
    await page.getByText("1 prompt waits").waitFor();
    await page.close();
    await messages(other.page).getByText("Stopped", { exact: true }).waitFor();
    await expect.poll(() => messages(other.page).getByText("Done", { exact: true }).count()).toBe(2);
    expect(other.complaints).toEqual([]);
    await other.context.close();
  });

  test("a session that one window closes and another one goes on with is followed by both, and a draft stays", async () => {
    const { page, folder } = world;
    await begin(page, folder);
    await ask(page, "write notes.txt\nnever");
    await card(page).waitFor();
    await prompt(page).fill("not sent yet");
    const other = await watched(world.browser);
    await enter(other.page, await world.daemon.link(), "Agents");
    await other.page.getByRole("list", { name: "Sessions" }).getByRole("button").first().click();
    await card(other.page).waitFor();
    await other.page.getByRole("button", { name: "More of the session" }).click();
    await other.page.getByRole("menuitem", { name: "Close the session" }).click();
    await other.page.getByRole("button", { name: "Close it" }).click();
    for (const one of [page, other.page]) {
      await one.getByText("This session is closed. Its history stays.").waitFor();
      expect(await card(one).count()).toBe(0);
    }
    await page.getByRole("button", { name: "Go on with it" }).click();
    await prompt(page).waitFor();
    expect(await prompt(page).inputValue()).toBe("not sent yet");
    await prompt(page).fill("");
    await ask(page, "list");
    for (const one of [page, other.page]) await messages(one).getByText("Done", { exact: true }).waitFor();
    expect(other.complaints).toEqual([]);
    await other.context.close();
  });

  test("a hundred messages with code, diffs and output of tools take less than 50 MB", { timeout: 120_000 }, async () => {
    await world.daemon.kill();
    leaveItems(world.daemon.folder, "ses_talk", conversation(100));
    world.daemon = await ConsoleDaemon.start(world.daemon);
    const { page } = world;
    await page.getByRole("alert").waitFor({ state: "detached" });
    const before = await heap(page);
    await page.getByRole("list", { name: "Sessions" }).getByRole("button").click();
    await messages(page).getByText("Done with part 49.", { exact: true }).waitFor();
    const { rows, most } = await page.evaluate(readThrough);
    await messages(page).getByText("Question 0:").waitFor();
    expect(await page.locator(".code [class^=code-]").count()).toBeGreaterThan(0);
    const after = await heap(page);
    console.log(`${rows} rows read through, at most ${most} of them at once: ${after.toFixed(1)} MB of heap, elements and buffers, ${before.toFixed(1)} before they were read`);
    expect(rows).toBeGreaterThan(200);
    expect(after).toBeLessThan(50);
  });

  test("a search for agents that a lost connection took along is made again when it is back", async () => {
    const { page } = world;
    const form = page.getByRole("form", { name: "New session" });
    await form.getByRole("radio", { name: /^Built-in/ }).waitFor();
    await form.getByRole("button", { name: "Look again" }).click();
    await world.daemon.kill();
    await page.getByRole("alert").getByText("The connection was lost.").waitFor();
    world.daemon = await ConsoleDaemon.start(world.daemon);
    await form.getByRole("button", { name: "Look again", disabled: false }).waitFor();
    await page.getByRole("alert").waitFor({ state: "detached" });
  });

  test("sessions are called by what was asked in them, also after a restart and in another window", async () => {
    await world.daemon.kill();
    leaveItems(world.daemon.folder, "ses_1", [said("user_message", "How is a bridge held?"), said("agent_message", "By cables.")]);
    leaveItems(world.daemon.folder, "ses_2", [said("user_message", "Build a wall"), said("agent_message", "It stands.")]);
    world.daemon = await ConsoleDaemon.start(world.daemon);
    const { page } = world;
    await page.getByText("Connected", { exact: true }).waitFor();
    const list = page.getByRole("list", { name: "Sessions" });
    await list.getByText("How is a bridge held?").waitFor();
    await list.getByText("Build a wall").waitFor();
  });
});

/** What the scripts and the elements of a page take, in megabytes, when what nobody needs is gone. */
async function heap(page: Page): Promise<number> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("HeapProfiler.collectGarbage");
  const { usedSize, embedderHeapUsedSize, backingStorageSize } = await devtools.send("Runtime.getHeapUsage");
  await devtools.detach();
  return (usedSize + embedderHeapUsedSize + backingStorageSize) / 1e6;
}

/** Goes up through all messages, so that each of them is shown once. Runs in the page. */
async function readThrough(): Promise<{ rows: number; most: number }> {
  const list = document.querySelector(".messages") as HTMLElement;
  const seen = new Set<string>();
  let most = 0;
  for (let still = 0; still < 10; still += list.scrollTop === 0 ? 1 : 0) {
    const rows = [...document.querySelectorAll(".message-row")];
    most = Math.max(most, rows.length);
    for (const row of rows) seen.add(row.getAttribute("aria-posinset") ?? "");
    list.scrollTop -= 900;
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  }
  return { rows: seen.size, most };
}
