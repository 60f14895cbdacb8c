import { expect, test } from "vitest";

import { catchFocus, focusAsked } from "../../src/chat/focus-asked.js";
import { meaningOf, type KeyPress } from "../../src/chat/keys.js";

const press = (key: string, more: Partial<KeyPress> = {}): KeyPress => ({
  key,
  keyCode: key === "Enter" ? 13 : 27,
  shiftKey: false,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  isComposing: false,
  ...more,
});

test("Enter sends, Shift Enter breaks the line, Escape stops", () => {
  expect(meaningOf(press("Enter"))).toBe("send");
  expect(meaningOf(press("Enter", { shiftKey: true }))).toBe("none");
  expect(meaningOf(press("Enter", { altKey: true }))).toBe("none");
  expect(meaningOf(press("Escape"))).toBe("stop");
  expect(meaningOf(press("a"))).toBe("none");
});

test("no key means anything while an input method composes, however the browser says so", () => {
  for (const key of ["Enter", "Escape"]) {
    expect(meaningOf(press(key, { isComposing: true }))).toBe("none");
    expect(meaningOf(press(key, { keyCode: 229 }))).toBe("none");
  }
});

test("the focus is caught where it is lost, and taken from nobody", () => {
  const field = document.body.appendChild(document.createElement("input"));
  field.focus();
  catchFocus();
  expect(focusAsked.get()).toBe(false);
  field.remove();
  catchFocus();
  expect(focusAsked.get()).toBe(true);
  focusAsked.set(false);
});
