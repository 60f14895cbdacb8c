/** Words that come back while somebody writes. */

import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { expect, test } from "vitest";

import { Typed } from "../../src/chat/typed.js";
import { useSteadyField } from "../../src/chat/steady-field.js";
import { useStore } from "../../src/store.js";

/** A field for the draft of a session, and the words that are in it. */
function written(text: string): { typed: Typed; field: HTMLTextAreaElement; add: (words: string) => void } {
  const typed = new Typed();
  typed.write("ses_1", text);
  const Field = () => <textarea {...useSteadyField(useStore(typed.drafts).get("ses_1") ?? "", (next) => typed.write("ses_1", next))} />;
  render(<Field />);
  const field = screen.getByRole<HTMLTextAreaElement>("textbox");
  field.focus();
  return { typed, field, add: (words) => act(() => typed.add("ses_1", [words])) };
}

const selected = ({ selectionStart, selectionEnd, selectionDirection }: HTMLTextAreaElement): unknown[] => [selectionStart, selectionEnd, selectionDirection];

test("the caret and what is selected stay where they are when words come behind what is written", () => {
  const { field, add } = written("hello world");
  field.setSelectionRange(1, 1);
  add("waits");
  expect([field.value, selected(field)]).toEqual(["hello world\n\nwaits", [1, 1, "none"]]);
  field.setSelectionRange(2, 8, "backward");
  add("waited too");
  expect(selected(field)).toEqual([2, 8, "backward"]);
  // Another client may break lines otherwise than a field does.
  add("of\r\nanother");
  add("client");
  expect(selected(field)).toEqual([2, 8, "backward"]);
  // Whoever is at the end of what is written goes on there.
  const end = field.value.length;
  field.setSelectionRange(end, end);
  add("last");
  expect(selected(field)).toEqual([end, end, "none"]);
});

test("in a field that says nothing the caret is behind the words that come", () => {
  const { field, add } = written("");
  add("waits");
  expect(selected(field)).toEqual([5, 5, "none"]);
});

test("while a character is composed the field says what is composed, and the draft all of it", () => {
  const { typed, field, add } = written("앞 ");
  fireEvent.compositionStart(field);
  fireEvent.change(field, { target: { value: "앞 하" } });
  add("waits");
  add("waited too");
  expect([field.value, typed.draft("ses_1")]).toEqual(["앞 하", "앞 하\n\nwaits\n\nwaited too"]);
  fireEvent.change(field, { target: { value: "앞 한" } });
  expect([field.value, typed.draft("ses_1")]).toEqual(["앞 한", "앞 한\n\nwaits\n\nwaited too"]);
  field.setSelectionRange(3, 3);
  fireEvent.compositionEnd(field);
  expect([field.value, selected(field)]).toEqual(["앞 한\n\nwaits\n\nwaited too", [3, 3, "none"]]);
  fireEvent.change(field, { target: { value: "next" } });
  expect([field.value, typed.draft("ses_1")]).toEqual(["next", "next"]);
});

test("what is composed in an empty field stands in front of the words that came, and leaves nothing where it is left", () => {
  for (const composed of ["하", ""]) {
    const { typed, field, add } = written("");
    fireEvent.compositionStart(field);
    add("waits");
    expect(field.value).toBe("");
    fireEvent.change(field, { target: { value: "ㅎ" } });
    fireEvent.change(field, { target: { value: composed } });
    fireEvent.compositionEnd(field);
    expect([field.value, typed.draft("ses_1")]).toEqual(composed === "" ? ["waits", "waits"] : ["하\n\nwaits", "하\n\nwaits"]);
    cleanup();
  }
});

test("what is sent while a character is composed is gone from the field", () => {
  const { typed, field } = written("");
  fireEvent.compositionStart(field);
  fireEvent.change(field, { target: { value: "하" } });
  act(() => typed.write("ses_1", ""));
  expect(field.value).toBe("");
  fireEvent.compositionEnd(field);
  expect(typed.draft("ses_1")).toBe("");
});

test("in a field that comes up with a draft one goes on behind that", () => {
  const { field, add } = written("a draft");
  expect(selected(field)).toEqual([7, 7, "none"]);
  add("waits");
  expect(selected(field)).toEqual([7, 7, "none"]);
});
