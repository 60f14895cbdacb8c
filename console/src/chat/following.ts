import { elementScroll, type VirtualizerOptions } from "@tanstack/react-virtual";
import { useCallback, useEffect, useLayoutEffect, useRef, useState, type RefObject } from "react";

/** Pixels from the end within which the reader is taken to be there. */
const NEAR_THE_END = 48;

type ScrollTo = VirtualizerOptions<HTMLDivElement, HTMLDivElement>["scrollToFn"];

/** What follows the end of a list, and says whether it does. */
export interface Following {
  isAtEnd: boolean;
  /** How many rows there were when the reader left the end. */
  seen: number;
  /** Goes to the end and follows it again. */
  toEnd: () => void;
  /** Follows no more: the reader goes elsewhere. */
  leave: () => void;
  /** Scrolls for the list, so that it is not taken for the reader. */
  scrollTo: ScrollTo;
}

/**
 * Keeps a list at its end, however its rows grow, until the reader goes up; and again once the end is in sight. Whatever
 * scrolls up is the reader, by wheel, key, bar or a program of theirs, unless it was the list itself. A list that begins
 * `elsewhere` is not at its end until it is brought there.
 */
export function useFollowing(
  scroller: RefObject<HTMLDivElement | null>,
  length: number,
  begins: "end" | "elsewhere" = "end",
): Following {
  const [isAtEnd, setAtEnd] = useState(begins === "end");
  const [seen, setSeen] = useState(begins === "end" ? 0 : length);
  const follows = useRef(begins === "end");
  /** Where the list itself scrolled to last, and where it was seen last. */
  const own = useRef(-1);
  const top = useRef(0);
  const rows = useRef(length);
  rows.current = length;

  const become = useCallback((isNear: boolean): void => {
    if (follows.current && !isNear) setSeen(rows.current);
    follows.current = isNear;
    setAtEnd(isNear);
  }, []);
  const hold = useCallback((): void => {
    const element = scroller.current;
    if (!element || !follows.current) return;
    element.scrollTop = element.scrollHeight;
    own.current = top.current = element.scrollTop;
  }, [scroller]);

  useEffect(() => {
    const element = scroller.current;
    if (!element) return undefined;
    const look = (): void => {
      const { scrollTop, scrollHeight, clientHeight } = element;
      const isOwn = Math.abs(scrollTop - own.current) < 2;
      if (scrollHeight - scrollTop - clientHeight <= NEAR_THE_END) become(true);
      else if (scrollTop < top.current && !isOwn) become(false);
      top.current = scrollTop;
    };
    // Before the list takes notice, which would bring the reader back.
    element.addEventListener("scroll", look, { passive: true, capture: true });
    if (!follows.current) look();
    const observer = new ResizeObserver(hold);
    observer.observe(element);
    return () => {
      element.removeEventListener("scroll", look, { capture: true });
      observer.disconnect();
    };
  }, [scroller, become, hold]);

  // Whenever anything of it is another: rows that came, and rows that were measured.
  useLayoutEffect(hold);

  const toEnd = useCallback((): void => {
    become(true);
    hold();
  }, [become, hold]);
  const scrollTo = useCallback<ScrollTo>((offset, options, instance) => {
    own.current = offset + (options.adjustments ?? 0);
    elementScroll(offset, options, instance);
  }, []);
  const leave = useCallback((): void => become(false), [become]);
  return { isAtEnd, seen, toEnd, leave, scrollTo };
}
