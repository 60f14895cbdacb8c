import { mkdir } from "node:fs/promises";

import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";

import type { Operation } from "sixframe/hub";

import { inChromium, launch } from "../harness/chromium.js";
import { enter, row, show, watched } from "../harness/console-page.js";
import { StandIn } from "../harness/console-stand-in.js";
import { STATE } from "../harness/console-state.js";

const SHOTS = new URL("../../../target/screenshots/", import.meta.url).pathname;
const SIZES = { wide: { width: 1360, height: 850 }, narrow: { width: 390, height: 844 } };

/** What happens while somebody looks. */
const CHANGES: readonly Operation[] = [
  { op: "replace", path: "/sessions/s-1/tokens", value: 18_951 },
  { op: "replace", path: "/agents/1/state", value: "thinking" },
  { op: "add", path: "/sessions/s-1/tool", value: { name: "fs.read", ms: 12 } },
  { op: "replace", path: "/sidecars/services/llm-proxy/status", value: "running" },
];

inChromium("the looks of the console", () => {
  let browser: Browser;
  let daemon: StandIn;

  beforeAll(async () => {
    await mkdir(SHOTS, { recursive: true });
    browser = await launch();
  });

  afterAll(() => browser?.close());

  beforeEach(async () => {
    daemon = await StandIn.start(structuredClone(STATE));
  });

  afterEach(() => daemon.stop());

  /** A call that fails, and an edit of what somebody else has changed. */
  async function failAndDiffer(page: Page): Promise<void> {
    await show(page, "Methods");
    const back = page.getByRole("button", { name: "All methods" });
    if (await back.isVisible()) await back.click();
    await page.getByRole("option", { name: /store.charge/ }).click();
    await page.getByRole("button", { name: "Call", exact: true }).click();
    await page.getByText("CARD_DECLINED").waitFor();
    await show(page, "State");
    await row(page, /^defaultModel/).click();
    await page.keyboard.press("Enter");
    await page.keyboard.type("claude-sonnet");
    daemon.commit([{ op: "replace", path: "/global/defaultModel", value: "local" }]);
    await page.getByRole("listbox", { name: "Changes" }).getByText('"local"').waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("dialog", { name: "Somebody else changed it" }).waitFor();
  }

  for (const [size, viewport] of Object.entries(SIZES)) {
    for (const colorScheme of ["light", "dark"] as const) {
      test(`the console looks as it should: ${size}, ${colorScheme}`, async () => {
        const { context, page, complaints } = await watched(browser, {
          viewport,
          colorScheme,
          deviceScaleFactor: size === "narrow" ? 2 : 1,
        });
        const shoot = (name: string): Promise<unknown> =>
          page.screenshot({ path: `${SHOTS}${name}-${size}-${colorScheme}.png`, animations: "disabled" });
        await page.goto(daemon.url);
        await page.getByRole("heading", { name: "This page needs a link" }).waitFor();
        await shoot("gate");
        await enter(page, daemon.link());
        if (size === "narrow") await shoot("method-list");
        await callAgent(page);
        await shoot("methods");
        await show(page, "State");
        await page
          .getByRole("treeitem", { name: /defaultModel/ })
          .first()
          .click();
        for (const change of CHANGES) daemon.commit([change]);
        await page.getByRole("listbox", { name: "Changes" }).getByText("/sidecars/services/llm-proxy/status").waitFor();
        await shoot("state");
        await show(page, "Frames");
        await page
          .getByRole("row", { name: /hub.watch/ })
          .first()
          .waitFor();
        if (size === "narrow") await shoot("frames-list");
        await page
          .getByRole("row", { name: /agent.run/ })
          .first()
          .click();
        await shoot("frames");
        await show(page, "Processes");
        if (size === "narrow") {
          await page.getByRole("list", { name: "Processes" }).waitFor();
          await shoot("process-list");
        }
        await page.getByRole("button", { name: /^indexer/ }).click();
        await page.getByRole("option", { name: /GET \/health/ }).waitFor();
        await page.getByRole("searchbox", { name: "Search in the log" }).fill("error");
        await page.getByText("1 of 1", { exact: true }).or(page.getByText("1", { exact: true })).first().waitFor();
        await shoot("process");
        if (size === "narrow") await page.getByRole("button", { name: "All processes" }).click();
        await page.getByRole("button", { name: /^worker/ }).click();
        await page.getByText("CRASH_LOOP", { exact: true }).waitFor();
        await shoot("process-failed");
        if (size === "narrow") await page.getByRole("button", { name: "All processes" }).click();
        await page.getByRole("radio", { name: "Connected" }).click();
        await page.getByRole("textbox", { name: /Address of the remote daemon/ }).fill("wss://far.example");
        await page.getByRole("button", { name: "Switch", exact: true }).click();
        await page.getByText("Nothing was changed.").waitFor();
        await shoot("process-mode");
        await page.getByRole("button", { name: "Cancel" }).click();
        await show(page, "Windows");
        await page.getByRole("listitem").first().waitFor();
        await shoot("windows");
        await page.keyboard.press("Control+k");
        await page.getByRole("combobox").fill("h");
        await shoot("palette");
        await page.keyboard.press("Escape");
        await failAndDiffer(page);
        await shoot("conflict");
        await page.getByRole("button", { name: "Keep theirs" }).click();
        await show(page, "Methods");
        await page.getByText("CARD_DECLINED").waitFor();
        await shoot("error");
        await daemon.stop();
        await page.getByText("The connection was lost.").waitFor();
        await shoot("lost");
        daemon = await StandIn.start({}, daemon);
        expect(complaints).toEqual([]);
        await context.close();
      });
    }
  }
});

async function callAgent(page: Page): Promise<void> {
  await page.getByRole("option", { name: /agent.run/ }).click();
  await page.getByRole("textbox", { name: "prompt" }).fill("Explain the six frames.");
  await page.getByRole("button", { name: "Stream", exact: true }).click();
  await page.getByText("done", { exact: true }).waitFor();
}
