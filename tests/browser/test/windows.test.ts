import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";

import { bundle } from "../harness/bundle.js";
import { inChromium, launch } from "../harness/chromium.js";
import { page, Site } from "../harness/site.js";

inChromium("two windows over a port", () => {
  let browser: Browser;
  let site: Site;
  let first: Page;
  let second: Page;

  beforeAll(async () => {
    const html = page("/opener.js");
    const files = { "/": html, "/child": html, "/opener.js": await bundle("opener"), "/worker.js": await bundle("worker") };
    site = await Site.of(files);
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    site?.close();
  });
  beforeEach(async () => {
    first = await (await browser.newContext()).newPage();
    await first.goto(site.origin);
    const opened = first.waitForEvent("popup");
    await first.evaluate(() => window.windows.open());
    second = await opened;
    await second.waitForFunction(() => window.windows?.endpoint?.state === "open");
  });
  afterEach(() => first.context().close());

  test("call each other, within each other's calls", async () => {
    const ask = () => window.windows.endpoint?.request("ask", location.pathname);
    expect(await first.evaluate(ask)).toEqual(["/", "/"]);
    expect(await second.evaluate(ask)).toEqual(["/child", "/child"]);
    expect(await first.evaluate(() => window.windows.endpoint?.request("where"))).toBe("/child");
  });

  test("move bytes there and back", async () => {
    const sum = await first.evaluate(async () => {
      const back = await window.windows.endpoint?.request<Uint8Array>("bytes", new Uint8Array([1, 2, 3]));
      return [...(back ?? [])];
    });
    expect(sum).toEqual([2, 3, 4]);
  });

  test("a window that closes in mid-stream ends the other's work", async () => {
    await second.evaluate(async () => {
      await window.windows.endpoint?.stream("tail").next();
    });
    await second.close();
    await first.waitForFunction(() => window.windows.stopped.length === 1);
    await first.waitForFunction(() => window.windows.endpoint?.state === "closed");
  });

  test("a window that reloads in mid-stream ends the other's work", async () => {
    await second.evaluate(async () => {
      await window.windows.endpoint?.stream("tail").next();
    });
    await second.reload();
    await first.waitForFunction(() => window.windows.stopped.length === 1);
  });

  test("a worker serves its page, and one that died is started anew", async () => {
    const [sum, lives] = await first.evaluate(async () => {
      const rpc = window.windows.worker("/worker.js");
      const sum = await rpc.request("sum", new Uint8Array([1, 2, 3]));
      const lives = [await rpc.request("instance")];
      await rpc.request("die");
      const again = await rpc.request("instance").catch(() => rpc.request("instance"));
      rpc.stop();
      return [sum, [...lives, again]];
    });
    expect(sum).toBe(6);
    expect(new Set(lives as string[]).size).toBe(2);
  });
});
