/** While an input method composes a character, its keys are its own: Enter takes what it offers, Escape leaves that. */

import { fireEvent, render, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";

import { Palette } from "../src/commands/palette.js";
import type { MethodInfo } from "../src/methods/catalogue.js";
import { NewKey } from "../src/methods/group-inputs.js";
import { MethodPage } from "../src/methods/method-page.js";
import { LogBar } from "../src/processes/log-bar.js";
import { ValueEditor } from "../src/state/value-editor.js";

/** Presses keys as browsers tell of them while a character is composed, and then one that is meant. */
function expectWaits(field: HTMLElement, key: object, done: () => unknown): void {
  const before = done();
  fireEvent.keyDown(field, { ...key, isComposing: true });
  fireEvent.keyDown(field, { ...key, keyCode: 229 });
  expect(done()).toEqual(before);
  fireEvent.keyDown(field, key);
  expect(done()).not.toEqual(before);
}

test("the palette runs nothing and chooses nothing else", () => {
  const run = vi.fn();
  const commands = [1, 2].map((at) => ({ id: `${at}`, name: `Command ${at}`, group: "Group", run }));
  render(<Palette commands={commands} onClose={() => undefined} />);
  const field = screen.getByRole("combobox", { hidden: true });
  expectWaits(field, { key: "ArrowDown" }, () => field.getAttribute("aria-activedescendant"));
  expectWaits(field, { key: "Enter" }, () => run.mock.calls.length);
});

test("an editor of a value takes nothing and does not close; Enter on a button of it does what that says", () => {
  const [done, leave] = [vi.fn(), vi.fn()];
  render(<ValueEditor value="a" label="Value" onDone={done} onLeave={leave} />);
  const field = screen.getByRole("textbox", { name: "Value" });
  expectWaits(field, { key: "Enter" }, () => done.mock.calls.length);
  expectWaits(field, { key: "Escape" }, () => leave.mock.calls.length);
  expect(fireEvent.keyDown(screen.getByRole("button", { name: "Leave" }), { key: "Enter" })).toBe(true);
  expect(done).toHaveBeenCalledTimes(1);
});

test("a key is not added, a search goes nowhere, and nothing is called", () => {
  const [add, step, call] = [vi.fn(), vi.fn(), vi.fn()];
  const method = { name: "shop.buy", summary: "", params: { type: "object", properties: { what: { type: "string" } } }, shape: "unary" } as unknown as MethodInfo;
  render(
    <>
      <NewKey taken={{}} onAdd={add} />
      <LogBar filter={{ text: "a", stream: "both", only: false }} onFilter={() => undefined} found={2} at={0} onStep={step} text={() => ""} onSave={() => undefined} />
      <MethodPage method={method} payload={{ what: "x" }} onPayload={() => undefined} onCall={call} refused={[]} />
    </>,
  );
  const key = screen.getByRole("textbox", { name: "Name of a new key" });
  fireEvent.change(key, { target: { value: "a" } });
  expectWaits(key, { key: "Enter" }, () => add.mock.calls.length);
  expectWaits(screen.getByRole("searchbox", { name: "Search in the log" }), { key: "Enter" }, () => step.mock.calls.length);
  expectWaits(screen.getByRole("textbox", { name: "what" }), { key: "Enter", ctrlKey: true }, () => call.mock.calls.length);
});
