import { ArrowDownLeft, ArrowUpRight, Download, Pause, Play, Search, Trash2 } from "lucide-react";
import { memo, useEffect, useMemo, useState, useSyncExternalStore, type ReactNode } from "react";

import { useEnvironment } from "../shell/environment.js";
import { Radio, RadioGroup } from "../shell/radio-group.js";
import { save } from "../shell/save.js";
import { SteadyButton } from "../shell/steady-button.js";
import { bytes, clock, count, milliseconds } from "../shell/units.js";
import { VirtualRows } from "../shell/virtual-rows.js";
import { useStore } from "../store.js";
import { CallDetail } from "./call-detail.js";
import { chosenSource, type Source } from "./chosen-source.js";
import { USUAL, filtered, isOpen, type Filter } from "./filter.js";
import type { Call, CallState, FrameLog } from "./frame-log.js";
import { recording } from "./recording.js";

const STATES: readonly CallState[] = ["waiting", "streaming", "done", "failed", "cancelled"];

/** The frames that pass: a row for each call, and its frames beside it. */
export function FramesPanel(): ReactNode {
  const { frames, tap } = useEnvironment();
  const source = useStore(chosenSource);
  const failure = useStore(tap.failure);
  const log = source === "page" ? frames : tap.log;
  const version = useSyncExternalStore(log.subscribe, log.version);
  const [filter, setFilter] = useState<Filter>(USUAL);
  const [chosen, setChosen] = useState<Call | undefined>(undefined);
  const calls = useMemo(() => filtered(log.calls, filter), [log, version, filter]);

  useEffect(() => {
    if (source !== "daemon") return undefined;
    tap.open();
    return () => tap.close();
  }, [source, tap]);

  const active = chosen ? calls.indexOf(chosen) : -1;
  return (
    <div className="panel frames" data-detail={chosen !== undefined}>
      <div className="frames-main">
        <Bar
          log={log}
          calls={calls}
          filter={filter}
          onFilter={setFilter}
          source={source}
          onClear={() => setChosen(undefined)}
        />
        {failure && source === "daemon" && <p className="notice notice-bad">{`${failure.code}: ${failure.message}`}</p>}
        <div className="frames-head" aria-hidden>
          <span className="cell-method">Method</span>
          <span className="cell-peer">Peer</span>
          <span className="cell-state">State</span>
          <span className="cell-number cell-latency">Latency</span>
          <span className="cell-number cell-items">Items</span>
          <span className="cell-number cell-bytes">Bytes</span>
          <span className="cell-number cell-at">Begun</span>
        </div>
        {calls.length === 0 ? (
          <p className="empty-line">
            {isOpen(filter)
              ? source === "page"
                ? "No frame has passed yet."
                : "No frame of another connection has passed yet."
              : "No call passes the filter."}
          </p>
        ) : (
          <VirtualRows<Call>
            className="call-list"
            rows={calls}
            rowHeight={28}
            role="grid"
            rowRole="row"
            label="Calls"
            keyOf={(call) => call.number}
            active={active}
            onActive={(place) => setChosen(calls[place])}
            rowAttributes={(call) => ({ "data-state": call.state })}
            recycles
            follow={chosen === undefined}
          >
            {(call) => <CallRow call={call} revision={call.revision} />}
          </VirtualRows>
        )}
      </div>
      {chosen && (
        <CallDetail key={chosen.number} call={chosen} revision={chosen.revision} onClose={() => setChosen(undefined)} />
      )}
    </div>
  );
}

interface BarProperties {
  log: FrameLog;
  calls: readonly Call[];
  filter: Filter;
  onFilter: (filter: Filter) => void;
  source: Source;
  onClear: () => void;
}

