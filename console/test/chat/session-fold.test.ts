import { expect, test } from "vitest";

import type { AgentEnvelope } from "../../src/api.js";
import type { Entry, ItemEntry, TurnEntry } from "../../src/chat/entry.js";
import { rowsOf } from "../../src/chat/rows.js";
import { SessionFold } from "../../src/chat/session-fold.js";
import { Log } from "./events.js";

function folded(envelopes: readonly AgentEnvelope[], fold = new SessionFold("ses_1")): SessionFold {
  for (const envelope of envelopes) fold.take(envelope);
  return fold;
}

const item = (fold: SessionFold, id: string): ItemEntry => fold.entry(`item:${id}`) as ItemEntry;
const text = (value: string) => [{ type: "text" as const, text: value }];
const list = (fold: SessionFold): Entry[] => [...fold.entries()];

test("pieces make a message, and what is told of it at the end holds over them", () => {
  const log = new Log().created().turn("turn_1", "hello");
  log.item("a", { kind: "agent_message", status: "in_progress" }).grew("a", "text", "Hel").grew("a", "text", "lo wrold");
  const fold = folded(log.envelopes);
  expect([item(fold, "a").text.text, item(fold, "a").status]).toEqual(["Hello wrold", "in_progress"]);
  log.item("a", { kind: "agent_message", status: "completed", content: text("Hello world") });
  folded(log.envelopes.slice(-1), fold);
  expect([item(fold, "a").text.text, item(fold, "a").status]).toEqual(["Hello world", "completed"]);
});

test("an event that was taken before is left out, and one that misses others before it is not taken", () => {
  const log = new Log().created().turn("turn_1", "hello").grew("a", "text", "one").grew("a", "text", " two");
  const [one, two] = log.envelopes.slice(-2) as [AgentEnvelope, AgentEnvelope];
  const fold = folded(log.envelopes.slice(0, -2));
  expect(fold.take(two)).toBe("gap");
  expect(fold.seq).toBe(one.seq - 1);
  expect([fold.take(one), fold.take(one), fold.take(two)]).toEqual(["taken", "old", "taken"]);
  expect(item(fold, "a").text.text).toBe("one two");
});

test("another life of the log begins anew", () => {
  const fold = folded(new Log().created().turn("turn_1", "before").envelopes);
  const next = new Log("ses_1", "log_2").created();
  expect(fold.take(next.envelopes[0] as AgentEnvelope)).toBe("taken");
  expect(list(fold).map(({ type }) => type)).toEqual(["note"]);
  expect([fold.epoch, fold.seq]).toEqual(["log_2", 1]);
});

test("a fold that was cut off anywhere and went on is the same as one that was not", () => {
  const log = new Log().created().turn("turn_1", "hello");
  log.item("t", { kind: "tool_call", status: "in_progress", tool: { name: "run", command: { line: "ls" } } });
  log.grew("t", "tool_output", "a\n").grew("t", "tool_output", "b\n");
  log.item("t", { kind: "tool_call", status: "completed", tool: { output: { text: "a\nb\n", truncated: false } } });
  log.end("turn_1").turn("turn_2", "again").end("turn_2", { outcome: "interrupted" });
  const whole = list(folded(log.envelopes));
  for (let cut = 0; cut < log.envelopes.length; cut += 1) {
    const fold = folded(log.envelopes.slice(0, cut));
    // Read again from a little before, as after a break.
    expect(list(folded(log.envelopes.slice(Math.max(0, cut - 2)), fold))).toEqual(whole);
  }
});

test("a turn knows the files that it changed, each once, by their place in the folder", () => {
  const change = (path: string, diff: string) => ({ path, kind: "modify" as const, binary: false, unifiedDiff: diff, additions: 1, deletions: 1 });
  const log = new Log().created().turn("turn_1", "edit");
  log.item("a", { kind: "tool_call", status: "completed", tool: { changes: [change("/srv/me/project/a.txt", "@@ 1")] } });
  log.item("b", { kind: "tool_call", status: "completed", tool: { changes: [change("a.txt", "@@ 2")] } });
  log.push("files.changed", { files: [{ path: "build/out.js", kind: "add" }, { path: "a.txt", kind: "modify" }] }, { turnId: "turn_1" });
  log.end("turn_1");
  const fold = folded(log.envelopes);
  const files = fold.turn("turn_1")?.files ?? [];
  expect(files.map(({ path, kind, additions, changes }) => [path, kind, additions, changes.length])).toEqual([
    ["a.txt", "modify", 2, 2],
    ["build/out.js", "add", 0, 0],
  ]);
  log.push("turn.undone", { turnId: "turn_1", files: [] });
  folded(log.envelopes.slice(-1), fold);
  expect(fold.turn("turn_1")?.isUndone).toBe(true);
});

