import { ArrowDownToLine, X } from "lucide-react";
import { memo, useEffect, useMemo, useState, useSyncExternalStore, type ReactNode } from "react";

import { CopyButton } from "../json/copy-button.js";
import { passes } from "../methods/run.js";
import { useEnvironment } from "../shell/environment.js";
import { save } from "../shell/save.js";
import { count } from "../shell/units.js";
import { VirtualRows } from "../shell/virtual-rows.js";
import { placeOf } from "../ring.js";
import { useStore } from "../store.js";
import { LogBar } from "./log-bar.js";
import { LogTail, type LogRow } from "./log-tail.js";
import { LogText } from "./log-text.js";
import { asText, LogView, patternOf, worded, type LogFilter } from "./log-view.js";

const ROW = 20;
/** Characters of a line that its row shows; opened, it is shown as a whole. */
const LONGEST = 2_000;
const USUAL: LogFilter = { stream: "both", text: "", only: false };

/** What a sidecar writes, as it comes: follows the end until the reader scrolls up. */
export function LogPane({ name }: { name: string }): ReactNode {
  const { link } = useEnvironment();
  const tail = useMemo(() => new LogTail(link, name), [link, name]);
  useEffect(() => {
    tail.open();
    return () => tail.close();
  }, [tail]);
  return <Log tail={tail} />;
}

/** The log of a tail that somebody else opens and closes. */
export function Log({ tail }: { tail: LogTail }): ReactNode {
  const version = useSyncExternalStore(tail.subscribe, tail.version);
  const failure = useStore(tail.failure);
  const [filter, setFilter] = useState(USUAL);
  const [active, setActive] = useState<LogRow | undefined>(undefined);
  const [isOpen, setOpen] = useState(false);
  const [seen, setSeen] = useState<number | undefined>(undefined);
  const [endAsked, askEnd] = useState(0);
  const [view] = useState(() => new LogView());
  useMemo(() => view.look(tail, filter), [view, tail, version, filter]);
  const pattern = useMemo(() => patternOf(filter.text), [filter.text]);
  const { rows, found } = view;
  const last = tail.first + tail.rows.length;

  const step = (direction: "next" | "previous"): void => {
    const next = view.neighbour(active?.number, direction);
    if (next) setActive(next);
  };
  return (
    <section className="log" aria-label={`Log of ${tail.name}`}>
      <LogBar
        filter={filter}
        onFilter={setFilter}
        found={found.length}
        at={view.placeAmongFound(active?.number)}
        onStep={step}
        text={() => asText(rows)}
        onSave={() => save(`${tail.name}.log`, asText(rows), "text/plain")}
      />
      {failure && !passes(failure) && (
        <p className="notice notice-bad" role="alert">
          {`${failure.code}: ${failure.message}`}{" "}
          <button type="button" className="link-button" onClick={() => tail.retry()}>
            Ask again
          </button>
        </p>
      )}
      {rows.length === 0 ? (
        <p className="empty-line">{tail.rows.length === 0 ? "It has written nothing yet." : "No line passes the filter."}</p>
      ) : (
        <VirtualRows<LogRow>
          className="log-rows"
          rows={rows}
          rowHeight={ROW}
          role="listbox"
          rowRole="option"
          label={`Lines of ${tail.name}`}
          keyOf={(row) => row.number}
          active={placeOf(rows, active?.number)}
          onActive={(place) => setActive(rows.at(place))}
          onOpen={() => setOpen(true)}
          rowAttributes={(row) => ({
            "data-kind": row.kind,
            "data-stream": "stream" in row ? row.stream : undefined,
          })}
          removed={view.removed}
          endAsked={endAsked}
          onEnd={(atEnd) => setSeen(atEnd ? undefined : last)}
          recycles
          follow
        >
          {(row) => <Row row={row} pattern={pattern} />}
        </VirtualRows>
      )}
      <footer className="log-foot">
        {seen !== undefined && (
          <button
            type="button"
            className="button button-small log-end"
            onClick={() => {
              setActive(undefined);
              askEnd((times) => times + 1);
            }}
          >
            <ArrowDownToLine size={13} aria-hidden />
            {last > seen ? `${count(last - seen)} new: follow again` : "Follow again"}
          </button>
        )}
        {seen === undefined && <span className="log-following">Following</span>}
        <span className="tally">
          <b>{count(tail.rows.length)}</b> {tail.rows.length === 1 ? "line" : "lines"}
          {tail.first > 0 && <span className="tally-missed"> · {count(tail.first)} not kept here</span>}
        </span>
      </footer>
      {isOpen && active && <Whole row={active} onClose={() => setOpen(false)} />}
    </section>
  );
}

/** Renders again only when it shows another row, or something else is searched for. */
const Row = memo(function Row({ row, pattern }: { row: LogRow; pattern: RegExp | undefined }): ReactNode {
  if (row.kind !== "line") return <span className="log-said">{worded(row)}</span>;
  return (
    <>
      <span className="log-stream">{row.stream === "stderr" ? "err" : "out"}</span>
      <span className="log-text">
        {row.rest && <span className="log-more">… </span>}
        <LogText text={row.text} pattern={pattern} longest={LONGEST} />
        {row.partial && <span className="log-more"> …</span>}
      </span>
    </>
  );
});

/** One row, not cut at the edge. */
function Whole({ row, onClose }: { row: LogRow; onClose: () => void }): ReactNode {
  const where = row.kind === "line" ? `${row.stream}, run ${count(row.generation)}, byte ${count(row.offset)}` : "";
  return (
    <aside className="log-whole" aria-label="The line">
      <div className="log-whole-head">
        <span className="quiet">{where}</span>
        <span className="spacer" />
        <CopyButton text={() => worded(row)} />
        <button type="button" className="icon-button icon-small" aria-label="Close the line" onClick={onClose}>
          <X size={14} />
        </button>
      </div>
      <pre tabIndex={0}>{row.kind === "line" ? <LogText text={row.text} pattern={undefined} /> : worded(row)}</pre>
    </aside>
  );
}
