import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { bundle } from "../harness/bundle.js";
import { inChromium, launchWithProfile } from "../harness/chromium.js";
import { Extension } from "../harness/extension.js";
import { gone, isAlive } from "../harness/processes.js";
import { page, Site } from "../harness/site.js";

const COUNT = Array.from({ length: 50 }, (_, n) => n + 1);

inChromium("an extension", () => {
  describe.each(["json", "structured"] as const)("with %s serialisation", (serialization) => {
    let site: Site;
    let extension: Extension;
    let root: string;
    let context: BrowserContext;
    let close: () => Promise<void>;

    beforeAll(async () => {
      const settings = `globalThis.serialization = "${serialization}";`;
      site = await Site.of({ "/": page("/page.js"), "/page.js": settings + (await bundle("extension-page")) });
      extension = await Extension.make(serialization);
      root = mkdtempSync(join(tmpdir(), "sixframe-root-"));
      ({ context, close } = await launchWithProfile(extension.flags, (profile) => extension.allowHost(profile, root)));
    });
    afterAll(async () => {
      await close?.();
      extension?.remove();
      site?.close();
      rmSync(root, { recursive: true, force: true });
    });

    async function panel(name: string): Promise<Page> {
      const tab = await context.newPage();
      await tab.goto(`chrome-extension://${extension.id}/panel.html`);
      await tab.evaluate((port) => window.extension.connect(port), name);
      return tab;
    }

    /** As Chrome does when the worker is idle. */
    async function putToSleep(tab: Page): Promise<void> {
      const session = await context.newCDPSession(tab);
      await session.send("ServiceWorker.enable");
      await session.send("ServiceWorker.stopAllWorkers");
      await session.detach();
    }

    test("serves its content scripts, also after its worker slept", async () => {
      const tab = await context.newPage();
      await tab.goto(site.origin);
      const said = async () => {
        const value = await tab.waitForFunction(() => document.documentElement.dataset.said);
        return JSON.parse((await value.jsonValue()) ?? "") as { origin: string; instance: string; numbers: number[] };
      };
      const first = await said();
      expect([first.origin, first.numbers]).toEqual([site.origin, COUNT]);
      const other = await panel("rpc");
      await putToSleep(other);
      await tab.evaluate(() => {
        delete document.documentElement.dataset.said;
        document.dispatchEvent(new Event("ask-again"));
      });
      const second = await said();
      expect(second.numbers).toEqual(COUNT);
      expect(second.instance).not.toBe(first.instance);
      await other.close();
      await tab.close();
    });

    test("serves pages that it lets connect, and knows them by their origin", async () => {
      const tab = await context.newPage();
      await tab.goto(site.origin);
      await tab.evaluate((id) => window.extension.connect("rpc", id), extension.id);
      expect(await tab.evaluate(() => window.extension.request("origin"))).toBe(site.origin);
      await tab.close();
    });

    test("carries what its serialisation can carry, and refuses the rest", async () => {
      const tab = await panel("rpc");
      const [kinds, bytes] = (await tab.evaluate(() => window.extension.kinds())) as [unknown, unknown];
      const structured = serialization === "structured";
      expect(kinds).toEqual([structured ? "[object Date]" : "[object String]"]);
      expect(bytes).toEqual(structured ? ["[object Uint8Array]"] : expect.stringContaining("message_serialization"));
      await tab.close();
    });

    test("a worker that slept is woken, and streams go on where they were", async () => {
      const tab = await panel("rpc");
      const before = await tab.evaluate(() => window.extension.request("instance"));
      const numbers = await tab.evaluate(() => window.extension.numbers(50));
      await putToSleep(tab);
      await tab.waitForFunction(() => window.extension.states.includes("connecting"));
      numbers.push(...(await tab.evaluate(() => window.extension.numbers(50))));
      expect(numbers).toEqual([...COUNT, ...COUNT.map((n) => n + 50)]);
      expect(await tab.evaluate(() => window.extension.request("instance"))).not.toBe(before);
      await tab.close();
    });

    test("reaches the daemon's binary as a native host, which several pages share", async () => {
      const tabs = [await panel("daemon"), await panel("daemon")] as const;
      for (const tab of tabs) {
        expect(await tab.evaluate(() => window.extension.request("rpc.ping", "é😀"))).toBe("é😀");
        expect(await tab.evaluate(() => window.extension.run(["-c", "printf '%s' \"$1\"", "sh", "é😀"]))).toBe("é😀");
      }
      // A page that goes ends its own work and no other's.
      const pids = await Promise.all(
        tabs.map((tab) => tab.evaluate(() => window.extension.run(["-c", "echo $$; exec sleep 600"]))),
      );
      const [first, second] = pids.map(Number) as [number, number];
      await tabs[0].close();
      await gone(first);
      expect(isAlive(second)).toBe(true);
      // With the worker goes the host, and with the host what it runs.
      await putToSleep(tabs[1]);
      await gone(second);
      await tabs[1].waitForFunction(() => window.extension.ended === "CONNECTION_CLOSED");
      expect(await tabs[1].evaluate(() => window.extension.run(["-c", "echo again"]))).toBe("again\n");
      await tabs[1].close();
    });
  });
});
