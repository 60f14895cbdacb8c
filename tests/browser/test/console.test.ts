import { readFile } from "node:fs/promises";

import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";

import { inChromium, launch } from "../harness/chromium.js";
import { edit, enter, row, show, watched, type Watched } from "../harness/console-page.js";
import { StandIn } from "../harness/console-stand-in.js";
import { STATE } from "../harness/console-state.js";

inChromium("the console", () => {
  let browser: Browser;
  let daemon: StandIn;
  let first: Watched;

  beforeAll(async () => {
    browser = await launch();
  });

  afterAll(() => browser?.close());

  beforeEach(async () => {
    daemon = await StandIn.start(structuredClone(STATE));
    first = await watched(browser);
    await enter(first.page, daemon.link());
  });

  afterEach(async () => {
    expect(first.complaints).toEqual([]);
    await first.context.close();
    await daemon.stop();
  });

  test("a link lets in once, its ticket leaves the address at once, and a reload stays in", async () => {
    const { page, context } = first;
    expect(page.url()).toBe(`${daemon.url}#methods`);
    expect(await page.evaluate(() => history.length)).toBeLessThanOrEqual(2);
    await page.reload();
    await page.getByText("Connected", { exact: true }).waitFor();
    const stranger = await watched(browser);
    await stranger.page.goto(`${daemon.url}#ticket=used`);
    await stranger.page.getByText("this link was used before").waitFor();
    expect(await stranger.page.getByText("sixframe open", { exact: true }).count()).toBe(1);
    expect(stranger.page.url()).toBe(daemon.url);
    await stranger.page.evaluate((link) => (location.href = link), daemon.link());
    await stranger.page.getByText("Connected", { exact: true }).waitFor();
    expect(stranger.page.url()).toBe(daemon.url);
    await stranger.context.close();
    const second = await watched(browser, context);
    await enter(second.page, daemon.url);
  });

  test("what one window changes the other shows", async () => {
    const second = await watched(browser, first.context);
    await enter(second.page, daemon.url);
    await show(first.page, "State");
    await show(second.page, "State");
    await edit(first.page, /^temperature/, "1.25");
    await row(second.page, /^temperature: 1.25/).waitFor();
    await row(first.page, /^temperature: 1.25/).waitFor();
    await second.page.getByRole("complementary", { name: "Changes" }).getByText("/global/temperature").waitFor();
    await first.page.getByRole("button", { name: "Undo" }).click();
    await row(second.page, /^temperature: 0.7/).waitFor();
    expect(second.complaints).toEqual([]);
  });

  test("an edit of what somebody else has changed meanwhile asks, and overwrites nothing unasked", async () => {
    const { page } = first;
    await show(page, "State");
    await row(page, /^defaultModel/).click();
    await page.keyboard.press("Enter");
    await page.keyboard.type("mine");
    daemon.commit([{ op: "replace", path: "/global/defaultModel", value: "theirs" }]);
    await page.getByText("theirs").first().waitFor();
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog", { name: "Somebody else changed it" });
    await dialog.getByText('"theirs"').waitFor();
    await dialog.getByText('"mine"').waitFor();
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Keep theirs");
    expect(daemon.hub.state["global"]).toMatchObject({ defaultModel: "theirs" });
    await dialog.getByRole("button", { name: "Overwrite with mine" }).click();
    await row(page, /^defaultModel: "mine"/).waitFor();
    expect(daemon.hub.state["global"]).toMatchObject({ defaultModel: "mine" });
  });

  test("a change elsewhere does not stand in an edit's way", async () => {
    const { page } = first;
    await show(page, "State");
    await row(page, /^maxTokens/).click();
    await page.keyboard.press("Enter");
    await page.keyboard.type("16000");
    for (let times = 0; times < 5; times += 1)
      daemon.commit([{ op: "add", path: "/sidecars/services/indexer/restarts", value: times }]);
    await page.keyboard.press("Enter");
    await row(page, /^maxTokens: 16000/).waitFor();
  });

  test("a daemon that goes away and comes back is told calmly, and the page heals", async () => {
    const { page } = first;
    await show(page, "State");
    await row(page, /^temperature: 0.7/).waitFor();
    await daemon.stop();
    await page.getByRole("alert").getByText("The connection was lost.").waitFor();
    await row(page, /^temperature: 0.7/).waitFor();
    daemon = await StandIn.start({}, daemon);
    daemon.commit([{ op: "replace", path: "/global/temperature", value: 0.9 }]);
    await page.getByText("Connected", { exact: true }).waitFor();
    await page.getByRole("alert").waitFor({ state: "detached" });
    await row(page, /^temperature: 0.9/).waitFor();
    await page.getByLabel("1 reconnect").waitFor();
  });

  test("a form makes the payload, and errors are told with their code, words and data", async () => {
    const { page } = first;
    await page.getByRole("option", { name: "math.add" }).click();
    await page.getByRole("spinbutton", { name: "0" }).fill("40");
    await page.getByRole("spinbutton", { name: "1" }).fill("2");
    await page.getByRole("button", { name: "Call", exact: true }).click();
    await page.getByRole("treeitem", { name: /result: 42/ }).waitFor();
    await page.getByRole("option", { name: "store.charge" }).click();
    await page.getByRole("button", { name: "Call", exact: true }).click();
    const alert = page.getByRole("alert");
    await alert.getByText("CARD_DECLINED").waitFor();
    await alert.getByText("the card was declined by its bank").waitFor();
    await alert.getByText("payments").waitFor();
    await alert.getByText('"insufficient funds"').waitFor();
  });

  test("a stream is shown as it comes, and cancelled at the peer", async () => {
    const { page } = first;
    await page.getByRole("option", { name: "clock.tick" }).click();
    await page.getByRole("button", { name: "Stream", exact: true }).click();
    await page.getByText("streaming").waitFor();
    await page.getByRole("listbox", { name: "Items" }).getByText("tick: 2").waitFor();
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("status").getByText("cancelled").waitFor();
    await show(page, "Frames");
    await page.getByRole("row", { name: /clock\.tick/ }).click();
    await page.getByRole("listbox", { name: "Frames of the call" }).press("End");
    await page
      .getByRole("listbox", { name: "Frames of the call" })
      .getByText(/^(can|err)$/)
      .first()
      .waitFor();
  });

  test("what the inspector shows can be saved as a recording", async () => {
    const { page } = first;
    await show(page, "Frames");
    await page.getByRole("searchbox", { name: "Filter calls" }).fill("hub.watch");
    await page.getByRole("row", { name: /hub\.watch/ }).waitFor();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Export" }).click(),
    ]);
    const lines = (await readFile(await download.path(), "utf8"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines[0]).toMatchObject({ at: 0, direction: "sent", frame: { kind: "req", method: "hub.watch" } });
    expect(lines[1]).toMatchObject({ direction: "received", frame: { kind: "nxt" } });
    expect(lines.every((line) => typeof line["at"] === "number")).toBe(true);
  });

  test("the daemon's tap shows the calls of another page", async () => {
    const second = await watched(browser, first.context);
    await enter(second.page, daemon.url);
    await show(first.page, "Frames");
    await first.page.getByRole("radio", { name: "Daemon" }).click();
    await second.page.getByRole("option", { name: "rpc.discover" }).click();
    await second.page.getByRole("button", { name: "Call", exact: true }).click();
    await first.page.getByRole("row", { name: /rpc\.discover.*#\d+ ws.*done/ }).waitFor();
  });

  test("who is connected is shown as it changes", async () => {
    const { page, context } = first;
    await show(page, "Windows");
    await page.getByText("Console 1").waitFor();
    const second = await watched(browser, context);
    await enter(second.page, daemon.url);
    await page.getByText("Console 2").waitFor();
    await second.page.close();
    await page.getByText("Console 2").waitFor({ state: "detached" });
  });
});
