/** Agents in the console: sessions with the built-in one, and logs that earlier daemons have left. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Locator, Page } from "playwright-core";

import { show } from "./console-page.js";

/** Begins a session in a folder, with the built-in agent or another one. */
export async function begin(page: Page, folder: string, agent = /^Built-in/): Promise<void> {
  await show(page, "Agents");
  const form = page.getByRole("form", { name: "New session" });
  await form.getByRole("radio", { name: agent }).click();
  await form.getByRole("textbox", { name: "Folder" }).or(form.getByRole("combobox", { name: "Folder" })).fill(folder);
  await form.getByRole("button", { name: "Begin" }).click();
  await prompt(page).waitFor();
}

/** Where prompts are written. */
export function prompt(page: Page): Locator {
  return page.getByRole("textbox", { name: "Prompt" });
}

/** Asks for something by the keyboard; `\n` breaks the line. */
export async function ask(page: Page, text: string): Promise<void> {
  await prompt(page).focus();
  const [first = "", ...lines] = text.split("\n");
  await page.keyboard.type(first);
  for (const line of lines) {
    await page.keyboard.press("Shift+Enter");
    await page.keyboard.type(line);
  }
  await page.keyboard.press("Enter");
}

/** Waits until the turn of what was asked last has ended so. */
export async function ended(page: Page, text: string, outcome: "Done" | "Failed" | "Stopped"): Promise<void> {
  await messages(page).getByRole("article", { name: "You" }).filter({ hasText: text }).last().waitFor();
  const last = messages(page).getByRole("article").last().filter({ has: page.locator(".outcome").getByText(outcome, { exact: true }) });
  await last.waitFor();
}

/** The card of what waits for leave in the session that is looked at. */
export function card(page: Page): Locator {
  return page.getByRole("region", { name: "What waits for you here" }).getByRole("article");
}

export function messages(page: Page): Locator {
  return page.getByRole("log", { name: "Messages" });
}

/** Leaves the log of a session with `items` items, a tenth of them messages, in a daemon's folder before it is started. */
export function leaveLog(folder: string, sessionId: string, items: number): void {
  leaveItems(folder, sessionId, Array.from({ length: items }, (_, number) => itemOf(number)));
}

/** Leaves the log of a session with these items in a daemon's folder before it is started, a hundred of them in a turn. */
export function leaveItems(folder: string, sessionId: string, items: readonly object[]): void {
  const dir = join(folder, "agents");
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const lines: string[] = [];
  const log = (type: string, data: object, ids: { turnId?: string; itemId?: string } = {}): void => {
    const [seq, ts] = [lines.length + 1, new Date(1_790_000_000_000 + lines.length * 10).toISOString()];
    lines.push(JSON.stringify({ v: 1, epoch: "log_1", seq, ts, sessionId, ...ids, type, data, src: { provider: "sixframe" } }));
  };
  log("session.created", { provider: "builtin", cwd: folder, mode: "ask" });
  for (let from = 0; from < items.length; from += 100) {
    const turnId = `turn_${from}`;
    const asked = items[from] as { kind?: string; content?: unknown };
    if (asked.kind === "user_message")
      log("prompt.queued", { promptId: `prompt_${from}`, position: 0, delivery: "queue", content: asked.content });
    log("prompt.started", { promptId: `prompt_${from}` });
    log("turn.started", { promptId: `prompt_${from}` }, { turnId });
    for (const [at, item] of items.slice(from, from + 100).entries()) log("item.upserted", item, { turnId, itemId: `item_${from + at}` });
    log("turn.ended", { outcome: "completed", durationMs: 1_000 }, { turnId });
  }
  writeFileSync(join(dir, `${sessionId}.jsonl`), `${lines.join("\n")}\n`, { mode: 0o600 });
  // As a daemon leaves it that is killed: a session without one was closed.
  writeFileSync(join(dir, `${sessionId}.lock`), "", { mode: 0o600 });
}

function itemOf(number: number): object {
  const content = (text: string): object[] => [{ type: "text", text }];
  if (number % 100 === 0) return { kind: "user_message", status: "completed", content: content(`question ${number}`) };
  if (number % 10 === 0)
    return { kind: "agent_message", status: "completed", content: content(`answer **${number}**\n\n${"some words ".repeat(number % 70)}`) };
  if (number % 10 === 1) return { kind: "thought", status: "completed", content: content(`thought ${number}`) };
  const output = { text: `line of ${number}\n`.repeat((number % 7) + 1), truncated: false };
  const command = { line: `step ${number}`, exitCode: 0 };
  return { kind: "tool_call", status: "completed", tool: { name: "run", title: `step ${number}`, toolKind: "execute", command, output } };
}
