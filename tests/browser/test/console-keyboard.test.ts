import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";

import { faint, unnamed } from "../harness/accessible.js";
import { inChromium, launch } from "../harness/chromium.js";
import { enter, show, watched } from "../harness/console-page.js";
import { StandIn } from "../harness/console-stand-in.js";
import { STATE } from "../harness/console-state.js";

inChromium("the console by keyboard", () => {
  let browser: Browser;
  let daemon: StandIn;

  beforeAll(async () => {
    daemon = await StandIn.start(structuredClone(STATE));
    browser = await launch();
  });

  afterAll(async () => {
    await browser?.close();
    await daemon?.stop();
  });

  test("everything can be reached and done by the keyboard alone", async () => {
    const { page, complaints } = await watched(browser);
    await enter(page, daemon.link());
    const press = (...keys: string[]): Promise<void> =>
      keys.reduce((before, key) => before.then(() => page.keyboard.press(key)), Promise.resolve());

    await press("Control+k");
    await page.getByRole("combobox", { name: "Find a command or a method" }).waitFor();
    await page.keyboard.type("math");
    await press("Enter");
    await page.getByRole("heading", { name: "math.add" }).waitFor();
    await page.getByRole("spinbutton", { name: "0" }).focus();
    await page.keyboard.type("40");
    await press("Tab");
    await page.keyboard.type("2");
    await press("Control+Enter");
    await page.getByRole("treeitem", { name: /result: 42/ }).waitFor();

    await page.getByRole("tab", { name: "Methods" }).focus();
    await press("ArrowRight");
    await page.getByRole("tree", { name: "State" }).waitFor();
    await page.getByRole("tree", { name: "State" }).focus();
    await press("Home", "ArrowDown", "ArrowDown", "F2");
    await page.keyboard.type("by-keyboard");
    await press("Enter");
    await page.getByRole("treeitem", { name: /defaultModel: "by-keyboard"/ }).waitFor();
    expect(await page.evaluate(() => document.activeElement?.getAttribute("role"))).toBe("tree");

    await press("ArrowUp", "ArrowLeft");
    await expectAttribute(page, /^global/, "aria-expanded", "false");
    await press("ArrowRight");
    await expectAttribute(page, /^global/, "aria-expanded", "true");

    await press("5");
    await page.getByRole("grid", { name: "Calls" }).waitFor();
    await press("/");
    await page.keyboard.type("math");
    await page.getByRole("row", { name: /math\.add/ }).waitFor();
    await page.getByRole("grid", { name: "Calls" }).focus();
    await press("ArrowDown");
    await page.getByRole("complementary", { name: /^Call / }).waitFor();
    await press("6");
    await page.getByRole("button", { name: /^indexer/ }).focus();
    await press("ArrowDown", "ArrowDown", "Enter");
    await page.getByRole("heading", { name: "scheduler" }).waitFor();
    await press("Tab", "Enter");
    await page.getByText("scheduler is being started").waitFor();
    await press("/");
    await page.keyboard.type("documents/77");
    await press("Enter");
    await page.getByText("1 of 1", { exact: true }).waitFor();
    await page.getByRole("listbox", { name: "Lines of scheduler" }).focus();
    await press("Enter");
    await page.getByRole("complementary", { name: "The line" }).waitFor();
    await press("?");
    await page.getByRole("dialog", { name: "Keyboard" }).waitFor();
    await press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    expect(complaints).toEqual([]);
  });

  test("every control has a name, every list a label, and text stands out enough", async () => {
    for (const colorScheme of ["light", "dark"] as const) {
      const { page, context } = await watched(browser, { colorScheme, reducedMotion: "reduce" });
      await enter(page, daemon.link());
      await page.getByRole("option", { name: "store.charge" }).click();
      await page.getByRole("button", { name: "Call", exact: true }).click();
      await page.getByText("CARD_DECLINED").waitFor();
      for (const panel of ["Agents", "Transcripts", "Methods", "State", "Frames", "Processes", "Windows"] as const) {
        await show(page, panel);
        expect(await page.evaluate(unnamed), `${panel}, ${colorScheme}`).toEqual([]);
        expect(await page.evaluate(moving), `${panel}, ${colorScheme}`).toEqual([]);
        expect(await page.evaluate(faint), `${panel}, ${colorScheme}`).toEqual([]);
      }
      await show(page, "Processes");
      await page.getByRole("button", { name: /^worker/ }).click();
      await page.getByRole("option", { name: /WARNING/ }).waitFor();
      expect(await page.evaluate(faint), `what failed, ${colorScheme}`).toEqual([]);
      await context.close();
    }
  });

  test("rows do not move when frames arrive, and nothing is wider than a narrow window", async () => {
    const { page, context } = await watched(browser, { viewport: { width: 390, height: 844 } });
    await enter(page, daemon.link());
    for (const panel of ["Agents", "Transcripts", "Methods", "State", "Frames", "Processes", "Windows"] as const) {
      await show(page, panel);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    }
    await show(page, "Processes");
    await page.getByRole("button", { name: /^indexer/ }).click();
    await page.getByRole("option", { name: /GET \/health/ }).waitFor();
    expect(await page.evaluate(() => {
      const { bottom } = document.querySelector(".log-rows")?.getBoundingClientRect() ?? { bottom: 0 };
      const last = [...document.querySelectorAll(".log-rows [role=option]")].find((row) => row.textContent?.includes("/health"));
      return Math.round(bottom - (last?.getBoundingClientRect().bottom ?? 0));
    }), "pixels from the last line to the end of the log").toBe(0);
    await show(page, "Frames");
    await page.evaluate(() => {
      const shifts: number[] = [];
      Object.assign(window, { shifts });
      new PerformanceObserver((list) =>
        shifts.push(...list.getEntries().map((entry) => (entry as unknown as { value: number }).value)),
      ).observe({ type: "layout-shift", buffered: false });
    });
    for (let times = 0; times < 20; times += 1)
      daemon.commit([{ op: "replace", path: "/global/temperature", value: times / 10 }]);
    await page.getByRole("row", { name: /hub\.watch/ }).waitFor();
    await page.waitForFunction(() =>
      /\b[2-9]\d frames|\d{3} frames/.test(document.querySelector(".tally")?.textContent ?? ""),
    );
    expect(
      await page.evaluate(() => (window as unknown as { shifts: number[] }).shifts.reduce((sum, value) => sum + value, 0)),
    ).toBeLessThan(0.01);
    await context.close();
  });
});

async function expectAttribute(page: Page, name: RegExp, attribute: string, value: string): Promise<void> {
  await page.waitForFunction(
    ([source, key, wanted]) =>
      [...document.querySelectorAll('[role="treeitem"]')].some(
        (row) => new RegExp(source as string).test(row.textContent ?? "") && row.getAttribute(key as string) === wanted,
      ),
    [name.source, attribute, value],
  );
}

/** What would move, though whoever looks wants nothing to. */
function moving(): string[] {
  const lasts = (durations: string): boolean => durations.split(",").some((duration) => Number.parseFloat(duration) > 0.001);
  const moves = (style: CSSStyleDeclaration): boolean => lasts(style.transitionDuration) || lasts(style.animationDuration);
  return [...document.querySelectorAll("*")].filter((one) => moves(getComputedStyle(one))).map((one) => one.outerHTML.slice(0, 100));
}
