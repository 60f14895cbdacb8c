import { act, fireEvent, render, screen, within } from "@testing-library/react";
import { RpcError } from "sixframe";
import { expect, test, vi } from "vitest";

import type { AgentPreviewed } from "../../src/api.js";
import { Console } from "../../src/console.js";
import { furnish, type Furnished } from "../furnished.js";
import { ends, IDLE } from "./agents-page.js";
import { Log } from "./events.js";

const ALWAYS = { types: ["prompt.queued"], timeoutMs: 86_400_000 };

/** The console on a daemon with two sessions, of which the first is looked at; `asked` are the prompts that it is given. */
async function looked({ methods = ["agent.previewPrompt"], ...session }: { methods?: string[]; [key: string]: unknown } = {}): Promise<Furnished & { asked: unknown[] }> {
  const claude = { ...IDLE, provider: "claude" };
  const sessions = { ses_1: { ...claude, ...session }, ses_2: { ...claude, sessionId: "ses_2" } };
  const made = furnish({ global: {}, sessions: {}, agents: sessions }, methods);
  ends.push(made.end);
  const asked: unknown[] = [];
  const { endpoint } = made.served;
  const logs = { ses_1: new Log().created().turn("turn_1", "first").end("turn_1", { outcome: "interrupted" }), ses_2: new Log("ses_2").created() };
  endpoint.register("agent.events", async function* (payload) {
    const [id] = (payload as { sessions: (keyof typeof logs)[] }).sessions;
    for (const envelope of id === undefined ? [] : logs[id].envelopes) yield envelope as unknown;
    await new Promise(() => undefined);
  });
  endpoint.register("agent.prompt", async function* (payload) {
    asked.push(payload);
    yield {};
    await new Promise(() => undefined);
  });
  render(<Console environment={made.environment} />);
  act(() => made.environment.agents.choose("ses_1"));
  await screen.findByRole("log", { name: "Messages" });
  return { ...made, asked };
}

async function open(): Promise<HTMLElement> {
  const button = await screen.findByRole("button", { name: "Context" });
  fireEvent.click(button);
  return button;
}

function field(name: "File" | "Template"): HTMLInputElement {
  return within(screen.getByRole("group", { name: "Context" })).getByLabelText<HTMLInputElement>(name);
}

function choose(chosen: Partial<Record<"File" | "Template", string>>): void {
  for (const [name, value] of Object.entries(chosen)) fireEvent.change(field(name as "File"), { target: { value } });
}

function prompt(): HTMLTextAreaElement {
  return screen.getByRole<HTMLTextAreaElement>("textbox", { name: "Prompt" });
}

function send(text: string): void {
  fireEvent.change(prompt(), { target: { value: text } });
  fireEvent.keyDown(prompt(), { key: "Enter", keyCode: 13 });
}

function saying(text: string): object {
  return { content: [{ type: "text", text }], delivery: "queue", ...ALWAYS };
}

test("what is chosen goes with each prompt of the session until it is taken away, and with none of another one", async () => {
  const { asked, environment } = await looked();
  const button = await open();
  expect(button.getAttribute("aria-expanded")).toBe("true");
  expect(screen.queryByText(/^with /)).toBeNull();
  choose({ File: " src/main.rs " });
  expect(screen.getByText("with src/main.rs")).toBeTruthy();
  choose({ Template: "review" });
  expect(screen.getByText("with src/main.rs · template review")).toBeTruthy();
  send("one");
  await vi.waitFor(() => expect(asked.length).toBe(1));
  send("two");
  await vi.waitFor(() => expect(asked.length).toBe(2));
  act(() => environment.agents.choose("ses_2"));
  await vi.waitFor(() => expect(screen.queryByText(/^with /)).toBeNull());
  send("three");
  await vi.waitFor(() => expect(asked.length).toBe(3));
  act(() => environment.agents.choose("ses_1"));
  const away = await screen.findByRole("button", { name: "Take the context away" });
  away.focus();
  fireEvent.click(away);
  expect(screen.queryByText(/^with /)).toBeNull();
  expect(document.activeElement).toBe(prompt());
  send("four");
  await vi.waitFor(() => expect(asked.length).toBe(4));
  const chosen = { currentFile: "src/main.rs", template: "review" };
  expect(asked).toEqual([
    { sessionId: "ses_1", ...saying("one"), ...chosen },
    { sessionId: "ses_1", ...saying("two"), ...chosen },
    { sessionId: "ses_2", ...saying("three") },
    { sessionId: "ses_1", ...saying("four") },
  ]);
});

