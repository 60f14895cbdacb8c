/** What must hold of the bridge, on Electron and on the substitute. */

import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";

import { bundle } from "../harness/bundle.js";
import { gone, isAlive } from "../harness/processes.js";
import { page, Site } from "../harness/site.js";
import type { PageWindow } from "../pages/electron-page.js";

/** The application that runs, wherever it does. */
export interface RunningApp {
  open(url: string): Promise<Page>;
  publish(channel: string, payload: unknown): Promise<void>;
  /** How many windows the relay has. */
  windows(): Promise<number>;
  close(): Promise<void>;
}

declare const window: PageWindow;

export function bridgeSuite(start: () => Promise<RunningApp>): void {
  let app: RunningApp;
  let site: Site;
  const open: Page[] = [];

  beforeAll(async () => {
    const html = page("/page.js");
    site = await Site.of({ "/": html, "/other": html, "/page.js": await bundle("electron-page") });
    app = await start();
  });
  afterAll(async () => {
    await app?.close();
    site?.close();
  });
  afterEach(async () => {
    for (const tab of open.splice(0)) await tab.close();
    await expect.poll(() => app.windows()).toBe(0);
  });

  async function opened(by?: "bridge" | "port"): Promise<Page> {
    const tab = await app.open(site.origin);
    open.push(tab);
    if (by !== undefined) await tab.evaluate((way) => window.page.connect(way), by);
    return tab;
  }

  const running = (tab: Page) => tab.evaluate(() => window.page.running());

  for (const by of ["bridge", "port"] as const) {
    test(`a window reaches the daemon over its ${by}`, async () => {
      const tab = await opened(by);
      expect(await tab.evaluate(() => window.page.output("printf", ["%s", "é😀"]))).toBe("é😀");
      const lines = await tab.evaluate(() => window.page.output("seq", ["20000"]));
      expect(lines.trimEnd().split("\n").length).toBe(20_000);
    });

    test(`a cancel over the ${by} stops what runs`, async () => {
      const tab = await opened(by);
      const pid = await running(tab);
      expect(isAlive(pid)).toBe(true);
      await tab.evaluate(() => window.page.cancel());
      await gone(pid);
    });

    test(`a reload, a navigation and a close over the ${by} stop what runs`, async () => {
      const other = await opened(by);
      const untouched = await running(other);
      const tab = await opened(by);
      const leave = [() => tab.reload(), () => tab.goto(`${site.origin}/other`), () => tab.close()];
      for (const go of leave) {
        const pid = await running(tab);
        await go();
        await gone(pid);
        if (!tab.isClosed()) await tab.evaluate((way) => window.page.connect(way), by);
      }
      expect(isAlive(untouched)).toBe(true);
    });
  }

  test("a navigation within the page leaves what runs alone", async () => {
    const tab = await opened("bridge");
    const pid = await running(tab);
    await tab.evaluate(() => {
      location.hash = "further";
      history.pushState(null, "", "/further");
    });
    expect(await tab.evaluate(() => window.page.output("echo", ["still here"]))).toBe("still here\n");
    expect(isAlive(pid)).toBe(true);
  });

  test("events reach the pages that listen, and what is not what it should be is refused", async () => {
    const [one, two] = [await opened(), await opened()];
    await one.evaluate(() => window.page.listen("agent/1/message"));
    await app.publish("agent/1/message", { text: "one" });
    await app.publish("agent/1/message", '{"text":"two"}');
    await app.publish("agent/1/message", { text: 3 });
    await one.waitForFunction(() => window.page.heard.length === 3);
    expect(await one.evaluate(() => window.page.heard)).toEqual([{ text: "one" }, { text: "two" }, "refused agent/1/message"]);
    expect(await two.evaluate(() => window.page.heard)).toEqual([]);
  });

  test("a page asks and hears what its preload opens, and sees nothing of Electron", async () => {
    const tab = await opened();
    expect(await tab.evaluate(() => window.rpc.request("app.echo", [1]))).toEqual({ payload: [1] });
    const [listening, asking] = await tab.evaluate(() => window.page.refusals());
    expect(listening).toContain("does not open bridge:frame");
    expect(asking).toContain("does not open app.quit");
    const seen = await tab.evaluate(() => ["require", "process", "ipcRenderer", "__toMain"].filter((name) => name in globalThis));
    expect(seen).toEqual([]);
  });
}
