/** What had the focus keeps it while it can do nothing, or hands it on when it goes: on the page, digits and letters show panels. */

import { act, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import { RpcError } from "sixframe";
import { afterEach, expect, test } from "vitest";

import { Console } from "../src/console.js";
import { NewKey } from "../src/methods/group-inputs.js";
import { chosenTranscript } from "../src/transcripts/transcripts-panel.js";
import { Log } from "./chat/events.js";
import { furnish, type Furnished } from "./furnished.js";

/** The list of messages takes its size from here. */
Object.defineProperty(HTMLElement.prototype, "clientHeight", { configurable: true, get: () => 8_000 });

const ends: (() => void)[] = [];

afterEach(() => {
  for (const end of ends.splice(0)) end();
});

const SESSION = { sessionId: "ses_1", provider: "builtin", cwd: "/srv/p", state: { name: "idle" }, mode: "ask", model: "big", isReady: true, queue: [], permissions: [], usage: {}, seq: 1 };
const CHANGES = [{ path: "a.txt", kind: "modify" as const, binary: false, additions: 1, deletions: 1 }];

type Answers = Record<string, (payload: Record<string, unknown>) => unknown>;

interface Opened extends Furnished {
  /** Tells what the log has that was not told yet. */
  grown: () => void;
}

/** The console's panel `panel` on a daemon that answers so. */
function opened(panel: string, state: Record<string, unknown>, answers: Answers = {}, log = new Log()): Opened {
  location.hash = `#${panel}`;
  chosenTranscript.set(undefined);
  const made = furnish({ global: {}, sessions: {}, ...state }, Object.keys(answers));
  ends.push(made.end);
  for (const [name, answer] of Object.entries(answers))
    made.served.endpoint.register(name, (payload) => answer(payload as Record<string, unknown>));
  let grown = (): void => undefined;
  made.served.endpoint.register("agent.events", async function* () {
    for (let told = 0; ; told += 1) {
      if (told === log.envelopes.length) await new Promise<void>((resolve) => (grown = resolve));
      yield log.envelopes[told] as unknown;
    }
  });
  render(<Console environment={made.environment} />);
  return { ...made, grown: () => grown() };
}

/** Presses what has the name as who uses the keyboard does: with the focus on it. */
function press(element: HTMLElement): HTMLElement {
  element.focus();
  fireEvent.click(element);
  return element;
}

const button = (name: string | RegExp): Promise<HTMLElement> => screen.findByRole("button", { name });

/** That it has the focus, and would keep it in a browser, which takes it from what is disabled. */
function expectSteady(element: HTMLElement, isOff = true): void {
  expect([document.activeElement === element, element.hasAttribute("disabled"), element.getAttribute("aria-disabled")]).toEqual([true, false, String(isOff)]);
}

function lose({ environment }: Furnished): void {
  act(() => environment.connection.become("connecting"));
}

async function session(answers: Answers = {}, log = new Log().created()): Promise<Opened> {
  const made = opened("agents", { agents: { ses_1: SESSION } }, answers, log);
  act(() => made.environment.agents.choose("ses_1"));
  await screen.findByRole("log", { name: "Messages" });
  return made;
}

test("a prompt that was sent by the button leaves the focus there", async () => {
  await session({ "agent.prompt": () => new Promise(() => undefined) });
  const field = screen.getByRole<HTMLTextAreaElement>("textbox", { name: "Prompt" });
  fireEvent.change(field, { target: { value: "hello" } });
  const send = press(await button("Send"));
  expect(field.value).toBe("");
  expectSteady(send);
});

test("what a session can do keeps the focus while the connection is lost, and does nothing then", async () => {
  const asked: unknown[] = [];
  const made = await session({ "agent.setMode": (payload) => asked.push(payload) });
  const more = await button("More of the session");
  const mode = screen.getByRole<HTMLSelectElement>("combobox", { name: "What it may do" });
  mode.focus();
  lose(made);
  expectSteady(mode);
  fireEvent.change(mode, { target: { value: "plan" } });
  expect([mode.value, asked]).toEqual(["ask", []]);
  more.focus();
  expectSteady(more);
  fireEvent.keyDown(more, { key: "Enter" });
  expect(screen.queryByRole("menu")).toBeNull();
  act(() => made.environment.connection.become("open"));
  fireEvent.keyDown(more, { key: "Enter" });
  expect(await screen.findByRole("menu")).toBeTruthy();
});

test("a session that is gone keeps the focus on its way back while the connection is lost", async () => {
  const made = await session({ "agent.resume": () => ({}) });
  act(() => made.served.commit([{ op: "remove", path: "/agents/ses_1" }]));
  const goOn = await button("Go on with it");
  goOn.focus();
  lose(made);
  expectSteady(goOn);
});

test("an undo keeps the focus while it is under way, and hands it to the field for prompts when it goes", async () => {
  const log = new Log().created().turn("turn_1", "edit");
  log.item("t", { kind: "tool_call", status: "completed", tool: { name: "edit", changes: CHANGES } }).end("turn_1");
  let answer = (): void => undefined;
  const made = await session({ "agent.undo": () => new Promise((resolve) => (answer = () => resolve({ files: CHANGES }))) }, log);
  const undo = press(await button("Undo"));
  await waitFor(() => expectSteady(undo));
  await act(async () => answer());
  expectSteady(undo, false);
  log.push("turn.undone", { turnId: "turn_1" } as never, { turnId: "turn_1" });
  act(made.grown);
  await waitFor(() => expect(document.activeElement).toBe(screen.getByRole("textbox", { name: "Prompt" })));
  expect(undo.isConnected).toBe(false);
});

test("what asks once more hands the focus to the field for prompts", async () => {
  const log = new Log().created().turn("turn_1", "edit").end("turn_1", { outcome: "interrupted" });
  await session({ "agent.prompt": () => new Promise(() => undefined) }, log);
  const again = press(await button("Ask again"));
  await waitFor(() => expect(document.activeElement).toBe(screen.getByRole("textbox", { name: "Prompt" })));
  expect(again.isConnected).toBe(false);
});

test("a look for agents keeps the focus on what asked for it, and so does what cannot begin", async () => {
  let looks = 0;
  opened("agents", { agents: {} }, {
    "agent.providers": () => ((looks += 1) === 1 ? { providers: [{ id: "builtin", name: "Built-in", state: "ready", abilities: {} }], default: "builtin", cwd: "/srv" } : new Promise(() => undefined)),
    "agent.createSession": () => new Promise(() => undefined),
  });
  await screen.findByRole("radio", { name: /^Built-in/ });
  const look = press(await button(/Look again/));
  await screen.findByText("Looking for agents…");
  expectSteady(look);
  const begin = press(await button("Begin"));
  expect(begin.textContent).toBe("Beginning…");
  expectSteady(begin);
});

const info = (sessionId: string): object => ({ sessionId, provider: "claude", cwd: "/srv", title: `About ${sessionId}`, startedAtMs: 1, updatedAtMs: 2, turns: 1, isClosed: true });

test("older transcripts take the focus from what asked for them where there are no more", async () => {
  let answer = (): void => undefined;
  const rest = { transcripts: [info("s2"), info("s3")] };
  opened("transcripts", {}, {
    "transcript.list": ({ before }) => (before === undefined ? { transcripts: [info("s1")], next: "n" } : new Promise((resolve) => (answer = () => resolve(rest)))),
    "transcript.get": () => ({}),
  });
  const older = press(await button("Older ones"));
  await waitFor(() => expectSteady(older));
  await act(async () => answer());
  await waitFor(() => expect(older.isConnected).toBe(false));
  expect(document.activeElement).toBe(screen.getByRole("button", { name: /About s2/ }));
});

test("a transcript keeps the focus on what takes it away, and on what goes on with it", async () => {
  const transcript = { info: info("s1"), turns: [] };
  const made = opened("transcripts", { agents: {} }, {
    "transcript.list": () => ({ transcripts: [info("s1")] }),
    "transcript.get": () => ({ sessionId: "s1", format: "json", transcript }),
    "transcript.export": () => new Promise(() => undefined),
    "agent.resume": () => new Promise(() => undefined),
  });
  fireEvent.click(await button(/About s1/));
  const json = press(await button("JSON"));
  await waitFor(() => expect(json.textContent).toBe("Writing…"));
  expectSteady(json);
  const goOn = press(await button("Go on with it"));
  expect(goOn.textContent).toBe("Opening…");
  expectSteady(goOn);
  lose(made);
  expectSteady(goOn);
});

const RUN = {
  prompt: "make it faster",
  cwd: "/srv",
  strategy: "vote",
  state: "running",
  members: [{ name: "claude", provider: "claude", outcome: "completed", files: CHANGES }],
  startedAtMs: 1,
  hasWorktrees: true,
};

test("a run keeps the focus on what stops it, and has it itself when that goes", async () => {
  const made = opened("agents", { agents: {}, runs: { run_1: RUN } }, { "run.start": () => ({}), "run.cancel": () => ({}), "run.discard": () => ({}) });
  const become = (more: object): void => act(() => made.served.commit([{ op: "replace", path: "/runs/run_1", value: { ...RUN, ...more } as never }]));
  const list = await screen.findByRole("region", { name: "Runs" });
  fireEvent.click(await within(list).findByRole("button", { name: /^make it faster/ }));
  const pane = await screen.findByRole("region", { name: "Run" });
  const stop = press(within(pane).getByRole("button", { name: "Stop all" }));
  lose(made);
  expectSteady(stop);
  act(() => made.environment.connection.become("open"));
  become({ state: "ended", outcome: "cancelled" });
  const discard = await button("Discard");
  expect(document.activeElement).toBe(pane.querySelector("header"));
  const review = await button("Review and apply");
  review.focus();
  lose(made);
  expectSteady(review);
  discard.focus();
  expectSteady(discard);
  act(() => made.environment.connection.become("open"));
  fireEvent.click(discard);
  press(within(screen.getByRole("dialog")).getByRole("button", { name: "Discard" }));
  become({ state: "ended", outcome: "cancelled", hasWorktrees: false });
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(document.activeElement).toBe(pane.querySelector("header"));
});

test("an agent that is taken out of a run hands the focus on, and the last one keeps it", async () => {
  opened("agents", { agents: {}, runs: {} }, { "run.start": () => ({}) });
  fireEvent.click(await button("Several agents at once"));
  const form = await screen.findByRole("form", { name: "New run" });
  press(within(form).getByRole("button", { name: "Remove agent 2" }));
  expect(document.activeElement).toBe(within(form).getByRole("button", { name: "Another agent" }));
  const last = press(within(form).getByRole("button", { name: "Remove agent 1" }));
  expectSteady(last);
});

test("what cannot be applied yet keeps the focus on what asks for it", async () => {
  let looks = 0;
  const made = opened("agents", { agents: {}, runs: { run_1: { ...RUN, state: "ended" } } }, {
    "run.start": () => ({}),
    "run.apply": () => new Promise(() => undefined),
    "run.diff": () => {
      if ((looks += 1) === 1) throw new RpcError("CONFLICT", "another file");
      return { files: CHANGES, sha256: "x" };
    },
  });
  act(() => made.environment.runs.chosen.set("run_1"));
  fireEvent.click(await button("Review and apply"));
  press(await button("Look again"));
  const apply = await button("Apply");
  await waitFor(() => expect(apply.getAttribute("aria-disabled")).toBe("false"));
  press(apply);
  expectSteady(apply);
});

test("what is taken out of the state leaves the focus on what took it out, and so does a list that is emptied", async () => {
  const made = opened("state", {});
  await screen.findByRole("tree", { name: "State" });
  act(() => made.served.commit([{ op: "add", path: "/global/a", value: 1 }]));
  const clear = await button("Clear");
  await waitFor(() => expect(clear.getAttribute("aria-disabled")).toBe("false"));
  press(clear);
  expectSteady(clear);
  fireEvent.click(screen.getByText("global"));
  const remove = press(await button(/Remove/));
  expectSteady(remove);
  expect((await button(/Edit/)).hasAttribute("disabled")).toBe(false);
});

test("a key that was added leaves the focus on what added it", () => {
  const added: string[] = [];
  render(<NewKey taken={{}} onAdd={(name) => added.push(name)} />);
  fireEvent.change(screen.getByRole("textbox", { name: "Name of a new key" }), { target: { value: "a" } });
  const add = press(screen.getByRole("button", { name: "Add" }));
  fireEvent.click(add);
  expect(added).toEqual(["a"]);
  expectSteady(add);
});

const BUILTIN = { providers: [{ id: "builtin", name: "Built-in", state: "ready", abilities: {} }], default: "builtin", cwd: "/srv" };

/** Chooses from the menu of the session by the keyboard. */
async function choose(name: string): Promise<HTMLElement> {
  const more = await button("More of the session");
  more.focus();
  fireEvent.keyDown(more, { key: "Enter" });
  fireEvent.click(await screen.findByRole("menuitem", { name }));
  return more;
}

test("a fork has the focus in its field for prompts, before the daemon tells of it too", async () => {
  const made = await session({ "agent.fork": () => ({ sessionId: "ses_2" }), "agent.resume": () => ({}) });
  await choose("Fork");
  await waitFor(() => expect(document.activeElement).toBe(screen.getByRole("button", { name: "Go on with it" })));
  act(() => made.served.commit([{ op: "add", path: "/agents/ses_2", value: { ...SESSION, sessionId: "ses_2" } as never }]));
  await waitFor(() => expect(document.activeElement).toBe(screen.getByRole("textbox", { name: "Prompt" })));
});

test("a session that is closed hands the focus to the way back", async () => {
  const made = await session({ "agent.close": () => ({ ok: true }), "agent.resume": () => ({}) });
  await choose("Close the session");
  act(() => made.served.commit([{ op: "remove", path: "/agents/ses_1" }]));
  const goOn = await button("Go on with it");
  await waitFor(() => expect(document.activeElement).toBe(goOn));
});

test("Escape on what a dialog gave the focus back to stops nothing", async () => {
  const asked: unknown[] = [];
  const made = await session({ "agent.interrupt": (payload) => asked.push(payload) });
  act(() => made.served.commit([{ op: "replace", path: "/agents/ses_1", value: { ...SESSION, turnId: "turn_1" } as never }]));
  const more = await choose("Close the session");
  const dialog = await screen.findByRole("dialog", { name: "Close the session?" });
  within(dialog).getByRole("button", { name: "Leave it open" }).focus();
  fireEvent(dialog, new Event("cancel", { cancelable: true }));
  await waitFor(() => expect(document.activeElement).toBe(more));
  fireEvent.keyDown(more, { key: "Escape" });
  expect(asked).toEqual([]);
  const prompt = screen.getByRole("textbox", { name: "Prompt" });
  fireEvent.keyDown(prompt, { key: "Escape" });
  await waitFor(() => expect(asked.length).toBe(1));
});

test("a run that begins has the focus itself", async () => {
  const made = opened("agents", { agents: {}, runs: {} }, {
    "agent.providers": () => BUILTIN,
    "run.start": () => new Promise(() => undefined),
  });
  fireEvent.click(await button("Several agents at once"));
  const form = await screen.findByRole("form", { name: "New run" });
  within(form).getByRole("button", { name: "Begin" }).focus();
  act(() => made.served.commit([{ op: "add", path: "/runs/run_1", value: RUN as never }]));
  act(() => made.environment.runs.chosen.set("run_1"));
  const pane = await screen.findByRole("region", { name: "Run" });
  await waitFor(() => expect(document.activeElement).toBe(pane.querySelector("header")));
});

test("who asks for a new session, or to write where there is none, has the focus in its form", async () => {
  opened("agents", { agents: {} }, { "agent.providers": () => BUILTIN });
  const folder = await screen.findByRole("combobox", { name: "Folder" });
  fireEvent.keyDown(document.body, { key: "l", ctrlKey: true });
  expect(document.activeElement).toBe(folder);
  folder.blur();
  fireEvent.keyDown(document.body, { key: "k", ctrlKey: true });
  const find = await screen.findByRole("combobox", { name: "Find a command or a method" });
  fireEvent.change(find, { target: { value: "New session" } });
  fireEvent.keyDown(find, { key: "Enter" });
  await waitFor(() => expect(document.activeElement).toBe(folder));
});