test("a template goes without a file, and what is chosen outlives a look at another panel", async () => {
  const { asked } = await looked();
  await open();
  choose({ Template: "default" });
  act(() => location.replace("#windows"));
  await vi.waitFor(() => expect(screen.queryByRole("textbox", { name: "Prompt" })).toBeNull());
  act(() => location.replace("#agents"));
  expect(await screen.findByText("with template default")).toBeTruthy();
  await open();
  expect([field("File").value, field("Template").value]).toEqual(["", "default"]);
  send("one");
  await vi.waitFor(() => expect(asked).toEqual([{ sessionId: "ses_1", ...saying("one"), template: "default" }]));
});

test("what is asked once more is asked as it was, whatever is chosen since", async () => {
  const { asked } = await looked();
  await open();
  choose({ File: "src/main.rs" });
  fireEvent.click(await screen.findByRole("button", { name: "Ask again" }));
  await vi.waitFor(() => expect(asked).toEqual([{ sessionId: "ses_1", again: "prompt_turn_1", ...ALWAYS }]));
});

test("a context that the daemon refuses is said as other errors are, and takes neither the draft nor what was chosen along", async () => {
  const { served } = await looked();
  served.endpoint.register("agent.prompt", () => {
    throw new RpcError("INVALID_PAYLOAD", "../key is outside of the session's folder", { path: "currentFile" });
  });
  await open();
  choose({ File: "../key" });
  send("what is in it?");
  expect(await screen.findByText("It was not sent: ../key is outside of the session's folder (INVALID_PAYLOAD)")).toBeTruthy();
  expect(prompt().value).toBe("what is in it?");
  expect(screen.getByText("with ../key")).toBeTruthy();
});

const PREVIEWED: AgentPreviewed = {
  text: "# Role\nbe <img src=x onerror=alert(1)> careful\u202e\n\n  fn main() {}\n\nwhat is this?",
  characters: 1_234,
  estimatedTokens: 310,
  parts: [
    { kind: "role", characters: 40, isCut: false },
    { kind: "file", path: "src/\u202emain.rs", characters: 800, isCut: true, isSecret: true },
    { kind: "prompt", characters: 13, isCut: false },
  ],
  omitted: [
    { what: "src/main.rs", why: "budget", detail: "lines 1 to 20 of 90 are sent" },
    { what: "tree", why: "budget", detail: "7 entries are left out" },
  ],
};

test("what would be sent is shown before it is, as text, with its length and what is left out, and the focus goes back", async () => {
  const { served, asked } = await looked();
  const previewed: unknown[] = [];
  served.endpoint.register("agent.previewPrompt", (payload) => {
    previewed.push(payload);
    return PREVIEWED;
  });
  await open();
  choose({ File: "src/main.rs", Template: "review" });
  fireEvent.change(prompt(), { target: { value: "what is this?" } });
  const show = screen.getByRole("button", { name: "Show what is sent" });
  show.focus();
  fireEvent.click(show);
  const dialog = await screen.findByRole("dialog", { name: "What is sent" });
  const text = await within(dialog).findByRole("region", { name: "The text" });
  expect(text.textContent).toBe("# Role\nbe <img src=x onerror=alert(1)> careful⟨U+202E⟩\n\n  fn main() {}\n\nwhat is this?");
  expect(dialog.querySelector("img")).toBeNull();
  expect(within(dialog).getByRole("status").textContent).toBe("1,234 characters, about 310 tokens");
  const lines = (name: string): (string | null)[] =>
    within(within(dialog).getByRole("region", { name })).getAllByRole("listitem").map(({ textContent }) => textContent);
  expect(lines("Its parts")[1]).toBe("The file · src/⟨U+202E⟩main.rs · 800 characters · cut · its name says that it holds secrets");
  expect(lines("What is left out")).toEqual([
    "src/main.rs · lines 1 to 20 of 90 are sent · there is no room for it",
    "The project's files, by their names · 7 entries are left out · there is no room for it",
  ]);
  expect(document.activeElement).toBe(within(dialog).getByRole("button", { name: "Close" }));
  fireEvent(dialog, new Event("cancel", { cancelable: true }));
  await vi.waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  await vi.waitFor(() => expect(document.activeElement).toBe(show));
  expect(previewed).toEqual([{ sessionId: "ses_1", content: [{ type: "text", text: "what is this?" }], currentFile: "src/main.rs", template: "review" }]);
  expect(asked).toEqual([]);
});

