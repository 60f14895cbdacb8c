import { ChevronRight } from "lucide-react";
import { useMemo, useState, type KeyboardEvent, type ReactNode } from "react";

import { useFresh } from "./fresh.js";
import { VirtualRows } from "../shell/virtual-rows.js";
import { jsonRows, type JsonRow, type Openness } from "./json-rows.js";
import { JsonValue } from "./json-value.js";

/** What {@link JsonTree} shows. */
export interface JsonTreeProperties {
  value: unknown;
  label: string;
  /** The name of the root's row. */
  rootName?: string;
  /** Down to which depth it is open at first. */
  depth?: number;
  /** The path of the row that is selected, where the parent keeps it. */
  selected?: string | undefined;
  onSelect?: (path: string) => void;
  onRowKey?: (event: KeyboardEvent, row: JsonRow) => boolean;
  onOpen?: (row: JsonRow) => void;
  /** Marks for a moment what changed. */
  marksChanges?: boolean;
  /** Stands in place of a row's value. */
  replace?: (row: JsonRow) => ReactNode | undefined;
}

export const ROW = 26;

/** A JSON value as a tree; only what is in sight exists. */
export function JsonTree(properties: JsonTreeProperties): ReactNode {
  const { value, depth = 2, rootName = "", onSelect } = properties;
  const [own, setOwn] = useState<string | undefined>(undefined);
  const [chosen, setChosen] = useState<ReadonlyMap<string, boolean>>(new Map());
  const openness: Openness = useMemo(() => ({ depth, chosen }), [depth, chosen]);
  const rows = useMemo(() => jsonRows(value, openness), [value, openness]);
  const fresh = useFresh(rows, properties.marksChanges ? value : undefined);
  const selected = "selected" in properties ? properties.selected : own;
  const select = (path: string): void => {
    setOwn(path);
    onSelect?.(path);
  };
  const open = (path: string, isOpen: boolean): void => setChosen((known) => new Map(known).set(path, isOpen));

  const key = (event: KeyboardEvent, row: JsonRow): boolean => {
    if (properties.onRowKey?.(event, row)) return true;
    if (event.key === "ArrowRight" && row.size > 0 && !row.isOpen) open(row.path, true);
    else if (event.key === "ArrowLeft" && row.isOpen) open(row.path, false);
    else if (event.key === "ArrowLeft" && row.path !== "") select(row.path.slice(0, row.path.lastIndexOf("/")));
    else if ((event.key === "Enter" || event.key === " ") && row.size > 0) open(row.path, !row.isOpen);
    else return false;
    return true;
  };

  return (
    <VirtualRows
      className="json-tree"
      rows={rows}
      rowHeight={ROW}
      role="tree"
      rowRole="treeitem"
      label={properties.label}
      keyOf={(row) => row.path}
      active={rows.findIndex(({ path }) => path === selected)}
      onActive={(place) => select(rows[place]?.path ?? "")}
      onRowKey={(event, row) => key(event, row)}
      onOpen={(row) => (row.size > 0 ? open(row.path, !row.isOpen) : properties.onOpen?.(row))}
      rowAttributes={(row) => ({
        "aria-level": row.depth + 1,
        "aria-posinset": row.place,
        "aria-setsize": row.siblings,
        ...(row.size > 0 && { "aria-expanded": row.isOpen }),
        ...(fresh.has(row.path) && { "data-fresh": (fresh.get(row.path) ?? 0) % 2 === 0 ? "even" : "odd" }),
      })}
    >
      {(row) => (
        <>
          <span className="json-indent" style={{ width: row.depth * 14 }} />
          <button
            type="button"
            className="json-toggle"
            tabIndex={-1}
            aria-hidden
            data-open={row.isOpen}
            hidden={row.size === 0}
            onClick={() => open(row.path, !row.isOpen)}
          >
            <ChevronRight size={13} />
          </button>
          {row.size === 0 && <span className="json-toggle" />}
          {(row.path !== "" || rootName !== "") && (
            <span className="json-name">{row.path === "" ? rootName : row.name}</span>
          )}
          {properties.replace?.(row) ?? <RowValue row={row} />}
        </>
      )}
    </VirtualRows>
  );
}

function RowValue({ row }: { row: JsonRow }): ReactNode {
  if (row.kind !== "object" && row.kind !== "array") return <JsonValue value={row.value} longest={400} />;
  const count =
    row.kind === "array"
      ? `${row.size} ${row.size === 1 ? "item" : "items"}`
      : `${row.size} ${row.size === 1 ? "key" : "keys"}`;
  return (
    <>
      <span className="json-size">{count}</span>
      {!row.isOpen && row.size > 0 && <JsonValue value={row.value} longest={120} />}
    </>
  );
}
