import { act, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import { RpcError } from "sixframe";
import { afterEach, beforeEach, expect, test } from "vitest";

import { Console } from "../../src/console.js";
import { blank, membersOf, mergerOf } from "../../src/runs/draft.js";
import { runsOf } from "../../src/runs/run.js";
import { furnish, type Furnished } from "../furnished.js";

/** The list of messages takes its size from here. */
for (const [name, size] of [["clientHeight", 4_000], ["clientWidth", 600]] as const)
  Object.defineProperty(HTMLElement.prototype, name, { configurable: true, get: () => size });

const ends: (() => void)[] = [];

beforeEach(() => {
  location.hash = "#agents";
});

afterEach(() => {
  for (const end of ends.splice(0)) end();
});

const METHODS = ["run.start", "run.cancel", "run.diff", "run.apply", "run.discard", "agent.providers", "agent.events"];

const FILE = { path: "a\u202e.rs", kind: "modify", additions: 1, deletions: 1, binary: false, unifiedDiff: "@@ -1 +1 @@\n-one\n+two\n" };

type Run = Record<string, unknown>;

const run = (more: Run = {}): Run => ({
  prompt: "make it faster\nplease",
  cwd: "/srv/a/p",
  strategy: "vote",
  state: "running",
  members: [
    { name: "claude", provider: "claude", sessionId: "s1", outcome: "completed", files: [FILE] },
    { name: "codex", provider: "codex", model: "big", sessionId: "s2" },
    { name: "late", provider: "gemini" },
  ],
  startedAtMs: 1,
  hasWorktrees: true,
  ...more,
});

const SESSION = { provider: "codex", cwd: "/w", mode: "ask", isReady: true, state: { name: "thinking" }, queue: [], permissions: [], questions: [], usage: {}, seq: 0 };

interface Opened extends Furnished {
  asked: [string, unknown][];
  answers: Record<string, (payload: unknown) => unknown>;
}

/** The console on a daemon with these runs. */
function opened(runs: Record<string, Run> = {}): Opened {
  const made = furnish({ global: {}, sessions: {}, agents: { s2: SESSION }, runs }, METHODS);
  ends.push(made.end);
  const asked: [string, unknown][] = [];
  const answers: Opened["answers"] = {};
  const { endpoint } = made.served;
  for (const name of METHODS.filter((method) => !/start|events|providers/.test(method)))
    endpoint.register(name, (payload) => {
      asked.push([name, payload]);
      return answers[name]?.(payload) ?? {};
    });
  endpoint.register("agent.providers", () => ({
    default: "claude",
    providers: ["claude", "codex"].map((id) => ({ id, name: id, state: "ready", abilities: {} })),
  }));
  endpoint.register("agent.events", async function* (payload) {
    const [sessionId] = (payload as { sessions: string[] }).sessions as [string];
    const content = [{ type: "text", text: `I am **${sessionId}**` }];
    const base = { v: 1, epoch: "e", ts: "2026-11-21T00:00:00Z", sessionId, src: { provider: "x" } };
    yield { ...base, seq: 1, type: "item.upserted", itemId: "m", data: { kind: "agent_message", status: "completed", content } };
    await new Promise(() => undefined);
  });
  endpoint.register("run.start", async function* (payload) {
    asked.push(["run.start", payload]);
    answers["run.start"]?.(payload);
    yield { v: 1, epoch: "e", seq: 1, ts: "2026-11-21T00:00:00Z", sessionId: "run_9", type: "run.started", data: {}, src: { provider: "sixframe" } };
    await new Promise(() => undefined);
  });
  render(<Console environment={made.environment} />);
  return { ...made, asked, answers };
}

async function look(title: RegExp): Promise<HTMLElement> {
  const list = await screen.findByRole("region", { name: "Runs" });
  fireEvent.click(await within(list).findByRole("button", { name: title }));
  return screen.findByRole("region", { name: "Run" });
}

function become(served: Furnished["served"], runId: string, value: Run): void {
  act(() => served.commit([{ op: "add", path: `/runs/${runId}`, value } as never]));
}

test("the agents of a run stand side by side with what each says, and how it ended", async () => {
  opened({ run_1: run() });
  const pane = await look(/make it faster/);
  const columns = within(pane).getAllByRole("article").filter((one) => one.classList.contains("run-member"));
  expect(columns.map((column) => column.getAttribute("aria-label"))).toEqual(["claude", "codex", "late"]);
  const [first, second, third] = columns as [HTMLElement, HTMLElement, HTMLElement];
  expect((await within(first).findByText("s1")).tagName).toBe("STRONG");
  expect((await within(second).findByText("s2")).tagName).toBe("STRONG");
  expect(within(first).getByText("Done")).toBeTruthy();
  expect(within(second).getByText("Thinking")).toBeTruthy();
  expect(within(second).getByText("codex · big")).toBeTruthy();
  expect(within(third).getByText("It has not begun yet.")).toBeTruthy();
  expect(within(first).getByText("1 file changed")).toBeTruthy();
});

test("a run is stopped as a whole, and can be thrown away once it has ended", async () => {
  const { served, asked, answers } = opened({ run_1: run() });
  const pane = await look(/make it faster/);
  expect(within(pane).queryByRole("button", { name: "Discard" })).toBeNull();
  fireEvent.click(within(pane).getByRole("button", { name: "Stop all" }));
  await waitFor(() => expect(asked).toContainEqual(["run.cancel", { runId: "run_1" }]));
  become(served, "run_1", run({ state: "ended", outcome: "interrupted" }));
  fireEvent.click(await within(pane).findByRole("button", { name: "Discard" }));
  let isRefused = true;
  answers["run.discard"] = () => {
    if (isRefused) throw new RpcError("CONFLICT", "a file is open");
    return { ok: true };
  };
  const dialog = screen.getByRole("dialog", { name: "Discard what they changed?" });
  fireEvent.click(within(dialog).getByRole("button", { name: "Discard" }));
  await within(dialog).findByText("a file is open");
  isRefused = false;
  fireEvent.click(within(dialog).getByRole("button", { name: "Discard" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
});

test("what another window applied is marked, and one agent is told of as one", async () => {
  const [member] = run()["members"] as [unknown];
  const made = opened({ run_1: run({ members: [member] }) });
  made.served.endpoint.register("agent.events", async function* (payload) {
    const { sessions, types } = payload as { sessions: string[]; types?: string[] };
    if (sessions[0] === "run_1" && types?.[0] === "run.applied") yield { v: 1, seq: 9, type: "run.applied", data: { name: "claude", files: [] } };
    await new Promise(() => undefined);
  });
  expect((await screen.findByRole("region", { name: "Runs" })).textContent).toContain("· 1 agent ·");
  const pane = await look(/make it faster/);
  expect(await within(pane).findByText("applied")).toBeTruthy();
});

test("what a member changed is shown exactly, and that alone is applied", async () => {
  const { asked, answers } = opened({ run_1: run() });
  const pane = await look(/make it faster/);
  answers["run.diff"] = () => ({ files: [FILE], sha256: "abc" });
  let isStale = true;
  answers["run.apply"] = () => {
    if (isStale) throw new RpcError("CONFLICT", "it changed since");
    return { files: [FILE] };
  };
  fireEvent.click(within(pane).getByRole("button", { name: "Review and apply" }));
  const dialog = await screen.findByRole("dialog", { name: "Apply what claude changed" });
  expect(document.activeElement?.textContent).toBe("Not now");
  await within(dialog).findByRole("figure", { name: "Change of a⟨U+202E⟩.rs" });
  fireEvent.click(within(dialog).getByRole("button", { name: "Apply" }));
  await within(dialog).findByText("it changed since");
  answers["run.diff"] = () => ({ files: [FILE], sha256: "def" });
  isStale = false;
  fireEvent.click(within(dialog).getByRole("button", { name: "Look again" }));
  await waitFor(() => expect(within(dialog).queryByText("it changed since")).toBeNull());
  await within(dialog).findByRole("figure");
  fireEvent.click(within(dialog).getByRole("button", { name: "Apply" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  await within(pane).findByText("applied");
  expect(within(pane).getAllByText("applied").length).toBe(1);
  expect(asked.filter(([name]) => name === "run.apply").map(([, payload]) => payload)).toEqual([
    { runId: "run_1", member: "claude", sha256: "abc" },
    { runId: "run_1", member: "claude", sha256: "def" },
  ]);
});

test("the judge's choice stands with its reasons, which are not trusted", async () => {
  const { served } = opened({ run_1: run({ state: "merging", merger: { name: "judge", provider: "claude" } }) });
  const pane = await look(/make it faster/);
  expect(within(pane).getByText("judge reads the answers…")).toBeTruthy();
  become(served, "run_1", run({ state: "ended", outcome: "completed", merged: { by: "judge", chosen: "codex", text: "**best** <img src=x>" } }));
  const result = await within(pane).findByRole("region", { name: "Result" });
  await within(result).findByRole("heading", { name: "judge picked codex" });
  expect(result.querySelector("strong")?.textContent).toBe("best");
  expect(result.querySelector("img")).toBeNull();
  expect(within(pane).getByRole("article", { name: "codex" }).getAttribute("data-chosen")).toBe("true");
  become(served, "run_1", run({ state: "ended", merged: { by: "judge", chosen: "nobody" } }));
  await within(result).findByText("The judge picked an answer that nobody gave.");
});

test("what went wrong is said, and who reads the answers has a column too", async () => {
  const error = { kind: "crashed", message: "it ended", retryable: true };
  const late = { name: "late", provider: "gemini", outcome: "failed", error: { kind: "cli_missing", message: "no gemini", retryable: false } };
  opened({ run_1: run({ state: "ended", outcome: "failed", error, members: [late], merger: { name: "judge", provider: "claude", sessionId: "s3" } }) });
  const pane = await look(/make it faster/);
  expect(within(pane).getByText("it ended")).toBeTruthy();
  expect(within(within(pane).getByRole("article", { name: "late" })).getByText("no gemini")).toBeTruthy();
  await within(within(pane).getByRole("article", { name: "judge" })).findByText("s3");
});

test("a race and a synthesis say what came of them", async () => {
  opened({
    run_1: run({ prompt: "race", strategy: "race", state: "ended", merged: { by: "codex", chosen: "codex" } }),
    run_2: run({ prompt: "all", strategy: "synthesise", state: "ended", merged: { by: "claude", text: "one answer" } }),
  });
  expect(within(await look(/^race/)).getByRole("heading", { name: "codex was first" })).toBeTruthy();
  const pane = await look(/^all/);
  expect(within(pane).getByRole("heading", { name: "The answer of claude, made of all" })).toBeTruthy();
  expect(within(pane).getByText("one answer")).toBeTruthy();
});

test("a run begins with what was chosen, and is looked at", async () => {
  const { asked, served } = opened();
  fireEvent.click(await screen.findByRole("button", { name: "Several agents at once" }));
  const form = await screen.findByRole("form", { name: "New run" });
  const begin = within(form).getByRole<HTMLButtonElement>("button", { name: "Begin" });
  expect(begin.ariaDisabled).toBe("true");
  fireEvent.change(within(form).getByRole("textbox", { name: "Prompt" }), { target: { value: "do it" } });
  fireEvent.change(within(form).getByRole("textbox", { name: "Folder" }), { target: { value: " /srv/a/p " } });
  fireEvent.click(within(form).getByRole("radio", { name: /^Vote/ }));
  const second = within(form).getByRole("listitem", { name: "Agent 2" });
  await within(second).findByRole("option", { name: "codex" });
  fireEvent.change(within(second).getByRole("combobox", { name: "Agent" }), { target: { value: "codex" } });
  fireEvent.change(within(second).getByRole("textbox", { name: "Model" }), { target: { value: "big" } });
  fireEvent.click(within(form).getByRole("button", { name: "Another agent" }));
  fireEvent.click(within(form).getByRole("button", { name: "Remove agent 1" }));
  const judge = within(form).getByRole("group", { name: "The judge" });
  fireEvent.change(within(judge).getByRole("combobox", { name: "Agent" }), { target: { value: "codex" } });
  fireEvent.click(begin);
  await screen.findByText(/This run is not among the daemon's any more/);
  expect(asked.filter(([name]) => name === "run.start")).toEqual([
    [
      "run.start",
      {
        prompt: "do it",
        cwd: "/srv/a/p",
        strategy: "vote",
        members: [
          { name: "codex", provider: "codex", model: "big" },
          { name: "claude", provider: "claude" },
        ],
        merger: { provider: "codex" },
        worktrees: true,
        keep: true,
        timeoutMs: 86_400_000,
      },
    ],
  ]);
  become(served, "run_9", run({ prompt: "do it" }));
  await screen.findByRole("heading", { name: "do it" });
});

test("a run that is refused says why, and what was typed stays", async () => {
  const { answers } = opened();
  answers["run.start"] = () => {
    throw new RpcError("INVALID_PAYLOAD", "at `cwd`: it is no git repository");
  };
  fireEvent.click(await screen.findByRole("button", { name: "Several agents at once" }));
  const form = await screen.findByRole("form", { name: "New run" });
  await within(form).findAllByRole("option", { name: "codex" });
  fireEvent.change(within(form).getByRole("textbox", { name: "Prompt" }), { target: { value: "do it" } });
  fireEvent.change(within(form).getByRole("textbox", { name: "Folder" }), { target: { value: "/x" } });
  fireEvent.click(within(form).getByRole("button", { name: "Begin" }));
  await within(form).findByText("at `cwd`: it is no git repository");
  expect(within(form).getByRole<HTMLTextAreaElement>("textbox", { name: "Prompt" }).value).toBe("do it");
});

test("who reads the answers may be one of those who gave them, and members have names of their own", () => {
  const drafts = ["claude", "", "acp:my agent", "claude"].map((provider, key) => ({ ...blank(key), provider }));
  expect(membersOf(drafts, "claude").map(({ name }) => name)).toEqual(["claude", "claude-2", "acp-my-agent", "claude-3"]);
  expect(mergerOf({ member: "claude-2" }, "claude")).toEqual({ name: "claude-2" });
  expect(mergerOf({ provider: "", model: " big " }, "claude")).toEqual({ provider: "claude", model: "big" });
});

test("a slice of runs is read whatever it leaves out", () => {
  expect(runsOf(undefined)).toEqual([]);
  expect(runsOf({ a: { startedAtMs: 1 }, b: { startedAtMs: 2 }, c: null }).map(({ runId }) => runId)).toEqual(["b", "a", "c"]);
});
