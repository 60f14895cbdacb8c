import { existsSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";

import { expect, test } from "vitest";

import { faint, unnamed } from "../harness/accessible.js";
import { ask, begin, card, leaveLog, messages, prompt } from "../harness/agents.js";
import { inChromium } from "../harness/chromium.js";
import { ConsoleDaemon } from "../harness/console-daemon.js";
import { enter, show, watched } from "../harness/console-page.js";
import { inConsole } from "../harness/console-world.js";
import { marked } from "../harness/marked.js";

const MARK = "TEST_OF_SIXFRAME";

inChromium("the agents of the real daemon", () => {
  let mark: string;
  const world = inConsole({
    panel: "Agents",
    start: () => {
      mark = crypto.randomUUID();
      return ConsoleDaemon.start(undefined, { inherits: { [MARK]: mark } });
    },
  });

  test("a file is written after it was allowed, by a click and not by Enter, and its diff stands below", async () => {
    const { page, folder } = world;
    await begin(page, folder);
    await ask(page, "write notes.txt\nfirst\nsecond");
    await card(page).getByText("Change files").waitFor();
    expect(await page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toBe("Prompt");
    expect(await card(page).locator("pre").last().textContent()).toBe("first\nsecond\n");
    const allow = card(page).getByRole("button", { name: "Allow once" });
    await expect.poll(() => allow.isEnabled()).toBe(true);
    await allow.focus();
    await page.keyboard.press("Enter");
    await page.keyboard.press("NumpadEnter");
    await world.shoot("agent-card");
    expect(await card(page).count()).toBe(1);
    expect(existsSync(world.file("notes.txt"))).toBe(false);
    await allow.click();
    await messages(page).getByText("Done", { exact: true }).waitFor();
    expect(readFileSync(world.file("notes.txt"), "utf8")).toBe("first\nsecond\n");
    await messages(page).getByText("1 file changed").waitFor();
    await messages(page).getByRole("figure", { name: /Change of .*notes\.txt/ }).first().waitFor();
    await messages(page).getByText(/^Allowed/).waitFor();
    expect(await card(page).count()).toBe(0);
    await world.shoot("agent-done");
  });

  test("who names no folder is offered the one that the daemon was started in", async () => {
    const { page, folder } = world;
    const form = page.getByRole("form", { name: "New session" });
    await form.getByRole("radio", { name: /^Built-in/ }).click();
    const field = form.getByRole("combobox", { name: "Folder" });
    await expect.poll(() => field.inputValue()).toBe(realpathSync(world.daemon.folder));
    await form.getByRole("button", { name: "Begin" }).click();
    await ask(page, "list");
    await messages(page).getByText("Done", { exact: true }).waitFor();
  });

  test("what was denied is not done, and the agent is told why", async () => {
    const { page, folder } = world;
    await begin(page, folder);
    await ask(page, "write notes.txt\nnever");
    await card(page).getByRole("button", { name: "Deny and say why" }).click();
    await card(page).getByRole("textbox", { name: /Why it is denied/ }).fill("not now");
    await page.keyboard.press("Enter");
    await messages(page).getByText("You did not allow that, so I stop here.").waitFor();
    await messages(page).getByText("not now").first().waitFor();
    expect(existsSync(world.file("notes.txt"))).toBe(false);
  });

  test("Escape and the shortcut stop a turn with all that it started", async () => {
    const { page, folder } = world;
    await begin(page, folder);
    for (const key of ["Escape", "Control+."]) {
      await ask(page, "run echo begun; sleep 60");
      await card(page).getByRole("button", { name: "Allow once" }).click();
      await messages(page).getByText("begun", { exact: true }).last().waitFor();
      expect(marked(MARK, mark).length).toBeGreaterThan(1);
      await prompt(page).focus();
      await page.keyboard.press(key);
      await expect.poll(() => messages(page).getByText("Stopped", { exact: true }).count()).toBe(key === "Escape" ? 1 : 2);
      await expect.poll(() => marked(MARK, mark).length).toBe(1);
    }
  });

  test("a page that is loaded again stops its turn, and finds the history as it was", async () => {
    const { page, folder } = world;
    await begin(page, folder);
    await ask(page, "run echo begun; sleep 60");
    await card(page).getByRole("button", { name: "Allow once" }).click();
    await messages(page).getByText("begun", { exact: true }).last().waitFor();
    await page.reload();
    await messages(page).getByText("Stopped", { exact: true }).waitFor();
    await messages(page).getByText("run echo begun; sleep 60").first().waitFor();
    await expect.poll(() => marked(MARK, mark).length).toBe(1);
    await ask(page, "list");
    await messages(page).getByText("Done", { exact: true }).waitFor();
  });

  test("a session is closed with a question while its agent is at work, and its history stays", async () => {
    const { page, folder } = world;
    await begin(page, folder);
    await ask(page, "write notes.txt\nnever");
    await card(page).waitFor();
    await page.getByRole("button", { name: "More of the session" }).click();
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "More of the session" }).click();
    await page.getByRole("menuitem", { name: "Close the session" }).click();
    await page.getByRole("dialog", { name: "Close the session?" }).waitFor();
    await page.keyboard.press("Escape");
    expect(await card(page).count()).toBe(1);
    await page.getByRole("button", { name: "More of the session" }).click();
    await page.getByRole("menuitem", { name: "Close the session" }).click();
    await page.getByRole("button", { name: "Close it" }).click();
    await page.getByText("This session is closed. Its history stays.").waitFor();
    await messages(page).getByText("The session was closed.").waitFor();
    await messages(page).getByText("Withdrawn", { exact: true }).waitFor();
    expect(existsSync(world.file("notes.txt"))).toBe(false);
    await page.getByRole("list", { name: "Sessions" }).getByText(/closed$/).waitFor();
  });

  test("what waits is seen and answered from every panel", async () => {
    const { page, folder } = world;
    await begin(page, folder);
    await ask(page, "write notes.txt\nfrom afar");
    await card(page).waitFor();
    for (const panel of ["Methods", "State", "Frames", "Processes", "Windows"] as const) {
      await show(page, panel);
      await page.getByRole("button", { name: "1 request waits for you" }).waitFor();
    }
    expect(await page.title()).toBe("(1) Sixframe");
    await page.getByRole("button", { name: "1 request waits for you" }).click();
    const tray = page.getByRole("dialog", { name: "What waits for you" });
    await tray.getByText("from afar").waitFor();
    await page.keyboard.press("Enter");
    await world.shoot("agent-tray");
    expect(existsSync(world.file("notes.txt"))).toBe(false);
    await tray.getByRole("button", { name: "Allow once" }).click();
    await expect.poll(() => existsSync(world.file("notes.txt"))).toBe(true);
    await page.getByRole("button", { name: /waits for you/ }).waitFor({ state: "detached" });
    expect(await page.title()).toBe("Sixframe");
    await page.keyboard.press("Control+l");
    await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toBe("Prompt");
  });

  test("a name that would read as another one is shown as what it is", async () => {
    const { page, folder } = world;
    await begin(page, folder);
    await prompt(page).fill("write 'safe\u202etxt.exe'\n\u001b[2Kecho <b>hi</b>");
    await prompt(page).press("Enter");
    await card(page).waitFor();
    expect(await card(page).textContent()).toContain("safe⟨U+202E⟩txt.exe");
    expect(await card(page).textContent()).toContain("␛[2Kecho <b>hi</b>");
    expect(await card(page).textContent()).not.toMatch(/[\u202e\u001b]/);
    await card(page).getByRole("button", { name: "Deny", exact: true }).click();
    await messages(page).getByText("You did not allow that").waitFor();
  });

  test("Enter that ends a Korean syllable does not send", async () => {
    const { page, folder } = world;
    const { context } = world.first;
    await begin(page, folder);
    await prompt(page).focus();
    const devtools = await context.newCDPSession(page);
    const enterKey = { key: "Enter", code: "Enter", windowsVirtualKeyCode: 13, text: "\r" };
    const composed = (text: string) => devtools.send("Input.imeSetComposition", { text, selectionStart: text.length, selectionEnd: text.length });
    await composed("ㅎ");
    await composed("한");
    // As browsers tell it while an input method has the key, and as they tell it to pages that look at the code alone.
    await devtools.send("Input.dispatchKeyEvent", { type: "rawKeyDown", ...enterKey });
    await devtools.send("Input.dispatchKeyEvent", { type: "rawKeyDown", key: "Process", code: "Enter", windowsVirtualKeyCode: 229 });
    await devtools.send("Input.dispatchKeyEvent", { type: "rawKeyDown", key: "Escape", code: "Escape", windowsVirtualKeyCode: 27 });
    await devtools.send("Input.insertText", { text: "한" });
    expect(await prompt(page).inputValue()).toBe("한");
    expect(await messages(page).getByRole("article", { name: "You" }).count()).toBe(0);
    await page.keyboard.press("Enter");
    await messages(page).getByRole("article", { name: "You" }).getByText("한").waitFor();
    expect(await prompt(page).inputValue()).toBe("");
  });

  test("ten thousand items are there at once, only those in sight exist, and each can be scrolled to", { timeout: 90_000 }, async () => {
    await world.daemon.kill();
    leaveLog(world.daemon.folder, "ses_long", 10_000);
    world.daemon = await ConsoleDaemon.start(world.daemon);
    const { page } = world;
    // The connection that was lost, and what it took along.
    await expect.poll(() => page.getByRole("alert").count()).toBe(0);
    await page.getByRole("list", { name: "Sessions" }).getByRole("button").click();
    await messages(page).getByText("step 9999", { exact: true }).waitFor({ timeout: 30_000 });
    expect(await messages(page).getByRole("article").count()).toBeLessThan(60);
    await world.shoot("agent-long");
    const frames = await page.evaluate(scrolled);
    console.log(`scrolled ${frames.steps} steps of 2,000 pixels up: the slowest frame ${frames.slowest.toFixed(0)} ms, ${frames.heap} MB of heap`);
    expect(await messages(page).getByRole("article").count()).toBeLessThan(60);
    await messages(page).press("Home");
    await messages(page).getByText("question 0", { exact: true }).waitFor();
    await page.getByRole("button", { name: "To the end" }).click();
    await messages(page).getByText("step 9999", { exact: true }).waitFor();
  });

  test("what an agent writes is painted soon after it came", async () => {
    const { page, folder } = world;
    await begin(page, folder);
    const before = await page.evaluate(framed);
    await page.evaluate(watchPaints);
    await ask(page, "run for i in $(seq 1 120); do echo line $i; sleep 0.02; done");
    await card(page).getByRole("button", { name: "Allow once" }).click();
    await messages(page).getByText("Done", { exact: true }).waitFor();
    const waits = await page.evaluate(() => (window as unknown as { waits: number[] }).waits.sort((one, other) => one - other));
    const at = (share: number): number => waits[Math.floor((waits.length - 1) * share)] ?? Infinity;
    const frame = Math.max(before, await page.evaluate(framed));
    const isLoaded = (loadavg()[0] ?? 0) > cpus().length;
    // What other programs take of the processors is not this page's: it has ten frames of those that they let through.
    const most = isLoaded ? Math.max(50, 10 * frame) : 50;
    console.log(`${waits.length} pieces, from received to painted: p50 ${at(0.5).toFixed(0)} ms, p95 ${at(0.95).toFixed(0)} ms; load ${loadavg()[0]?.toFixed(1)} on ${cpus().length} processors`);
    if (most > 50) console.warn(`THE FIGURE IS NOT HELD TO 50 ms BUT TO ${most.toFixed(0)} ms: frames of the page at rest take ${frame.toFixed(0)} ms (p95) under this load`);
    expect(waits.length).toBeGreaterThan(20);
    expect(at(0.95)).toBeLessThan(most);
  });

  test("who goes up is left where he reads while more is said, and is led back to the end", async () => {
    await world.daemon.kill();
    leaveLog(world.daemon.folder, "ses_long", 200);
    world.daemon = await ConsoleDaemon.start(world.daemon);
    const { page } = world;
    await page.getByRole("alert").waitFor({ state: "detached" });
    await page.getByRole("list", { name: "Sessions" }).getByRole("button").click();
    await messages(page).getByText("step 199", { exact: true }).waitFor();
    await messages(page).hover();
    await page.mouse.wheel(0, -3_000);
    await page.getByRole("button", { name: "To the end" }).waitFor();
    const where = (): Promise<string> => page.evaluate(sighted);
    const before = await where();
    await prompt(page).fill("list\n".repeat(30));
    await prompt(page).press("Enter");
    await page.getByRole("button", { name: /^\d+ new$/ }).waitFor();
    await page.getByRole("list", { name: "Sessions" }).getByText(/^Idle/).waitFor();
    expect(await where()).toBe(before);
    await page.getByRole("button", { name: /^\d+ new$/ }).click();
    await messages(page).getByText("Done", { exact: true }).last().waitFor();
    await page.getByRole("button", { name: /^(\d+ new|To the end)$/ }).waitFor({ state: "detached" });
  });

  test("every control has a name, text stands out enough, and a narrow window is wide enough", async () => {
    writeFileSync(world.file("poem.txt"), "roses are red\n");
    for (const colorScheme of ["light", "dark"] as const) {
      const { page, context, complaints } = await watched(world.browser, { colorScheme, reducedMotion: "reduce" });
      await enter(page, await world.daemon.link(), "Agents");
      await page.getByRole("radio", { name: /^Built-in/ }).waitFor();
      const look = async (what: string): Promise<void> => {
        expect(await page.evaluate(unnamed), `${what}, ${colorScheme}`).toEqual([]);
        expect(await page.evaluate(faint), `${what}, ${colorScheme}`).toEqual([]);
      };
      await look("a new session");
      await world.shoot(`agent-new-${colorScheme}`, page);
      await begin(page, world.folder);
      await ask(page, `replace ${colorScheme === "light" ? "red" : "blue"} with blue in poem.txt`);
      if (colorScheme === "light") {
        await look("a card");
        await card(page).getByRole("button", { name: "Allow once" }).click();
        await messages(page).getByText("1 file changed").waitFor();
      } else {
        await look("a card");
        await card(page).getByRole("button", { name: "Deny", exact: true }).click();
        await messages(page).getByText("You did not allow that").waitFor();
      }
      await look("a turn that ended");
      await page.setViewportSize({ width: 390, height: 844 });
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
      await world.shoot(`agent-narrow-${colorScheme}`, page);
      expect(complaints).toEqual([]);
      await context.close();
    }
  });
});

