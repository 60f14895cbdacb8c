import { Check, Hourglass, Pencil, X } from "lucide-react";
import { useEffect, useRef, type KeyboardEvent, type ReactNode } from "react";

import { readable } from "../render/plain.js";
import { useEnvironment } from "../shell/environment.js";
import { useHeldFocus } from "../shell/held-focus.js";
import { SteadyButton } from "../shell/steady-button.js";
import { useStore } from "../store.js";
import { parted } from "./entry.js";
import { catchFocus } from "./focus-asked.js";
import { useHas } from "./hooks.js";
import { meaningOf, pressed } from "./keys.js";
import type { SessionFold } from "./session-fold.js";
import type { WaitingPrompt } from "./session-view.js";
import type { Edit } from "./typed.js";

/** Prompts that wait for their turn: they can be changed and taken back. */
export function QueueList({
  queue,
  fold,
  sessionId,
  isOpen,
}: {
  queue: readonly WaitingPrompt[];
  /** The history of the session. */
  fold: SessionFold;
  sessionId: string;
  /** Whether the daemon can be reached. */
  isOpen: boolean;
}): ReactNode {
  const { agents, toasts } = useEnvironment();
  const ids = queue.map(({ promptId }) => promptId);
  const edits = useStore(agents.typed.edits);
  const hold = useHeldFocus(ids, catchFocus);
  useEffect(() => {
    if (agents.typed.rescue(sessionId, ids))
      toasts.say("It was sent as it was, or taken back elsewhere. Your change of it stands in the field for prompts.");
  }, [queue, edits]);
  if (queue.length === 0) return null;
  return (
    <section className="queue" aria-label="Prompts that wait">
      <p className="queue-head">
        <Hourglass size={13} aria-hidden />
        {queue.length === 1 ? "1 prompt waits" : `${queue.length} prompts wait`}
      </p>
      <ol>
        {queue.map((prompt) => (
          <li key={prompt.promptId} className="queued" {...hold(prompt.promptId)}>
            <Queued prompt={prompt} fold={fold} sessionId={sessionId} isOpen={isOpen} />
          </li>
        ))}
      </ol>
    </section>
  );
}

function Queued({
  prompt: { promptId, content, delivery, isCut = false, seq },
  fold,
  sessionId,
  isOpen,
}: {
  prompt: WaitingPrompt;
  fold: SessionFold;
  sessionId: string;
  isOpen: boolean;
}): ReactNode {
  const { agents } = useEnvironment();
  const canEdit = useHas("agent.editPrompt");
  const { text } = parted(content);
  const edit = useStore(agents.typed.edits).get(promptId);
  /** What was to be kept while an earlier state was being taken. */
  const next = useRef<string | undefined>(undefined);
  /** The event up to which this person knows what the prompt says; undefined where the own change is not told yet. */
  const known = ({ seq, isTaken }: Edit): number | undefined =>
    isTaken && seq !== undefined ? fold.toldBehind(promptId, seq) : seq;
  /** What is written over: what is shown beside the field, or what this person made of it, and nothing that came unseen. */
  const replaced = (edit: Edit): number | undefined => {
    const own = known(edit);
    return own === undefined ? undefined : Math.max(own, seq ?? 0);
  };
  const isChangedSince = (edit: Edit): boolean => edit.sent === undefined && (seq ?? 0) > (known(edit) ?? Infinity);
  const begin = async (): Promise<void> => {
    const whole = isCut ? await agents.wholePrompt(sessionId, seq ?? 0) : text;
    if (whole !== undefined) agents.typed.edit(promptId, { sessionId, whole, text: whole, seq });
  };
  const leave = (): void => {
    agents.typed.leave(promptId);
    // When the field is gone.
    setTimeout(catchFocus);
  };
  /** Whether an earlier state is being taken: before that is told there is nothing that another one could be compared with. */
  const isUnderWay = edit !== undefined && (edit.sent !== undefined || (edit.isTaken === true && known(edit) === undefined));
  const save = async (): Promise<void> => {
    if (!isOpen || !edit || edit.text.trim() === "") return;
    if (isUnderWay) return void (next.current = edit.text);
    if (edit.text === edit.whole) return leave();
    const sent = agents.typed.send(promptId, edit);
    const over = replaced(edit);
    const isTaken = await agents.editPrompt(sessionId, promptId, edit.text, over);
    const now = agents.typed.edits.get().get(promptId);
    if (!isTaken) next.current = undefined;
    // It was left meanwhile, and may be changed anew.
    if (now?.sent !== sent) return;
    if (isTaken && now.text === edit.text) leave();
    else if (isTaken) agents.typed.edit(promptId, { sessionId, whole: edit.text, text: now.text, seq: over, isTaken: over !== undefined });
    else agents.typed.edit(promptId, { ...edit, text: now.text });
  };
  useEffect(() => {
    if (isUnderWay || next.current === undefined) return;
    const isMeant = edit?.text === next.current && !isChangedSince(edit);
    next.current = undefined;
    if (isMeant) void save();
  });
  const press = (event: KeyboardEvent): void => {
    const meaning = meaningOf(pressed(event));
    if (meaning === "none") return;
    event.preventDefault();
    event.stopPropagation();
    if (meaning === "send") void save();
    else leave();
  };
  if (edit)
    return (
      <>
        <textarea
          className="input"
          rows={1}
          autoFocus
          aria-label="The prompt"
          value={edit.text}
          onChange={(event) => agents.typed.edit(promptId, { ...edit, text: event.target.value })}
          onKeyDown={press}
        />
        <SteadyButton className="icon-button icon-small" aria-label="Keep the change" isOff={!isOpen} onClick={() => void save()}>
          <Check size={14} />
        </SteadyButton>
        <button type="button" className="icon-button icon-small" aria-label="Leave it as it was" onClick={leave}>
          <X size={14} />
        </button>
        {isChangedSince(edit) && (
          <p className="queued-since" role="status">
            {`Somebody else has changed it since. It says now: ${readable(isCut ? `${text} …` : text)}`}
          </p>
        )}
      </>
    );
  return (
    <>
      <span className="queued-text">{readable(isCut ? `${text} …` : text)}</span>
      {delivery !== "queue" && <span className="badge">{delivery === "now" ? "now" : "next"}</span>}
      {canEdit && (
        <SteadyButton className="icon-button icon-small" aria-label="Change the prompt" isOff={!isOpen} onClick={() => void begin()}>
          <Pencil size={13} />
        </SteadyButton>
      )}
      <SteadyButton
        className="icon-button icon-small"
        aria-label="Take the prompt back"
        isOff={!isOpen}
        onClick={() => void agents.cancelPrompt(sessionId, promptId)}
      >
        <X size={14} />
      </SteadyButton>
    </>
  );
}
