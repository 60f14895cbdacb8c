import { defaultRangeExtractor, type Range } from "@tanstack/react-virtual";
import { useCallback, useEffect, useRef, type RefObject } from "react";

import type { Row } from "./rows.js";

/**
 * The rows that exist: those in sight, and the one with the focus wherever it is. The focus would go with its row, when others
 * come and the end is followed.
 */
export function useFocusedRow(scroller: RefObject<HTMLElement | null>, rows: readonly Row[]): (range: Range) => number[] {
  const focused = useRef<string | undefined>(undefined);
  const known = useRef(rows);
  known.current = rows;
  useEffect(() => {
    const element = scroller.current;
    if (!element) return undefined;
    const enter = ({ target }: FocusEvent): void => {
      const index = (target as Element).closest<HTMLElement>("[data-index]")?.dataset["index"];
      focused.current = index === undefined ? undefined : known.current[Number(index)]?.key;
    };
    const leave = (): void => {
      // Where the window loses it, the row gets it back with the window.
      if (document.hasFocus()) focused.current = undefined;
    };
    element.addEventListener("focusin", enter);
    element.addEventListener("focusout", leave);
    return () => {
      element.removeEventListener("focusin", enter);
      element.removeEventListener("focusout", leave);
    };
  }, [scroller]);
  return useCallback(
    (range) => {
      const inSight = defaultRangeExtractor(range);
      const at = focused.current === undefined ? -1 : rows.findIndex(({ key }) => key === focused.current);
      if (at < 0 || inSight.includes(at)) return inSight;
      return at < (inSight[0] ?? 0) ? [at, ...inSight] : [...inSight, at];
    },
    [rows],
  );
}
