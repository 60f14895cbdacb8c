import { Check, Crown, FileDiff } from "lucide-react";
import { useMemo, useRef, useState, type ReactNode } from "react";

import type { AgentOutcome, AgentRunMemberView, AgentRunView } from "../api.js";
import { useFeed, useSessions } from "../chat/hooks.js";
import { MessageList } from "../chat/message-list.js";
import { ProblemCard } from "../chat/problem-card.js";
import { ReadOnlyProvider } from "../chat/read-only.js";
import { waitingOf, type SessionView } from "../chat/session-view.js";
import { StateDot } from "../chat/state-dot.js";
import { WaitingCards } from "../chat/waiting-cards.js";
import { OUTCOME_WORDS, stateWords } from "../chat/words.js";
import { Tally } from "../render/diff-view.js";
import { Markdown } from "../render/markdown.js";
import { visible } from "../render/plain.js";
import { useEnvironment } from "../shell/environment.js";
import { isFocusLost } from "../shell/held-focus.js";
import { SteadyButton } from "../shell/steady-button.js";
import { count } from "../shell/units.js";
import { useStore } from "../store.js";
import { ApplyDialog } from "./apply-dialog.js";

/** An agent of a run: what it says and does as it does it, how it ended, and what it changed. */
export function MemberColumn({ run, member, isOpen }: { run: AgentRunView; member: AgentRunMemberView; isOpen: boolean }): ReactNode {
  const session = useSessions()?.find(({ sessionId }) => sessionId === member.sessionId);
  const isChosen = run.merged?.chosen != null && run.merged.chosen === member.name;
  const name = visible(member.name);
  const column = useRef<HTMLElement>(null);
  const catchFocus = (): void => {
    if (isFocusLost()) column.current?.focus();
  };
  return (
    <article ref={column} className="run-member" aria-label={name} data-chosen={isChosen} tabIndex={-1}>
      <header className="run-member-head">
        <b>{name}</b>
        {isChosen && (
          <span className="run-chosen">
            <Crown size={13} aria-hidden />
            chosen
          </span>
        )}
        <span className="spacer" />
        <Standing member={member} session={session} />
        <span className="run-member-facts">
          {visible(member.provider)}
          {member.model != null && ` · ${visible(member.model)}`}
        </span>
      </header>
      {member.error && member.sessionId == null && <ProblemCard problem={member.error} />}
      {member.sessionId == null ? <Unbegun member={member} /> : <History sessionId={member.sessionId} />}
      {session && <WaitingCards waiting={waitingOf([session])} label={`What waits for you from ${name}`} onAnswered={catchFocus} />}
      <Changes run={run} member={member} isOpen={isOpen} />
    </article>
  );
}

function Standing({ member, session }: { member: AgentRunMemberView; session: SessionView | undefined }): ReactNode {
  if (member.outcome != null)
    return (
      <span className="outcome" data-state={dotOf(member.outcome)}>
        <span className="outcome-dot" aria-hidden />
        {OUTCOME_WORDS[member.outcome] ?? visible(member.outcome)}
      </span>
    );
  if (!session) return <span className="quiet">Begins</span>;
  return (
    <span className="run-member-state">
      <StateDot state={session.state} />
      {stateWords(session.state)}
    </span>
  );
}

/** A member without a session of its own: it has not begun, or it could not. */
function Unbegun({ member }: { member: AgentRunMemberView }): ReactNode {
  return (
    <div className="run-unbegun">
      {member.answer != null && <Markdown text={member.answer} />}
      {member.answer == null && (
        <p className="quiet">{member.outcome == null ? "It has not begun yet." : "It said nothing."}</p>
      )}
    </div>
  );
}

/** The look of an end. */
export function dotOf(outcome: AgentOutcome): "done" | "failed" | "cancelled" {
  return outcome === "completed" ? "done" : outcome === "failed" ? "failed" : "cancelled";
}

function History({ sessionId }: { sessionId: string }): ReactNode {
  const { agents } = useEnvironment();
  const feed = useMemo(() => agents.feed(sessionId), [agents, sessionId]);
  const version = useFeed(feed);
  return (
    <ReadOnlyProvider value={true}>
      <MessageList fold={feed.fold} onRetry={undefined} />
    </ReadOnlyProvider>
  );
}

/** What it changed in a folder of its own, with a way to look at exactly that and to take it over. */
function Changes({ run, member, isOpen }: { run: AgentRunView; member: AgentRunMemberView; isOpen: boolean }): ReactNode {
  const { runs } = useEnvironment();
  const applied = useStore(runs.applied).get(run.runId) ?? [];
  const [isShown, setShown] = useState(false);
  const files = member.files ?? [];
  if (!run.hasWorktrees || member.outcome == null) return null;
  const sum = (of: "additions" | "deletions"): number => files.reduce((total, file) => total + file[of], 0);
  return (
    <footer className="run-changes">
      {files.length === 0 ? (
        <span className="quiet">It changed no files.</span>
      ) : (
        <>
          <span>{files.length === 1 ? "1 file changed" : `${count(files.length)} files changed`}</span>
          <Tally change={{ additions: sum("additions"), deletions: sum("deletions") }} />
          <span className="spacer" />
          {applied.includes(member.name) && (
            <span className="run-applied">
              <Check size={13} aria-hidden />
              applied
            </span>
          )}
          <SteadyButton className="button button-small" isOff={!isOpen} onClick={() => setShown(true)}>
            <FileDiff size={13} aria-hidden />
            Review and apply
          </SteadyButton>
        </>
      )}
      {isShown && <ApplyDialog runId={run.runId} cwd={run.cwd} member={member.name} onClose={() => setShown(false)} />}
    </footer>
  );
}
