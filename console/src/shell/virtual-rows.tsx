import {
  useEffect,
  useId,
  useLayoutEffect,
  useRef,
  useState,
  type HTMLAttributes,
  type KeyboardEvent,
  type ReactNode,
  type RefObject,
} from "react";

import type { Rows } from "../ring.js";

/** What {@link VirtualRows} shows. */
export interface VirtualRowsProperties<T> {
  rows: Rows<T>;
  /** In pixels; every row is that high. */
  rowHeight: number;
  label: string;
  role: "tree" | "listbox" | "grid";
  rowRole: "treeitem" | "option" | "row";
  keyOf: (row: T, place: number) => string | number;
  /** The place of the row that the keyboard is on; -1 for none. */
  active: number;
  onActive: (place: number) => void;
  /** Asked first; true says that the key was used. */
  onRowKey?: (event: KeyboardEvent, row: T, place: number) => boolean;
  /** Double click, or Enter. */
  onOpen?: (row: T, place: number) => void;
  rowAttributes?: (row: T, place: number) => HTMLAttributes<HTMLElement> & { [data: `data-${string}`]: string | undefined };
  /** Stays at the end while rows are added, if it was there. */
  follow?: boolean;
  /** Lets the elements of rows that leave the sight show those that come into it: for rows that come by the thousand. */
  recycles?: boolean;
  /** How many rows have left from the front so far: those in sight stay where they are when it rises. */
  removed?: number;
  /** Scrolls to the end, and follows it again, whenever it is another number. */
  endAsked?: number;
  /** Told when the reader leaves the end, and when the end is in sight again. */
  onEnd?: (atEnd: boolean) => void;
  className?: string;
  children: (row: T, place: number) => ReactNode;
}

const NEAR_THE_END = 4;
/** Rows beyond each edge that exist already. */
const BEYOND = 6;

/** Rows of which only those in sight exist. One stop for the Tab key; arrows, Home, End and Page keys move within. */
export function VirtualRows<T>(properties: VirtualRowsProperties<T>): ReactNode {
  const { rows, rowHeight, active, onActive, follow = false, rowAttributes, removed = 0, endAsked = 0 } = properties;
  const scroller = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const lastTop = useRef(0);
  const id = useId();
  const sight = useSight(scroller);
  // Where the end is followed, the rows are those that will be in sight: not those before the scrolling, and then again.
  const top = follow && atEnd.current ? rows.length * rowHeight - sight.height : sight.top;
  const first = Math.max(0, Math.min(Math.floor(top / rowHeight), rows.length - 1) - BEYOND);
  const slots = Math.ceil(sight.height / rowHeight) + 2 * BEYOND + 1;
  const places = Array.from({ length: Math.max(0, Math.min(slots, rows.length - first)) }, (_, at) => first + at);

  const become = (isAtEnd: boolean): void => {
    if (atEnd.current === isAtEnd) return;
    atEnd.current = isAtEnd;
    properties.onEnd?.(isAtEnd);
  };

  const known = useRef(removed);
  useLayoutEffect(() => {
    const gone = removed - known.current;
    known.current = removed;
    if (gone > 0 && !atEnd.current && scroller.current) scroller.current.scrollTop -= gone * rowHeight;
  }, [removed]);

  useLayoutEffect(() => {
    if (endAsked > 0) become(true);
  }, [endAsked]);

  useLayoutEffect(() => {
    const element = scroller.current;
    if (!follow || !atEnd.current || !element) return;
    element.scrollTop = rows.length * rowHeight;
    lastTop.current = element.scrollTop;
  }, [follow, rows.length, endAsked, sight.height]);

  useEffect(() => {
    const element = scroller.current;
    if (!element || active < 0 || active >= rows.length) return;
    const top = active * rowHeight;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + rowHeight > element.scrollTop + element.clientHeight)
      element.scrollTop = top + rowHeight - element.clientHeight;
    become(isNearEnd(element));
  }, [active + removed]);

  const noteScroll = (): void => {
    const element = scroller.current;
    if (!element) return;
    // Where it got lower or longer, the end is out of sight though nobody went away from it.
    if (isNearEnd(element)) become(true);
    else if (element.scrollTop < lastTop.current) become(false);
    lastTop.current = element.scrollTop;
    sight.look();
  };

  const move = (event: KeyboardEvent): void => {
    const row = active < 0 ? undefined : rows.at(active);
    if (row !== undefined && properties.onRowKey?.(event, row, active)) return event.preventDefault();
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / rowHeight) - 1);
    const target = targetOf(event.key, active, rows.length, page);
    if (target !== undefined) onActive(target);
    else if (event.key === "Enter" && row !== undefined && properties.onOpen) properties.onOpen(row, active);
    else return;
    event.preventDefault();
  };

  const rowId = (place: number): string => `${id}-${properties.keyOf(rows.at(place) as T, place)}`;
  return (
    <div
      ref={scroller}
      className={`rows ${properties.className ?? ""}`}
      role={properties.role}
      aria-label={properties.label}
      aria-rowcount={properties.role === "grid" ? rows.length : undefined}
      aria-activedescendant={active >= 0 && active < rows.length ? rowId(active) : undefined}
      tabIndex={0}
      onScroll={noteScroll}
      onWheel={(event) => {
        // Before it scrolls: rows that arrive meanwhile would take the reader back to the end.
        if (event.deltaY < 0 && (scroller.current?.scrollTop ?? 0) > 0) become(false);
      }}
      onKeyDown={move}
    >
      <div className="rows-canvas" role="presentation" style={{ height: rows.length * rowHeight }}>
        {places.map((place) => {
          const row = rows.at(place);
          if (row === undefined) return null;
          return (
            <div
              key={properties.recycles ? place % slots : properties.keyOf(row, place)}
              id={rowId(place)}
              role={properties.rowRole}
              aria-selected={place === active}
              aria-rowindex={properties.role === "grid" ? place + 1 : undefined}
              {...rowAttributes?.(row, place)}
              className={place === active ? "row row-active" : "row"}
              style={{ height: rowHeight, transform: `translateY(${place * rowHeight}px)` }}
              onClick={() => onActive(place)}
              onDoubleClick={() => properties.onOpen?.(row, place)}
            >
              {properties.children(row, place)}
            </div>
          );
        })}
      </div>
    </div>
  );
}

function isNearEnd({ scrollHeight, scrollTop, clientHeight }: HTMLElement): boolean {
  return scrollHeight - scrollTop - clientHeight < NEAR_THE_END;
}

/** Which part of what scrolls is in sight, in pixels. */
function useSight(scroller: RefObject<HTMLElement | null>): { top: number; height: number; look: () => void } {
  const [sight, setSight] = useState({ top: 0, height: 0 });
  const look = (): void => {
    const element = scroller.current;
    if (!element) return;
    const { scrollTop: top, offsetHeight: height } = element;
    setSight((known) => (known.top === top && known.height === height ? known : { top, height }));
  };
  useLayoutEffect(() => {
    look();
    const observer = new ResizeObserver(look);
    if (scroller.current) observer.observe(scroller.current);
    return () => observer.disconnect();
  }, []);
  return { ...sight, look };
}

function targetOf(key: string, active: number, count: number, page: number): number | undefined {
  if (count === 0) return undefined;
  const within = (place: number): number => Math.max(0, Math.min(count - 1, place));
  switch (key) {
    case "ArrowDown":
      return within(active + 1);
    case "ArrowUp":
      return within(active - 1);
    case "PageDown":
      return within(active + page);
    case "PageUp":
      return within(active - page);
    case "Home":
      return 0;
    case "End":
      return count - 1;
    default:
      return undefined;
  }
}
