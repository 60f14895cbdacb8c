import { act, cleanup, fireEvent, screen } from "@testing-library/react";
import { RpcError } from "sixframe";
import { expect, test, vi } from "vitest";

import { keepTyped } from "../../src/chat/kept-typed.js";
import { Typed } from "../../src/chat/typed.js";
import { furnished, IDLE, look } from "./agents-page.js";
import { Log } from "./events.js";

const WAITING = { promptId: "p2", position: 0, delivery: "queue", content: [{ type: "text", text: "next" }] };

test("of a long prompt that waits the gist is shown, and all of it is changed", async () => {
  const log = new Log().created().turn("turn_1", "edit");
  const whole = `${"long ".repeat(1_000)}end`;
  const { seq } = log.push("prompt.queued", { promptId: "p2", position: 0, delivery: "queue", content: [{ type: "text", text: whole }] });
  const queue = [{ promptId: "p2", position: 0, delivery: "queue", content: [{ type: "text", text: "long long" }], isCut: true, bytes: whole.length, seq }];
  const made = furnished({ ses_1: { ...IDLE, queue } }, { log, methods: ["agent.editPrompt"] });
  await look(made);
  expect(await screen.findByText("long long …")).toBeTruthy();
  fireEvent.click(screen.getByRole("button", { name: "Change the prompt" }));
  const field = await screen.findByRole<HTMLTextAreaElement>("textbox", { name: "The prompt" });
  expect(field.value).toBe(whole);
});

test("a change of a prompt that is sent meanwhile is not lost: it becomes the draft, with the focus, and that is said", async () => {
  const made = furnished({ ses_1: { ...IDLE, turnId: "turn_1", queue: [WAITING] } }, { log: new Log().created(), methods: ["agent.editPrompt"] });
  await look(made);
  fireEvent.click(await screen.findByRole("button", { name: "Change the prompt" }));
  const field = screen.getByRole("textbox", { name: "The prompt" });
  fireEvent.change(field, { target: { value: "something else" } });
  act(() => location.replace("#windows"));
  await vi.waitFor(() => expect(screen.queryByRole("textbox", { name: "The prompt" })).toBeNull());
  act(() => location.replace("#agents"));
  expect((await screen.findByRole<HTMLTextAreaElement>("textbox", { name: "The prompt" })).value).toBe("something else");
  act(() => made.served.commit([{ op: "replace", path: "/agents/ses_1", value: { ...IDLE, turnId: "turn_2" } as never }]));
  expect(await screen.findByText(/^It was sent as it was/)).toBeTruthy();
  const prompt = screen.getByRole<HTMLTextAreaElement>("textbox", { name: "Prompt" });
  expect(prompt.value).toBe("something else");
  await vi.waitFor(() => expect(document.activeElement).toBe(prompt));
  expect(made.asked).toEqual([]);
});

test("a change that was kept before its prompt is sent is no draft", async () => {
  const made = furnished({ ses_1: { ...IDLE, turnId: "turn_1", queue: [WAITING] } }, { log: new Log().created(), methods: ["agent.editPrompt"] });
  let answer: (value: unknown) => void = () => undefined;
  made.served.endpoint.register("agent.editPrompt", () => new Promise((resolve) => (answer = resolve)));
  await look(made);
  fireEvent.click(await screen.findByRole("button", { name: "Change the prompt" }));
  fireEvent.change(screen.getByRole("textbox", { name: "The prompt" }), { target: { value: "something else" } });
  fireEvent.click(screen.getByRole("button", { name: "Keep the change" }));
  act(() => made.served.commit([{ op: "replace", path: "/agents/ses_1", value: { ...IDLE, turnId: "turn_2" } as never }]));
  await vi.waitFor(() => expect(screen.queryByRole("textbox", { name: "The prompt" })).toBeNull());
  await vi.waitFor(() => {
    answer({ ok: true });
    expect(made.environment.agents.typed.edits.get().size).toBe(0);
  });
  expect(screen.getByRole<HTMLTextAreaElement>("textbox", { name: "Prompt" }).value).toBe("");
});

