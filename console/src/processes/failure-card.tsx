import { CircleX } from "lucide-react";
import type { ReactNode } from "react";

import { CopyButton } from "../json/copy-button.js";
import { plain } from "./ansi.js";
import { ending, type Reason } from "./sidecar.js";

/** Why a sidecar failed: what to change first, then what is known. */
export function FailureCard({ reason, onGo }: { reason: Reason; onGo: (name: string) => void }): ReactNode {
  const { code, message, exit, stderr, holder, paths, dependency } = reason;
  const lines = stderr.map(plain);
  return (
    <section className="failure-card" aria-label="Why it failed">
      <div className="error-head">
        <CircleX size={16} aria-hidden />
        <code className="error-code">{code}</code>
        {exit && <span className="error-domain">{ending(exit)}</span>}
      </div>
      <p className="error-message">{message === "" ? "The daemon does not say why." : message}</p>
      {holder && (
        <p className="failure-fact">
          The port belongs to <b>{holder.program ?? "another program"}</b>
          {holder.pid !== undefined && ` (process ${holder.pid})`}.
        </p>
      )}
      {dependency !== undefined && (
        <p className="failure-fact">
          It needs{" "}
          <button type="button" className="link-button" onClick={() => onGo(dependency)}>
            {dependency}
          </button>
          .
        </p>
      )}
      {paths.length > 0 && (
        <>
          <p className="failure-fact">Looked for at:</p>
          <ul className="failure-paths">
            {paths.map((path) => (
              <li key={path}>
                <code>{path}</code>
              </li>
            ))}
          </ul>
        </>
      )}
      {lines.length > 0 && (
        <>
          <div className="failure-caption">
            <span>Its last {lines.length === 1 ? "line" : `${lines.length} lines`} on stderr</span>
            <CopyButton text={() => lines.join("\n")} />
          </div>
          <pre className="failure-stderr" tabIndex={0} aria-label="Last lines on stderr">
            {lines.join("\n")}
          </pre>
        </>
      )}
    </section>
  );
}