test("what was open when its turn ended is not open any more, even where nobody said so", () => {
  const log = new Log().created().turn("turn_1", "hello");
  log.item("t", { kind: "tool_call", status: "in_progress", tool: { name: "run" } });
  log.push("permission.requested", asked("perm_1"), { turnId: "turn_1", itemId: "t" });
  const fold = folded(log.envelopes);
  expect(item(fold, "t").isAsked).toBe(true);
  log.end("turn_1", { outcome: "failed", error: { kind: "crashed", message: "gone", retryable: true } });
  folded(log.envelopes.slice(-1), fold);
  expect([item(fold, "t").status, item(fold, "t").isAsked]).toEqual(["cancelled", false]);
});

test("what came to its end waits for nobody, even where it is not said whose leave was withdrawn", () => {
  const log = new Log().created().turn("turn_1", "hello");
  log.item("t", { kind: "tool_call", status: "in_progress", tool: { name: "run" } });
  log.push("permission.requested", asked("perm_1"), { turnId: "turn_1", itemId: "t" });
  log.push("permission.resolved", { permissionId: "perm_1", decision: "withdrawn", by: { kind: "shutdown" }, latencyMs: 0 }, { turnId: "turn_1" });
  log.item("t", { kind: "tool_call", status: "cancelled" });
  const fold = folded(log.envelopes);
  expect([item(fold, "t").status, item(fold, "t").isAsked]).toEqual(["cancelled", false]);
});

test("how leave was answered is in the history, with what was asked", () => {
  const log = new Log().created().turn("turn_1", "hello");
  log.push("permission.requested", asked("perm_1"), { turnId: "turn_1", itemId: "t" });
  const by = { kind: "policy" as const, rule: "accept_edits" };
  log.push("permission.resolved", { permissionId: "perm_1", decision: "allowed", by, latencyMs: 3 }, { turnId: "turn_1", itemId: "t" });
  expect(list(folded(log.envelopes)).at(-1)).toMatchObject({ type: "decision", decision: "allowed", title: "write a.txt", by });
});

test("another agent has nothing of what was the one's before, and is not said to know more than a notice tells", () => {
  const log = new Log().created();
  log.push("session.updated", { model: "opus", models: ["opus", "haiku"], commands: ["/compact"], tools: ["Bash"], mcpServers: { db: "ready" }, agentVersion: "2", nativeSessionId: "n" });
  log.push("limits.updated", { scope: "five_hour", status: "warning", usedPercent: 91 });
  log.push("session.updated", { provider: "codex", model: "big" });
  log.push("session.updated", { agentVersion: "1" });
  const fold = folded(log.envelopes);
  expect(fold.facts).toMatchObject({ provider: "codex", mode: "ask", cwd: "/srv/me/project", model: "big", models: [], commands: [], tools: [], mcpServers: {}, agentVersion: "1", nativeSessionId: undefined, limits: {} });
  const notes = list(fold).flatMap((entry) => (entry.type === "note" ? [entry.text] : []));
  expect(notes.at(-1)).toBe("From here on codex answers.");
});

test("a turn that the agent begins by itself says so, and has no prompt that could be asked again", () => {
  const log = new Log().created();
  log.push("turn.started", { origin: "agent", reason: "a command ended" }, { turnId: "own" });
  log.item("m", { kind: "agent_message", status: "completed", content: text("It is done") }, "own");
  log.end("own");
  const fold = folded(log.envelopes);
  const told = list(fold).flatMap((entry) => (entry.type === "note" ? [entry.text, entry.detail] : []));
  expect(told.slice(-2)).toEqual(["The agent began this by itself.", "a command ended"]);
  expect(fold.turn("own")).toMatchObject({ promptId: "", outcome: "completed" });
});

test("that somebody else changes the same files is told with their names", () => {
  const log = new Log().created().turn("turn_1", "x");
  log.push("files.contended", { paths: ["a.txt", "b.txt"] }, { turnId: "turn_1" });
  const notes = list(folded(log.envelopes)).filter((entry) => entry.type === "note");
  expect(notes.at(-1)).toMatchObject({ tone: "warn", text: "Somebody else is changing files that this turn changes.", detail: "a.txt\nb.txt" });
});