test("what somebody else made of a prompt is shown beside the change of it, and is never written over unseen", async () => {
  const view = (text: string, seq: number): never =>
    ({ ...IDLE, turnId: "turn_1", queue: [{ ...WAITING, content: [{ type: "text", text }], seq }] }) as never;
  const made = furnished({ ses_1: view("next", 5) }, { log: new Log().created(), methods: ["agent.editPrompt"] });
  let now = 7;
  const asked: unknown[] = [];
  made.served.endpoint.register("agent.editPrompt", (payload) => {
    asked.push((payload as { seq?: number }).seq);
    if ((payload as { seq?: number }).seq !== now) throw new RpcError("CONFLICT", "the prompt is another one by now", { seq: now });
    return { ok: true };
  });
  await look(made);
  fireEvent.click(await screen.findByRole("button", { name: "Change the prompt" }));
  fireEvent.change(screen.getByRole("textbox", { name: "The prompt" }), { target: { value: "mine" } });
  fireEvent.click(screen.getByRole("button", { name: "Keep the change" }));
  expect(await screen.findByText(/^It was not changed: the prompt is another one by now/)).toBeTruthy();
  expect(screen.queryByText(/^Somebody else has changed it/)).toBeNull();
  act(() => made.served.commit([{ op: "replace", path: "/agents/ses_1", value: view("theirs", 7) }]));
  expect((await screen.findByText(/^Somebody else has changed it/)).textContent).toMatch(/theirs$/);
  expect(screen.getByRole<HTMLTextAreaElement>("textbox", { name: "The prompt" }).value).toBe("mine");
  fireEvent.click(screen.getByRole("button", { name: "Keep the change" }));
  await vi.waitFor(() => expect(screen.queryByRole("textbox", { name: "The prompt" })).toBeNull());
  expect(asked).toEqual([5, now]);
});

/** A session with a prompt that waits, which is changed as the daemon does it: over what was named, told by another event. */
async function changeable(): Promise<{ says: (text: string) => void; show: () => void; typed: (text: string) => void; save: () => void; asked: unknown[]; answer: () => void; note: () => string }> {
  const log = new Log().created().turn("turn_1", "edit");
  const [asked, held]: [unknown[], (() => void)[]] = [[], []];
  const content = (text: string): { type: "text"; text: string }[] => [{ type: "text", text }];
  const told = (text: string): number => log.push("prompt.queued", { promptId: "p2", position: 0, delivery: "queue", content: content(text) }).seq;
  let now = { text: "next", seq: told("next") };
  const view = (): never => ({ ...IDLE, turnId: "turn_1", queue: [{ ...WAITING, content: content(now.text), seq: now.seq }] }) as never;
  const made = furnished({ ses_1: view() }, { log, methods: ["agent.editPrompt"] });
  const says = (text: string): void => {
    now = { text, seq: told(text) };
    act(made.grown);
  };
  made.served.endpoint.register("agent.editPrompt", async (payload) => {
    const { content, seq } = payload as { content: { text: string }[]; seq?: number };
    asked.push(seq);
    if (seq !== undefined && seq !== now.seq) throw new RpcError("CONFLICT", "the prompt is another one by now", { seq: now.seq });
    says(content[0]?.text ?? "");
    await new Promise<void>((resolve) => held.push(resolve));
    return { ok: true };
  });
  await look(made);
  fireEvent.click(await screen.findByRole("button", { name: "Change the prompt" }));
  const field = (): HTMLElement => screen.getByRole("textbox", { name: "The prompt" });
  return {
    says,
    show: () => act(() => made.served.commit([{ op: "replace", path: "/agents/ses_1", value: view() }])),
    typed: (text) => fireEvent.change(field(), { target: { value: text } }),
    save: () => fireEvent.keyDown(field(), { key: "Enter" }),
    asked,
    answer: () => held.shift()?.(),
    note: () => screen.queryByText(/^Somebody else has changed it/)?.textContent ?? "",
  };
}

test("who goes on typing while a change is taken knows what the own change made of the prompt, and nothing of what comes after that", async () => {
  const { says, show, typed, save, asked, answer, note } = await changeable();
  const notes = new Set<string>();
  const watch = new MutationObserver(() => notes.add(note()));
  watch.observe(document.body, { subtree: true, childList: true, characterData: true });
  typed("mine");
  save();
  typed("mine and");
  await vi.waitFor(() => expect(asked.length).toBe(1));
  show();
  await vi.waitFor(() => {
    answer();
    save();
    expect(asked.length).toBe(2);
  });
  typed("mine and more");
  await vi.waitFor(() => {
    answer();
    show();
    expect(asked).toEqual([expect.any(Number), (asked[0] as number) + 1]);
  });
  expect([...notes].filter((said) => said !== "")).toEqual([]);
  watch.disconnect();
  says("theirs");
  show();
  await vi.waitFor(() => expect(note()).toMatch(/It says now: theirs$/));
  save();
  await vi.waitFor(() => expect(asked.at(-1)).toBe((asked[0] as number) + 3));
  answer();
  await vi.waitFor(() => expect(screen.queryByRole("textbox", { name: "The prompt" })).toBeNull());
});

