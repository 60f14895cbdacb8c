import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";

import { bundle } from "../harness/bundle.js";
import { inChromium, launch } from "../harness/chromium.js";
import { Daemon } from "../harness/daemon.js";
import { page, Site } from "../harness/site.js";

// A page that is not itself on loopback is treated so by the browser: the daemon is on the visitor's own machine.
inChromium("a page from the internet", () => {
  let browser: Browser;
  let site: Site;
  let daemon: Daemon;

  beforeAll(async () => {
    site = await Site.of({ "/": page("/daemon.js"), "/daemon.js": await bundle("daemon") });
    daemon = await Daemon.start({ origins: [site.origin] });
    browser = await launch([`--ip-address-space-overrides=127.0.0.1:${site.port}=public`]);
  });
  afterAll(async () => {
    await browser?.close();
    await daemon?.stop();
    site?.close();
  });

  async function attempt(permissions: readonly string[]): Promise<{ outcome: unknown; console: string }> {
    const context = await browser.newContext();
    await context.grantPermissions([...permissions], { origin: site.origin });
    const tab = await context.newPage();
    const said: string[] = [];
    tab.on("console", (message) => said.push(message.text()));
    await tab.goto(site.origin);
    const outcome = await tab.evaluate(([url, token]) => window.rpc.refusal(url, token), [daemon.url, daemon.token] as const);
    await context.close();
    return { outcome, console: said.join("\n") };
  }

  test("is kept from the daemon by the browser, though daemon and token would let it in", async () => {
    const { outcome, console } = await attempt([]);
    expect(outcome).toContain("cannot connect");
    expect(console).toContain("LOCAL_NETWORK_ACCESS");
  });

  test("speaks to the daemon once the visitor has allowed it", async () => {
    expect((await attempt(["local-network-access"])).outcome).toBe("none");
  });
});
