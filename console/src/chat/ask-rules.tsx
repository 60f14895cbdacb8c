import type { ReactNode } from "react";

import type { AgentAction, AgentOptionKind, PermissionOption } from "../api.js";
import { visible } from "../render/plain.js";
import { ACTION_WORDS } from "./words.js";

/** Our words for what an option means: an agent may call it anything. What allows least stands first. */
export const OPTIONS: Partial<Record<AgentOptionKind, string>> = {
  allow_once: "Allow once",
  allow_session: "Allow in this session",
  allow_always: "Always allow",
};

/** The options that make rules of ours, which are listed and can be taken back: the daemon lets no agent's be called so. */
const OURS: readonly string[] = ["sixframe:session", "sixframe:always"];

export function isOnce({ kind }: PermissionOption): boolean {
  return kind === "allow_once";
}

function isOurs({ optionId }: PermissionOption): boolean {
  return OURS.includes(optionId);
}

export function wordsOf(option: PermissionOption): string {
  const isForeign = !isOnce(option) && !isOurs(option);
  return `${OPTIONS[option.kind] ?? option.kind}${isForeign ? ", by a rule of the agent's own" : ""}`;
}

/** What a yes that lasts allows from then on, for how long, and where it is taken back: the gist in a line, all of it below that. */
export function AskRules({ action, options }: { action: AgentAction; options: readonly PermissionOption[] }): ReactNode {
  const previews = [...new Set(options.flatMap(({ rulePreview }) => (rulePreview ? [rulePreview] : [])))];
  const what = ACTION_WORDS[action] ?? visible(action);
  return (
    <details className="ask-rules">
      <summary>
        <span>
          What lasts makes a rule: <code>{previews.length > 0 ? visible(previews.join(" · ")) : what}</code>
        </span>
      </summary>
      <dl>
        {options.map((option) => (
          <div key={option.optionId}>
            <dt>{wordsOf(option)}</dt>
            <dd>
              {`${lasts(option)}:`} <code className="ask-rule">{option.rulePreview ? visible(option.rulePreview) : what}</code>
            </dd>
          </div>
        ))}
      </dl>
      {options.some(isOurs) && <p>Such a rule stands under ⋯ Rules… of the session, and is taken back there.</p>}
    </details>
  );
}

function lasts(option: PermissionOption): string {
  if (!isOurs(option)) return "The agent itself remembers it and asks no more; it cannot be taken back here";
  const until = option.kind === "allow_session" ? "until the session is closed" : "in this folder until you take it back";
  return `You are not asked again ${until}`;
}
