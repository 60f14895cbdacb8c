import type { ReactNode } from "react";

import { JsonValue } from "../json/json-value.js";
import { clock } from "../shell/units.js";
import { VirtualRows } from "../shell/virtual-rows.js";
import { useStore } from "../store.js";
import type { Run } from "./run.js";

/** The calls of this page, the newest first. */
export function HistoryList({
  runs,
  selected,
  onSelect,
}: {
  runs: readonly Run[];
  selected: Run | undefined;
  onSelect: (run: Run) => void;
}): ReactNode {
  if (runs.length === 0) return <p className="empty-line">Nothing was called yet.</p>;
  return (
    <VirtualRows
      className="history-list"
      rows={runs}
      rowHeight={46}
      role="listbox"
      rowRole="option"
      label="Calls of this page"
      keyOf={(run) => run.number}
      active={selected ? runs.indexOf(selected) : -1}
      onActive={(place) => runs[place] && onSelect(runs[place])}
    >
      {(run) => <HistoryRow run={run} />}
    </VirtualRows>
  );
}

function HistoryRow({ run }: { run: Run }): ReactNode {
  const { state, failure } = useStore(run.view);
  return (
    <div className="history-row">
      <div className="history-line">
        <span className="outcome-dot" data-state={state} aria-label={state} />
        <span className="method-name">{run.method}</span>
        <span className="history-time">{clock(run.at).slice(0, 8)}</span>
      </div>
      <div className="history-line history-more">
        {failure ? <code className="history-code">{failure.code}</code> : <JsonValue value={run.payload} longest={60} />}
      </div>
    </div>
  );
}
