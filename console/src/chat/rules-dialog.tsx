import { useEffect, useState, type ReactNode } from "react";

import type { AgentAction } from "../api.js";
import { ErrorCard } from "../methods/error-card.js";
import { failureOf, type Failure } from "../methods/run.js";
import { visible } from "../render/plain.js";
import { Dialog } from "../shell/dialog.js";
import { useEnvironment } from "../shell/environment.js";
import { ACTION_WORDS } from "./words.js";

/** A rule of the policy, as `policy.list` tells it. */
interface Rule {
  id: string;
  source: "builtin" | "config" | "person";
  effect: "allow" | "ask" | "deny";
  text: string;
  action?: AgentAction | null;
  pattern?: string | null;
  scope: "session" | "folder" | "always";
}

const EFFECTS: Readonly<Record<Rule["effect"], string>> = { allow: "Allowed", ask: "Asked", deny: "Denied" };
const SOURCES: Readonly<Record<Rule["source"], string>> = { builtin: "built in", config: "the configuration", person: "you" };
const SCOPES: Readonly<Record<Rule["scope"], string>> = { session: "this session", folder: "this folder", always: "everywhere" };

/** By which rules an agent may do something without asking, or may not; those that a person made can be taken back. */
export function RulesDialog({ sessionId, onClose }: { sessionId: string; onClose: () => void }): ReactNode {
  const { link } = useEnvironment();
  const [rules, setRules] = useState<readonly Rule[] | undefined>(undefined);
  const [failure, setFailure] = useState<Failure | undefined>(undefined);
  const [asked, ask] = useState(0);
  useEffect(() => {
    link.request<{ rules: Rule[] }>("policy.list", { sessionId }).then(
      (told) => setRules(told.rules),
      (error: unknown) => setFailure(failureOf(error)),
    );
  }, [link, sessionId, asked]);
  const revoke = (id: string): void => {
    link.request("policy.revoke", { id }).then(
      () => ask((times) => times + 1),
      (error: unknown) => setFailure(failureOf(error)),
    );
  };
  return (
    <Dialog label="Rules of the session" className="rules" onClose={onClose}>
      <h2>Rules</h2>
      {failure && <ErrorCard failure={failure} />}
      {rules === undefined && !failure && <p className="quiet">Asking for the rules…</p>}
      {rules?.length === 0 && <p className="quiet">There are none: you are asked for everything.</p>}
      <ul className="rules-list" tabIndex={0} aria-label="Rules">
        {rules?.map((rule) => (
          <li key={rule.id}>
            <span className="badge" data-effect={rule.effect}>
              {EFFECTS[rule.effect] ?? visible(rule.effect)}
            </span>
            <span className="rules-text">
              {visible(rule.text)}
              <span className="quiet">
                {[rule.action && (ACTION_WORDS[rule.action] ?? visible(rule.action)), rule.pattern && visible(rule.pattern), SCOPES[rule.scope], SOURCES[rule.source]]
                  .filter(Boolean)
                  .join(" · ")}
              </span>
            </span>
            {rule.source === "person" && (
              <button type="button" className="link-button" onClick={() => revoke(rule.id)}>
                Take back
              </button>
            )}
          </li>
        ))}
      </ul>
      <div className="dialog-actions">
        <button type="button" className="button" data-first onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
