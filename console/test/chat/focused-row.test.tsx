import { fireEvent, renderHook } from "@testing-library/react";
import { expect, test, vi } from "vitest";

import { useFocusedRow } from "../../src/chat/focused-row.js";
import type { Row } from "../../src/chat/rows.js";

test("the row with the focus exists wherever it is, until it loses it", () => {
  vi.spyOn(document, "hasFocus").mockReturnValue(true);
  const list = document.createElement("div");
  list.innerHTML = '<div data-index="3"><button></button></div>';
  document.body.append(list);
  const rows = Array.from({ length: 100 }, (_, at) => ({ key: `row ${at}` }) as Row);
  const { result, rerender } = renderHook(({ rows }) => useFocusedRow({ current: list }, rows), { initialProps: { rows } });
  const range = { startIndex: 50, endIndex: 52, overscan: 1, count: 100 };
  expect(result.current(range)).toEqual([49, 50, 51, 52, 53]);
  const button = list.querySelector("button") as HTMLElement;
  fireEvent.focusIn(button);
  expect(result.current(range)).toEqual([3, 49, 50, 51, 52, 53]);
  rerender({ rows: rows.slice(1) });
  expect(result.current(range)).toEqual([2, 49, 50, 51, 52, 53]);
  fireEvent.focusOut(button);
  expect(result.current(range)).toEqual([49, 50, 51, 52, 53]);
  list.remove();
});