test("what somebody else makes of a prompt before the own change of it is shown is not written over unseen", async () => {
  const { says, show, typed, save, asked, answer, note } = await changeable();
  typed("mine");
  save();
  typed("mine and");
  await vi.waitFor(() => expect(asked.length).toBe(1));
  says("theirs");
  await vi.waitFor(() => {
    answer();
    save();
    expect(asked.length).toBe(2);
  });
  expect(await screen.findByText(/^It was not changed: the prompt is another one by now/)).toBeTruthy();
  show();
  await vi.waitFor(() => expect(note()).toMatch(/It says now: theirs$/));
});

test("a change that is kept once more while the daemon takes it is kept behind that, and not where that was not taken", async () => {
  const { says, typed, save, asked, answer, note } = await changeable();
  typed("mine");
  save();
  typed("mine and");
  save();
  await vi.waitFor(() => {
    answer();
    expect(asked).toEqual([expect.any(Number), (asked[0] as number) + 1]);
  });
  await vi.waitFor(() => {
    answer();
    expect(screen.queryByRole("textbox", { name: "The prompt" })).toBeNull();
  });
  fireEvent.click(await screen.findByRole("button", { name: "Change the prompt" }));
  typed("once more");
  says("theirs");
  save();
  typed("once more, and more");
  save();
  expect(await screen.findByText(/^It was not changed: the prompt is another one by now/)).toBeTruthy();
  expect([asked.length, note()]).toEqual([3, ""]);
});

test("a change that is left while the daemon takes it does not come back", async () => {
  const made = furnished({ ses_1: { ...IDLE, turnId: "turn_1", queue: [WAITING] } }, { log: new Log().created(), methods: ["agent.editPrompt"] });
  let answer: (value: unknown) => void = () => undefined;
  const answered = new Promise((resolve) => (answer = resolve));
  made.served.endpoint.register("agent.editPrompt", () => answered);
  const asked = vi.spyOn(made.environment.agents, "editPrompt");
  await look(made);
  fireEvent.click(await screen.findByRole("button", { name: "Change the prompt" }));
  const field = screen.getByRole("textbox", { name: "The prompt" });
  fireEvent.change(field, { target: { value: "something else" } });
  fireEvent.keyDown(field, { key: "Enter" });
  fireEvent.keyDown(field, { key: "Escape" });
  answer({ ok: true });
  await act(async () => expect(await asked.mock.results[0]?.value).toBe(true));
  expect(screen.queryByRole("textbox", { name: "The prompt" })).toBeNull();
  expect(made.environment.agents.typed.edits.get().size).toBe(0);
});

test("the field for prompts has the focus when a button went that had it: to stop, and to take a prompt back", async () => {
  const made = furnished({ ses_1: { ...IDLE, turnId: "turn_1", queue: [WAITING] } }, { log: new Log().created() });
  await look(made);
  const back = await screen.findByRole("button", { name: "Take the prompt back" });
  back.focus();
  fireEvent.click(back);
  act(() => made.served.commit([{ op: "replace", path: "/agents/ses_1", value: { ...IDLE, turnId: "turn_1" } as never }]));
  const prompt = screen.getByRole("textbox", { name: "Prompt" });
  await vi.waitFor(() => expect(document.activeElement).toBe(prompt));
  const stop = screen.getByRole("button", { name: "Stop" });
  stop.focus();
  fireEvent.click(stop);
  act(() => made.served.commit([{ op: "replace", path: "/agents/ses_1", value: IDLE as never }]));
  await vi.waitFor(() => expect(document.activeElement).toBe(prompt));
});

test("the field for prompts has the focus when the choice went that had it: how the next prompt reaches the agent", async () => {
  const made = furnished({ ses_1: { ...IDLE, turnId: "turn_1" } }, { log: new Log().created() });
  await look(made);
  act(() => screen.getByRole("radio", { name: "Queue" }).focus());
  fireEvent.keyDown(screen.getByRole("radio", { name: "Queue" }), { key: "ArrowRight" });
  expect(document.activeElement).toBe(screen.getByRole("radio", { name: "Steer" }));
  act(() => made.served.commit([{ op: "replace", path: "/agents/ses_1", value: IDLE as never }]));
  await vi.waitFor(() => expect(document.activeElement).toBe(screen.getByRole("textbox", { name: "Prompt" })));
});

