import { useEffect, useState, type RefObject } from "react";

import { SETTLE_MS } from "./hooks.js";

/** How much of an element is in view that is in view: all of it, but for what rounding takes. */
const ALL = 0.95;

/**
 * Whether an element is in view, whatever scrolls around it, and has stood still for a moment since it came there. Where that
 * cannot be known, it is not.
 */
export function useStandsInView(ref: RefObject<Element | null>): boolean {
  const [stands, setStands] = useState(false);
  useEffect(() => {
    const element = ref.current;
    if (element === null || globalThis.IntersectionObserver === undefined) return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const wait = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        timer = undefined;
        setStands(true);
      }, SETTLE_MS);
    };
    const leave = (): void => {
      clearTimeout(timer);
      timer = undefined;
      setStands(false);
    };
    const observer = new IntersectionObserver((entries) => ((entries.at(-1)?.intersectionRatio ?? 0) >= ALL ? wait() : leave()), {
      threshold: ALL,
    });
    // What still moves has not stood still; what has stood may be scrolled.
    const move = ({ target }: Event): void => {
      if (timer !== undefined && target instanceof Node && target.contains(element)) wait();
    };
    observer.observe(element);
    document.addEventListener("scroll", move, { capture: true, passive: true });
    return () => {
      observer.disconnect();
      document.removeEventListener("scroll", move, { capture: true });
      leave();
    };
  }, [ref]);
  return stands;
}
