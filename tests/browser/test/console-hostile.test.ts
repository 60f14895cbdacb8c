import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";

import { faint, unnamed } from "../harness/accessible.js";
import { ask, begin, card, messages, prompt } from "../harness/agents.js";
import { inChromium, launch } from "../harness/chromium.js";
import { ConsoleDaemon } from "../harness/console-daemon.js";
import { enter, show, watched } from "../harness/console-page.js";

/** What agents may call things: it turns the direction, clears a line, is markup, and is longer than any window is wide. */
const NAME = `a\u202egpj.exe\u001b[2K<img src=x onerror=alert(1)>${"W".repeat(400)}`;
const SHOWN = /a⟨U\+202E⟩gpj\.exe␛\[2K<img/;
const SESSION = "ses_hostile";

inChromium("names that agents give", () => {
  let browser: Browser;
  let daemon: ConsoleDaemon;

  beforeAll(async () => {
    const first = await ConsoleDaemon.start();
    await first.kill();
    leaveHostile(first.folder);
    daemon = await ConsoleDaemon.start(first);
    browser = await launch();
  });

  afterAll(async () => {
    await browser?.close();
    await daemon?.stop();
  });

  for (const colorScheme of ["light", "dark"] as const)
    test(`are shown as what they are, and leave room for all else in the narrowest window: ${colorScheme}`, { timeout: 60_000 }, async () => {
      const viewport = { width: 320, height: 720 };
      const { page, context, complaints } = await watched(browser, { viewport, colorScheme, reducedMotion: "reduce" });
      await enter(page, await daemon.link(), "Agents");
      const look = async (what: string): Promise<void> => {
        expect(await page.evaluate(() => document.documentElement.scrollWidth), what).toBeLessThanOrEqual(viewport.width);
        expect(await page.evaluate(unnamed), what).toEqual([]);
        expect(await page.evaluate(faint), what).toEqual([]);
        expect(await isWithin(page.getByRole("tab", { name: "Windows" }), viewport.width), what).toBe(true);
      };
      await page.getByRole("button", { name: "All sessions" }).click();
      await look("the sessions");
      await page.getByRole("button", { name: SHOWN }).click();
      await messages(page).getByText("The service failed").waitFor();
      await look("the session");
      await expect(page.getByRole("heading", { name: SHOWN }).isVisible()).resolves.toBe(true);
      expect(await bottomOf(prompt(page))).toBeLessThan(viewport.height - 58);
      await messages(page).press("Home");
      await messages(page).getByText(/^A session with/).waitFor();
      await look("its beginning");
      for (const part of await page.locator(".plan li").all()) expect(await isWithin(part, viewport.width)).toBe(true);
      await page.getByRole("button", { name: "More of the session" }).click();
      await page.getByRole("menuitem", { name: "Rules…" }).click();
      await page.getByRole("heading", { name: "What decides in this mode" }).waitFor();
      await look("the rules");
      expect(complaints).toEqual([]);
      await context.close();
    });

  test("a session that was closed before the page was loaded is gone on with from its transcript", async () => {
    const { page, context, complaints } = await watched(browser);
    await enter(page, await daemon.link(), "Agents");
    await begin(page, daemon.folder);
    await ask(page, "help");
    await messages(page).getByText("I am the agent that is built into Sixframe").waitFor();
    await page.getByRole("button", { name: "More of the session" }).click();
    await page.getByRole("menuitem", { name: "Close the session" }).click();
    await page.getByText("This session is closed").waitFor();
    await page.reload();
    await page.getByText("Connected", { exact: true }).waitFor();
    await show(page, "Transcripts");
    await page.getByRole("list", { name: "Transcripts" }).getByRole("button", { name: /^help/ }).click();
    await page.getByRole("button", { name: "Go on with it" }).press("Enter");
    await messages(page).getByText("I am the agent that is built into Sixframe").waitFor();
    await expect.poll(() => prompt(page).evaluate((field) => field === document.activeElement)).toBe(true);
    await page.keyboard.type("ask Tabs? [Yes|No]");
    await page.keyboard.press("Enter");
    await page.getByRole("region", { name: "What waits for you here" }).getByRole("article", { name: /A question/ }).waitFor();
    expect(complaints).toEqual([]);
    await context.close();
  });

  test("an undo that would overwrite what was changed since names the files, by the keyboard alone", async () => {
    const folder = join(daemon.folder, "kitchen");
    mkdirSync(folder);
    writeFileSync(join(folder, "tea.txt"), "green\n");
    const { page, context, complaints } = await watched(browser);
    await enter(page, await daemon.link(), "Agents");
    await begin(page, folder);
    await ask(page, "replace green with black in tea.txt");
    await card(page).getByRole("button", { name: "Allow once" }).click();
    await messages(page).getByText("1 file changed").waitFor();
    writeFileSync(join(folder, "tea.txt"), "white\n");
    const undo = messages(page).getByRole("button", { name: "Undo" });
    await undo.focus();
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog", { name: "Undo anyway?" });
    await dialog.getByRole("listitem").getByText("tea.txt").waitFor();
    expect(await focused(page)).toBe("Keep them");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await messages(page).getByText("What this turn changed was taken back").waitFor();
    expect(complaints).toEqual([]);
    await context.close();
  });
});

async function isWithin(element: Locator, width: number): Promise<boolean> {
  const box = await element.evaluate((one) => {
    const { left, right } = one.getBoundingClientRect();
    return { left, right, overflows: one.scrollWidth > one.clientWidth + 1 };
  });
  return box.left >= 0 && box.right <= width && !box.overflows;
}

function bottomOf(element: Locator): Promise<number> {
  return element.evaluate((one) => one.getBoundingClientRect().bottom);
}

function focused(page: Page): Promise<string> {
  return page.evaluate(() => document.activeElement?.textContent ?? "");
}

/** Leaves the log of a session in which everything that has a name has this one. */
function leaveHostile(folder: string): void {
  const lines: string[] = [];
  const log = (type: string, data: object, ids: object = {}): void => {
    const [seq, ts] = [lines.length + 1, new Date(1_790_000_000_000 + lines.length * 10).toISOString()];
    lines.push(JSON.stringify({ v: 1, epoch: "log_1", seq, ts, sessionId: SESSION, ...ids, type, data, src: { provider: "sixframe" } }));
  };
  const turn = { turnId: "turn_1" };
  const item = (itemId: string, data: object): void => log("item.upserted", { status: "completed", ...data }, { ...turn, itemId });
  const output = { text: NAME, truncated: false };
  const changes = [{ path: NAME, kind: "modify", binary: false, additions: 1, deletions: 1, unifiedDiff: `@@ -1 +1 @@\n-a\n+${NAME}\n` }];
  log("session.created", { provider: "builtin", cwd: folder, mode: "ask" });
  log("session.updated", { title: NAME, model: NAME, models: [NAME, "other"] });
  log("prompt.started", { promptId: "prompt_1" });
  log("turn.started", { promptId: "prompt_1" }, turn);
  item("asked", { kind: "user_message", content: [{ type: "text", text: NAME }] });
  item("tool", { kind: "tool_call", tool: { name: NAME, title: NAME, toolKind: "mcp", mcp: { server: NAME, tool: NAME }, input: { [NAME]: NAME }, output } });
  item("run", { kind: "tool_call", status: "failed", tool: { name: "run", toolKind: "execute", command: { line: NAME, exitCode: 3 }, output, error: NAME } });
  item("edit", { kind: "tool_call", tool: { name: "edit", toolKind: "edit", changes } });
  item("said", { kind: "agent_message", content: [{ type: "text", text: `| a | b |\n|---|---|\n| ${NAME} | 2 |\n\n\`\`\`${NAME}\n${NAME}\n\`\`\`` }] });
  log("plan.updated", { entries: [{ text: NAME, status: "pending" }] }, turn);
  const error = { kind: "provider_error", message: NAME, hint: NAME, providerCode: NAME, retryable: true };
  log("turn.ended", { outcome: "failed", error, durationMs: 5, cost: { amountMicros: 5, currency: NAME } }, turn);
  const dir = join(folder, "agents");
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  writeFileSync(join(dir, `${SESSION}.jsonl`), `${lines.join("\n")}\n`, { mode: 0o600 });
  writeFileSync(join(dir, `${SESSION}.lock`), "", { mode: 0o600 });
}