/** A session at work, in which `prompts` were sent from here. */
async function sent(prompts: readonly string[]): Promise<ReturnType<typeof furnished> & { log: Log; draft: () => string }> {
  const log = new Log().created().turn("turn_1", "edit");
  const made = furnished({ ses_1: { ...IDLE, turnId: "turn_1", seq: log.envelopes.length } }, { log, methods: ["agent.editPrompt"] });
  await look(made);
  for (const [at, text] of prompts.entries()) {
    made.environment.agents.typed.claim(`p${at + 2}`, "ses_1");
    log.push("prompt.queued", { promptId: `p${at + 2}`, position: at, delivery: "queue", content: [{ type: "text", text }] });
  }
  return { ...made, log, draft: () => screen.getByRole<HTMLTextAreaElement>("textbox", { name: "Prompt" }).value };
}

test("what waits is this window's when it was sent from there", async () => {
  const made = furnished({ ses_1: { ...IDLE, turnId: "turn_1" } }, { log: new Log().created() });
  await look(made);
  const field = screen.getByRole("textbox", { name: "Prompt" });
  fireEvent.change(field, { target: { value: "and then this" } });
  fireEvent.keyDown(field, { key: "Enter" });
  await vi.waitFor(() => expect([...made.environment.agents.typed.own.get()]).toEqual([["p1", "ses_1"]]));
});

test("what waited becomes the draft where the turn is stopped, behind what is there, and the history tells of it", async () => {
  const made = await sent(["second", "third"]);
  const field = screen.getByRole("textbox", { name: "Prompt" });
  fireEvent.change(field, { target: { value: "fourth" } });
  fireEvent.keyDown(field, { key: "Escape" });
  await vi.waitFor(() => expect(made.asked).toEqual([["interrupt", { sessionId: "ses_1" }]]));
  // Somebody else's, which their window has.
  made.log.push("prompt.queued", { promptId: "q", position: 2, delivery: "queue", content: [{ type: "text", text: "theirs" }] });
  for (const promptId of ["p3", "p2", "q"]) made.log.push("prompt.cancelled", { promptId });
  made.log.end("turn_1", { outcome: "interrupted" });
  act(made.grown);
  await vi.waitFor(() => expect(made.draft()).toBe("fourth\n\nsecond\n\nthird"));
  expect(screen.getAllByText("What waited was not sent: it stands in the field for prompts.").length).toBeGreaterThan(0);
  expect(await screen.findByText("Taken back: second")).toBeTruthy();
  expect(screen.getByText("Taken back: theirs")).toBeTruthy();
  // Told again, as a page does that lost the connection, it is not doubled.
  const { typed } = made.environment.agents;
  expect(typed.reclaim("ses_1", new Map([["p2", "second"], ["p3", "third"], ["q", "theirs"]]))).toBe(false);
  expect(made.draft()).toBe("fourth\n\nsecond\n\nthird");
});

test("a change of a prompt that is taken back becomes the draft once, whoever tells of it first", async () => {
  const made = await sent(["second"]);
  act(() => made.environment.agents.typed.edit("p2", { sessionId: "ses_1", whole: "second", text: "other words" }));
  made.log.push("prompt.cancelled", { promptId: "p2" });
  act(made.grown);
  await vi.waitFor(() => expect(made.draft()).toBe("other words"));
  expect(made.environment.agents.typed.edits.get().size).toBe(0);
  cleanup();
  const { agents } = made.environment;
  agents.typed.write("ses_1", "");
  agents.typed.claim("p9", "ses_1");
  agents.typed.edit("p9", { sessionId: "ses_1", whole: "second", text: "other words" });
  expect(agents.typed.rescue("ses_1", [])).toBe(true);
  expect(agents.typed.reclaim("ses_1", new Map([["p9", "second"]]))).toBe(false);
  expect(agents.typed.draft("ses_1")).toBe("other words");
  // Those that a daemon takes back that begins again come in any order.
  for (const id of ["p10", "p11"]) agents.typed.claim(id, "ses_1");
  agents.typed.reclaim("ses_1", new Map([["p11", "later"], ["p10", "sooner"]]));
  expect(agents.typed.draft("ses_1")).toBe("other words\n\nsooner\n\nlater");
});