test("costs add up by currency, and limits are told when they change", () => {
  const log = new Log().created();
  for (const turn of ["turn_1", "turn_2"]) log.turn(turn, "x").end(turn, { cost: { amountMicros: 1_500, currency: "USD" } });
  log.push("limits.updated", { scope: "five_hour", status: "warning", usedPercent: 91 });
  log.push("limits.updated", { scope: "five_hour", status: "warning", usedPercent: 92 });
  const fold = folded(log.envelopes);
  expect(fold.facts.costs).toEqual({ USD: 3_000 });
  expect(list(fold).filter(({ type }) => type === "note").length).toBe(2);
  expect(fold.facts.limits["five_hour"]?.usedPercent).toBe(92);
});

test("of a long output the end is kept, and how much is missing is known", () => {
  const log = new Log().created().turn("turn_1", "run");
  for (let piece = 0; piece < 200; piece += 1) log.grew("t", "tool_output", `${piece} ${"x".repeat(1_000)}\n`);
  const { output } = item(folded(log.envelopes), "t").tool ?? {};
  expect(output?.text.endsWith("x\n")).toBe(true);
  expect(output?.text.length).toBeLessThan(80_000);
  expect((output?.cut ?? 0) + (output?.text.length ?? 0)).toBe(log.envelopes.slice(4).reduce((sum, { data }) => sum + (data as { delta: string }).delta.length, 0));
});

test("memory stays bounded: long parts of what is old are given up first, and whole entries then", () => {
  const log = new Log().created().turn("turn_1", "much");
  const fold = folded(log.envelopes, new SessionFold("ses_1", { characters: 2_000_000, entries: 300 }));
  const output = { text: "y".repeat(20_000), truncated: false };
  for (let at = 0; at < 1_000; at += 1) {
    log.item(`t${at}`, { kind: "tool_call", status: "completed", tool: { name: "run", output } });
    folded(log.envelopes.slice(-1), fold);
    expect(fold.weight).toBeLessThan(2_000_000);
  }
  expect(fold.size).toBeLessThanOrEqual(300);
  expect(fold.size + fold.forgotten).toBe(1_002);
  expect(item(fold, "t800").isReleased).toBe(true);
  expect(item(fold, "t999").tool?.output.text.length).toBe(20_000);
});

test("thoughts and tools that follow one another stand below a row, and subagents' work below them", () => {
  const log = new Log().created().turn("turn_1", "work");
  log.item("th", { kind: "thought", status: "completed", content: text("hm") });
  log.item("sub", { kind: "subagent", status: "in_progress" });
  log.item("in", { kind: "tool_call", status: "completed", parent: "sub", tool: { name: "read" } });
  log.item("m", { kind: "agent_message", status: "completed", content: text("done") });
  const fold = folded(log.envelopes);
  const shown = (closed: string[]): unknown[] =>
    rowsOf(fold, new Set(closed)).map((row) => [row.key, row.kind === "forgotten" ? 0 : row.depth]);
  const [note, user] = [["event:1", 0], ["item:prompt_turn_1", 0]];
  const steps = ["steps:item:th", 0];
  expect(shown([])).toEqual([note, user, steps, ["item:th", 1], ["item:sub", 1], ["item:in", 2], ["item:m", 0]]);
  expect(shown(["item:sub"])).toEqual([note, user, steps, ["item:th", 1], ["item:sub", 1], ["item:m", 0]]);
  expect(shown(["steps:item:th"])).toEqual([note, user, steps, ["item:m", 0]]);
});

test("ten thousand items are folded at one go and take little room", () => {
  const log = new Log().created().turn("turn_1", "much");
  for (let at = 0; at < 10_000; at += 1)
    log.item(`t${at}`, { kind: "tool_call", status: "completed", tool: { name: "run", output: { text: `line ${at}\n`.repeat(10), truncated: false } } });
  const fold = folded(log.envelopes);
  const rows = rowsOf(fold, new Set());
  expect(rows.length).toBe(10_003);
  expect(fold.weight).toBeLessThan(5_000_000);
});

function asked(permissionId: string) {
  return {
    permissionId,
    action: "file_change" as const,
    title: "write a.txt",
    risk: "medium" as const,
    shownInput: { file: "a.txt" },
    inputSha256: "0".repeat(64),
    paths: [],
    options: [],
    expiresAtMs: 0,
  };
}
