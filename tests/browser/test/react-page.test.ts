import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";

import { inChromium, launch } from "../harness/chromium.js";
import { Daemon } from "../harness/daemon.js";
import { page, Site } from "../harness/site.js";

const EXAMPLE = fileURLToPath(new URL("../../../clients/typescript/examples/page.tsx", import.meta.url));

inChromium("a page with React", () => {
  let browser: Browser;
  let site: Site;
  let daemon: Daemon;
  const failures: string[] = [];

  beforeAll(async () => {
    const options = { bundle: true, write: false, jsx: "automatic", define: { "process.env.NODE_ENV": '"production"' } } as const;
    const { outputFiles } = await build({ entryPoints: [EXAMPLE], ...options });
    site = await Site.of({ "/": page("/page.js"), "/page.js": outputFiles[0]?.text ?? "" });
    daemon = await Daemon.start({ origins: [site.origin] });
    writeFileSync(join(daemon.folder, "app.log"), "");
    browser = await launch();
  });

  afterAll(async () => {
    await browser?.close();
    await daemon?.stop();
    site?.close();
  });

  async function open(): Promise<Page> {
    const tab = await browser.newPage();
    tab.on("pageerror", (error) => failures.push(String(error)));
    await tab.goto(`${site.origin}/#${daemon.url}#${daemon.token}`);
    await tab.getByText("Temperature: 0.7").waitFor();
    // The first item of a tail has no text: it says that whatever is appended from now on will come.
    await tab.getByText("none yet").waitFor({ state: "detached" });
    return tab;
  }

  test("shows the state that windows share and a stream, as the README has it", async () => {
    const [one, other] = [await open(), await open()];
    await one.getByRole("button", { name: "Warmer" }).click();
    await other.getByText("Temperature: 1.7").waitFor();
    await one.getByText("Temperature: 1.7").waitFor();
    appendFileSync(join(daemon.folder, "app.log"), "hello\n");
    await one.getByText("Last line: hello").waitFor();
    await other.getByText("Last line: hello").waitFor();
    expect(failures).toEqual([]);
  });
});
