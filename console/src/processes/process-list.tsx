import type { KeyboardEvent, ReactNode } from "react";

import { bytes, lasting } from "../shell/units.js";
import { ProcessActions } from "./process-actions.js";
import { ending, isUp, type Sidecar } from "./sidecar.js";
import { StatusMark } from "./status-mark.js";

/** The sidecars, each with how it stands and what can be done. Arrow keys lead from one to the next. */
export function ProcessList({
  sidecars,
  selected,
  isOpen,
  now,
  onSelect,
}: {
  sidecars: readonly Sidecar[];
  selected: string;
  isOpen: boolean;
  now: number;
  onSelect: (name: string) => void;
}): ReactNode {
  return (
    <ul className="side-list process-list" aria-label="Processes" onKeyDown={moveFocus}>
      {sidecars.map((sidecar) => (
        <li key={sidecar.name} data-selected={sidecar.name === selected}>
          <button
            type="button"
            className="side-open"
            aria-current={sidecar.name === selected}
            onClick={() => onSelect(sidecar.name)}
          >
            <span className="side-name">
              <b>{sidecar.name}</b>
              <StatusMark sidecar={sidecar} now={now} />
            </span>
            <span className="side-facts" data-bad={sidecar.owner !== "remote" && sidecar.reason !== undefined}>
              {summary(sidecar, now)}
            </span>
          </button>
          <ProcessActions sidecar={sidecar} sidecars={sidecars} isOpen={isOpen} look="pictures" />
        </li>
      ))}
    </ul>
  );
}

/** What matters most of how it stands, in one line. */
function summary(sidecar: Sidecar, now: number): string {
  const { status, reason, startedAt, restarts, port, usage, exit } = sidecar;
  if (sidecar.owner === "remote") return sidecar.url ?? "answered for by the remote daemon";
  if (reason) return `${reason.code}: ${reason.message}`;
  const facts = [
    isUp(sidecar) && startedAt !== undefined && `up ${lasting(now - startedAt)}`,
    !isUp(sidecar) && exit && ending(exit),
    restarts > 0 && `${restarts} ${restarts === 1 ? "restart" : "restarts"}`,
    port !== undefined && `:${port}`,
    usage && bytes(usage.memoryBytes),
    usage && `${usage.cpuPercent.toFixed(1)} %`,
  ].filter(Boolean);
  return facts.length > 0 ? facts.join(" · ") : status === "stopped" ? "not started yet" : " ";
}

function moveFocus(event: KeyboardEvent<HTMLElement>): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step === undefined) return;
  const rows = [...event.currentTarget.querySelectorAll<HTMLElement>(".side-open")];
  const at = rows.findIndex((row) => row.parentElement?.contains(document.activeElement));
  const next = rows[at + step];
  if (at < 0 || !next) return;
  event.preventDefault();
  next.focus();
}
