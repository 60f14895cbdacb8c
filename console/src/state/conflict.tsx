import type { ReactNode } from "react";

import { preview } from "../json/json-rows.js";
import { Dialog } from "../shell/dialog.js";
import type { Edit } from "./edit.js";

/** Asks what to do with an edit of something that somebody else has changed meanwhile. */
export function Conflict(properties: {
  edit: Edit;
  theirs: unknown;
  onKeep: () => void;
  onOverwrite: () => void;
}): ReactNode {
  const { edit, theirs, onKeep, onOverwrite } = properties;
  return (
    <Dialog label="Somebody else changed it" className="conflict" onClose={onKeep}>
      <h2>Somebody else changed it</h2>
      <p>
        <code>{edit.path}</code> is no longer what you began with. Nothing was overwritten.
      </p>
      <dl className="conflict-values">
        <Value name="It was" value={edit.seen} />
        <Value name="Theirs, now" value={theirs} tone="theirs" />
        <Value name="Yours" value={edit.value} tone="yours" />
      </dl>
      <div className="dialog-actions">
        <button type="button" className="button" onClick={onOverwrite}>
          Overwrite with mine
        </button>
        <button type="button" className="button button-primary" onClick={onKeep} data-first>
          Keep theirs
        </button>
      </div>
    </Dialog>
  );
}

function Value({ name, value, tone = "" }: { name: string; value: unknown; tone?: string }): ReactNode {
  return (
    <div className="conflict-value" data-tone={tone}>
      <dt>{name}</dt>
      <dd>
        <pre>{value === undefined ? "nothing" : preview(value, 600)}</pre>
      </dd>
    </div>
  );
}