test("a preview that is refused says why, and can be asked for again; of a very long one the beginning is laid out unasked", async () => {
  const { served } = await looked();
  let isKnown = false;
  const text = `${"long ".repeat(30_000)}end`;
  served.endpoint.register("agent.previewPrompt", () => {
    if (!isKnown) throw new RpcError("INVALID_PAYLOAD", "there is no template reviwe", { path: "template" });
    return { ...PREVIEWED, text };
  });
  await open();
  choose({ Template: "reviwe" });
  fireEvent.click(screen.getByRole("button", { name: "Show what is sent" }));
  expect((await screen.findByRole("alert")).textContent).toContain("there is no template reviwe");
  isKnown = true;
  const again = within(screen.getByRole("dialog")).getByRole("button", { name: "Ask again" });
  again.focus();
  fireEvent.click(again);
  const shown = await screen.findByRole("region", { name: "The text" });
  expect(screen.queryByRole("alert")).toBeNull();
  expect(document.activeElement).toBe(screen.getByRole("button", { name: "Close" }));
  expect(shown.textContent?.length).toBe(100_001);
  fireEvent.click(screen.getByRole("button", { name: "Show all of it" }));
  expect(shown.textContent).toBe(text);
  expect(document.activeElement).toBe(shown);
});

test("Escape in the row closes it and stops nothing", async () => {
  const { served } = await looked({ turnId: "turn_2" });
  const stopped: unknown[] = [];
  served.endpoint.register("agent.interrupt", (payload) => stopped.push(payload));
  const button = await open();
  const file = field("File");
  file.focus();
  fireEvent.keyDown(file, { key: "Escape", keyCode: 229 });
  expect(button.getAttribute("aria-expanded")).toBe("true");
  fireEvent.keyDown(file, { key: "Escape" });
  expect([button.getAttribute("aria-expanded"), document.activeElement]).toEqual(["false", button]);
  fireEvent.keyDown(prompt(), { key: "Escape" });
  await vi.waitFor(() => expect(stopped).toEqual([{ sessionId: "ses_1" }]));
});

test("it is said that the built-in agent is given nothing beside what is typed", async () => {
  await looked({ provider: "builtin" });
  await open();
  expect(screen.getByRole("group", { name: "Context" }).textContent).toContain("The built-in agent is given what you type alone.");
});

test("on a daemon without it nothing is offered, and what was chosen before can be taken away", async () => {
  const { environment } = await looked({ methods: ["agent.undo"] });
  await vi.waitFor(() => expect(environment.catalogue.method("agent.undo")).toBeTruthy());
  expect(screen.queryByRole("button", { name: "Context" })).toBeNull();
  act(() => environment.agents.typed.attach("ses_1", { file: "src/main.rs", template: "" }));
  fireEvent.click(await screen.findByRole("button", { name: "Take the context away" }));
  expect(screen.queryByText(/^with /)).toBeNull();
});

test("where another agent can take over, a new session is recommended, and why", async () => {
  const { served } = await looked({ methods: ["agent.setProvider"] });
  const able = (id: string, name: string): unknown => ({ id, name, state: "ready", abilities: {} });
  served.endpoint.register("agent.providers", () => ({ providers: [able("claude", "Claude Code"), able("codex", "Codex")], default: "claude" }));
  fireEvent.keyDown(screen.getByRole("button", { name: "More of the session" }), { key: "Enter" });
  const other = await screen.findByRole("menuitem", { name: "Go on with Codex" });
  const note = document.getElementById(other.getAttribute("aria-describedby") ?? "");
  expect(note?.textContent).toBe("A new session is recommended: another agent is given no more than a summary of this one.");
});
