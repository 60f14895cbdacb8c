import { mkdir } from "node:fs/promises";

import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";

import { inChromium, launch } from "../harness/chromium.js";
import { ConsoleDaemon } from "../harness/console-daemon.js";
import { enter, show, watched, type Watched } from "../harness/console-page.js";
import { marked } from "../harness/marked.js";
import { Remote } from "../harness/remote.js";
import { configuration } from "../harness/services.js";

const SHOTS = new URL("../../../target/screenshots/", import.meta.url).pathname;
/** A flood comes through a daemon that was built for tests, on a machine that has other work. */
const SLOW = 90_000;
const AT_LAST = { timeout: 60_000 };
const MARK = "TEST_OF_SIXFRAME";

inChromium("the processes of the real daemon", () => {
  let browser: Browser;
  let daemon: ConsoleDaemon;
  let first: Watched;
  let mark: string;

  beforeAll(async () => {
    await mkdir(SHOTS, { recursive: true });
    browser = await launch();
  });

  afterAll(() => browser?.close());

  beforeEach(async () => {
    mark = crypto.randomUUID();
    daemon = await ConsoleDaemon.start(undefined, { configuration: configuration(), inherits: { [MARK]: mark } });
    first = await watched(browser);
    await enter(first.page, await daemon.link());
    await show(first.page, "Processes");
  });

  afterEach(async () => {
    await first.context.close();
    await daemon.stop();
    await expect.poll(() => marked(MARK, mark)).toEqual([]);
    expect(first.complaints).toEqual([]);
  });

  /** Looks at one, and waits until it stands so. */
  async function at(page: Page, name: string, status: string): Promise<Locator> {
    await page.getByRole("button", { name: new RegExp(`^${name}`) }).click();
    const detail = page.getByRole("region", { name, exact: true });
    await detail.getByText(status, { exact: true }).first().waitFor();
    return detail;
  }

  const line = (page: Page, text: string | RegExp): Locator => page.getByRole("option").filter({ hasText: text });

  test("a service becomes ready, tells what it takes, and its log shows what it writes as text", async () => {
    const { page } = first;
    const detail = await at(page, "healthy", "Ready");
    const address = (await detail.getByRole("link").getAttribute("href")) ?? "";
    await detail.getByText("Memory").waitFor();
    await line(page, "it is <b>bold</b> to begin").waitFor();
    await line(page, /^err.*a warning from the healthy one/).waitFor();
    await fetch(`${address}/asked`);
    await line(page, "GET /asked").waitFor();
    expect(await page.locator(".log-rows .ansi-green").first().textContent()).toBe("INFO");
    await page.screenshot({ path: `${SHOTS}real-process.png` });
  });

  test("one that ends is started again, in the log with the border between its runs", async () => {
    const { page } = first;
    const detail = await at(page, "healthy", "Ready");
    await fetch(`${await detail.getByRole("link").getAttribute("href")}/end`).catch(() => undefined);
    await line(page, "Run 1 exited with code 7").waitFor();
    await line(page, /^Run 2 began/).waitFor();
    await detail.getByText("Ready", { exact: true }).first().waitFor();
    await expect.poll(() => detail.getByText("Restarts").locator("..").textContent()).toBe("Restarts1");
  });

  test("stop, start and restart do what they say, and only what makes sense can be pressed", async () => {
    const { page } = first;
    const detail = await at(page, "healthy", "Ready");
    expect(await detail.getByRole("button", { name: "Start healthy", exact: true }).isDisabled()).toBe(true);
    await detail.getByRole("button", { name: "Stop healthy", exact: true }).click();
    await detail.getByText("Stopped", { exact: true }).waitFor();
    expect(await detail.getByRole("button", { name: "Stop healthy", exact: true }).isDisabled()).toBe(true);
    await detail.getByRole("button", { name: "Start healthy", exact: true }).click();
    await detail.getByText("Ready", { exact: true }).waitFor();
    await detail.getByRole("button", { name: "Restart healthy", exact: true }).click();
    await line(page, /^Run 3 began/).waitFor();
    await detail.getByText("Ready", { exact: true }).waitFor();
  });

  test("a crash loop says how it ended and what it wrote last, and a missing program where it was looked for", async () => {
    const { page } = first;
    const detail = await at(page, "crashing", "Failed");
    const card = detail.getByRole("region", { name: "Why it failed" });
    await card.getByText("CRASH_LOOP").waitFor();
    await card.getByText("exited with code 3").waitFor();
    await card.getByText("no queue at localhost:5672").first().waitFor();
    await page.screenshot({ path: `${SHOTS}real-crash-loop.png` });
    await at(page, "absent", "Stopped");
    await page.getByRole("region", { name: "absent" }).getByRole("button", { name: "Start absent", exact: true }).click();
    await page.getByRole("region", { name: "absent" }).getByText("NOT_FOUND").first().waitFor();
  });

  test("a flood is read to its end, what was not kept is said, and who goes up is left where he reads", { timeout: SLOW }, async () => {
    const { page } = first;
    const detail = await at(page, "flood", "Stopped");
    await detail.getByRole("button", { name: "Start flood", exact: true }).click();
    await line(page, "the flood is over").waitFor(AT_LAST);
    const rows = page.getByRole("listbox", { name: "Lines of flood" });
    expect(await rows.getByRole("option").count()).toBeLessThan(100);
    await page.reload();
    await at(page, "flood", "Running");
    await line(page, "the flood is over").waitFor(AT_LAST);
    await rows.press("Home");
    await line(page, /^[\d,]+ bytes not kept$/).first().waitFor();
    await page.getByRole("button", { name: "Follow again" }).waitFor();
    await detail.getByRole("button", { name: "Restart flood", exact: true }).click();
    await page.getByRole("button", { name: /new: follow again/ }).waitFor();
    expect(await line(page, "Run 1 began").isVisible()).toBe(true);
    await page.screenshot({ path: `${SHOTS}real-flood.png` });
    await page.getByRole("button", { name: /follow again/ }).click();
    await line(page, "the flood is over").waitFor(AT_LAST);
    await page.getByText("Following", { exact: true }).waitFor();
  });

  test("a search narrows a long log to its finds and leads from one to the next", { timeout: SLOW }, async () => {
    const { page } = first;
    const detail = await at(page, "flood", "Stopped");
    await detail.getByRole("button", { name: "Start flood", exact: true }).click();
    await line(page, "the flood is over").waitFor(AT_LAST);
    await page.getByRole("listbox", { name: "Lines of flood" }).hover();
    await page.mouse.wheel(0, -4_000);
    await page.getByRole("button", { name: "Follow again" }).click();
    const search = page.getByRole("searchbox", { name: "Search in the log" });
    await search.fill("LINE 12999");
    await page.getByText(/^\d+$/).and(page.locator(".log-found")).waitFor();
    await search.press("Enter");
    await page.getByText(/^1 of \d+$/).and(page.locator(".log-found")).waitFor();
    await search.press("Enter");
    await page.getByText(/^2 of \d+$/).and(page.locator(".log-found")).waitFor();
    expect(await page.locator(".row-active mark").textContent()).toBe("line 12999");
    await page.getByRole("button", { name: "Only finds" }).click();
    await page.screenshot({ path: `${SHOTS}real-search.png` });
  });

  test("a daemon that is killed leaves nothing running, is said to be away, and its processes come back with it", async () => {
    const { page } = first;
    await at(page, "healthy", "Ready");
    await line(page, "it is <b>bold</b> to begin").waitFor();
    expect(marked(MARK, mark).length).toBeGreaterThan(1);
    await daemon.kill();
    await page.getByRole("alert").getByText("The connection was lost.").waitFor();
    await expect.poll(() => marked(MARK, mark)).toEqual([]);
    expect(await page.getByRole("region", { name: "healthy", exact: true }).getByRole("button", { name: "Stop healthy", exact: true }).isDisabled()).toBe(true);
    await page.screenshot({ path: `${SHOTS}real-lost.png` });
    daemon = await ConsoleDaemon.start(daemon, { inherits: { [MARK]: mark } });
    await page.getByRole("alert").waitFor({ state: "detached" });
    await at(page, "healthy", "Ready");
    await line(page, "what follows was read anew").waitFor();
    await expect.poll(() => line(page, "it is <b>bold</b> to begin").count()).toBe(2);
  });

  test("the lines that the page shows where none are configured make a service that becomes ready", async () => {
    const bare = await ConsoleDaemon.start();
    const { page, context, complaints } = await watched(browser);
    await enter(page, await bare.link());
    await show(page, "Processes");
    const lines = await page.getByLabel("Lines for the configuration file").textContent();
    await page.screenshot({ path: `${SHOTS}real-none.png` });
    await bare.kill();
    const again = await ConsoleDaemon.start(bare, { configuration: lines ?? "" });
    const detail = await at(page, "api", "Ready");
    expect((await fetch((await detail.getByRole("link").getAttribute("href")) ?? "")).status).toBe(200);
    await line(page, "GET / HTTP/1.1").first().waitFor();
    expect(complaints).toEqual([]);
    await context.close();
    await again.stop();
  });

  test("the mode can be switched there and back, and a switch to nobody changes nothing", async () => {
    const { page } = first;
    const remote = await Remote.start("far");
    const { connect, to } = modes(page);
    await at(page, "healthy", "Ready");
    await connect("ws://127.0.0.1:9");
    await page.getByText("Nothing was changed.").waitFor();
    await page.screenshot({ path: `${SHOTS}real-mode.png` });
    await page.getByRole("button", { name: "Cancel" }).click();
    await connect(remote.url, "another");
    await page.getByText("Nothing was changed.").waitFor();
    await page.getByRole("button", { name: "Cancel" }).click();
    await at(page, "healthy", "Ready");
    await connect(remote.url, "far");
    const detail = await at(page, "healthy", "Remote");
    await detail.getByText("the remote daemon").waitFor();
    expect(await detail.getByRole("button", { name: "Start healthy", exact: true }).isDisabled()).toBe(true);
    await page.screenshot({ path: `${SHOTS}real-connected.png` });
    await to("Standalone");
    await detail.getByText("nobody").waitFor();
    await to("Service");
    await at(page, "healthy", "Ready");
    remote.stop();
  });
});

/** Ways to other modes. */
function modes(page: Page): { to(mode: string): Promise<void>; connect(url: string, identity?: string): Promise<void> } {
  const apply = (): Promise<void> => page.getByRole("button", { name: "Switch", exact: true }).click();
  return {
    async to(mode) {
      await page.getByRole("radio", { name: mode }).click();
      await apply();
      await page.getByRole("dialog").waitFor({ state: "detached" });
    },
    async connect(url, identity = "") {
      await page.getByRole("radio", { name: "Connected" }).click();
      await page.getByRole("textbox", { name: "Address of the remote daemon" }).fill(url);
      await page.getByRole("textbox", { name: "Its identity" }).fill(identity);
      await apply();
    },
  };
}
