import { Check, Hourglass, Pencil, X } from "lucide-react";
import { useState, type KeyboardEvent, type ReactNode } from "react";

import { readable } from "../render/plain.js";
import { useEnvironment } from "../shell/environment.js";
import { parted } from "./entry.js";
import { catchFocus } from "./focus-asked.js";
import { useHas } from "./hooks.js";
import { meaningOf, pressed } from "./keys.js";
import type { WaitingPrompt } from "./session-view.js";

/** Prompts that wait for their turn: they can be changed and taken back. */
export function QueueList({
  queue,
  sessionId,
  isOpen,
}: {
  queue: readonly WaitingPrompt[];
  sessionId: string;
  /** Whether the daemon can be reached. */
  isOpen: boolean;
}): ReactNode {
  if (queue.length === 0) return null;
  return (
    <section className="queue" aria-label="Prompts that wait">
      <p className="queue-head">
        <Hourglass size={13} aria-hidden />
        {queue.length === 1 ? "1 prompt waits" : `${queue.length} prompts wait`}
      </p>
      <ol>
        {queue.map((prompt) => (
          <Queued key={prompt.promptId} prompt={prompt} sessionId={sessionId} isOpen={isOpen} />
        ))}
      </ol>
    </section>
  );
}

function Queued({
  prompt: { promptId, content, delivery, isCut = false, seq = 0 },
  sessionId,
  isOpen,
}: {
  prompt: WaitingPrompt;
  sessionId: string;
  isOpen: boolean;
}): ReactNode {
  const { agents } = useEnvironment();
  const canEdit = useHas("agent.editPrompt");
  const { text } = parted(content);
  const [whole, setWhole] = useState<string | undefined>(undefined);
  const [edited, setEdited] = useState<string | undefined>(undefined);
  const begin = async (): Promise<void> => {
    const said = isCut ? await agents.wholePrompt(sessionId, seq) : text;
    setWhole(said);
    setEdited(said);
  };
  const leave = (): void => {
    setEdited(undefined);
    // When the field is gone.
    setTimeout(catchFocus);
  };
  const save = async (): Promise<void> => {
    if (edited === undefined || edited.trim() === "") return;
    if (edited === whole || (await agents.editPrompt(sessionId, promptId, edited))) leave();
  };
  const press = (event: KeyboardEvent): void => {
    const meaning = meaningOf(pressed(event));
    if (meaning === "none") return;
    event.preventDefault();
    event.stopPropagation();
    if (meaning === "send") void save();
    else leave();
  };
  if (edited !== undefined)
    return (
      <li className="queued">
        <textarea
          className="input"
          rows={1}
          autoFocus
          aria-label="The prompt"
          value={edited}
          onChange={(event) => setEdited(event.target.value)}
          onKeyDown={press}
        />
        <button type="button" className="icon-button icon-small" aria-label="Keep the change" disabled={!isOpen} onClick={() => void save()}>
          <Check size={14} />
        </button>
        <button type="button" className="icon-button icon-small" aria-label="Leave it as it was" onClick={leave}>
          <X size={14} />
        </button>
      </li>
    );
  return (
    <li className="queued">
      <span className="queued-text">{readable(isCut ? `${text} …` : text)}</span>
      {delivery !== "queue" && <span className="badge">{delivery === "now" ? "now" : "next"}</span>}
      {canEdit && (
        <button type="button" className="icon-button icon-small" aria-label="Change the prompt" disabled={!isOpen} onClick={() => void begin()}>
          <Pencil size={13} />
        </button>
      )}
      <button
        type="button"
        className="icon-button icon-small"
        aria-label="Take the prompt back"
        disabled={!isOpen}
        onClick={() => void agents.cancelPrompt(sessionId, promptId)}
      >
        <X size={14} />
      </button>
    </li>
  );
}
