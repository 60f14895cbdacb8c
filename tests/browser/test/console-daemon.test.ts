import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";

import { inChromium, launch } from "../harness/chromium.js";
import { ConsoleDaemon } from "../harness/console-daemon.js";
import { edit, enter, row, show, watched, type Watched } from "../harness/console-page.js";

inChromium("the console on the real daemon", () => {
  let browser: Browser;
  let daemon: ConsoleDaemon;
  let first: Watched;

  beforeAll(async () => {
    browser = await launch();
  });

  afterAll(() => browser?.close());

  beforeEach(async () => {
    daemon = await ConsoleDaemon.start();
    first = await watched(browser);
    await enter(first.page, await daemon.link());
  });

  afterEach(async () => {
    expect(first.complaints).toEqual([]);
    await first.context.close();
    await daemon.stop();
  });

  test("a link lets in, its ticket leaves the address, and a reload stays in", async () => {
    expect(first.page.url()).toBe(`${daemon.url}#methods`);
    await first.page.reload();
    await first.page.getByText("Connected", { exact: true }).waitFor();
    const stranger = await watched(browser);
    await stranger.page.goto(`${daemon.url}#ticket=guessed`);
    await stranger.page.getByRole("heading", { name: "This page needs a link" }).waitFor();
    expect(stranger.page.url()).toBe(daemon.url);
    await stranger.context.close();
  });

  test("a window keeps its name when it is loaded again, and a tab that is opened from it takes another", async () => {
    const { page, context } = first;
    const name = (of: Page): Promise<string | null> => of.evaluate(() => sessionStorage.getItem("sixframe.window"));
    const before = await name(page);
    expect(before).not.toBeNull();
    for (let times = 0; times < 3; times += 1) {
      await page.reload();
      await page.getByText("Connected", { exact: true }).waitFor();
      expect(await name(page)).toBe(before);
    }
    const [copy] = await Promise.all([context.waitForEvent("page"), page.evaluate(() => void window.open(location.href))]);
    await copy.getByText("Connected", { exact: true }).waitFor();
    expect([await name(copy) === before, await name(page)]).toEqual([false, before]);
    await copy.close();
  });

  test("two windows agree on what either of them changes", async () => {
    const second = await watched(browser, first.context);
    await enter(second.page, daemon.url);
    await show(first.page, "State");
    await show(second.page, "State");
    await edit(first.page, /^temperature/, "1.25");
    await row(second.page, /^temperature: 1.25/).waitFor();
    await edit(second.page, /^defaultModel/, "claude-sonnet");
    await row(first.page, /^defaultModel: "claude-sonnet"/).waitFor();
    const { global } = await daemon.call<{ global: object }>("hub.getSnapshot");
    expect(global).toMatchObject({ temperature: 1.25, defaultModel: "claude-sonnet" });
    expect(second.complaints).toEqual([]);
  });

  test("an edit of what somebody else has changed meanwhile asks first", async () => {
    const { page } = first;
    await show(page, "State");
    await row(page, /^defaultModel/).click();
    await page.keyboard.press("Enter");
    await page.keyboard.type("mine");
    await daemon.call("hub.updateGlobal", { defaultModel: "theirs" });
    await page.getByRole("complementary", { name: "Changes" }).getByText('"theirs"').waitFor();
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog", { name: "Somebody else changed it" });
    await dialog.getByText('"theirs"').waitFor();
    await dialog.getByRole("button", { name: "Keep theirs" }).click();
    await row(page, /^defaultModel: "theirs"/).waitFor();
  });

  test("what the daemon owns is not changed, and its words say so", async () => {
    const { page } = first;
    await show(page, "State");
    await row(page, /^windows/).click();
    await page.keyboard.press("Delete");
    await page
      .getByRole("status")
      .getByText(/FORBIDDEN/)
      .waitFor();
    await row(page, /^windows/).waitFor();
  });

  test("a daemon that is killed and started again is healed from, its sessions still good", async () => {
    const { page } = first;
    await show(page, "State");
    await edit(page, /^temperature/, "1.5");
    await row(page, /^temperature: 1.5/).waitFor();
    await daemon.kill();
    await page.getByRole("alert").getByText("The connection was lost.").waitFor();
    daemon = await ConsoleDaemon.start(daemon);
    await page.getByText("Connected", { exact: true }).waitFor();
    await page.getByRole("alert").waitFor({ state: "detached" });
    await daemon.call("hub.updateGlobal", { maxTokens: 4_242 });
    await row(page, /^maxTokens: 4242/).waitFor();
    await edit(page, /^temperature/, "0.25");
    await row(page, /^temperature: 0.25/).waitFor();
  });

  test("what was changed before a daemon was killed is there when it is started again", async () => {
    await show(first.page, "State");
    await edit(first.page, /^temperature/, "1.5");
    await row(first.page, /^temperature: 1.5/).waitFor();
    await daemon.kill();
    daemon = await ConsoleDaemon.start(daemon);
    expect(await daemon.call("hub.getSnapshot")).toMatchObject({ global: { temperature: 1.5 } });
    await row(first.page, /^temperature: 1.5/).waitFor();
  });

  test("the daemon's methods have forms that work", async () => {
    const { page } = first;
    writeFileSync(join(daemon.folder, "app.log"), "first line\n");
    await page.getByRole("option", { name: "fs.tail" }).click();
    await page.getByRole("textbox", { name: "path" }).fill("app.log");
    await page.getByRole("button", { name: "Stream", exact: true }).click();
    await page.getByRole("listbox", { name: "Items" }).getByRole("option").first().waitFor();
    appendFileSync(join(daemon.folder, "app.log"), "second line\n");
    await page.getByRole("listbox", { name: "Items" }).getByText("second line").waitFor();
    await page.getByRole("textbox", { name: "path" }).fill("/etc/passwd");
    await page.getByRole("button", { name: "Stream", exact: true }).click();
    await page.getByRole("alert").getByText("FORBIDDEN").waitFor();
  });

  test("the tap shows the calls of a program on the same machine", async () => {
    const { page } = first;
    await show(page, "Frames");
    await page.getByRole("radio", { name: "Daemon" }).click();
    await page.getByText("No frame of another connection has passed yet.").waitFor();
    // The tap may begin behind a call.
    await expect.poll(async () => {
      await daemon.call("rpc.metrics");
      return page.getByRole("row", { name: /rpc\.metrics.*ws.*done/ }).count();
    }).toBeGreaterThan(0);
  });

  test("who is connected is shown as it changes", async () => {
    const { page, context } = first;
    await show(page, "Windows");
    await page.getByText("1 connection", { exact: true }).waitFor();
    const second = await watched(browser, context);
    await enter(second.page, daemon.url);
    await page.getByText("2 connections").waitFor();
    await second.page.close();
    await page.getByText("1 connection", { exact: true }).waitFor();
  });
});
