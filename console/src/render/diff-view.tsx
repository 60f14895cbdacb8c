import { memo, useMemo, useRef, useState, type ReactNode } from "react";

import type { AgentChangeKind, AgentFileChange } from "../api.js";
import { CopyButton } from "../json/copy-button.js";
import { isFocusLost, useHeldFocus } from "../shell/held-focus.js";
import { count } from "../shell/units.js";
import { rowsOf, splitRows, type DiffLine, type DiffRow, type DiffWord, type SplitRow } from "./diff.js";
import { legible, shortened, visible } from "./plain.js";

/** Rows that are shown before more are asked for. */
const AT_ONCE = 300;
const LONGEST_LINE = 2_000;
const LONGEST_DIFF = 4_000_000;

const WORDS: Readonly<Record<AgentChangeKind, string>> = {
  add: "added",
  modify: "changed",
  delete: "deleted",
  move: "moved",
  copy: "copied",
};

/** The change of a file: its name with nothing hidden in it, how much was changed, and the lines, below or beside each other. */
export const DiffView = memo(function DiffView({
  change,
  layout,
}: {
  change: AgentFileChange;
  layout: "unified" | "split";
}): ReactNode {
  const diff = change.unifiedDiff ?? "";
  const name = visible(change.path);
  return (
    <figure className="diff" aria-label={`Change of ${name}`} dir="ltr">
      <figcaption className="diff-head">
        <span className="badge" data-change={change.kind}>
          {WORDS[change.kind]}
        </span>
        <span className="diff-path">
          {change.oldPath != null && change.oldPath !== change.path && (
            <>
              <bdi>{visible(change.oldPath)}</bdi>
              <span aria-label="to"> → </span>
            </>
          )}
          <bdi>{name}</bdi>
        </span>
        <span className="spacer" />
        <Tally change={change} />
        {diff !== "" && <CopyButton text={() => diff} />}
      </figcaption>
      <Nature change={change} />
      <Lines change={change} diff={diff} layout={layout} />
    </figure>
  );
});

/** How many lines were added and taken away. */
export function Tally({ change }: { change: Pick<AgentFileChange, "additions" | "deletions"> }): ReactNode {
  return (
    <span className="diff-tally">
      <span className="diff-plus" aria-label={`${count(change.additions)} added`}>
        +{count(change.additions)}
      </span>{" "}
      <span className="diff-minus" aria-label={`${count(change.deletions)} taken away`}>
        −{count(change.deletions)}
      </span>
    </span>
  );
}

/** What it is now that lines of text do not tell. */
function Nature({ change }: { change: AgentFileChange }): ReactNode {
  const words = nature(change);
  if (words === undefined) return null;
  const isLink = change.newMode === "link" && change.linkTo != null;
  return (
    <p className="diff-nature">
      {words}
      {isLink && <code>{visible(change.linkTo ?? "")}</code>}
    </p>
  );
}

function nature({ oldMode, newMode, linkTo }: AgentFileChange): string | undefined {
  const wasFile = oldMode === "file" || oldMode === "executable";
  if (newMode === "link") {
    const before = wasFile ? "It was a file, and is a link from now on" : "It is a link";
    return linkTo != null ? `${before}, to ` : `${before}.`;
  }
  if (newMode === "repository") return "It is a repository of its own.";
  if (oldMode === "repository") return "It was a repository of its own.";
  if (oldMode === "link" && newMode == null) return "It was a link.";
  if (oldMode === "link") return `It was a link, and is a file from now on${newMode === "executable" ? ", which may be run" : ""}.`;
  if (newMode === "executable" && oldMode !== "executable") return oldMode == null ? "It may be run." : "It may be run from now on.";
  if (oldMode === "executable" && newMode === "file") return "It may not be run any more.";
  return undefined;
}

function Lines({ change, diff, layout }: { change: AgentFileChange; diff: string; layout: "unified" | "split" }): ReactNode {
  const said = instead(change, diff);
  return (
    <>
      {said !== undefined && <p className="diff-empty">{said}</p>}
      {diff !== "" && diff.length <= LONGEST_DIFF && <Rows diff={diff} layout={layout} />}
    </>
  );
}

