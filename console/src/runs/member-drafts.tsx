import { Plus, Trash2 } from "lucide-react";
import { useRef, type ReactNode } from "react";

import type { AgentProviderInfo } from "../api.js";
import { isFocusLost, useHeldFocus } from "../shell/held-focus.js";
import { SteadyButton } from "../shell/steady-button.js";
import { AgentSelect, ModeChoice, ModelInput } from "./agent-fields.js";
import { blank, type Draft } from "./draft.js";

const MOST_MEMBERS = 16;

/** Who works on the prompt. */
export function MemberDrafts({
  drafts,
  usable,
  usual,
  onChange,
}: {
  drafts: readonly Draft[];
  usable: readonly AgentProviderInfo[];
  usual: string;
  onChange: (drafts: readonly Draft[]) => void;
}): ReactNode {
  const change = (key: number, more: Partial<Draft>): void =>
    onChange(drafts.map((draft) => (draft.key === key ? { ...draft, ...more } : draft)));
  const next = Math.max(-1, ...drafts.map(({ key }) => key)) + 1;
  const another = useRef<HTMLButtonElement>(null);
  const hold = useHeldFocus(
    drafts.map(({ key }) => String(key)),
    () => {
      if (isFocusLost()) another.current?.focus();
    },
  );
  return (
    <fieldset className="run-members">
      <legend>Agents</legend>
      <ul>
        {drafts.map(({ key, provider, model, mode }, at) => (
          <li key={key} className="run-draft" aria-label={`Agent ${at + 1}`} {...hold(String(key))}>
            <AgentSelect
              usable={usable}
              value={provider === "" ? usual : provider}
              onChange={(chosen) => change(key, { provider: chosen })}
            />
            <ModelInput value={model} onChange={(chosen) => change(key, { model: chosen })} />
            <ModeChoice value={mode} onChange={(chosen) => change(key, { mode: chosen })} />
            <SteadyButton
              className="icon-button"
              aria-label={`Remove agent ${at + 1}`}
              isOff={drafts.length === 1}
              onClick={() => onChange(drafts.filter((draft) => draft.key !== key))}
            >
              <Trash2 size={14} />
            </SteadyButton>
          </li>
        ))}
      </ul>
      <SteadyButton
        ref={another}
        className="button button-small"
        isOff={drafts.length >= MOST_MEMBERS}
        onClick={() => onChange([...drafts, blank(next)])}
      >
        <Plus size={13} aria-hidden />
        Another agent
      </SteadyButton>
    </fieldset>
  );
}