/** Notes how long each piece of output that comes takes until the frame with it was painted. Runs in the page. */
function watchPaints(): void {
  const waits: number[] = [];
  const came: number[] = [];
  Object.assign(window, { waits });
  const parse = JSON.parse;
  JSON.parse = (text: string, ...rest: []) => {
    if (text.includes('"item.delta"') && text.includes("tool_output")) came.push(performance.now());
    return parse(text, ...rest) as unknown;
  };
  const note = (): void => {
    const now = performance.now();
    waits.push(...came.splice(0).map((at) => now - at));
  };
  const list = document.querySelector(".messages") as HTMLElement;
  new MutationObserver((changes) => {
    const isOutput = changes.some(({ target }) => (target as Element).closest?.(".terminal") ?? target.parentElement?.closest(".terminal"));
    if (isOutput) requestAnimationFrame(() => setTimeout(note));
  }).observe(list, { childList: true, characterData: true, subtree: true });
}

/** How long it takes until a frame was painted in which hardly anything has changed: the p95 of 60, in ms. Runs in the page. */
async function framed(): Promise<number> {
  const took: number[] = [];
  const mark = document.body.appendChild(document.createElement("i"));
  for (let at = 0; at < 60; at += 1) {
    const began = performance.now();
    mark.style.opacity = `${at / 100}`;
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    took.push(performance.now() - began);
  }
  mark.remove();
  return took.sort((one, other) => one - other)[56] ?? Infinity;
}

/** The first row in sight, and where it stands. Runs in the page. */
function sighted(): string {
  const { top } = (document.querySelector(".messages") as HTMLElement).getBoundingClientRect();
  const row = [...document.querySelectorAll(".message-row")].find((one) => one.getBoundingClientRect().bottom > top);
  return `${row?.getAttribute("aria-posinset")} at ${Math.round((row?.getBoundingClientRect().top ?? 0) - top)}`;
}

/** Goes up the messages by wheel, a frame at a time, and measures. Runs in the page. */
async function scrolled(): Promise<{ steps: number; slowest: number; heap: number }> {
  const list = document.querySelector(".messages") as HTMLElement;
  let slowest = 0;
  const steps = 60;
  for (let step = 0; step < steps; step += 1) {
    const began = performance.now();
    list.scrollTop -= 2_000;
    await new Promise((resolve) => requestAnimationFrame(resolve));
    slowest = Math.max(slowest, performance.now() - began);
  }
  const { memory } = performance as unknown as { memory?: { usedJSHeapSize: number } };
  return { steps, slowest, heap: Math.round((memory?.usedJSHeapSize ?? 0) / 1e6) };
}
