import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDownToLine, ChevronRight, CornerDownRight } from "lucide-react";
import {
  memo, useCallback, useLayoutEffect, useMemo, useRef, useState, type KeyboardEvent, type ReactNode,
} from "react";

import { visible } from "../render/plain.js";
import { count } from "../shell/units.js";
import type { Entry } from "./entry.js";
import { EntryView, labelOf } from "./entry-view.js";
import { useFocusedRow } from "./focused-row.js";
import { useFollowing } from "./following.js";
import { FolderContext, OpennessProvider, useOpen, type Openness } from "./openness.js";
import { rowsOf, type Row, type StepsRow } from "./rows.js";
import type { SessionFold } from "./session-fold.js";

/**
 * The history of a session: only what is in sight exists, each row as high as it is. Follows the end unless the reader went
 * up. Who renders it does so whenever something of the history changed.
 */
export function MessageList({
  fold,
  onRetry,
  at,
}: {
  fold: SessionFold;
  onRetry: ((promptId: string) => void) | undefined;
  /** Where to begin: at the entry of this key, or at the first; at the end where it is absent. */
  at?: "first" | (string & {}) | undefined;
}): ReactNode {
  const scroller = useRef<HTMLDivElement>(null);
  const [chosen, setChosen] = useState<ReadonlyMap<string, boolean>>(new Map());
  const openness = useOpenness(chosen, setChosen);
  const folded = useMemo(() => new Set([...chosen].flatMap(([key, isOpen]) => (isOpen ? [] : [key]))), [chosen]);
  const { structure } = fold;
  const rows = useMemo(() => rowsOf(fold, folded), [fold, structure, folded]);
  const begins = at === undefined ? "end" : "elsewhere";
  const { isAtEnd, seen, toEnd, leave, scrollTo } = useFollowing(scroller, rows.length, begins);
  const virtualizer = useVirtualizer<HTMLDivElement, HTMLDivElement>({
    count: rows.length,
    getScrollElement: () => scroller.current,
    getItemKey: useCallback((at: number) => rows[at]?.key ?? at, [rows]),
    estimateSize: useCallback((at: number) => estimate(rows[at], fold), [rows, fold]),
    rangeExtractor: useFocusedRow(scroller, rows),
    overscan: 6,
    paddingStart: 16,
    paddingEnd: 16,
    scrollToFn: scrollTo,
    useFlushSync: false,
  });
  // A browser gets there by and by, and gives up where rows turn out to be higher than was thought.
  const jump = (event: KeyboardEvent): void => {
    if (event.target !== event.currentTarget || (event.key !== "Home" && event.key !== "End")) return;
    event.preventDefault();
    if (event.key === "End") return toEnd();
    leave();
    virtualizer.scrollToIndex(0);
  };

  const start = at === undefined ? -1 : Math.max(0, rows.findIndex(({ key }) => key === at));
  useLayoutEffect(() => {
    if (start >= 0) virtualizer.scrollToIndex(start, { align: "start" });
  }, [virtualizer, at]);

  return (
    <Provided folder={fold.facts.cwd} openness={openness}>
      <div className="messages-frame">
        <div
          ref={scroller}
          className="messages"
          role="log"
          aria-label="Messages"
          // What is new is said by a status of its own: rows that scroll into sight are not new.
          aria-live="off"
          tabIndex={0}
          onKeyDown={jump}
        >
          <div className="messages-canvas" role="presentation" style={{ height: virtualizer.getTotalSize() }}>
            {virtualizer.getVirtualItems().map(({ key, index, start }) => {
              const row = rows[index];
              if (row === undefined) return null;
              const entry = row.kind === "entry" ? fold.entry(row.key) : undefined;
              return (
                <div
                  key={key}
                  ref={virtualizer.measureElement}
                  data-index={index}
                  data-found={at !== undefined && key === at}
                  className="message-row"
                  style={{ transform: `translateY(${start}px)` }}
                  role="article"
                  aria-label={entry ? labelOf(entry) : undefined}
                  aria-posinset={index + 1}
                  aria-setsize={rows.length}
                >
                  <div className="message-column">
                    <RowView
                      row={row}
                      entry={entry}
                      sessionId={fold.sessionId}
                      onRetry={onRetry}
                      said={row.kind === "steps" ? stepWords(row, fold) : ""}
                    />
                  </div>
                </div>
              );
            })}
          </div>
        </div>
        {!isAtEnd && (
          <button type="button" className="button button-small to-end" onClick={toEnd}>
            <ArrowDownToLine size={13} aria-hidden />
            {rows.length > seen ? `${count(rows.length - seen)} new` : "To the end"}
          </button>
        )}
      </div>
    </Provided>
  );
}

