import { Paperclip, X } from "lucide-react";
import { useId, useRef, useState, type ReactNode } from "react";

import { visible } from "../render/plain.js";
import { useEnvironment } from "../shell/environment.js";
import { useHeldFocus } from "../shell/held-focus.js";
import { useStore } from "../store.js";
import { ContextRow } from "./context-row.js";
import { catchFocus } from "./focus-asked.js";
import { useHas } from "./hooks.js";
import { contextWords, NO_CONTEXT } from "./prompt-context.js";

/**
 * What goes with the prompts of a session: that something does, and where it is chosen. What was chosen is told, and can be taken
 * away, also where the daemon has it no more: it is sent all the same, and then refused.
 */
export function ContextControls({
  sessionId,
  text,
  isOpen,
}: {
  sessionId: string;
  /** The prompt as far as it is typed. */
  text: string;
  /** Whether the daemon can be reached. */
  isOpen: boolean;
}): ReactNode {
  const canChoose = useHas("agent.previewPrompt");
  const [isShown, show] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();
  const leave = (): void => {
    button.current?.focus();
    show(false);
  };
  return (
    <>
      {canChoose && isShown && <ContextRow id={id} sessionId={sessionId} text={text} isOpen={isOpen} onLeave={leave} />}
      {canChoose && (
        <button
          ref={button}
          type="button"
          className="context-button"
          aria-label="Context"
          aria-expanded={isShown}
          aria-controls={isShown ? id : undefined}
          title="What is sent beside what you type"
          onClick={() => show(!isShown)}
        >
          <Paperclip size={13} aria-hidden />
          <span className="button-word">Context</span>
        </button>
      )}
      <ContextChip sessionId={sessionId} />
    </>
  );
}

function ContextChip({ sessionId }: { sessionId: string }): ReactNode {
  const { agents } = useEnvironment();
  const words = contextWords(useStore(agents.typed.contexts).get(sessionId) ?? NO_CONTEXT);
  const hold = useHeldFocus(words === "" ? [] : ["chip"], catchFocus);
  if (words === "") return null;
  return (
    <span className="context-chip">
      {`with ${visible(words)}`}
      <button
        type="button"
        className="icon-button icon-small"
        aria-label="Take the context away"
        onClick={() => agents.typed.attach(sessionId, NO_CONTEXT)}
        {...hold("chip")}
      >
        <X size={13} />
      </button>
    </span>
  );
}
