import { useEffect, useState, type ReactNode, type RefObject } from "react";

import type { AgentAction } from "../api.js";
import { ErrorCard } from "../methods/error-card.js";
import { failureOf, type Failure } from "../methods/run.js";
import { visible } from "../render/plain.js";
import { Dialog } from "../shell/dialog.js";
import { useEnvironment } from "../shell/environment.js";
import { ACTION_WORDS, MODE_WORDS } from "./words.js";

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

/** The modes in which rules that are built in decide, where that is not `auto` alone; no mode stands for all of them. */
const MODES: Readonly<Record<string, string | undefined>> = { no_turn: undefined, ask: undefined, plan: "plan", accept_edits: "acceptEdits" };
const AUTO = "auto";

/** The mode that a rule decides in; undefined where it does in each. */
function modeOf({ id, source }: Rule): string | undefined {
  if (source !== "builtin") return undefined;
  return id in MODES ? MODES[id] : AUTO;
}

/** By which rules an agent may do something without asking, or may not; those that a person made can be taken back. */
export function RulesDialog({
  sessionId,
  mode,
  back,
  onClose,
}: {
  sessionId: string;
  mode: string;
  /** What has the focus behind it. */
  back?: RefObject<HTMLElement | null>;
  onClose: () => void;
}): ReactNode {
  const { link } = useEnvironment();
  const [rules, setRules] = useState<readonly Rule[] | undefined>(undefined);
  const [failure, setFailure] = useState<Failure | undefined>(undefined);
  const [asked, ask] = useState(0);
  const [unlisted, setUnlisted] = useState<Failure | undefined>(undefined);
  useEffect(() => {
    let isWanted = true;
    link.request<{ rules: Rule[] }>("policy.list", { sessionId }).then(
      (told) => {
        if (!isWanted) return;
        setRules(told.rules);
        setUnlisted(undefined);
      },
      (error: unknown) => isWanted && setUnlisted(failureOf(error)),
    );
    return () => {
      isWanted = false;
    };
  }, [link, sessionId, asked]);
  const again = (): void => ask((times) => times + 1);
  const revoke = (id: string): void => {
    setFailure(undefined);
    // Where it fails, as it does where another window was first, the list may be another one by now.
    link.request("policy.revoke", { id }).catch((error: unknown) => setFailure(failureOf(error))).then(again);
  };
  return (
    <Dialog label="Rules of the session" className="rules" {...(back && { back })} onClose={onClose}>
      <h2>Rules</h2>
      {failure && <ErrorCard failure={failure} />}
      {unlisted && (
        <>
          <ErrorCard failure={unlisted} />
          <button type="button" className="button button-small" onClick={again}>
            Ask again
          </button>
        </>
      )}
      {rules === undefined && !unlisted && <p className="quiet">Asking for the rules…</p>}
      {rules?.length === 0 && <p className="quiet">There are none: you are asked for everything.</p>}
      {rules && rules.length > 0 && (
        <div className="rules-all" tabIndex={0} role="region" aria-label="All rules">
          <p className="quiet">{`The mode is ${modeName(mode)}. ${meaning(mode, rules)}.`}</p>
          <RuleList name="What decides in this mode" rules={rules.filter((rule) => counts(rule, mode))} onRevoke={revoke} />
          <RuleList
            name="What decides in other modes alone"
            means="Here you are told of what these find, beside what you are asked."
            rules={rules.filter((rule) => !counts(rule, mode))}
            onRevoke={revoke}
          />
        </div>
      )}
      <div className="dialog-actions">
        <button type="button" className="button" data-first onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  );
}

function RuleList({
  name,
  means,
  rules,
  onRevoke,
}: {
  name: string;
  means?: string;
  rules: readonly Rule[];
  onRevoke: (id: string) => void;
}): ReactNode {
  if (rules.length === 0) return null;
  return (
    <>
      <h3>{name}</h3>
      {means !== undefined && <p className="quiet">{means}</p>}
      <ul className="rules-list" aria-label={name}>
        {rules.map((rule) => (
          <li key={rule.id}>
            <span className="badge" data-effect={rule.effect}>
              {EFFECTS[rule.effect] ?? visible(rule.effect)}
            </span>
            <span className="rules-text">
              {visible(rule.text)}
              <span className="quiet">{facts(rule).join(" · ")}</span>
            </span>
            {rule.source === "person" && (
              <button type="button" className="link-button" aria-label={`Take back: ${visible(rule.text)}`} onClick={() => onRevoke(rule.id)}>
                Take back
              </button>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}

function facts(rule: Rule): readonly string[] {
  const { action, pattern, scope, source } = rule;
  const mode = modeOf(rule);
  return [
    action && (ACTION_WORDS[action] ?? visible(action)),
    pattern && visible(pattern),
    SCOPES[scope] ?? visible(scope),
    SOURCES[source] ?? visible(source),
    source === "builtin" && (mode === undefined ? "in every mode" : `in the mode ${modeName(mode)} alone`),
  ].filter((fact) => typeof fact === "string" && fact !== "") as string[];
}

/** What a mode means beside the rules that were made. */
function meaning(mode: string, rules: readonly Rule[]): string {
  const means = MODE_WORDS[mode]?.means ?? "What it means is not known here";
  if (rules.every(({ source }) => source === "builtin")) return means;
  if (mode === "ask") return "Rules that you or the configuration made decide first; you answer everything else that the agent asks leave for";
  return mode === "acceptEdits" ? `Rules that you or the configuration made decide first. ${means}` : means;
}

/** Whether a rule decides anything in a mode. */
function counts(rule: Rule, mode: string): boolean {
  return (modeOf(rule) ?? mode) === mode;
}

function modeName(mode: string): string {
  return MODE_WORDS[mode]?.name ?? visible(mode);
}
