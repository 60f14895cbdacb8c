import { useId, useRef, useState, type KeyboardEvent, type ReactNode } from "react";

import { useEnvironment } from "../shell/environment.js";
import { SteadyButton } from "../shell/steady-button.js";
import { useStore } from "../store.js";
import { ContextPreview } from "./context-preview.js";
import { useSessions } from "./hooks.js";
import { isComposing, pressed } from "./keys.js";
import { DEFAULT_TEMPLATE, NO_CONTEXT, type PromptContext } from "./prompt-context.js";

/** Where it is chosen what goes with the prompts of a session, until something else is. */
export function ContextRow({
  id,
  sessionId,
  text,
  isOpen,
  onLeave,
}: {
  id: string;
  sessionId: string;
  /** The prompt as far as it is typed. */
  text: string;
  /** Whether the daemon can be reached. */
  isOpen: boolean;
  onLeave: () => void;
}): ReactNode {
  const { agents } = useEnvironment();
  const context = useStore(agents.typed.contexts).get(sessionId) ?? NO_CONTEXT;
  const [isPreviewed, preview] = useState(false);
  const opener = useRef<HTMLButtonElement>(null);
  const templates = useId();
  const isBuiltIn = useSessions()?.find((session) => session.sessionId === sessionId)?.provider === "builtin";
  const change = (part: Partial<PromptContext>): void => agents.typed.attach(sessionId, { ...context, ...part });
  const press = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || isComposing(pressed(event))) return;
    event.preventDefault();
    onLeave();
  };
  return (
    <>
      <div className="context-row" id={id} role="group" aria-label="Context" onKeyDown={press}>
        <Choice label="File" placeholder="src/main.rs" value={context.file} onChange={(file) => change({ file })} />
        <Choice label="Template" list={templates} value={context.template} onChange={(template) => change({ template })} />
        <datalist id={templates}>
          <option value={DEFAULT_TEMPLATE} />
        </datalist>
        <SteadyButton ref={opener} className="button button-small" isOff={!isOpen} onClick={() => preview(true)}>
          Show what is sent
        </SteadyButton>
        <p className="quiet">
          The file is one below the session's folder. A template of the daemon's configuration says what else goes along, such as
          the names of the project's files; <code>{DEFAULT_TEMPLATE}</code> is always there, and goes with a file where no other is
          named.
          {isBuiltIn && " The built-in agent is given what you type alone."}
        </p>
      </div>
      {isPreviewed && <ContextPreview sessionId={sessionId} text={text} opener={opener} onClose={() => preview(false)} />}
    </>
  );
}

function Choice({
  label,
  value,
  onChange,
  ...rest
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  placeholder?: string;
  list?: string;
}): ReactNode {
  return (
    <label className="context-field">
      <span>{label}</span>
      <input
        {...rest}
        className="input"
        spellCheck={false}
        autoComplete="off"
        autoCapitalize="off"
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
    </label>
  );
}