test("what joined a turn and was not heard there becomes the draft, also where the turn has ended by then", async () => {
  const made = await sent(["second"]);
  made.log.push("prompt.steered", { promptId: "p2" }, { turnId: "turn_1" });
  made.log.end("turn_1", { outcome: "interrupted" });
  made.log.push("prompt.cancelled", { promptId: "p2" });
  act(made.grown);
  await vi.waitFor(() => expect(made.draft()).toBe("second"));
  expect(await screen.findByText("Taken back: second")).toBeTruthy();
});

test("a prompt of which is not known what it said is no draft, and none is told of", () => {
  const typed = new Typed();
  typed.write("ses_1", "half a thought");
  typed.claim("p2", "ses_1");
  expect(typed.reclaim("ses_1", new Map([["p2", ""]]))).toBe(false);
  expect([typed.draft("ses_1"), typed.own.get().size]).toEqual(["half a thought", 0]);
});

test("what a person takes back by its own button is no draft", async () => {
  const made = await sent(["second"]);
  await act(() => made.environment.agents.cancelPrompt("ses_1", "p2"));
  made.log.push("prompt.cancelled", { promptId: "p2" });
  act(made.grown);
  expect(await screen.findByText("Taken back: second")).toBeTruthy();
  expect(made.draft()).toBe("");
});

test("drafts outlive a reload of the window, and no other window has them", () => {
  vi.useFakeTimers();
  try {
    const storage = window.sessionStorage;
    const typed = new Typed();
    keepTyped(typed, storage, "window_1");
    typed.write("ses_0", "x".repeat(150_000));
    typed.write("ses_2", "y".repeat(100_000));
    typed.write("ses_1", "half a thought");
    typed.claim("p2", "ses_1");
    typed.give("ques_1", "q", { chosen: [], own: "hunter2" });
    vi.runAllTimers();
    expect(JSON.stringify({ ...storage })).not.toContain("hunter2");
    const again = new Typed();
    keepTyped(again, storage, "window_1");
    expect([again.draft("ses_1"), again.draft("ses_2").length, again.draft("ses_0"), again.own.get().get("p2")]).toEqual(["half a thought", 100_000, "", "ses_1"]);
    // The last one is kept though it is long, and takes none from the others.
    typed.write("ses_3", "z".repeat(250_000));
    vi.runAllTimers();
    const later = new Typed();
    keepTyped(later, storage, "window_1");
    expect([later.draft("ses_1"), later.draft("ses_2").length, later.draft("ses_3").length]).toEqual(["half a thought", 100_000, 250_000]);
    const copied = new Typed();
    keepTyped(copied, storage, "window_2");
    expect([copied.draft("ses_1"), copied.own.get().size]).toEqual(["", 0]);
  } finally {
    vi.useRealTimers();
  }
});

test("a change of a prompt that waits outlives a reload of the window, and becomes the draft where that takes the prompt back", () => {
  vi.useFakeTimers();
  try {
    const storage = window.sessionStorage;
    const typed = new Typed();
    keepTyped(typed, storage, "window_1");
    typed.claim("p2", "ses_1");
    typed.edit("p1", { sessionId: "ses_1", whole: "", text: "z".repeat(250_000) });
    typed.edit("p2", { sessionId: "ses_1", whole: "second", text: "other words", seq: 5 });
    typed.edit("p3", { sessionId: "ses_1", whole: "third", text: "third", seq: 6 });
    typed.send("p4", { sessionId: "ses_1", whole: "fourth", text: "the fourth", seq: 7 });
    vi.runAllTimers();
    const again = new Typed();
    keepTyped(again, storage, "window_1");
    expect([...again.edits.get()]).toEqual([
      ["p2", { sessionId: "ses_1", whole: "second", text: "other words", seq: 5 }],
      ["p4", { sessionId: "ses_1", whole: "fourth", text: "the fourth", seq: 7 }],
    ]);
    expect(again.reclaim("ses_1", new Map([["p2", "second"]]))).toBe(true);
    // What nobody here asked for becomes the draft by its change alone.
    expect(again.rescue("ses_1", [])).toBe(true);
    expect(again.draft("ses_1")).toBe("other words\n\nthe fourth");
    const copied = new Typed();
    keepTyped(copied, storage, "window_2");
    expect(copied.edits.get().size).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});
