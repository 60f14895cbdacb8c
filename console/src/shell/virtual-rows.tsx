import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useId, useLayoutEffect, useRef, type HTMLAttributes, type KeyboardEvent, type ReactNode } from "react";

/** What {@link VirtualRows} shows. */
export interface VirtualRowsProperties<T> {
  rows: readonly T[];
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
  className?: string;
  children: (row: T, place: number) => ReactNode;
}

const NEAR_THE_END = 4;

/** Rows of which only those in sight exist. One stop for the Tab key; arrows, Home, End and Page keys move within. */
export function VirtualRows<T>(properties: VirtualRowsProperties<T>): ReactNode {
  const { rows, rowHeight, active, onActive, follow = false, rowAttributes } = properties;
  const scroller = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const id = useId();
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 8,
    getItemKey: (place) => properties.keyOf(rows[place] as T, place),
  });

  useLayoutEffect(() => {
    const element = scroller.current;
    if (follow && atEnd.current && element) element.scrollTop = element.scrollHeight;
  }, [follow, rows.length]);

  useEffect(() => {
    if (active >= 0 && active < rows.length) virtualizer.scrollToIndex(active, { align: "auto" });
  }, [active]);

  const noteScroll = (): void => {
    const element = scroller.current;
    if (element) atEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_THE_END;
  };

  const move = (event: KeyboardEvent): void => {
    const row = rows[active];
    if (row !== undefined && properties.onRowKey?.(event, row, active)) return event.preventDefault();
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / rowHeight) - 1);
    const target = targetOf(event.key, active, rows.length, page);
    if (target !== undefined) onActive(target);
    else if (event.key === "Enter" && row !== undefined && properties.onOpen) properties.onOpen(row, active);
    else return;
    event.preventDefault();
  };

  const rowId = (place: number): string => `${id}-${properties.keyOf(rows[place] as T, place)}`;
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
      onKeyDown={move}
    >
      <div className="rows-canvas" role="presentation" style={{ height: virtualizer.getTotalSize() }}>
        {virtualizer.getVirtualItems().map(({ index, start, key }) => {
          const row = rows[index];
          if (row === undefined) return null;
          return (
            <div
              key={key}
              id={rowId(index)}
              role={properties.rowRole}
              aria-selected={index === active}
              aria-rowindex={properties.role === "grid" ? index + 1 : undefined}
              {...rowAttributes?.(row, index)}
              className={index === active ? "row row-active" : "row"}
              style={{ height: rowHeight, transform: `translateY(${start}px)` }}
              onClick={() => onActive(index)}
              onDoubleClick={() => properties.onOpen?.(row, index)}
            >
              {properties.children(row, index)}
            </div>
          );
        })}
      </div>
    </div>
  );
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
