import { CircleAlert, RotateCw } from "lucide-react";
import type { ReactNode } from "react";

import type { AgentProblem } from "../api.js";
import { visible } from "../render/plain.js";
import { lasting } from "../shell/units.js";
import { PROBLEM_WORDS } from "./words.js";

/** Something that went wrong with an agent: what it is called, what was said, what can be done. */
export function ProblemCard({ problem, onRetry }: { problem: AgentProblem; onRetry?: (() => void) | undefined }): ReactNode {
  const { kind, message, hint, httpStatus, providerCode, retryAfterMs } = problem;
  const words = PROBLEM_WORDS[kind] ?? PROBLEM_WORDS.unknown;
  return (
    <section className="problem" aria-label="What went wrong">
      <div className="problem-head">
        <CircleAlert size={16} aria-hidden />
        <b>{words.name}</b>
        <code className="quiet">{[visible(kind), httpStatus, providerCode && visible(providerCode)].filter(Boolean).join(" · ")}</code>
      </div>
      {message !== "" && <p className="problem-message">{visible(message)}</p>}
      <p className="problem-hint">
        {visible(hint ?? words.hint)}
        {typeof retryAfterMs === "number" && ` The service asks to wait ${lasting(retryAfterMs)}.`}
      </p>
      {onRetry && (
        <button type="button" className="button button-small" onClick={onRetry}>
          <RotateCw size={13} aria-hidden />
          Try again
        </button>
      )}
    </section>
  );
}
