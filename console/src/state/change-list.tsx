import type { ReactNode } from "react";

import { JsonValue } from "../json/json-value.js";
import { SteadyButton } from "../shell/steady-button.js";
import { clock, count } from "../shell/units.js";
import { VirtualRows } from "../shell/virtual-rows.js";
import { useStore } from "../store.js";
import type { Change, Changes } from "./changes.js";

/** What changed while this page was open, the newest first; choosing one leads to its place. */
export function ChangeList({ changes, onPlace }: { changes: Changes; onPlace: (path: string) => void }): ReactNode {
  const list = useStore(changes.list);
  return (
    <aside className="changes" aria-label="Changes">
      <div className="changes-head">
        <h2>Changes</h2>
        <span className="quiet">{list.length === 0 ? "" : count(list.length)}</span>
        <span className="spacer" />
        <SteadyButton className="link-button" isOff={list.length === 0} onClick={() => changes.clear()}>
          Clear
        </SteadyButton>
      </div>
      {list.length === 0 ? (
        <p className="empty-line">Whatever changes from now on is listed here.</p>
      ) : (
        <VirtualRows<Change>
          className="change-list"
          rows={list}
          rowHeight={52}
          role="listbox"
          rowRole="option"
          label="Changes"
          keyOf={(change) => change.number}
          active={-1}
          onActive={(place) => onPlace(list[place]?.path ?? "")}
        >
          {(change) => (
            <div className="change">
              <div className="change-line">
                <code className="change-path">{change.path === "" ? "/" : change.path}</code>
                <span className="change-time" title={`revision ${change.revision}`}>
                  {clock(change.at).slice(0, 8)}
                </span>
              </div>
              <div className="change-line change-values">
                {change.before === undefined ? <i>new</i> : <JsonValue value={change.before} longest={60} />}
                <span aria-hidden>→</span>
                {change.after === undefined ? <i>removed</i> : <JsonValue value={change.after} longest={80} />}
              </div>
            </div>
          )}
        </VirtualRows>
      )}
    </aside>
  );
}
