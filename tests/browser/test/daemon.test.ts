import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";

import { bundle } from "../harness/bundle.js";
import { inChromium, launch } from "../harness/chromium.js";
import { Daemon } from "../harness/daemon.js";
import { gone, isAlive } from "../harness/processes.js";
import { page, Site } from "../harness/site.js";

inChromium("a page over WebSocket", () => {
  let browser: Browser;
  let site: Site;
  let daemon: Daemon;
  let tab: Page;

  beforeAll(async () => {
    site = await Site.of({ "/": page("/daemon.js"), "/other": page("/daemon.js"), "/daemon.js": await bundle("daemon") });
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    site?.close();
  });
  beforeEach(async () => {
    daemon = await Daemon.start({ origins: [site.origin] });
    tab = await browser.newPage();
    await tab.goto(site.origin);
  });
  afterEach(async () => {
    await tab.context().close();
    await daemon.stop();
  });

  async function connect(token = daemon.token): Promise<void> {
    await tab.evaluate(([url, secret]) => window.rpc.connect(url, secret), [daemon.url, token] as const);
  }

  /** A program that runs as long as its stream is wanted; its process id is its first word. */
  async function running(): Promise<number> {
    const program = { program: "sh", args: ["-c", "echo $$; exec sleep 600"] };
    await tab.evaluate((payload) => window.rpc.follow("program", "process.run", payload), program);
    const said = await tab.waitForFunction(() => window.rpc.text("program"));
    const pid = Number(await said.jsonValue());
    expect(isAlive(pid)).toBe(true);
    return pid;
  }

  test("calls, fails and streams", async () => {
    await connect();
    expect(await tab.evaluate(() => window.rpc.request("rpc.ping", { é: "😀" }))).toEqual({ é: "😀" });
    expect(await tab.evaluate(() => window.rpc.failure("no.such"))).toEqual(["NO_HANDLER", { method: "no.such" }]);
    const [code] = (await tab.evaluate(() => window.rpc.failure("fs.tail", { path: 7 }))) as [string];
    expect(code).toBe("INVALID_PAYLOAD");
    await tab.evaluate(() => window.rpc.follow("seq", "process.run", { program: "seq", args: ["3"] }));
    await tab.waitForFunction(() => window.rpc.streams.seq?.ended);
    const items = await tab.evaluate(() => window.rpc.streams.seq?.items);
    expect(items).toEqual([
      { stream: "stdout", data: "1\n2\n3\n", encoding: "utf8" },
      { exit: { code: 0, signal: null } },
    ]);
  });

  test("is let in by its origin and its token alone", async () => {
    const refusal = (url: string, token: string) =>
      tab.evaluate(([to, secret]) => window.rpc.refusal(to, secret), [url, token] as const);
    const causes = "is the daemon there, is the token right, and is this page's origin in ws.allowed_origins?";
    expect(await refusal(daemon.url, "wrong")).toBe(`cannot connect to ${daemon.url}: ${causes}`);
    const stranger = await Daemon.start();
    expect(await refusal(stranger.url, stranger.token)).toContain("cannot connect");
    await stranger.stop();
    expect(await refusal(daemon.url, daemon.token)).toBe("none");
  });

  test("a stream that is cancelled stops what runs", async () => {
    await connect();
    const pid = await running();
    await tab.evaluate(() => window.rpc.streams.program?.stream.return());
    await gone(pid);
    expect(await tab.evaluate(() => window.rpc.request("rpc.ping", 1))).toBe(1);
  });

  test("a reload in mid-stream stops what runs", async () => {
    await connect();
    const pid = await running();
    await tab.reload();
    await gone(pid);
  });

  test("a navigation in mid-stream stops what runs", async () => {
    await connect();
    const pid = await running();
    await tab.goto(`${site.origin}/other`);
    await gone(pid);
  });

  test("a tab that closes in mid-stream stops what runs", async () => {
    await connect();
    const pid = await running();
    await tab.close();
    await gone(pid);
  });

  test("an endpoint that stops in mid-stream stops what runs", async () => {
    await connect();
    const pid = await running();
    await tab.evaluate(() => window.rpc.stop());
    await gone(pid);
  });

  test("a daemon that is killed and started again heals under the page", async () => {
    const file = join(daemon.folder, "log.txt");
    writeFileSync(file, "one\n");
    await connect();
    await tab.evaluate((path) => window.rpc.follow("log", "fs.tail", { path, from: "start" }), file);
    await tab.waitForFunction(() => window.rpc.text("log") === "one\n");
    const pid = await running();
    await daemon.kill();
    await tab.waitForFunction(() => window.rpc.endpoint?.state === "connecting");
    // Nothing may run a program again; one whose daemon is gone is ended by its guard.
    await tab.waitForFunction(() => window.rpc.streams.program?.ended === "CONNECTION_CLOSED");
    await gone(pid);
    const waiting = tab.evaluate(() => window.rpc.request("rpc.ping", "made while there was no daemon"));
    appendFileSync(file, "two\n");
    daemon = await Daemon.start({ origins: [site.origin], instead: daemon });
    expect(await waiting).toBe("made while there was no daemon");
    appendFileSync(file, "three\n");
    await tab.waitForFunction(() => window.rpc.text("log") === "one\ntwo\nthree\n");
    expect(await tab.evaluate(() => window.rpc.endpoint?.state)).toBe("open");
  });
});
