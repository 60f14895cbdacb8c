import { once } from "node:events";

import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocketServer } from "ws";

import { bundle } from "../harness/bundle.js";
import { inChromium, launch } from "../harness/chromium.js";
import { Daemon } from "../harness/daemon.js";
import { page, Site } from "../harness/site.js";

/** Round trips that are measured, after as many that are not. */
const TRIPS = 500;

inChromium("a frame's way from a page to the daemon and back", () => {
  let browser: Browser;
  let site: Site;
  let daemon: Daemon;
  let echo: WebSocketServer;

  beforeAll(async () => {
    site = await Site.of({ "/": page("/daemon.js"), "/daemon.js": await bundle("daemon") });
    daemon = await Daemon.start({ origins: [site.origin] });
    echo = new WebSocketServer({ host: "127.0.0.1", port: 0 });
    echo.on("connection", (socket) => socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary })));
    await once(echo, "listening");
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    echo?.close();
    await daemon?.stop();
    site?.close();
  });

  test("is measured against a bare WebSocket that echoes", async () => {
    const tab = await browser.newPage();
    await tab.goto(site.origin);
    await tab.evaluate(([url, token]) => window.rpc.connect(url, token), [daemon.url, daemon.token] as const);
    const bare = `ws://127.0.0.1:${(echo.address() as { port: number }).port}`;
    const medians = await tab.evaluate(
      async ([url, trips]) => {
        const socket = new WebSocket(url);
        await new Promise((resolve) => (socket.onopen = resolve));
        const text = JSON.stringify({ kind: "req", cid: "abcdef-1", method: "rpc.ping", payload: 1 });
        const bareTrip = () =>
          new Promise((resolve) => {
            socket.onmessage = resolve;
            socket.send(text);
          });
        const measured = async (trip: () => Promise<unknown>) => {
          const times: number[] = [];
          for (let nth = 0; nth < 2 * trips; nth += 1) {
            const start = performance.now();
            await trip();
            if (nth >= trips) times.push(performance.now() - start);
          }
          return times.sort((one, other) => one - other)[trips >> 1] ?? Number.NaN;
        };
        return [await measured(() => window.rpc.request("rpc.ping", 1)), await measured(bareTrip)] as const;
      },
      [bare, TRIPS] as const,
    );
    const [frame, plain] = medians.map((ms) => ms.toFixed(2));
    console.log(`round trip: a frame ${frame} ms, a bare echo ${plain} ms, ratio ${(medians[0] / medians[1]).toFixed(2)}`);
    for (const median of medians) expect(median).toBeGreaterThan(0);
    await tab.close();
  });
});
