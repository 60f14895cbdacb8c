import { Columns2, Rows2 } from "lucide-react";
import { useContext, useMemo, type ReactNode } from "react";

import type { AgentFileChange } from "../api.js";
import { DiffView } from "../render/diff-view.js";
import { useStore } from "../store.js";
import { below } from "./changed-files.js";
import { chooseDiffLayout, diffLayout, FolderContext } from "./openness.js";

/** Changes of files, each with its diff, laid out as the reader chose. */
export function Diffs({ changes }: { changes: readonly AgentFileChange[] }): ReactNode {
  const layout = useStore(diffLayout);
  const folder = useContext(FolderContext);
  const shown = useMemo(() => changes.map((change) => named(change, folder)), [changes, folder]);
  return (
    <div className="diffs">
      {shown.map((change, at) => (
        <DiffView key={`${change.path} ${at}`} change={change} layout={layout} />
      ))}
    </div>
  );
}

function named(change: AgentFileChange, folder: string): AgentFileChange {
  return { ...change, path: below(folder, change.path), ...(change.oldPath && { oldPath: below(folder, change.oldPath) }) };
}

/** Side by side, or one below the other. */
export function DiffLayoutButton(): ReactNode {
  const layout = useStore(diffLayout);
  const other = layout === "split" ? "unified" : "split";
  const Icon = layout === "split" ? Rows2 : Columns2;
  return (
    <button
      type="button"
      className="icon-button icon-small"
      aria-label={other === "split" ? "Diffs side by side" : "Diffs in one column"}
      title={other === "split" ? "Diffs side by side" : "Diffs in one column"}
      onClick={() => chooseDiffLayout(other)}
    >
      <Icon size={14} />
    </button>
  );
}