function Bar({ log, calls, filter, onFilter, source, onClear }: BarProperties): ReactNode {
  const origins = new Map(source === "daemon" ? log.calls.map(({ origin }) => [origin.id, origin.label]) : []);
  const toggle = (state: CallState): void => {
    const states = new Set(filter.states);
    if (!states.delete(state)) states.add(state);
    onFilter({ ...filter, states });
  };
  return (
    <div className="frames-bar">
      <div className="bar">
        <RadioGroup label="Whose frames">
          {(["page", "daemon"] as const).map((one) => (
            <Radio key={one} isChosen={source === one} onChoose={() => chosenSource.set(one)}>
              {one === "page" ? "This page" : "Daemon"}
            </Radio>
          ))}
        </RadioGroup>
        <div className="search">
          <Search size={14} aria-hidden />
          <input
            type="search"
            data-search
            aria-label="Filter calls"
            placeholder="Method, cid, code"
            value={filter.text}
            onChange={(event) => onFilter({ ...filter, text: event.target.value })}
          />
          <kbd>/</kbd>
        </div>
        {origins.size > 1 && (
          <select
            className="input select select-small"
            aria-label="Connection"
            value={filter.origin}
            onChange={(event) => onFilter({ ...filter, origin: event.target.value })}
          >
            <option value="">All connections</option>
            {[...origins].map(([id, label]) => (
              <option key={id} value={id}>
                {label}
              </option>
            ))}
          </select>
        )}
        <span className="spacer" />
        <span className="bar-group">
          <button
            type="button"
            className="button button-small"
            aria-pressed={log.isPaused}
            aria-label={log.isPaused ? "Go on" : "Pause"}
            onClick={() => log.pause(!log.isPaused)}
            title="Pause (P)"
          >
            {log.isPaused ? <Play size={13} aria-hidden /> : <Pause size={13} aria-hidden />}
            <span className="button-word">{log.isPaused ? "Go on" : "Pause"}</span>
          </button>
          <button
            type="button"
            className="button button-small"
            aria-label="Clear"
            onClick={() => {
              log.clear();
              onClear();
            }}
          >
            <Trash2 size={13} aria-hidden /> <span className="button-word">Clear</span>
          </button>
          <SteadyButton
            className="button button-small"
            aria-label="Export"
            isOff={calls.length === 0}
            onClick={() => save(nameOfRecording(), recording(calls), "application/x-ndjson")}
            title="Save what is shown as a recording: JSON lines"
          >
            <Download size={13} aria-hidden /> <span className="button-word">Export</span>
          </SteadyButton>
        </span>
      </div>
      <div className="bar bar-second">
        <div className="chips" role="group" aria-label="States">
          {STATES.map((state) => (
            <button
              key={state}
              type="button"
              className="chip"
              aria-pressed={filter.states.has(state)}
              data-state={state}
              onClick={() => toggle(state)}
            >
              <span className="outcome-dot" data-state={state} aria-hidden /> {state}
            </button>
          ))}
          <button
            type="button"
            className="chip chip-errors"
            aria-pressed={filter.errorsOnly}
            onClick={() => onFilter({ ...filter, errorsOnly: !filter.errorsOnly })}
          >
            errors only
          </button>
          <button
            type="button"
            className="chip"
            aria-pressed={filter.pings}
            onClick={() => onFilter({ ...filter, pings: !filter.pings })}
          >
            pings
          </button>
        </div>
        <span className="spacer" />
        <span className="tally">
          <b>{count(calls.length)}</b> calls · <b>{count(log.length)}</b> frames · {bytes(log.bytes)}
          {log.missed > 0 && <span className="tally-missed"> · {count(log.missed)} not kept</span>}
        </span>
      </div>
    </div>
  );
}

/** Renders again only when its call has changed, which `revision` says. */
const CallRow = memo(function CallRow({ call }: { call: Call; revision: number }): ReactNode {
  const Arrow = call.direction === "sent" ? ArrowUpRight : ArrowDownLeft;
  return (
    <>
      <span role="gridcell" className="cell-method" title={call.method}>
        {call.method === "" ? <i>unknown</i> : call.method}
      </span>
      <span role="gridcell" className="cell-peer" title={`${call.origin.label}, ${call.direction ?? "either way"}`}>
        {call.direction && (
          <Arrow size={13} className="frame-arrow" data-direction={call.direction} aria-label={call.direction} />
        )}
        {call.origin.label}
      </span>
      <span role="gridcell" className="cell-state">
        <span className="outcome-dot" data-state={call.state} aria-hidden />
        {call.code ?? call.state}
      </span>
      <span role="gridcell" className="cell-number cell-latency">
        {call.latency === undefined ? "" : milliseconds(call.latency)}
      </span>
      <span role="gridcell" className="cell-number cell-items">
        {call.items === 0 ? "" : count(call.items)}
      </span>
      <span role="gridcell" className="cell-number cell-bytes">
        {bytes(call.bytes)}
      </span>
      <span role="gridcell" className="cell-number cell-at">
        {clock(call.begunAt)}
      </span>
    </>
  );
});

function nameOfRecording(): string {
  return `sixframe-${new Date().toISOString().replaceAll(":", "-").slice(0, 19)}.jsonl`;
}
