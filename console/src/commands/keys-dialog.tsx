import type { ReactNode } from "react";

import { Dialog } from "../shell/dialog.js";
import { PANELS } from "../shell/panels.js";
import { useStore } from "../store.js";
import { shortcutLabel, singleKeys, turnSingleKeys } from "./shortcuts.js";

const KEYS: readonly (readonly [keys: string, what: string])[] = [
  [shortcutLabel("K"), "Commands and methods by name"],
  [`1 – ${PANELS.length}`, PANELS.map(({ name }) => name).join(", ")],
  [shortcutLabel("L"), "Write to the agent"],
  ["Enter, Shift Enter", "Send the prompt, break the line"],
  [`${shortcutLabel(".")}, Esc`, "Stop the agent"],
  ["/", "Search in the panel"],
  [shortcutLabel("Enter"), "Call the method"],
  ["↑ ↓ Home End", "Move in a list or tree"],
  ["← →", "Close and open in a tree"],
  ["Enter", "Edit a value, open a row"],
  ["Delete", "Remove a value"],
  ["Enter, Shift Enter", "Next find in a log, the one before"],
  ["P", "Pause the frames"],
  ["T", "Other colours"],
  ["?", "This list"],
];

/** The keys that do something. */
export function KeysDialog({ onClose }: { onClose: () => void }): ReactNode {
  const isSingle = useStore(singleKeys);
  return (
    <Dialog label="Keyboard" className="keys" onClose={onClose}>
      <h2>Keyboard</h2>
      <dl className="keys-list">
        {KEYS.map(([keys, what]) => (
          <div key={what}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <label className="keys-single">
        <input type="checkbox" checked={isSingle} onChange={(event) => turnSingleKeys(event.target.checked)} />
        {`Letters, digits and signs alone do something (1 – ${PANELS.length}, /, P, T, ?)`}
      </label>
      <div className="dialog-actions">
        <button type="button" className="button" onClick={onClose} data-first>
          Close
        </button>
      </div>
    </Dialog>
  );
}
