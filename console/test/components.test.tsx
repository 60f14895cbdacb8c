import { act, fireEvent, render, screen, within } from "@testing-library/react";
import { useState, type ReactNode } from "react";
import { RpcError } from "sixframe";
import { afterEach, expect, test, vi } from "vitest";

import { found, Palette, type Command } from "../src/commands/palette.js";
import { Connection, median } from "../src/connection.js";
import { Console } from "../src/console.js";
import { Field } from "../src/methods/field.js";
import { Run } from "../src/methods/run.js";
import { firstValue, problemsOf, type Schema } from "../src/methods/schema.js";
import type { Environment } from "../src/shell/environment.js";
import { bytes, lasting, milliseconds } from "../src/shell/units.js";
import { VirtualRows } from "../src/shell/virtual-rows.js";
import { windowsOf } from "../src/windows/windows-panel.js";
import { furnish, type Furnished } from "./furnished.js";

const ends: (() => void)[] = [];

afterEach(() => {
  for (const end of ends.splice(0)) end();
});

function furnished(): Furnished {
  const made = furnish();
  ends.push(made.end);
  return made;
}

function Form({ schema, seen }: { schema: Schema; seen: (value: unknown) => void }): ReactNode {
  const [value, setValue] = useState(() => firstValue(schema, schema));
  seen(value);
  return (
    <Field
      schema={schema}
      root={schema}
      value={value}
      onChange={setValue}
      path=""
      label=""
      required
      problems={problemsOf(schema, schema, value)}
    />
  );
}

test("a form writes what its fields say", () => {
  const schema: Schema = {
    type: "object",
    required: ["name", "size"],
    properties: {
      name: { type: "string", minLength: 1, description: "What it is called." },
      size: { type: "integer", minimum: 1, maximum: 9 },
      on: { type: "boolean" },
      tags: { type: "array", items: { type: "string" } },
      place: {
        oneOf: [
          { title: "here", type: "null" },
          { title: "there", type: "object", required: ["x"], properties: { x: { type: "number" } } },
        ],
      },
    },
    additionalProperties: true,
  };
  let value: unknown;
  render(<Form schema={schema} seen={(next) => (value = next)} />);
  expect(screen.getByText("What it is called.")).toBeTruthy();
  expect(screen.getByRole("alert").textContent).toBe("must have at least 1 characters");
  fireEvent.change(screen.getByRole("textbox", { name: "name" }), { target: { value: "box" } });
  expect(screen.queryByRole("alert")).toBeNull();
  fireEvent.change(screen.getByRole("slider"), { target: { value: "4" } });
  fireEvent.click(screen.getByRole("button", { name: "on" }));
  fireEvent.click(screen.getByRole("switch", { name: /on/ }));
  fireEvent.click(screen.getByRole("button", { name: "tags" }));
  fireEvent.click(screen.getByRole("button", { name: "Add to tags" }));
  fireEvent.change(screen.getByRole("textbox", { name: "0" }), { target: { value: "red" } });
  fireEvent.click(screen.getByRole("button", { name: "place" }));
  fireEvent.click(screen.getByRole("radio", { name: "there" }));
  fireEvent.change(screen.getByRole("spinbutton", { name: "x" }), { target: { value: "1.5" } });
  fireEvent.change(screen.getByRole("textbox", { name: "Name of a new key" }), { target: { value: "more" } });
  fireEvent.click(screen.getByRole("button", { name: "Add" }));
  expect(value).toEqual({ name: "box", size: 4, on: true, tags: ["red"], place: { x: 1.5 }, more: null });
  fireEvent.click(screen.getByRole("button", { name: "Leave out tags" }));
  fireEvent.change(screen.getByRole("textbox", { name: "more" }), { target: { value: "[1, 2" } });
  expect(value).toMatchObject({ more: null });
  fireEvent.change(screen.getByRole("textbox", { name: "more" }), { target: { value: "[1, 2]" } });
  expect(value).toEqual({ name: "box", size: 4, on: true, place: { x: 1.5 }, more: [1, 2] });
});

