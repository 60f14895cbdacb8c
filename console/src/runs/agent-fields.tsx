import type { ReactNode } from "react";

import type { AgentMode, AgentProviderInfo } from "../api.js";
import { modesOf, useModes } from "../chat/mode-select.js";
import { MODE_WORDS } from "../chat/words.js";
import { visible } from "../render/plain.js";

/** Which agent; `members` are offered too where one of them may be meant. */
export function AgentSelect({
  usable,
  members = [],
  value,
  onChange,
}: {
  usable: readonly AgentProviderInfo[];
  members?: readonly string[];
  /** The id of a provider, or `member:` and a name. */
  value: string;
  onChange: (value: string) => void;
}): ReactNode {
  const others = usable.map(({ id, name }) => (
    <option key={id} value={id}>
      {visible(name)}
    </option>
  ));
  return (
    <select className="input select" aria-label="Agent" value={value} onChange={(event) => onChange(event.target.value)}>
      {usable.length === 0 && <option value="">No agent is there</option>}
      {members.length === 0 ? (
        others
      ) : (
        <>
          <optgroup label="Another agent">{others}</optgroup>
          <optgroup label="One of them">
            {members.map((name) => (
              <option key={name} value={`member:${name}`}>
                {name}
              </option>
            ))}
          </optgroup>
        </>
      )}
    </select>
  );
}

export function ModelInput({ value, onChange }: { value: string; onChange: (model: string) => void }): ReactNode {
  return (
    <input
      className="input"
      aria-label="Model"
      placeholder="The agent's own model"
      spellCheck={false}
      value={value}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}

export function ModeChoice({ value, onChange }: { value: AgentMode; onChange: (mode: AgentMode) => void }): ReactNode {
  const modes = useModes();
  return (
    <select
      className="input select"
      aria-label="What it may do"
      value={value}
      onChange={(event) => onChange(event.target.value as AgentMode)}
    >
      {modesOf(modes).map((name) => (
        <option key={name} value={name}>
          {MODE_WORDS[name]?.name ?? name}
        </option>
      ))}
    </select>
  );
}
