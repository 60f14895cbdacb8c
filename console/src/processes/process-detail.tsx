import type { ReactNode } from "react";

import { CopyButton } from "../json/copy-button.js";
import { ErrorCard } from "../methods/error-card.js";
import { useEnvironment } from "../shell/environment.js";
import { visible } from "../render/plain.js";
import { bytes, clock, count, lasting } from "../shell/units.js";
import { useStore } from "../store.js";
import { FailureCard } from "./failure-card.js";
import { leavesOpen, type Refusal } from "./keeper.js";
import { LogPane } from "./log-pane.js";
import { ProcessActions } from "./process-actions.js";
import { ending, isUp, type Sidecar } from "./sidecar.js";
import { StatusMark } from "./status-mark.js";

/** One sidecar: what is known of it, why it failed, and what it writes. */
export function ProcessDetail({
  sidecar,
  sidecars,
  isOpen,
  now,
  onSelect,
  onBack,
}: {
  sidecar: Sidecar;
  sidecars: readonly Sidecar[];
  isOpen: boolean;
  now: number;
  onSelect: (name: string) => void;
  onBack: () => void;
}): ReactNode {
  const { keeper } = useEnvironment();
  const refusal = useStore(keeper.refusals).get(sidecar.name);
  return (
    <section className="process-detail" aria-label={sidecar.name}>
      <button type="button" className="link-button back" onClick={onBack}>
        ← All processes
      </button>
      <header className="process-title">
        <h2>{sidecar.name}</h2>
        <StatusMark sidecar={sidecar} now={now} />
        <span className="spacer" />
        <ProcessActions sidecar={sidecar} sidecars={sidecars} isOpen={isOpen} look="words" />
      </header>
      <Facts sidecar={sidecar} now={now} onSelect={onSelect} />
      {refusal && (
        <div className="process-refusal">
          <p>{outcome(refusal, sidecar)}</p>
          <ErrorCard failure={refusal.failure} />
          <button type="button" className="link-button" onClick={() => keeper.forgive(sidecar.name)}>
            Dismiss
          </button>
        </div>
      )}
      {sidecar.reason && sidecar.owner !== "remote" && <FailureCard reason={sidecar.reason} onGo={onSelect} />}
      <LogPane name={sidecar.name} />
    </section>
  );
}

/** What came of an action that no answer says was done. */
function outcome({ action, failure }: Refusal, { status }: Sidecar): string {
  if (!leavesOpen(failure)) return `It could not be ${PARTICIPLES[action]}.`;
  if (status === "starting" || status === "stopping") return `It is still under way: it is ${status}.`;
  return `No answer came whether it was ${PARTICIPLES[action]}; as far as is known here, it is ${status}.`;
}

const PARTICIPLES = { start: "started", stop: "stopped", restart: "restarted" } as const;
const OWNERS = { this: "this daemon", remote: "the remote daemon", none: "nobody" } as const;

function Facts({
  sidecar,
  now,
  onSelect,
}: {
  sidecar: Sidecar;
  now: number;
  onSelect: (name: string) => void;
}): ReactNode {
  const { startedAt, restarts, generation, pid, port, url, usage, owner, exit, dependsOn, autoStart, healthFailures } = sidecar;
  const { waitsFor } = sidecar;
  return (
    <dl className="facts process-sheet">
      {isUp(sidecar) && startedAt !== undefined && (
        <Fact name="Up for">
          <span title={`since ${clock(startedAt)}`}>{lasting(now - startedAt)}</span>
        </Fact>
      )}
      {waitsFor !== undefined && <Fact name="Waits for">{visible(waitsFor)}</Fact>}
      <Fact name="Restarts">{count(restarts)}</Fact>
      {generation > 0 && <Fact name="Run">{count(generation)}</Fact>}
      {pid !== undefined && <Fact name="Process">{pid}</Fact>}
      {url !== undefined ? (
        <Fact name="Address">
          <Address url={url} />
        </Fact>
      ) : (
        port !== undefined && <Fact name="Port">{port}</Fact>
      )}
      {usage && <Fact name="Memory">{bytes(usage.memoryBytes)}</Fact>}
      {usage && <Fact name="CPU">{usage.cpuPercent.toFixed(1)} %</Fact>}
      {usage && <Fact name="Processes">{count(usage.processes)}</Fact>}
      <Fact name="Owner">{OWNERS[owner]}</Fact>
      {dependsOn.length > 0 && (
        <Fact name="Needs">
          {dependsOn.map((name) => (
            <button key={name} type="button" className="link-button" onClick={() => onSelect(name)}>
              {name}
            </button>
          ))}
        </Fact>
      )}
      <Fact name="Begins">{autoStart ? "with the daemon" : "when asked"}</Fact>
      {healthFailures > 0 && <Fact name="Probes failed">{count(healthFailures)} in a row</Fact>}
      {exit && <Fact name="Last run">{ending(exit)}</Fact>}
    </dl>
  );
}

/** Opened only where it is a page's address. */
function Address({ url }: { url: string }): ReactNode {
  return (
    <>
      {/^https?:\/\//i.test(url) ? (
        <a className="link" href={url} target="_blank" rel="noopener noreferrer">
          {url}
        </a>
      ) : (
        <code>{url}</code>
      )}
      <CopyButton text={() => url} />
    </>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }): ReactNode {
  return (
    <div className="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