test("of many rows only those in sight exist, and keys lead through all of them", () => {
  const rows = Array.from({ length: 10_000 }, (_, n) => `row ${n}`);
  const opened: string[] = [];
  function List(): ReactNode {
    const [active, setActive] = useState(0);
    return (
      <VirtualRows
        rows={rows}
        rowHeight={20}
        label="Many"
        role="listbox"
        rowRole="option"
        keyOf={(row) => row}
        active={active}
        onActive={setActive}
        onOpen={(row) => opened.push(row)}
      >
        {(row) => row}
      </VirtualRows>
    );
  }
  render(<List />);
  const list = screen.getByRole("listbox", { name: "Many" });
  expect(within(list).getAllByRole("option").length).toBeLessThan(100);
  const press = (key: string): void => void fireEvent.keyDown(list, { key });
  press("ArrowDown");
  press("ArrowDown");
  press("ArrowUp");
  expect(within(list).getByRole("option", { selected: true }).textContent).toBe("row 1");
  press("End");
  fireEvent.scroll(list);
  expect(within(list).getByRole("option", { selected: true }).textContent).toBe("row 9999");
  press("Enter");
  press("Home");
  press("ArrowUp");
  press("Enter");
  expect(opened).toEqual(["row 9999", "row 0"]);
});

test("rows that leave from the front do not move those that are read, and who goes back to the end follows it again", () => {
  const told: boolean[] = [];
  const shown = (removed: number, endAsked = 0): ReactNode => (
    <VirtualRows
      rows={Array.from({ length: 1_000 }, (_, n) => `row ${n + removed}`)}
      rowHeight={20}
      label="Log"
      role="listbox"
      rowRole="option"
      keyOf={(row) => row}
      active={-1}
      onActive={() => undefined}
      follow
      removed={removed}
      endAsked={endAsked}
      onEnd={(atEnd) => told.push(atEnd)}
    >
      {(row) => row}
    </VirtualRows>
  );
  const { rerender } = render(shown(0));
  const list = screen.getByRole("listbox", { name: "Log" });
  Object.defineProperties(list, { scrollHeight: { value: 20_000 }, clientHeight: { value: 800 } });
  rerender(shown(100));
  expect(list.scrollTop).toBe(20_000);
  list.scrollTop = 10_000;
  fireEvent.scroll(list);
  expect(within(list).getByText("row 600")).toBeTruthy();
  rerender(shown(150));
  fireEvent.scroll(list);
  expect(list.scrollTop).toBe(9_000);
  expect(within(list).getByText("row 600")).toBeTruthy();
  rerender(shown(150, 1));
  fireEvent.scroll(list);
  expect(within(list).getByText("row 1149")).toBeTruthy();
  expect(told).toEqual([false, true]);
});

test("the palette finds by name first, then by other words, and runs what is chosen", () => {
  const ran: string[] = [];
  const command = (id: string, name: string, words = ""): Command => ({
    id,
    name,
    group: "Group",
    words,
    run: () => ran.push(id),
  });
  const commands = [command("a", "Clear"), command("b", "hub.watch"), command("c", "Windows", "watch who is there")];
  expect(found(commands, "wat").map(({ id }) => id)).toEqual(["b", "c"]);
  expect(found(commands, "win").map(({ id }) => id)).toEqual(["c"]);
  const close = vi.fn();
  render(<Palette commands={commands} onClose={close} />);
  const field = screen.getByRole("combobox", { hidden: true });
  fireEvent.change(field, { target: { value: "wat" } });
  fireEvent.keyDown(field, { key: "ArrowDown" });
  fireEvent.keyDown(field, { key: "Enter" });
  expect([ran, close.mock.calls.length]).toEqual([["c"], 1]);
});

test("a method is called, its error stands at the field that caused it, and the history leads back", async () => {
  const { environment } = furnished();
  location.hash = "#methods";
  render(<Console environment={environment} />);
  const field = await screen.findByRole("textbox", { name: "what" });
  const buy = (what: string): void => {
    fireEvent.change(screen.getByRole("textbox", { name: "what" }), { target: { value: what } });
    fireEvent.click(screen.getByRole("button", { name: "Call" }));
  };
  fireEvent.change(field, { target: { value: "bread" } });
  buy("bread");
  expect(await screen.findByText('"bread"')).toBeTruthy();
  buy("moon");
  expect(await screen.findByText("INVALID_PAYLOAD")).toBeTruthy();
  expect(screen.getByText("expected something that is for sale")).toBeTruthy();
  expect(screen.getByRole("textbox", { name: "what" }).getAttribute("aria-invalid")).toBe("true");
  fireEvent.click(screen.getByRole("radio", { name: /History/ }));
  fireEvent.click(screen.getAllByRole("option")[1] as HTMLElement);
  expect(await screen.findByText('"bread"')).toBeTruthy();
  expect(screen.getByRole<HTMLTextAreaElement>("textbox", { name: "what" }).value).toBe("bread");
});

