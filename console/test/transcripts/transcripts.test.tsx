import { act, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import { RpcError } from "sixframe";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import type { Transcript, TranscriptInfo, TranscriptTurn } from "../../src/api.js";
import { Console } from "../../src/console.js";
import { replayed } from "../../src/transcripts/replay.js";
import { marked } from "../../src/transcripts/transcript.js";
import { chosenTranscript } from "../../src/transcripts/transcripts-panel.js";
import { furnish } from "../furnished.js";

/** The list of messages takes its size from here. */
for (const [name, size] of [["clientHeight", 4_000], ["clientWidth", 600]] as const)
  Object.defineProperty(HTMLElement.prototype, name, { configurable: true, get: () => size });

const ends: (() => void)[] = [];

beforeEach(() => {
  location.hash = "#transcripts";
  chosenTranscript.set(undefined);
});

afterEach(() => {
  for (const end of ends.splice(0)) end();
});

const METHODS = ["transcript.list", "transcript.get", "transcript.export", "transcript.search", "agent.undo"];

const info = (sessionId: string, more: Partial<TranscriptInfo> = {}): TranscriptInfo => ({
  sessionId,
  provider: "claude",
  cwd: "/srv/a/project",
  title: `About ${sessionId}`,
  startedAtMs: Date.UTC(2026, 10, 20, 9),
  updatedAtMs: Date.UTC(2026, 10, 20, 10),
  turns: 1,
  outcome: "completed",
  isClosed: true,
  ...more,
});

const WHOLE: Transcript = {
  info: info("s1"),
  turns: [
    {
      turnId: "t1",
      prompt: "make it faster",
      startedAtMs: Date.UTC(2026, 10, 20, 9),
      endedAtMs: Date.UTC(2026, 10, 20, 9, 0, 5),
      outcome: "completed",
      items: [
        { itemId: "u", seq: 3, atMs: 1, kind: "user_message", status: "completed", content: [{ type: "text", text: "make it faster" }] },
        { itemId: "th", seq: 4, atMs: 2, kind: "thought", status: "completed", content: [{ type: "text", text: "hm" }] },
        { itemId: "to", seq: 5, atMs: 2, kind: "tool_call", status: "in_progress", tool: { name: "Bash", title: "ls", toolKind: "execute" } },
        { itemId: "m", seq: 9, atMs: 4, kind: "agent_message", content: [{ type: "text", text: "It is **faster** <b>now</b>" }] },
      ],
      permissions: [
        {
          seq: 6,
          atMs: 3,
          request: { permissionId: "p", title: "Run ls", action: "command", risk: "low", shownInput: "ls", inputSha256: "", options: [], expiresAtMs: 0 } as never,
          resolved: { permissionId: "p", decision: "allowed", by: { kind: "person" } } as never,
        },
      ],
      files: [{ path: "src/a.rs", kind: "modify", additions: 1, deletions: 1, binary: false, unifiedDiff: "@@ -1 +1 @@\n-a\n+b\n" }],
    },
  ],
  notices: [{ seq: 20, atMs: 9, kind: "log.recovered", text: "12 bytes were torn off" }],
};

type Answers = Partial<Record<string, (payload: Record<string, unknown>) => unknown>>;

/** The console on a daemon that answers so. */
function opened(answers: Answers, methods: readonly string[] = METHODS): { asked: [string, unknown][] } {
  const made = furnish({ global: {}, sessions: {}, agents: {} }, methods);
  ends.push(made.end);
  const asked: [string, unknown][] = [];
  for (const name of methods)
    made.served.endpoint.register(name, (payload) => {
      asked.push([name, payload]);
      return answers[name]?.(payload as Record<string, unknown>) ?? {};
    });
  render(<Console environment={made.environment} />);
  return { asked };
}

describe("the list of transcripts", () => {
  test("shows them with what is known of each, and goes on where there are more", async () => {
    const { asked } = opened({
      "transcript.list": ({ before }) =>
        before === undefined
          ? { transcripts: [info("s1", { outcome: "failed", isClosed: false }), info("s2", { title: "a\u202eb" })], next: "s2" }
          : { transcripts: [info("s3")] },
    });
    const list = await screen.findByRole("list", { name: "Transcripts" });
    await waitFor(() => expect(within(list).getAllByRole("listitem")).toHaveLength(2));
    expect(within(list).getByText("claude · 1 turn · Failed · open")).toBeTruthy();
    expect(within(list).getByText("a⟨U+202E⟩b")).toBeTruthy();
    fireEvent.click(screen.getByRole("button", { name: "Older ones" }));
    await waitFor(() => expect(within(list).getAllByRole("listitem")).toHaveLength(3));
    expect(asked.map(([, payload]) => payload)).toEqual([{ limit: 50 }, { limit: 50, before: "s2" }]);
    expect(screen.queryByRole("button", { name: "Older ones" })).toBeNull();
  });

  test("can be narrowed to a folder and an agent", async () => {
    const { asked } = opened({ "transcript.list": ({ cwd }) => ({ transcripts: cwd === undefined ? [info("s1")] : [] }) });
    await screen.findByText("About s1");
    fireEvent.change(screen.getByRole("combobox", { name: "Agent" }), { target: { value: "claude" } });
    fireEvent.change(screen.getByRole("combobox", { name: "Folder" }), { target: { value: "/srv/b" } });
    await screen.findByText("No transcript passes the filters.");
    expect(asked.at(-1)).toEqual(["transcript.list", { cwd: "/srv/b", provider: "claude", limit: 50 }]);
    fireEvent.change(screen.getByRole("combobox", { name: "Folder" }), { target: { value: "" } });
    fireEvent.change(screen.getByRole("combobox", { name: "Agent" }), { target: { value: "" } });
    await screen.findByText("About s1");
  });

  test("says where there is none, and where it cannot be had", async () => {
    let isBroken = true;
    opened({
      "transcript.list": () => {
        if (isBroken) throw new RpcError("INTERNAL", "the folder cannot be read");
        return { transcripts: [] };
      },
    });
    expect((await screen.findByRole("alert")).textContent).toContain("the folder cannot be read");
    isBroken = false;
    fireEvent.click(screen.getByRole("button", { name: "Ask again" }));
    await screen.findByText(/There is no transcript yet/);
    expect(screen.queryByRole("alert")).toBeNull();
  });

  test("says where the daemon keeps none", async () => {
    opened({}, []);
    await screen.findByText("This daemon keeps no transcripts.");
  });
});

describe("a search", () => {
  const hit = { sessionId: "s1", turnId: "t1", itemId: "m", seq: 9, ts: "2026-11-20T09:00:00Z", kind: "agent_message", title: "About s1", snippet: "It is faster <b>now</b>", ranges: [[6, 12]] };

  test("shows what was found with its words marked, and leads there", async () => {
    const { asked } = opened({
      "transcript.list": () => ({ transcripts: [info("s1")] }),
      "transcript.search": () => ({ hits: [hit], isRebuilding: false }),
      "transcript.get": () => ({ sessionId: "s1", format: "json", transcript: WHOLE }),
    });
    fireEvent.change(await screen.findByRole("searchbox", { name: "Search transcripts" }), { target: { value: " faster " } });
    const list = await screen.findByRole("list", { name: "Found" });
    expect([...list.querySelectorAll("mark")].map((mark) => mark.textContent)).toEqual(["faster"]);
    expect(list.querySelector(".transcript-snippet")?.textContent).toBe("Agent: It is faster <b>now</b>");
    expect(asked.filter(([name]) => name === "transcript.search")).toEqual([["transcript.search", { query: "faster", limit: 200 }]]);
    fireEvent.click(within(list).getByRole("button"));
    await screen.findByRole("region", { name: "Transcript" });
    expect(chosenTranscript.get()).toEqual({ sessionId: "s1", itemId: "m" });
    fireEvent.change(screen.getByRole("searchbox", { name: "Search transcripts" }), { target: { value: "" } });
    await screen.findByRole("list", { name: "Transcripts" });
  });

  test("says in words what was found where nobody said it", async () => {
    const hits = [{ ...hit, kind: "prompt.cancelled", seq: 7 }, { ...hit, kind: "session.closed", seq: 8 }];
    opened({ "transcript.list": () => ({ transcripts: [] }), "transcript.search": () => ({ hits, isRebuilding: false }) });
    fireEvent.change(await screen.findByRole("searchbox", { name: "Search transcripts" }), { target: { value: "faster" } });
    const list = await screen.findByRole("list", { name: "Found" });
    expect([...list.querySelectorAll(".transcript-snippet .quiet")].map((kind) => kind.textContent)).toEqual(["Not sent: ", "Note: "]);
    fireEvent.change(screen.getByRole("searchbox", { name: "Search transcripts" }), { target: { value: "" } });
    await screen.findByRole("list", { name: "Transcripts" });
  });

  test("says where older ones were found too, and where not all was looked through", async () => {
    const hits = Array.from({ length: 200 }, (_, at) => ({ ...hit, seq: at }));
    opened({
      "transcript.list": () => ({ transcripts: [] }),
      "transcript.search": ({ query }) =>
        query === "much" ? { hits, isRebuilding: false } : { hits: [hit], isRebuilding: false, ...(query === "cut" && { isCut: true }) },
    });
    const search = async (value: string, said: string): Promise<void> => {
      fireEvent.change(await screen.findByRole("searchbox", { name: "Search transcripts" }), { target: { value } });
      await screen.findByText(said);
    };
    const [full, cut] = [/The newest 200 are shown; narrow/, /for all of it to be looked through; narrow/];
    await search("much", "200 found, and there may be more");
    expect([screen.queryAllByText(full).length, screen.queryAllByText(cut).length]).toEqual([1, 0]);
    await search("cut", "1 found, and there may be more");
    expect([screen.queryAllByText(full).length, screen.queryAllByText(cut).length]).toEqual([0, 1]);
    await search("one", "1 found");
    expect([screen.queryAllByText(full).length, screen.queryAllByText(cut).length]).toEqual([0, 0]);
    fireEvent.change(screen.getByRole("searchbox", { name: "Search transcripts" }), { target: { value: "" } });
    await screen.findByRole("list", { name: "Transcripts" });
  });

  test("says that it may not find all while the index is made, and asks again", async () => {
    let times = 0;
    opened({
      "transcript.list": () => ({ transcripts: [] }),
      "transcript.search": () => ({ hits: times++ === 0 ? [] : [hit], isRebuilding: times === 1 }),
    });
    fireEvent.change(await screen.findByRole("searchbox", { name: "Search transcripts" }), { target: { value: "faster" } });
    await screen.findByText(/The index is being made anew/);
    await screen.findByRole("list", { name: "Found" });
    await waitFor(() => expect(screen.queryByText(/The index is being made anew/)).toBeNull(), { timeout: 5_000 });
    expect(times).toBe(2);
    fireEvent.change(screen.getByRole("searchbox", { name: "Search transcripts" }), { target: { value: "" } });
    await screen.findByRole("list", { name: "Transcripts" });
  });

  test("marks what makes sense of the ranges alone", () => {
    const all = (ranges: [number, number][]): string => marked("abcdef", ranges).map(({ text, isFound }) => (isFound ? `[${text}]` : text)).join("");
    expect(all([[1, 3]])).toBe("a[bc]def");
    expect(all([[4, 6], [0, 1]])).toBe("[a]bcd[ef]");
    expect(all([[1, 3], [2, 4], [-1, 2], [5, 99], [3, 3], [Number.NaN, 2]])).toBe("a[bc]def");
  });
});

describe("a transcript", () => {
  test("is the history as it was, in its order, with nothing left open", () => {
    const fold = replayed(WHOLE);
    expect([...fold.entries()].map((entry) => (entry.type === "item" ? `${entry.kind} ${entry.status}` : entry.type))).toEqual([
      "note",
      "user_message completed",
      "thought completed",
      "tool_call cancelled",
      "decision",
      "agent_message completed",
      "turn",
      "notice completed",
    ]);
    expect(fold.turn("t1")).toMatchObject({ outcome: "completed", durationMs: 5_000 });
    expect(fold.turn("t1")?.files.map(({ path }) => path)).toEqual(["src/a.rs"]);
  });

  test("shows a prompt also where no item has it, and turns in their order", () => {
    const none = { files: [], permissions: [] };
    const fold = replayed({
      info: info("s"),
      turns: [
        { ...none, turnId: "a", prompt: "first", startedAtMs: 1, items: [{ itemId: "x", seq: 2, atMs: 1, kind: "agent_message", content: [{ type: "text", text: "one" }] }] },
        { ...none, turnId: "b", prompt: "second", startedAtMs: 2, items: [] },
      ],
    });
    expect([...fold.entries()].flatMap((entry) => (entry.type === "item" ? [entry.text.text] : []))).toEqual(["first", "one", "second"]);
  });

  test("is shown to be read, and offers nothing that would change it", async () => {
    const [turn] = WHOLE.turns as [TranscriptTurn];
    const items = (turn.items ?? []).filter(({ kind }) => kind === "agent_message");
    const short: Transcript = { ...WHOLE, turns: [{ ...turn, items, permissions: [] }] };
    opened({
      "transcript.list": () => ({ transcripts: [info("s1")] }),
      "transcript.get": () => ({ sessionId: "s1", format: "json", transcript: short }),
    });
    fireEvent.click(await screen.findByRole("button", { name: /About s1/ }));
    const pane = await screen.findByRole("region", { name: "Transcript" });
    await within(pane).findByRole("heading", { name: "About s1" });
    expect(await within(pane).findByText("1 file changed")).toBeTruthy();
    expect(within(pane).getByText("12 bytes were torn off")).toBeTruthy();
    expect(pane.querySelector(".markdown strong")?.textContent).toBe("faster");
    expect(pane.querySelector(".markdown b")).toBeNull();
    for (const name of ["Undo", "Try again", "Ask again"]) expect(within(pane).queryByRole("button", { name })).toBeNull();
  });

  test("of a session that is closed is gone on with: it is opened again, and looked at", async () => {
    let isRefused = true;
    const resume = (): unknown => {
      if (isRefused) throw new RpcError("CONFLICT", "another daemon has it");
      return { sessionId: "s1" };
    };
    const { asked } = opened(
      {
        "transcript.list": () => ({ transcripts: [info("s1")] }),
        "transcript.get": () => ({ sessionId: "s1", format: "json", transcript: WHOLE }),
        "agent.resume": resume,
      },
      [...METHODS, "agent.resume"],
    );
    fireEvent.click(await screen.findByRole("button", { name: /About s1/ }));
    fireEvent.click(await screen.findByRole("button", { name: "Go on with it" }));
    await screen.findByText(/It cannot be gone on with: another daemon has it/);
    expect(location.hash).toBe("#transcripts");
    isRefused = false;
    // While it is asked, the button says so, and is off; the failure may stand there a moment before it is on again.
    fireEvent.click(await screen.findByRole("button", { name: "Go on with it" }));
    await screen.findByRole("region", { name: "Session" });
    expect(location.hash).toBe("#agents");
    expect(asked.filter(([name]) => name === "agent.resume").map(([, payload]) => payload)).toEqual([{ sessionId: "s1" }, { sessionId: "s1" }]);
  });

  test("of a run is not gone on with", async () => {
    const started = { prompt: "all of you", strategy: "fanout" as const, members: [] };
    const run = { ...started, hasWorktrees: false } as never;
    opened(
      {
        "transcript.list": () => ({ transcripts: [info("run_1")] }),
        "transcript.get": () => ({ sessionId: "run_1", format: "json", transcript: { info: info("run_1"), turns: [], run } }),
      },
      [...METHODS, "agent.resume"],
    );
    fireEvent.click(await screen.findByRole("button", { name: /About run_1/ }));
    await screen.findByRole("region", { name: "Run" });
    expect(screen.queryByRole("button", { name: "Go on with it" })).toBeNull();
  });

  test("of many turns comes in several answers, and one that is too long to be downloaded is written all the same", async () => {
    const [turn] = WHOLE.turns as [TranscriptTurn];
    const turns = Array.from({ length: 5 }, (_, at) => ({ ...turn, turnId: `t${at}`, prompt: `ask ${at}`, items: [], permissions: [], files: [] }));
    const { asked } = opened({
      "transcript.list": () => ({ transcripts: [info("s1")] }),
      "transcript.get": ({ format, fromTurn }) => {
        if (format !== "json") throw new RpcError("RESOURCE_EXHAUSTED", "too long");
        const from = typeof fromTurn === "number" ? fromTurn : 0;
        const part = { info: info("s1"), turns: turns.slice(from, from + 2) };
        return { sessionId: "s1", format, transcript: part, ...(from + 2 < turns.length && { nextTurn: from + 2 }) };
      },
      "transcript.export": () => ({ paths: ["/there/s1.md"] }),
    });
    fireEvent.click(await screen.findByRole("button", { name: /About s1/ }));
    await screen.findByText("ask 0");
    await screen.findByText("ask 1");
    expect(asked.filter(([name]) => name === "transcript.get").map(([, payload]) => (payload as { fromTurn?: number }).fromTurn)).toEqual([
      undefined,
      2,
      4,
    ]);
    fireEvent.click(screen.getByRole("button", { name: "Markdown" }));
    await screen.findByText("/there/s1.md");
    expect(screen.getByText(/Too long to be downloaded/)).toBeTruthy();
  });

  test("of a run shows what each agent answered, and leads to their transcripts", async () => {
    const strategy = "vote" as const;
    const members = [
      { name: "one", provider: "claude", sessionId: "s1", outcome: "completed" as const, answer: "**yes**", isApplied: true },
      { name: "two", provider: "codex", outcome: "failed" as const, error: { kind: "crashed", message: "it ended", retryable: true } as never },
    ];
    const run = { prompt: "which one?", strategy, members, merged: { by: "judge", chosen: "one", text: "it is <i>right</i>" } };
    opened({
      "transcript.list": () => ({ transcripts: [info("run_1", { provider: "run" })] }),
      "transcript.get": ({ sessionId }) => ({
        sessionId,
        format: "json",
        transcript: sessionId === "run_1" ? { info: info("run_1", { provider: "run" }), turns: [], run } : WHOLE,
      }),
    });
    fireEvent.click(await screen.findByRole("button", { name: /About run_1/ }));
    const one = await screen.findByRole("region", { name: "one" });
    expect(one.querySelector("strong")?.textContent).toBe("yes");
    expect(one.querySelector("h3")?.textContent).toContain("claude · Done · applied");
    expect(within(screen.getByRole("region", { name: "two" })).getByText("it ended")).toBeTruthy();
    const result = screen.getByRole("region", { name: "Result" });
    expect(result.textContent).toContain("it is <i>right</i>");
    fireEvent.click(within(one).getByRole("button", { name: "Its transcript" }));
    await screen.findByRole("heading", { name: "About s1" });
  });

  test("is taken away as JSON, Markdown and Org, and says where it was written", async () => {
    const saved: string[] = [];
    URL.createObjectURL = vi.fn((blob: Blob) => {
      saved.push(`${blob.type} ${blob.size}`);
      return "blob:x";
    });
    URL.revokeObjectURL = vi.fn();
    const names: string[] = [];
    vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function (this: HTMLAnchorElement) {
      names.push(this.download);
    });
    opened({
      "transcript.list": () => ({ transcripts: [info("s1")] }),
      "transcript.get": ({ format }) => (format === "json" ? { sessionId: "s1", format, transcript: WHOLE } : { sessionId: "s1", format, text: "# x" }),
      "transcript.export": ({ formats }) => {
        if ((formats as string[])[0] === "org") throw new RpcError("FORBIDDEN", "not here");
        return { paths: [`/srv/a/.sixframe/s1.${(formats as string[])[0]}`] };
      },
    });
    fireEvent.click(await screen.findByRole("button", { name: /About s1/ }));
    fireEvent.click(await screen.findByRole("button", { name: "Markdown" }));
    await screen.findByText("/srv/a/.sixframe/s1.md");
    await waitFor(() => expect(screen.getByRole("button", { name: "Org" }).ariaDisabled).toBe("false"));
    fireEvent.click(screen.getByRole("button", { name: "Org" }));
    await screen.findByText("Not written: not here (FORBIDDEN)");
    expect(names).toEqual(["s1.md", "s1.org"]);
    expect(saved).toEqual(["text/markdown 3", "text/org 3"]);
  });

  test("that cannot be had says why, and can be asked for again", async () => {
    let isBroken = true;
    opened({
      "transcript.list": () => ({ transcripts: [info("s1")] }),
      "transcript.get": () => {
        if (isBroken) throw new RpcError("NOT_FOUND", "no such session");
        return { sessionId: "s1", format: "json", transcript: WHOLE };
      },
    });
    fireEvent.click(await screen.findByRole("button", { name: /About s1/ }));
    expect((await screen.findByRole("alert")).textContent).toContain("no such session");
    isBroken = false;
    await act(async () => fireEvent.click(screen.getByRole("button", { name: "Ask again" })));
    await screen.findByRole("heading", { name: "About s1" });
  });
});
