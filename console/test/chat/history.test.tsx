import { fireEvent, screen, within } from "@testing-library/react";
import { expect, test } from "vitest";

import { furnished, IDLE, look } from "./agents-page.js";
import { Log } from "./events.js";

async function shown(log: Log, more: Record<string, unknown> = {}): Promise<void> {
  await look(furnished({ ses_1: { ...IDLE, ...more } }, { log }));
}

const notice = (text: string): { kind: "notice"; status: "completed"; content: { type: "text"; text: string }[] } => ({
  kind: "notice",
  status: "completed",
  content: [{ type: "text", text }],
});

test("of a fork's summary one line is shown, all of it below that, to the letter", async () => {
  const log = new Log().created();
  log.push("item.upserted", notice("This is a fork of the session ses_0. What was said and done there:\n\nPerson: # big\n**Agent**: <b>x</b> ![i](https://evil.example/i.png)"), { itemId: "before" });
  await shown(log);
  const row = await screen.findByRole("article", { name: "Notice" });
  expect(row.textContent).toBe("Begun with a summary of what was said and done in another session");
  fireEvent.click(within(row).getByRole("button", { name: /^Begun with a summary/ }));
  expect(row.querySelector("pre")?.textContent).toBe("Person: # big\n**Agent**: <b>x</b> ![i](https://evil.example/i.png)");
  expect(row.querySelector("h1, strong, b, img, a")).toBeNull();
});

test("a notice is no Markdown, and what follows its first line stands below it", async () => {
  const log = new Log().created();
  log.push("item.upserted", notice("A *new* one answers.\n\n# What it said"), { itemId: "n" });
  await shown(log);
  const row = await screen.findByRole("article", { name: "Notice" });
  expect([row.querySelector("p")?.textContent, row.querySelector("pre")?.textContent]).toEqual(["A *new* one answers.", "# What it said"]);
  expect(row.querySelector("h1, em")).toBeNull();
});

const read = (name: string, text: string): object => ({
  kind: "tool_call",
  status: "completed",
  tool: { name, title: `${name} a.txt`, toolKind: "read", output: { text, truncated: false } },
});

test("what a tool found stands open where nothing else was answered, and is folded where the agent speaks of it", async () => {
  const log = new Log().created().turn("turn_1", "read a.txt").item("t1", read("read", "roses are red") as never).end("turn_1");
  log.turn("turn_2", "and what is it?").item("t2", read("see", "violets are blue") as never, "turn_2");
  log.item("m", { kind: "agent_message", status: "completed", content: [{ type: "text", text: "A poem." }] }, "turn_2").end("turn_2");
  await shown(log);
  expect(await screen.findByText("A poem.")).toBeTruthy();
  expect(await screen.findByText("roses are red")).toBeTruthy();
  expect(screen.queryByText("violets are blue")).toBeNull();
});

test("a tool that waits for an answer says so, until there is one", async () => {
  const log = new Log().created().turn("turn_1", "ask");
  log.item("t1", { kind: "tool_call", status: "in_progress", tool: { name: "ask", title: "ask Which way?", toolKind: "other" } });
  const ids = { turnId: "turn_1", itemId: "t1" };
  log.push("question.requested", { questionId: "q1", expiresAtMs: 0, questions: [] }, ids);
  const made = furnished({ ses_1: { ...IDLE, turnId: "turn_1" } }, { log });
  await look(made);
  const status = async (word: string): Promise<Element | null> => (await screen.findByText(word)).closest(".tool-status");
  expect(await status("waits for you")).toBeTruthy();
  log.push("question.resolved", { questionId: "q1", by: { kind: "person" } } as never, ids);
  made.grown();
  expect(await status("at work")).toBeTruthy();
});
