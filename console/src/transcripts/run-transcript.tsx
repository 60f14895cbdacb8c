import type { ReactNode } from "react";

import type { TranscriptMember, TranscriptRun } from "../api.js";
import { Diffs } from "../chat/diffs.js";
import { ProblemCard } from "../chat/problem-card.js";
import { OUTCOME_WORDS } from "../chat/words.js";
import { Markdown } from "../render/markdown.js";
import { readable, visible } from "../render/plain.js";
import { STRATEGY_WORDS } from "../runs/run.js";

/** The transcript of a run: what was asked, what each agent answered, and what was made of that. */
export function RunTranscript({ run, onOpen }: { run: TranscriptRun; onOpen: (sessionId: string) => void }): ReactNode {
  const { prompt, strategy, members, merged, ended } = run;
  return (
    <div className="transcript-run" tabIndex={0} role="region" aria-label="Run">
      <div className="said said-user">
        <div className="said-text">{readable(prompt)}</div>
      </div>
      {members.map((member) => (
        <MemberAnswer key={member.name} member={member} onOpen={onOpen} />
      ))}
      {merged && (
        <section className="transcript-member" aria-label="Result">
          <h3>
            {STRATEGY_WORDS[strategy]?.name ?? visible(strategy)}
            {merged.chosen != null && `: ${visible(merged.chosen)}`} <span className="quiet">by {visible(merged.by)}</span>
          </h3>
          {merged.text != null && <Markdown text={merged.text} />}
        </section>
      )}
      {ended?.error && <ProblemCard problem={ended.error} />}
    </div>
  );
}

function MemberAnswer({ member, onOpen }: { member: TranscriptMember; onOpen: (sessionId: string) => void }): ReactNode {
  const { name, provider, sessionId, outcome, error, answer, files = [], isApplied = false } = member;
  const facts = [visible(provider), outcome != null && (OUTCOME_WORDS[outcome] ?? visible(outcome)), isApplied && "applied"];
  return (
    <section className="transcript-member" aria-label={visible(name)}>
      <h3>
        {visible(name)} <span className="quiet">{facts.filter(Boolean).join(" · ")}</span>
        {sessionId != null && (
          <button type="button" className="link-button" onClick={() => onOpen(sessionId)}>
            Its transcript
          </button>
        )}
      </h3>
      {error && <ProblemCard problem={error} />}
      {answer != null && answer !== "" && <Markdown text={answer} />}
      {files.length > 0 && <Diffs changes={files} />}
    </section>
  );
}
