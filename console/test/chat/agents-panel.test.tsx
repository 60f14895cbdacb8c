import { act, cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { RpcError } from "sixframe";
import { expect, test, vi } from "vitest";

import type { AgentEnvelope, AgentProviderInfo } from "../../src/api.js";
import { turnSingleKeys } from "../../src/commands/shortcuts.js";
import { Console } from "../../src/console.js";
import { ends, furnished, IDLE, look } from "./agents-page.js";
import { Log } from "./events.js";

const ABILITIES = { fork: true, models: true, permissions: true, reasons: true, resume: false, steer: false, usage: false };
const BUILTIN: AgentProviderInfo = { id: "builtin", name: "Built-in (no model)", state: "ready", version: "0.3.0", abilities: ABILITIES };
const MISSING: AgentProviderInfo = {
  id: "claude",
  name: "Claude Code",
  state: "missing",
  hint: "install it, or set agent.claude.program",
  installUrl: "https://claude.example/install",
  abilities: ABILITIES,
};
test("agents are looked for, what is missing says what to do, and looking again finds what was installed", async () => {
  const made = furnished({});
  const answers: ((providers: AgentProviderInfo[]) => void)[] = [];
  const looks: unknown[] = [];
  made.served.endpoint.register("agent.providers", (payload) => {
    looks.push(payload);
    return new Promise((resolve) => answers.push((providers) => resolve({ providers, default: providers[0]?.id })));
  });
  render(<Console environment={made.environment} />);
  expect(await screen.findByText("Looking for agents…")).toBeTruthy();
  await vi.waitFor(() => expect(answers.length).toBe(1));
  await act(async () => answers[0]?.([BUILTIN, MISSING]));
  expect(await screen.findByText(/No agent with a model was found/)).toBeTruthy();
  const claude = screen.getByRole<HTMLButtonElement>("radio", { name: /^Claude Code/ });
  expect([claude.ariaDisabled, claude.textContent]).toEqual(["true", expect.stringContaining("Not installed")]);
  expect(screen.getByText("install it, or set agent.claude.program")).toBeTruthy();
  expect(screen.getByRole("link", { name: /How to install it/ }).getAttribute("rel")).toContain("noopener");
  fireEvent.click(screen.getByRole("button", { name: /Look again/ }));
  await vi.waitFor(() => expect(answers.length).toBe(2));
  expect(looks).toEqual([{ waitMs: 3_000 }, { waitMs: 3_000, recheck: true }]);
  await act(async () => answers[1]?.([{ ...MISSING, state: "ready", version: "2.1.329", tested: "newer" }, BUILTIN]));
  await vi.waitFor(() => expect(screen.getByRole("radio", { name: /^Claude Code/ }).getAttribute("aria-checked")).toBe("true"));
  expect(screen.getByText("2.1.329 · newer than tried with")).toBeTruthy();
});

test("a search that goes down with the connection is no error of its own: the connection says what happened", async () => {
  const made = furnished({});
  const looks: unknown[] = [];
  made.served.endpoint.register("agent.providers", (payload) => {
    looks.push(payload);
    return new Promise(() => undefined);
  });
  render(<Console environment={made.environment} />);
  await vi.waitFor(() => expect(looks.length).toBe(1));
  act(() => made.served.stop());
  await vi.waitFor(() => expect(made.environment.agents.providers.get().state).toBe("failed"));
  expect(made.environment.agents.providers.get().failure?.code).toBe("CONNECTION_CLOSED");
  expect(await screen.findByText("The connection was lost.")).toBeTruthy();
  expect(document.querySelector(".error-card")).toBeNull();
});

test("a session that cannot be begun says why, and one that can is looked at", async () => {
  const made = furnished({});
  made.served.endpoint.register("agent.providers", () => ({ providers: [BUILTIN], default: "builtin" }));
  render(<Console environment={made.environment} />);
  const begin = await screen.findByRole<HTMLButtonElement>("button", { name: "Begin" });
  await screen.findByRole("radio", { name: /^Built-in/ });
  expect(begin.ariaDisabled).toBe("true");
  fireEvent.change(screen.getByRole("combobox", { name: "Folder" }), { target: { value: "/nowhere" } });
  made.served.endpoint.register("agent.createSession", () => {
    throw new RpcError("INVALID_PAYLOAD", "there is no folder /nowhere");
  });
  fireEvent.click(begin);
  expect(await screen.findByText("there is no folder /nowhere")).toBeTruthy();
  made.served.endpoint.register("agent.createSession", () => ({ sessionId: "ses_1" }));
  fireEvent.click(begin);
  expect(await screen.findByRole("log", { name: "Messages" })).toBeTruthy();
});

test("a session begins in the daemon's folder where nobody names another one", async () => {
  const made = furnished({});
  made.served.endpoint.register("agent.providers", () => ({ providers: [BUILTIN], default: "builtin", cwd: "/srv/me/shop" }));
  const begun: unknown[] = [];
  made.served.endpoint.register("agent.createSession", (payload) => {
    begun.push((payload as { cwd: string }).cwd);
    return { sessionId: "ses_1" };
  });
  render(<Console environment={made.environment} />);
  const folder = await screen.findByRole<HTMLInputElement>("combobox", { name: "Folder" });
  await vi.waitFor(() => expect(folder.value).toBe("/srv/me/shop"));
  const begin = screen.getByRole<HTMLButtonElement>("button", { name: "Begin" });
  fireEvent.change(folder, { target: { value: "" } });
  expect([folder.value, begin.ariaDisabled]).toEqual(["", "true"]);
  fireEvent.change(folder, { target: { value: "/srv/me/shop" } });
  fireEvent.click(begin);
  await vi.waitFor(() => expect(begun).toEqual(["/srv/me/shop"]));
});

test("thoughts are folded, an error says what it is and what to do, and trying again asks the same", async () => {
  const log = new Log().created().turn("turn_1", "do it");
  log.item("th", { kind: "thought", status: "completed", content: [{ type: "text", text: "a secret thought" }] });
  log.item("m", { kind: "agent_message", status: "completed", content: [{ type: "text", text: "I **cannot** <img src=x>" }] });
  const error = { kind: "auth_required" as const, message: "401 \u001b[31mno key", retryable: false, httpStatus: 401 };
  log.end("turn_1", { outcome: "failed", error, usage: { input: 1_200, cachedRead: 0, cachedWrite: 0, output: 34, reasoning: 0 }, cost: { amountMicros: 4_200, currency: "USD" } });
  const made = furnished({ ses_1: IDLE }, { log });
  await look(made);
  expect(await screen.findByText("Not logged in")).toBeTruthy();
  expect(screen.getByText("401 ␛[31mno key")).toBeTruthy();
  expect(screen.getByText(/Log in with the agent's own program/)).toBeTruthy();
  expect(screen.getByText("1.2k in, 34 out")).toBeTruthy();
  expect(screen.getAllByText("$0.0042").length).toBeGreaterThan(0);
  expect(screen.queryByText("a secret thought")).toBeNull();
  fireEvent.click(screen.getByRole("button", { name: "Thought" }));
  expect(screen.getByText("a secret thought")).toBeTruthy();
  expect(document.querySelector(".said img")).toBeNull();
  fireEvent.click(screen.getByRole("button", { name: "Try again" }));
  const prompt = { sessionId: "ses_1", again: "prompt_turn_1", types: ["prompt.queued"], timeoutMs: 86_400_000 };
  await vi.waitFor(() => expect(made.asked).toEqual([["prompt", prompt]]));
});

test("what is asked again is named, and not said again from what is kept here", async () => {
  const log = new Log().created();
  log.push("turn.started", { origin: "prompt", promptId: "p" }, { turnId: "turn_1" });
  log.item("u", { kind: "user_message", status: "completed", content: [{ type: "text", text: `first ${"word ".repeat(60_000)}last` }] });
  log.end("turn_1", { outcome: "interrupted" });
  const made = furnished({ ses_1: IDLE }, { log });
  await look(made);
  fireEvent.click(await screen.findByRole("button", { name: "Ask again" }));
  await vi.waitFor(() => expect(made.asked).toEqual([["prompt", { sessionId: "ses_1", again: "p", types: ["prompt.queued"], timeoutMs: 86_400_000 }]]));
});

test("a turn that took too long is not said to have been silent", async () => {
  const log = new Log().created().turn("turn_1", "build all of it");
  const error = { kind: "timeout" as const, message: "the turn took longer than it was given", retryable: true };
  log.end("turn_1", { outcome: "failed", error });
  await look(furnished({ ses_1: IDLE }, { log }));
  const card = await screen.findByRole("region", { name: "What went wrong" });
  expect([card.textContent?.includes("It took too long"), card.textContent?.includes("Nothing came")]).toEqual([true, false]);
});

test("what is asked again is asked once, however often that is clicked, and can be asked again when it was refused", async () => {
  const log = new Log().created().turn("turn_1", "do it").end("turn_1", { outcome: "interrupted" });
  const made = furnished({ ses_1: IDLE }, { log });
  await look(made);
  const again = await screen.findByRole("button", { name: "Ask again" });
  for (let clicks = 0; clicks < 3; clicks += 1) fireEvent.click(again);
  await vi.waitFor(() => expect(made.asked.length).toBe(1));
  expect(screen.queryByRole("button", { name: "Ask again" })).toBeNull();

  const other = furnished({ ses_1: IDLE }, { log });
  other.served.endpoint.register("agent.prompt", () => {
    throw new RpcError("RESOURCE_EXHAUSTED", "too many wait");
  });
  cleanup();
  await look(other);
  fireEvent.click(await screen.findByRole("button", { name: "Ask again" }));
  expect(await screen.findByText(/It was not sent: too many wait/)).toBeTruthy();
  expect(await screen.findByRole("button", { name: "Ask again" })).toBeTruthy();
});

test("controls of methods that the daemon has not are not there", async () => {
  const changes = [{ path: "/srv/me/project/a.txt", kind: "modify" as const, binary: false, unifiedDiff: "@@ -1 +1 @@\n-a\n+b\n", additions: 1, deletions: 1 }];
  const log = new Log().created().turn("turn_1", "edit");
  log.item("t", { kind: "tool_call", status: "completed", tool: { name: "edit", toolKind: "edit", title: "edit a.txt", changes } }).end("turn_1");
  const queue = [{ promptId: "p2", position: 0, delivery: "queue", content: [{ type: "text", text: "next" }] }];
  const bare = furnished({ ses_1: { ...IDLE, queue } }, { log });
  await look(bare);
  expect(await screen.findByText("1 file changed")).toBeTruthy();
  expect(screen.queryByRole("button", { name: "Undo" })).toBeNull();
  expect(screen.queryByRole("button", { name: "Change the prompt" })).toBeNull();
  fireEvent.click(screen.getByRole("button", { name: "Take the prompt back" }));
  await vi.waitFor(() => expect(bare.asked).toEqual([["cancelPrompt", { sessionId: "ses_1", promptId: "p2" }]]));
});

test("with them a turn is undone, after a question where files changed since, and a prompt that waits is changed", async () => {
  const changes = [{ path: "a.txt", kind: "modify" as const, binary: false, additions: 1, deletions: 1 }];
  const log = new Log().created().turn("turn_1", "edit");
  log.item("t", { kind: "tool_call", status: "completed", tool: { name: "edit", changes } }).end("turn_1");
  const queue = [{ promptId: "p2", position: 0, delivery: "queue", content: [{ type: "text", text: "next" }] }];
  const made = furnished({ ses_1: { ...IDLE, queue } }, { log, methods: ["agent.undo", "agent.editPrompt"] });
  const paths = ["a\u202e.txt", ...Array.from({ length: 5_000 }, (_, at) => `src/${at}.ts`)];
  made.served.endpoint.register("agent.undo", (payload) => {
    made.asked.push(payload);
    if (!(payload as { force?: boolean }).force) throw new RpcError("CONFLICT", "files changed since", { paths });
    return { files: changes };
  });
  await look(made);
  fireEvent.click(await screen.findByRole("button", { name: "Undo" }));
  const dialog = await screen.findByRole("dialog", { name: "Undo anyway?" });
  const named = within(dialog).getByRole("list", { name: "Files that would be overwritten" });
  const lines = within(named).getAllByRole("listitem").map(({ textContent }) => textContent);
  expect([lines[0], lines.length, lines.at(-1)]).toEqual(["a⟨U+202E⟩.txt", 101, "and 4,901 more"]);
  fireEvent.click(within(dialog).getByRole("button", { name: "Undo anyway" }));
  await vi.waitFor(() =>
    expect(made.asked).toEqual([
      { sessionId: "ses_1", turnId: "turn_1" },
      { sessionId: "ses_1", turnId: "turn_1", force: true },
    ]),
  );
  fireEvent.click(screen.getByRole("button", { name: "Change the prompt" }));
  const field = screen.getByRole("textbox", { name: "The prompt" });
  fireEvent.change(field, { target: { value: "another" } });
  fireEvent.keyDown(field, { key: "Enter", keyCode: 229 });
  expect(made.asked.length).toBe(2);
  fireEvent.keyDown(field, { key: "Enter", keyCode: 13 });
  const edited = { sessionId: "ses_1", promptId: "p2", content: [{ type: "text", text: "another" }] };
  await vi.waitFor(() => expect(made.asked[2]).toEqual(["editPrompt", edited]));
});

test("an undo that is refused for another reason is not offered once more with force", async () => {
  const changes = [{ path: "a.txt", kind: "modify" as const, binary: false, additions: 1, deletions: 1 }];
  const log = new Log().created().turn("turn_1", "edit");
  log.item("t", { kind: "tool_call", status: "completed", tool: { name: "edit", changes } }).end("turn_1");
  const made = furnished({ ses_1: IDLE }, { log, methods: ["agent.undo"] });
  made.served.endpoint.register("agent.undo", () => {
    throw new RpcError("CONFLICT", "a turn is open");
  });
  await look(made);
  fireEvent.click(await screen.findByRole("button", { name: "Undo" }));
  expect(await screen.findByText("It was not undone: a turn is open (CONFLICT)")).toBeTruthy();
  expect(screen.queryByRole("dialog")).toBeNull();
});

const RULES = [
  { id: "looks_only", source: "builtin", effect: "allow", text: "commands that only look", action: "command", scope: "always" },
  { id: "accept_edits", source: "builtin", effect: "allow", text: "changes of ordinary files", action: "file_change", scope: "always" },
  { id: "plan", source: "builtin", effect: "deny", text: "what changes anything", scope: "always" },
  { id: "no_turn", source: "builtin", effect: "deny", text: "what is asked outside of a turn", scope: "always" },
  { id: "rule_1", source: "person", effect: "allow", text: "npm test", action: "command", pattern: "npm test *", scope: "folder" },
];

test.each([
  ["ask", ["what is asked outside of a turn", "npm test"]],
  ["acceptEdits", ["changes of ordinary files", "what is asked outside of a turn", "npm test"]],
  ["auto", ["commands that only look", "what is asked outside of a turn", "npm test"]],
])("rules stand by whether they decide in the mode %s", async (mode, deciding) => {
  const made = furnished({ ses_1: { ...IDLE, mode } }, { log: new Log().created(), methods: ["policy.list"] });
  made.served.endpoint.register("policy.list", () => ({ rules: RULES }));
  await look(made);
  fireEvent.keyDown(screen.getByRole("button", { name: "More of the session" }), { key: "Enter" });
  fireEvent.click(await screen.findByRole("menuitem", { name: "Rules…" }));
  const now = await screen.findByRole("list", { name: "What decides in this mode" });
  const texts = within(now).getAllByRole("listitem").map(({ textContent }) => textContent);
  expect(texts.length).toBe(deciding.length);
  for (const [at, text] of deciding.entries()) expect(texts[at]).toContain(text);
  const others = within(screen.getByRole("list", { name: "What decides in other modes alone" })).getAllByRole("listitem");
  expect(others.length).toBe(RULES.length - deciding.length);
  const dialog = screen.getByRole("dialog");
  expect(dialog.textContent).toContain("in the mode Plan alone");
  // Where a rule of a person's decides, nobody answers everything.
  expect([...dialog.querySelectorAll("p.quiet")].some(({ textContent }) => textContent?.includes("decide first"))).toBe(mode !== "auto");
  expect(dialog.textContent).not.toContain("You answer everything that");
});

test("the history names a rule that decided by what it says, and says where one is gone", async () => {
  const log = new Log().created().turn("turn_1", "edit");
  for (const [at, rule] of ["rule_1", "rule_9", "no_turn", "unknown"].entries()) {
    log.push("permission.requested", { permissionId: `perm_${at}`, title: `thing ${at}` } as never, { turnId: "turn_1" });
    log.push("permission.resolved", { permissionId: `perm_${at}`, decision: "allowed", by: { kind: "policy", rule }, latencyMs: 1 }, { turnId: "turn_1" });
  }
  const made = furnished({ ses_1: IDLE }, { log, methods: ["policy.list"] });
  const asked: unknown[] = [];
  made.served.endpoint.register("policy.list", (payload) => (asked.push(payload), { rules: RULES }));
  await look(made);
  await screen.findByText(/“npm test”/);
  const told = [...document.querySelectorAll(".decision")].map(({ textContent }) => textContent);
  expect(told).toEqual([
    "Allowed by the rule “npm test”: thing 0",
    "Allowed by a rule that is not there any more: thing 1",
    "Allowed by the rule “what is asked outside of a turn”: thing 2",
    "Allowed by the rule unknown: thing 3",
  ]);
  expect(asked[0]).toEqual({ sessionId: "ses_1" });
});

test("a rule that another window took back first is gone from the list, and what is said of that goes with the next try", async () => {
  const made = furnished({ ses_1: { ...IDLE, mode: "ask" } }, { log: new Log().created(), methods: ["policy.list", "policy.revoke"] });
  const mine = { ...RULES[4], id: "rule_2", text: "cargo test" };
  let rules = [...RULES, mine];
  made.served.endpoint.register("policy.list", () => ({ rules }));
  made.served.endpoint.register("policy.revoke", (payload) => {
    const { id } = payload as { id: string };
    const had = rules.some((rule) => rule.id === id);
    rules = rules.filter((rule) => rule.id !== id);
    if (!had) throw new RpcError("NOT_FOUND", "there is no such rule");
    return { ok: true };
  });
  await look(made);
  fireEvent.keyDown(screen.getByRole("button", { name: "More of the session" }), { key: "Enter" });
  fireEvent.click(await screen.findByRole("menuitem", { name: "Rules…" }));
  const first = await screen.findByRole("button", { name: "Take back: npm test" });
  rules = rules.filter(({ id }) => id !== "rule_1");
  fireEvent.click(first);
  expect((await screen.findByRole("alert")).textContent).toContain("there is no such rule");
  await vi.waitFor(() => expect(screen.queryByRole("button", { name: "Take back: npm test" })).toBeNull());
  fireEvent.click(screen.getByRole("button", { name: "Take back: cargo test" }));
  await vi.waitFor(() => expect(screen.queryByRole("button", { name: "Take back: cargo test" })).toBeNull());
  expect(screen.queryByRole("alert")).toBeNull();
});

test("the settings of a folder: that it is looked for them, that it cannot be told, and that there are none, are three things", async () => {
  const made = furnished({ ses_1: IDLE }, { log: new Log().created(), methods: ["trust.status"] });
  let answer: (told: unknown) => void = () => undefined;
  let fail: (error: Error) => void = () => undefined;
  made.served.endpoint.register("trust.status", () => new Promise((resolve, reject) => ([answer, fail] = [resolve, reject])));
  await look(made);
  fireEvent.keyDown(screen.getByRole("button", { name: "More of the session" }), { key: "Enter" });
  fireEvent.click(await screen.findByRole("menuitem", { name: "Settings in the folder…" }));
  await screen.findByText("Looking into the folder…");
  await vi.waitFor(() => {
    fail(new RpcError("INTERNAL", "the disk is gone"));
    expect(screen.getByRole("alert").textContent).toContain("INTERNAL: the disk is gone");
  });
  fireEvent.click(screen.getByRole("button", { name: "Look again" }));
  await screen.findByText("Looking into the folder…");
  expect(screen.queryByRole("alert")).toBeNull();
  await vi.waitFor(() => {
    answer({ cwd: "/srv/me/project", isTrusted: false, files: [] });
    expect(screen.getByText("No settings for agents lie in it.")).toBeTruthy();
  });
});

test("what is said to its end is told to who does not see it, and pieces are not", async () => {
  const log = new Log().created().turn("turn_1", "hello");
  const made = furnished({ ses_1: { ...IDLE, turnId: "turn_1" } }, { log });
  let push: (envelope: AgentEnvelope) => void = () => undefined;
  made.served.endpoint.register("agent.events", async function* () {
    for (const envelope of log.envelopes) yield envelope as unknown;
    for (;;) yield await new Promise<AgentEnvelope>((resolve) => (push = resolve));
  });
  await look(made);
  const feed = made.environment.agents.feed("ses_1");
  await vi.waitFor(() => expect(feed.caughtUp.get()).toBe(4));
  const said = (): (string | null)[] => screen.getAllByRole("status").map(({ textContent }) => textContent);
  push(log.grew("a", "text", "Good mor").envelopes.at(-1) as AgentEnvelope);
  expect(await screen.findByText("Good mor")).toBeTruthy();
  expect(said().join()).not.toContain("Good mor");
  push(log.item("a", { kind: "agent_message", status: "completed", content: [{ type: "text", text: "Good morning" }] }).envelopes.at(-1) as AgentEnvelope);
  await vi.waitFor(() => expect(said()).toContain("The agent says: Good morning"));
  expect(screen.getByRole("log", { name: "Messages" }).getAttribute("aria-live")).toBe("off");
});

test("of thousands of sessions the newest are there, and the rest when it is asked for", async () => {
  const sessions = Object.fromEntries(
    Array.from({ length: 3_000 }, (_, at) => [`ses_${String(2_999 - at).padStart(4, "0")}`, { ...IDLE, title: `task ${at}`, createdAtMs: 1_790_000_000_000 + at }]),
  );
  const made = furnished(sessions);
  render(<Console environment={made.environment} />);
  const list = await screen.findByRole("list", { name: "Sessions" });
  await within(list).findByText("task 2999");
  expect(within(list).getAllByRole("listitem").length).toBe(201);
  fireEvent.click(within(list).getByRole("button", { name: "2,800 more sessions" }));
  expect(within(list).getByText("task 1800")).toBeTruthy();
});

test("the first of the sessions that were asked for has the focus of the button that showed the last of them", async () => {
  const sessions = Object.fromEntries(
    Array.from({ length: 202 }, (_, at) => [`ses_${at}`, { ...IDLE, title: `task ${at}`, createdAtMs: 1_790_000_000_000 + at }]),
  );
  const made = furnished(sessions);
  render(<Console environment={made.environment} />);
  const more = await screen.findByText("2 more sessions");
  more.focus();
  fireEvent.click(more);
  expect(document.activeElement?.textContent).toMatch(/task 1(?!\d)/);
});

test("a session that another window closed and opened again is followed on", async () => {
  const log = new Log().created().turn("turn_1", "hello").end("turn_1");
  const closed = log.push("session.closed", { reason: "closed" });
  const made = furnished({ ses_1: IDLE }, { log, methods: ["agent.resume"] });
  made.served.endpoint.register("agent.events", async function* (payload) {
    const since = (payload as { since?: { position: number } }).since?.position ?? 0;
    for (const envelope of log.envelopes.slice(since)) yield envelope as unknown;
    // What is closed ends; what is opened again does not.
    if (log.envelopes.at(-1) !== closed) await new Promise(() => undefined);
  });
  await look(made);
  await screen.findByText("The session was closed.");
  act(() => made.served.commit([{ op: "remove", path: "/agents/ses_1" } as never]));
  await screen.findByText(/This session is closed/);
  const feed = made.environment.agents.feed("ses_1");
  await vi.waitFor(() => expect(feed.isOpen).toBe(false));
  log.push("session.updated", { mode: "ask" });
  log.item("late", { kind: "agent_message", status: "completed", content: [{ type: "text", text: "here again" }] });
  act(() => made.served.commit([{ op: "add", path: "/agents/ses_1", value: { ...IDLE, seq: log.envelopes.length } } as never]));
  expect(await screen.findByText("here again")).toBeTruthy();
});

test("names as long as an agent makes them, and currencies that it makes up, take no more room than others", async () => {
  const log = new Log().created().turn("turn_1", "hello");
  log.end("turn_1", { cost: { amountMicros: 1_500_000, currency: `x\u202e${"y".repeat(5_000)}` } });
  await look(furnished({ ses_1: { ...IDLE, title: "long ".repeat(200_000) } }, { log }));
  const heading = await screen.findByRole("heading", { name: /^long long/ });
  expect(heading.textContent?.length).toBeLessThan(310);
  const [cost] = await screen.findAllByText(/^1\.50 x⟨U\+202E⟩y/);
  expect(cost?.textContent?.length).toBeLessThan(20);
});

test("a command that a line has no room for is there as a whole, and of thousands of files the first are", async () => {
  const line = `for one in ${"file ".repeat(100)}; do\n  rm $one\ndone`;
  const log = new Log().created().turn("turn_1", "go");
  log.item("t", { kind: "tool_call", status: "completed", tool: { name: "run", toolKind: "execute", command: { line, exitCode: 0 } } });
  const files = Array.from({ length: 5_000 }, (_, at) => ({ path: `src/${at}.ts`, kind: "add" as const, binary: false, additions: 1, deletions: 0 }));
  log.push("diff.updated", { scope: "turn", files }, { turnId: "turn_1" });
  log.end("turn_1");
  await look(furnished({ ses_1: IDLE }, { log }));
  const whole = await screen.findByLabelText("Code, sh");
  expect(whole.textContent).toBe(line);
  fireEvent.click(await screen.findByRole("button", { name: /5,000 files changed/ }));
  const list = screen.getByRole("list", { name: "Changed files" });
  expect(within(list).getAllByRole("listitem").length).toBe(101);
  fireEvent.click(within(list).getByRole("button", { name: "4,900 more files" }));
  expect(within(list).getAllByRole("listitem").length).toBe(601);
});

test("who wants to write, or chooses what is chosen, sees it also where the list of sessions was in its place", async () => {
  const made = furnished({ ses_1: IDLE }, { log: new Log().created() });
  await look(made);
  const panel = document.querySelector<HTMLElement>(".panel.agents") as HTMLElement;
  const toList = (): boolean => fireEvent.click(screen.getByRole("button", { name: "← All sessions" }));
  toList();
  expect(panel.dataset["narrow"]).toBe("list");
  act(() => made.environment.agents.choose("ses_1"));
  expect(panel.dataset["narrow"]).toBe("detail");
  toList();
  fireEvent.keyDown(document.body, { key: "l", ctrlKey: true });
  expect(panel.dataset["narrow"]).toBe("detail");
  expect(document.activeElement).toBe(screen.getByRole("textbox", { name: "Prompt" }));
  toList();
  expect(panel.dataset["narrow"]).toBe("list");
});

test("keys without a command key can be turned off, which is remembered", async () => {
  const made = furnished({ ses_1: IDLE }, { log: new Log().created() });
  await look(made);
  fireEvent.keyDown(document.body, { key: "?" });
  const keys = await screen.findByRole("dialog", { name: "Keyboard" });
  const box = within(keys).getByRole<HTMLInputElement>("checkbox", { name: /alone do something/ });
  fireEvent.click(box);
  fireEvent.click(within(keys).getByRole("button", { name: "Close" }));
  fireEvent.keyDown(document.body, { key: "7" });
  fireEvent.keyDown(document.body, { key: "?" });
  expect([location.hash, screen.queryByRole("dialog"), localStorage.getItem("sixframe.keys")]).toEqual(["#agents", null, "off"]);
  act(() => turnSingleKeys(true));
  fireEvent.keyDown(document.body, { key: "7" });
  expect(location.hash).not.toBe("#agents");
});
