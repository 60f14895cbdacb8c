import { CircleStop, Trash2 } from "lucide-react";
import { useEffect, useRef, useState, type ReactNode } from "react";

import type { AgentRunView } from "../api.js";
import { useNow } from "../chat/hooks.js";
import { ProblemCard } from "../chat/problem-card.js";
import { OUTCOME_WORDS } from "../chat/words.js";
import { ErrorCard } from "../methods/error-card.js";
import type { Failure } from "../methods/run.js";
import { readable, shortened, visible } from "../render/plain.js";
import { Dialog } from "../shell/dialog.js";
import { useEnvironment } from "../shell/environment.js";
import { isFocusLost, useHeldFocus } from "../shell/held-focus.js";
import { SteadyButton } from "../shell/steady-button.js";
import { lasting } from "../shell/units.js";
import { useStore } from "../store.js";
import { useRuns } from "./hooks.js";
import { dotOf, MemberColumn } from "./member-column.js";
import { RunResult } from "./run-result.js";
import { columnsOf, STRATEGY_WORDS, titleOf } from "./run.js";

const LONGEST_TITLE = 200;

/** A run: its agents side by side as they work, what was made of their answers, and what can be done with what they changed. */
export function RunPane({ runId }: { runId: string }): ReactNode {
  const { connection, runs } = useEnvironment();
  const isOpen = useStore(connection.standing).phase === "open";
  const run = useRuns().find((one) => one.runId === runId);
  const canApply = isOpen && run?.hasWorktrees === true;
  useEffect(() => (canApply ? runs.follow(runId) : undefined), [runs, runId, canApply]);
  if (!run) return <p className="empty-page">This run is not among the daemon's any more. What it said is in the transcripts.</p>;
  return (
    <section className="run-pane" aria-label="Run">
      <RunHead run={run} isOpen={isOpen} />
      {run.error && (
        <div className="run-problem">
          <ProblemCard problem={run.error} />
        </div>
      )}
      <div className="run-columns" role="group" aria-label="Agents of the run">
        {columnsOf(run).map((member) => (
          <MemberColumn key={member.name} run={run} member={member} isOpen={isOpen} />
        ))}
      </div>
      <RunResult run={run} />
    </section>
  );
}

function RunHead({ run, isOpen }: { run: AgentRunView; isOpen: boolean }): ReactNode {
  const { runs } = useEnvironment();
  const { prompt, cwd, strategy, state, runId, hasWorktrees } = run;
  const [isDiscarding, setDiscarding] = useState(false);
  const head = useRef<HTMLElement>(null);
  const held = state !== "ended" ? "stop" : hasWorktrees || isDiscarding ? "discard" : "";
  const hold = useHeldFocus([held], () => {
    if (isFocusLost()) head.current?.focus();
  });
  useEffect(() => {
    // What began it is gone.
    if (isFocusLost()) head.current?.focus();
  }, []);
  return (
    <header ref={head} className="run-head" tabIndex={-1}>
      <div className="session-title">
        <h2 title={shortened(visible(titleOf(run)), LONGEST_TITLE)}>{shortened(visible(titleOf(run)), LONGEST_TITLE)}</h2>
        <p>
          <Standing run={run} />
          <span aria-hidden>·</span>
          <span>{STRATEGY_WORDS[strategy]?.name ?? visible(strategy)}</span>
          <span aria-hidden>·</span>
          <code title={visible(cwd)}>{visible(cwd)}</code>
        </p>
        {prompt.trim().includes("\n") && (
          <details className="run-prompt">
            <summary>What was asked</summary>
            <div className="said-text">{readable(prompt)}</div>
          </details>
        )}
      </div>
      <span className="spacer" />
      <span className="held" {...hold(held)}>
        {state !== "ended" && (
          <SteadyButton className="button" isOff={!isOpen} onClick={() => void runs.cancel(runId)}>
            <CircleStop size={14} aria-hidden />
            Stop all
          </SteadyButton>
        )}
        {state === "ended" && hasWorktrees && (
          <SteadyButton className="button" isOff={!isOpen} onClick={() => setDiscarding(true)}>
            <Trash2 size={14} aria-hidden />
            Discard
          </SteadyButton>
        )}
        {isDiscarding && <Discard runId={runId} onClose={() => setDiscarding(false)} />}
      </span>
    </header>
  );
}

function Standing({ run: { state, outcome, startedAtMs } }: { run: AgentRunView }): ReactNode {
  const now = useNow(state !== "ended");
  const ended = outcome ?? "completed";
  const words = { running: "At work", merging: "The answers are being read", ended: OUTCOME_WORDS[ended] ?? visible(ended) };
  return (
    <span className="outcome" data-state={state === "ended" ? dotOf(ended) : "running"} role="status">
      <span className="outcome-dot" aria-hidden />
      {words[state] ?? visible(state)}
      {state !== "ended" && startedAtMs > 0 && <span className="quiet">{lasting(Math.max(0, now - startedAtMs))}</span>}
    </span>
  );
}

function Discard({ runId, onClose }: { runId: string; onClose: () => void }): ReactNode {
  const { runs, toasts } = useEnvironment();
  const [failure, setFailure] = useState<Failure | undefined>(undefined);
  const [isBusy, setBusy] = useState(false);
  const discard = async (): Promise<void> => {
    setBusy(true);
    const answer = await runs.discard(runId);
    setBusy(false);
    if (answer.kind === "failed") return setFailure(answer.failure);
    toasts.say("What the agents changed was thrown away");
    onClose();
  };
  return (
    <Dialog label="Discard what they changed?" onClose={onClose}>
      <h2>Discard what they changed?</h2>
      <p>The folders of the agents of this run are removed. What was not applied is lost.</p>
      {failure && <ErrorCard failure={failure} />}
      <div className="dialog-actions">
        <button type="button" className="button" data-first onClick={onClose}>
          Keep it
        </button>
        <SteadyButton className="button button-danger" isOff={isBusy} onClick={() => void discard()}>
          Discard
        </SteadyButton>
      </div>
    </Dialog>
  );
}
