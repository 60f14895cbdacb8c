import { Square } from "lucide-react";
import { useEffect, useReducer, useState, type ReactNode } from "react";

import { CopyButton } from "../json/copy-button.js";
import { JsonTree } from "../json/json-tree.js";
import { JsonValue } from "../json/json-value.js";
import { placeOf } from "../ring.js";
import { count, milliseconds } from "../shell/units.js";
import { VirtualRows } from "../shell/virtual-rows.js";
import { useStore } from "../store.js";
import { ErrorCard } from "./error-card.js";
import type { Run, RunItem, RunView } from "./run.js";

const WORDS: Record<RunView["state"], string> = {
  running: "running",
  done: "done",
  failed: "failed",
  cancelled: "cancelled",
};

/** What came of a call. */
export function Result({ run }: { run: Run }): ReactNode {
  const view = useStore(run.view);
  useTicks(view.state === "running");
  return (
    <section className="result" aria-label="Result">
      <div className="result-bar">
        <span className="outcome" data-state={view.state} role="status">
          <span className="outcome-dot" aria-hidden />
          {run.mode === "stream" && view.state === "running" ? "streaming" : WORDS[view.state]}
        </span>
        <span className="result-fact">{milliseconds(run.duration)}</span>
        {run.mode === "stream" && (
          <span className="result-fact">
            {count(view.count)} {view.count === 1 ? "item" : "items"}
          </span>
        )}
        <span className="spacer" />
        {view.result && <CopyButton text={() => JSON.stringify(view.result?.value, null, 2) ?? ""} />}
        {view.state === "running" && (
          <button type="button" className="button button-danger" onClick={() => run.cancel()}>
            <Square size={12} aria-hidden /> Cancel
          </button>
        )}
      </div>
      {view.failure && <ErrorCard failure={view.failure} />}
      {view.result && (
        <div className="result-tree">
          <JsonTree key={run.number} value={view.result.value} label="Answer" depth={2} rootName="result" />
        </div>
      )}
      {run.mode === "stream" && !view.result && <Items key={run.number} view={view} />}
    </section>
  );
}

/** The items of a stream, and the one that is looked at. */
function Items({ view: { items, count: all, state } }: { view: RunView }): ReactNode {
  const [number, setNumber] = useState<number | undefined>(undefined);
  const place = placeOf(items, number);
  const item = items.at(place);
  if (all === 0)
    return state === "running" ? (
      <p className="empty-line">No item yet.</p>
    ) : state === "done" ? (
      <p className="empty-line">It ended without an item.</p>
    ) : null;
  return (
    <div className="items">
      <VirtualRows<RunItem>
        className="item-list"
        rows={items}
        rowHeight={26}
        role="listbox"
        rowRole="option"
        label="Items"
        keyOf={(row) => row.number}
        active={place}
        onActive={(next) => setNumber(items.at(next)?.number)}
        recycles
        follow={item === undefined}
      >
        {(row) => (
          <>
            <span className="item-number">{row.number}</span>
            <span className="item-after">{milliseconds(row.after)}</span>
            <JsonValue value={row.value} longest={200} />
          </>
        )}
      </VirtualRows>
      {item && (
        <div className="item-detail">
          <div className="item-detail-bar">
            <span>Item {count(item.number)}</span>
            <span className="spacer" />
            <CopyButton text={() => JSON.stringify(item.value, null, 2) ?? ""} />
            <button type="button" className="link-button" onClick={() => setNumber(undefined)}>
              Follow
            </button>
          </div>
          <JsonTree value={item.value} label={`Item ${item.number}`} depth={3} rootName="item" />
        </div>
      )}
    </div>
  );
}

/** Renders a few times a second while it is wanted. */
function useTicks(wanted: boolean): void {
  const [, tick] = useReducer((ticks: number) => ticks + 1, 0);
  useEffect(() => {
    if (!wanted) return undefined;
    const timer = setInterval(tick, 250);
    return () => clearInterval(timer);
  }, [wanted]);
}