/** What rows need to know of the history as a whole. */
function Provided({ folder, openness, children }: { folder: string; openness: Openness; children: ReactNode }): ReactNode {
  return (
    <FolderContext value={folder}>
      <OpennessProvider value={openness}>{children}</OpennessProvider>
    </FolderContext>
  );
}

function useOpenness(
  chosen: ReadonlyMap<string, boolean>,
  setChosen: (change: (chosen: ReadonlyMap<string, boolean>) => ReadonlyMap<string, boolean>) => void,
): Openness {
  return useMemo(
    () => ({
      isOpen: (key, usual) => chosen.get(key) ?? usual,
      set: (key, isOpen) => setChosen((known) => new Map(known).set(key, isOpen)),
    }),
    [chosen, setChosen],
  );
}

/** Renders again only when what it shows is another object. */
const RowView = memo(function RowView({
  row,
  entry,
  sessionId,
  onRetry,
  said,
}: {
  row: Row;
  entry: Entry | undefined;
  sessionId: string;
  onRetry: ((promptId: string) => void) | undefined;
  said: string;
}): ReactNode {
  if (row.kind === "forgotten")
    return <p className="note">{count(row.count)} older entries are not kept here. The session's log has them all.</p>;
  if (row.kind === "steps") return <Steps row={row} said={said} />;
  if (!entry) return null;
  return (
    <div className="nest" style={{ paddingInlineStart: row.depth * 18 }}>
      {row.children !== "none" && <ChildrenButton row={row} />}
      <EntryView entry={entry} sessionId={sessionId} onRetry={onRetry} />
    </div>
  );
}, areAlike);

function areAlike(before: { row: Row; [name: string]: unknown }, after: { row: Row; [name: string]: unknown }): boolean {
  const [one, other] = [before.row, after.row];
  const isSameRow =
    one.kind === other.kind &&
    one.key === other.key &&
    (one.kind !== "entry" || other.kind !== "entry" || (one.depth === other.depth && one.children === other.children)) &&
    (one.kind !== "steps" || other.kind !== "steps" || one.isOpen === other.isOpen) &&
    (one.kind !== "forgotten" || other.kind !== "forgotten" || one.count === other.count);
  return isSameRow && ["entry", "sessionId", "onRetry", "said"].every((name) => before[name] === after[name]);
}

function Steps({ row, said }: { row: StepsRow; said: string }): ReactNode {
  const [, set] = useOpen(row.key, true);
  return (
    <button type="button" className="steps" aria-expanded={row.isOpen} onClick={() => set(!row.isOpen)}>
      <ChevronRight size={14} className="fold-arrow" aria-hidden />
      {said}
    </button>
  );
}

function ChildrenButton({ row }: { row: Row & { kind: "entry" } }): ReactNode {
  const [, set] = useOpen(row.key, true);
  const isOpen = row.children === "open";
  return (
    <button
      type="button"
      className="icon-button icon-small nest-button"
      aria-expanded={isOpen}
      aria-label={isOpen ? "Fold what it did" : "Show what it did"}
      onClick={() => set(!isOpen)}
    >
      <CornerDownRight size={13} aria-hidden />
    </button>
  );
}

/** What the agent did in these steps, in a line. */
function stepWords({ steps }: StepsRow, fold: SessionFold): string {
  const counts = new Map<string, number>();
  let bad = 0;
  for (const key of steps) {
    const entry = fold.entry(key);
    if (entry?.type !== "item") continue;
    const word = entry.kind === "thought" ? "thought" : entry.kind === "subagent" ? "subagent" : "tool";
    counts.set(word, (counts.get(word) ?? 0) + 1);
    if (entry.status === "failed") bad += 1;
  }
  const words = [...counts].map(([word, many]) => `${count(many)} ${many === 1 ? word : `${word}s`}`);
  return visible([...words, ...(bad > 0 ? [`${count(bad)} failed`] : [])].join(" · "));
}

/** How high a row may be before it was measured. */
function estimate(row: Row | undefined, fold: SessionFold): number {
  if (row?.kind !== "entry") return 34;
  const entry = fold.entry(row.key);
  if (entry?.type === "turn") return 44;
  if (entry?.type !== "item") return 30;
  if (entry.kind === "tool_call" || entry.kind === "thought") return 34;
  return 40 + Math.ceil(entry.text.text.length / 90) * 20;
}
