import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";

import { bundle } from "../harness/bundle.js";
import { inChromium, launch } from "../harness/chromium.js";
import { page, Site } from "../harness/site.js";

inChromium("a page and its service worker", () => {
  let browser: Browser;
  let files: Record<string, string>;
  let site: Site;
  let tab: Page;

  beforeAll(async () => {
    const script = await bundle("served-by-worker");
    const html = page("/page.js");
    files = { "/": html, "/second": html, "/page.js": script, "/sw.js": await bundle("service-worker") };
    site = await Site.of(files);
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    site?.close();
  });
  beforeEach(async () => {
    tab = await (await browser.newContext()).newPage();
    await tab.goto(site.origin);
  });
  afterEach(() => tab.context().close());

  const connect = (options: { stayMs?: number; pingMs?: number } = {}, to = tab) =>
    to.evaluate((given) => window.served.connect(given), options);
  const ask = (method: string, to = tab) => to.evaluate((name) => window.served.request(name), method);

  /** As the browser does when a worker is idle. */
  async function putToSleep(): Promise<void> {
    const session = await tab.context().newCDPSession(tab);
    await session.send("ServiceWorker.enable");
    await session.send("ServiceWorker.stopAllWorkers");
    await session.detach();
  }

  test("speak over a port, with bytes that are moved", async () => {
    await connect();
    expect(await ask("client")).toBe("/");
    expect(await tab.evaluate(() => window.served.move(1 << 20))).toEqual([1 << 20, 0]);
    expect(await tab.evaluate(() => window.served.numbers(100))).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
  });

  for (const [how, options] of [
    ["by pings that nobody answers", { stayMs: 0, pingMs: 500 }],
    ["by the next worker, which does not know the page", { stayMs: 1_000 }],
  ] as const) {
    test(`a worker that was killed is noticed ${how}, woken, and goes on where it was`, async () => {
      await connect(options);
      const before = await ask("instance");
      const numbers = (await tab.evaluate(() => window.served.numbers(50))) as number[];
      const fleeting = await tab.evaluateHandle(() => window.served.fleeting());
      const ended = tab.evaluate((end) => end(), fleeting);
      await putToSleep();
      expect(await ended).toBe("CONNECTION_CLOSED");
      expect(await ask("instance")).not.toBe(before);
      numbers.push(...((await tab.evaluate(() => window.served.numbers(50))) as number[]));
      expect(numbers).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
      const states = (await tab.evaluate(() => window.served.states)) as string[];
      expect(states.map((state) => state.split(":")[0])).toEqual(["open", "connecting", "open"]);
    });
  }

  test("a worker that is replaced by another version is left for it", async () => {
    await connect();
    const before = await ask("instance");
    files["/sw.js"] = `${files["/sw.js"]}\n// another version`;
    await tab.evaluate(async () => {
      await (await navigator.serviceWorker.ready).update();
    });
    await tab.waitForFunction(() => window.served.states.filter((state) => state === "open").length === 2);
    expect(await ask("instance")).not.toBe(before);
    const states = (await tab.evaluate(() => window.served.states)) as string[];
    expect(states[1]).toContain("replaced by another version");
  });

  test("a page that goes is missed by the worker", async () => {
    await connect();
    const second = await tab.context().newPage();
    await second.goto(`${site.origin}/second`);
    await connect({ stayMs: 1_000 }, second);
    expect(await ask("client", second)).toBe("/second");
    expect(await ask("connections")).toBe(2);
    await second.close();
    await expect.poll(() => ask("connections"), { timeout: 10_000 }).toBe(1);
  });
});