/** What is said where not all that has changed has lines that can be shown. */
function instead({ binary, isCut, oldMode, newMode, kind }: AgentFileChange, diff: string): string | undefined {
  const hasLooked = oldMode != null || newMode != null;
  if (binary && diff !== "") return "What it was or is besides is no text, so that is not shown.";
  if (binary) return "It is no text, so its lines are not shown.";
  if (diff.length > LONGEST_DIFF) return "It is too long to be shown; it can be copied.";
  if (isCut) return "Its lines are too long to be shown.";
  if (diff !== "") return undefined;
  if (!hasLooked) return "Nobody told its lines.";
  if (kind === "delete") return "It was empty.";
  return kind === "add" ? "It is empty." : "Its lines are as they were.";
}

function Rows({ diff, layout }: { diff: string; layout: "unified" | "split" }): ReactNode {
  const [shown, setShown] = useState(AT_ONCE);
  const rows = useMemo(() => rowsOf(diff), [diff]);
  const pairs = useMemo(() => (layout === "split" ? splitRows(rows) : undefined), [rows, layout]);
  const all: readonly (DiffRow | SplitRow)[] = pairs ?? rows;
  const left = all.length - shown;
  const box = useRef<HTMLDivElement>(null);
  const hold = useHeldFocus(left > 0 ? ["more"] : [], () => void (isFocusLost() && box.current?.focus()));
  return (
    <div ref={box} className="diff-scroll" tabIndex={0} role="region" aria-label="Lines">
      <table className="diff-lines" data-layout={layout}>
        <tbody>
          {pairs
            ? pairs.slice(0, shown).map((row, at) => <SplitLine key={at} row={row} />)
            : rows.slice(0, shown).map((row, at) => <UnifiedLine key={at} row={row} />)}
        </tbody>
      </table>
      {left > 0 && (
        <button type="button" className="link-button diff-more" onClick={() => setShown(shown + 5 * AT_ONCE)} {...hold("more")}>
          {`${count(left)} more lines`}
        </button>
      )}
    </div>
  );
}

const UnifiedLine = memo(function UnifiedLine({ row }: { row: DiffRow }): ReactNode {
  if (row.kind === "hunk" || row.kind === "note") return <Said row={row} columns={3} />;
  return (
    <tr data-kind={row.kind}>
      <td className="diff-number" data-number={row.old} />
      <td className="diff-number" data-number={row.new} />
      <Text line={row} />
    </tr>
  );
});

const SplitLine = memo(function SplitLine({ row }: { row: SplitRow }): ReactNode {
  if (row.kind !== "pair") return <Said row={row} columns={4} />;
  const { left, right } = row;
  return (
    <tr>
      <td className="diff-number" data-kind={left?.kind ?? "none"} data-number={left?.old} />
      {left ? <Text line={left} /> : <td className="diff-none" />}
      <td className="diff-number" data-kind={right?.kind ?? "none"} data-number={right?.new} />
      {right ? <Text line={right} /> : <td className="diff-none" />}
    </tr>
  );
});

function Said({ row, columns }: { row: DiffWord; columns: number }): ReactNode {
  return (
    <tr data-kind={row.kind}>
      <td colSpan={columns} className="diff-said">
        {shortened(legible(row.text), LONGEST_LINE)}
      </td>
    </tr>
  );
}

const SIGNS = { same: " ", added: "+", removed: "−" } as const;

function Text({ line }: { line: DiffLine }): ReactNode {
  const { kind, text, marks = [] } = line;
  return (
    <td className="diff-text" data-kind={kind}>
      <span className="diff-sign">{SIGNS[kind]}</span>
      {text.length > LONGEST_LINE || marks.length === 0 ? shortened(legible(text), LONGEST_LINE) : marked(text, marks, kind)}
    </td>
  );
}

function marked(text: string, marks: readonly (readonly [number, number])[], kind: DiffLine["kind"]): ReactNode[] {
  const parts: ReactNode[] = [];
  let from = 0;
  for (const [start, end] of marks) {
    if (start > from) parts.push(legible(text.slice(from, start)));
    const part = legible(text.slice(start, end));
    parts.push(kind === "added" ? <ins key={start}>{part}</ins> : <del key={start}>{part}</del>);
    from = end;
  }
  parts.push(legible(text.slice(from)));
  return parts;
}
