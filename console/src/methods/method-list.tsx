import { ArrowDownUp, ArrowUpFromLine, CornerDownRight, Radio, type LucideIcon } from "lucide-react";
import type { ReactNode } from "react";

import { VirtualRows } from "../shell/virtual-rows.js";
import type { MethodInfo, MethodShape } from "./catalogue.js";

export const SHAPES: Record<MethodShape, { icon: LucideIcon; word: string }> = {
  unary: { icon: CornerDownRight, word: "one answer" },
  stream: { icon: Radio, word: "stream" },
  upload: { icon: ArrowUpFromLine, word: "upload" },
  duplex: { icon: ArrowDownUp, word: "both ways" },
};

/** A heading, or a method below it. */
type Row = { kind: "heading"; name: string } | { kind: "method"; method: MethodInfo };

/** The methods, below the first part of their names. */
export function MethodList(properties: {
  methods: readonly MethodInfo[];
  selected: string;
  onSelect: (name: string) => void;
}): ReactNode {
  const { methods, selected, onSelect } = properties;
  const rows = grouped(methods);
  const active = rows.findIndex((row) => row.kind === "method" && row.method.name === selected);
  const select = (place: number): void => {
    const forwards = place >= active;
    const row =
      rows[place]?.kind === "heading" ? (rows[place + (forwards || place === 0 ? 1 : -1)] ?? rows[place + 1]) : rows[place];
    if (row?.kind === "method") onSelect(row.method.name);
  };
  return (
    <VirtualRows
      className="method-list"
      rows={rows}
      rowHeight={30}
      role="listbox"
      rowRole="option"
      label="Methods"
      keyOf={(row) => (row.kind === "heading" ? `${row.name}.` : row.method.name)}
      active={active}
      onActive={select}
      rowAttributes={(row) => (row.kind === "heading" ? { role: "presentation", "data-heading": "" } : {})}
    >
      {(row) =>
        row.kind === "heading" ? <span className="method-heading">{row.name}</span> : <MethodRow method={row.method} />
      }
    </VirtualRows>
  );
}

function MethodRow({ method }: { method: MethodInfo }): ReactNode {
  const { icon: Icon, word } = SHAPES[method.shape];
  return (
    <>
      <Icon size={14} className="method-icon" data-shape={method.shape} aria-label={word} />
      <span className="method-name">{method.name}</span>
    </>
  );
}

function grouped(methods: readonly MethodInfo[]): Row[] {
  const rows: Row[] = [];
  let group: string | undefined;
  for (const method of methods) {
    const own = method.name.includes(".") ? method.name.slice(0, method.name.indexOf(".")) : "";
    if (own !== group) rows.push({ kind: "heading", name: own === "" ? "other" : own });
    group = own;
    rows.push({ kind: "method", method });
  }
  return rows;
}
