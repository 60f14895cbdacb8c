import { useEffect, useRef, type FocusEvent } from "react";

/** What a part is given, so that it is known to have the focus. */
export interface Holding {
  onFocus: () => void;
  onBlur: (event: FocusEvent) => void;
}

/** Tells `onLost` when a part is gone that had the focus last, with which the focus went. `ids` are the parts that are there. */
export function useHeldFocus(ids: readonly string[], onLost: (() => void) | undefined): (id: string) => Holding {
  const held = useRef<string | undefined>(undefined);
  const joined = ids.join(" ");
  useEffect(() => {
    if (held.current === undefined || ids.includes(held.current)) return;
    held.current = undefined;
    onLost?.();
  }, [joined]);
  return (id) => ({
    onFocus: () => void (held.current = id),
    // What goes to nothing may have gone with the part, or with the window.
    onBlur: ({ relatedTarget }) => void (relatedTarget !== null && (held.current = undefined)),
  });
}

/** Whether nothing has the focus: keys go to the page, where they show other panels. */
export function isFocusLost(): boolean {
  return document.activeElement === null || document.activeElement === document.body;
}