test("a peer that refuses to tell its methods or its state is said so, with a way to ask again", async () => {
  const { served, environment } = furnished();
  const refuse = (): never => {
    throw new RpcError("FORBIDDEN", "it needs the scope read");
  };
  served.endpoint.register("rpc.discover", refuse);
  served.endpoint.register("hub.watch", refuse);
  location.hash = "#methods";
  render(<Console environment={environment} />);
  expect(await screen.findByText("it needs the scope read")).toBeTruthy();
  served.endpoint.register("rpc.discover", () => ({ methods: [{ name: "now.known" }] }));
  fireEvent.click(screen.getByRole("button", { name: "Ask again" }));
  expect(await screen.findByRole("heading", { name: "now.known" })).toBeTruthy();
  fireEvent.keyDown(document, { key: "4" });
  expect(await screen.findByText("it needs the scope read")).toBeTruthy();
});

test("a lost connection is counted when it comes back, and shows as a gap between the round trips", async () => {
  const link = { request: vi.fn(() => Promise.resolve(null)), stream: vi.fn() };
  const connection = new Connection(link as unknown as Environment["link"]);
  ends.push(() => connection.stop());
  connection.become("open");
  await act(() => Promise.resolve());
  connection.become("connecting");
  expect(connection.standing.get()).toMatchObject({ phase: "lost", reconnects: 0 });
  connection.become("open");
  expect(connection.standing.get()).toMatchObject({ phase: "open", reconnects: 1 });
  expect(connection.latency.get()).toContain(null);
  expect(median([5, null, 1, 9])).toBe(5);
  expect(median([null])).toBeUndefined();
});

test("a stream goes on after a break where the method is known to be resumable, and a program never starts twice", async () => {
  const stream = vi.fn(async function* () {});
  const link = { request: vi.fn(), stream } as unknown as Environment["link"];
  for (const method of ["fs.tail", "process.run", "another.one"]) await new Run(1, method, null, "stream").start(link);
  expect(stream.mock.calls).toEqual([
    ["fs.tail", null, undefined, { resume: true }],
    ["process.run", null, undefined, { resume: false }],
    ["another.one", null, undefined, {}],
  ]);
});

test("entries of the slice of windows are read whatever they leave out", () => {
  expect(
    windowsOf({ "10": { transport: "ws", since: 2 }, "9": { transport: "unix", since: 2, name: "editor" }, "1": null }),
  ).toEqual([
    { id: "1", transport: "unknown", name: undefined, session: undefined, address: undefined, since: undefined },
    { id: "9", transport: "unix", name: "editor", session: undefined, address: undefined, since: 2 },
    { id: "10", transport: "ws", name: undefined, session: undefined, address: undefined, since: 2 },
  ]);
  expect(windowsOf(undefined)).toEqual([]);
});

test("numbers are written as people read them", () => {
  expect([0, 0.123, 4.56, 78.9, 1_234, 61_000, 3_700_000].map(milliseconds)).toEqual([
    "0 ms",
    "0.12 ms",
    "4.6 ms",
    "79 ms",
    "1.23 s",
    "1 min 1 s",
    "1 h 1 min",
  ]);
  expect([12, 1_234, 56_789, 1_234_567].map(bytes)).toEqual(["12 B", "1.2 kB", "57 kB", "1.2 MB"]);
  expect([0, 59_999, 90_000].map(lasting)).toEqual(["1 s", "59 s", "1 min 30 s"]);
});

test("a key without a name, as a browser sends it when it fills a field in, is no shortcut and no failure", async () => {
  const { environment } = furnished();
  render(<Console environment={environment} />);
  const failures: unknown[] = [];
  const note = (event: ErrorEvent): void => void failures.push(event.error);
  window.addEventListener("error", note);
  ends.push(() => window.removeEventListener("error", note));
  document.body.dispatchEvent(new Event("keydown", { bubbles: true }));
  expect(failures).toEqual([]);
});

test("a short message shows what is hidden in what it tells", async () => {
  const { environment } = furnished();
  render(<Console environment={environment} />);
  act(() => environment.toasts.say("no model \u202egpj\u001b[2K", undefined, "bad"));
  expect(await screen.findByText("no model ⟨U+202E⟩gpj␛[2K")).toBeTruthy();
});
