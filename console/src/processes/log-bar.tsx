import { ArrowDown, ArrowUp, Download, ListFilter, Search } from "lucide-react";
import type { ReactNode } from "react";

import { isComposing, pressed } from "../chat/keys.js";
import { CopyButton } from "../json/copy-button.js";
import { Radio, RadioGroup } from "../shell/radio-group.js";
import { SteadyButton } from "../shell/steady-button.js";
import { count } from "../shell/units.js";
import type { LogFilter } from "./log-view.js";

const STREAMS = [
  ["both", "All"],
  ["stdout", "stdout"],
  ["stderr", "stderr"],
] as const;

/** Which stream, the search with its way from one find to the next, and copies of what is shown. */
export function LogBar({
  filter,
  onFilter,
  found,
  at,
  onStep,
  text,
  onSave,
}: {
  filter: LogFilter;
  onFilter: (filter: LogFilter) => void;
  /** How many lines were found. */
  found: number;
  /** The place among them of the one that is looked at, or -1. */
  at: number;
  onStep: (direction: "next" | "previous") => void;
  text: () => string;
  onSave: () => void;
}): ReactNode {
  const isSearching = filter.text !== "";
  const told = found === 0 ? "none" : at < 0 ? count(found) : `${count(at + 1)} of ${count(found)}`;
  return (
    <div className="bar log-bar">
      <RadioGroup label="Which stream">
        {STREAMS.map(([stream, word]) => (
          <Radio key={stream} isChosen={filter.stream === stream} onChoose={() => onFilter({ ...filter, stream })}>
            {word}
          </Radio>
        ))}
      </RadioGroup>
      <div className="search">
        <Search size={14} aria-hidden />
        <input
          type="search"
          data-search
          aria-label="Search in the log"
          placeholder="Search in the log"
          value={filter.text}
          onChange={(event) => onFilter({ ...filter, text: event.target.value })}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || !isSearching || isComposing(pressed(event))) return;
            event.preventDefault();
            onStep(event.shiftKey ? "previous" : "next");
          }}
        />
        {isSearching ? <span className="log-found">{told}</span> : <kbd>/</kbd>}
      </div>
      <span className="unseen" role="status">
        {isSearching ? `${told} found` : ""}
      </span>
      <span className="bar-group">
        <SteadyButton
          className="icon-button icon-small"
          aria-label="Previous find"
          title="Previous (Shift Enter)"
          isOff={found === 0}
          onClick={() => onStep("previous")}
        >
          <ArrowUp size={14} />
        </SteadyButton>
        <SteadyButton
          className="icon-button icon-small"
          aria-label="Next find"
          title="Next (Enter)"
          isOff={found === 0}
          onClick={() => onStep("next")}
        >
          <ArrowDown size={14} />
        </SteadyButton>
        <button
          type="button"
          className="button button-small"
          aria-label="Only finds"
          aria-pressed={filter.only}
          title="Show only the lines that are found"
          onClick={() => onFilter({ ...filter, only: !filter.only })}
        >
          <ListFilter size={13} aria-hidden /> <span className="button-word">Only finds</span>
        </button>
      </span>
      <span className="spacer" />
      <span className="bar-group">
        <CopyButton text={text} />
        <button
          type="button"
          className="button button-small"
          aria-label="Save the log"
          title="Save what is shown as a text"
          onClick={onSave}
        >
          <Download size={13} aria-hidden /> <span className="button-word">Save</span>
        </button>
      </span>
    </div>
  );
}
