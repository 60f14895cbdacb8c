import { Files, Undo2 } from "lucide-react";
import { useState, type ReactNode } from "react";

import { visible } from "../render/plain.js";
import { Dialog } from "../shell/dialog.js";
import { useEnvironment } from "../shell/environment.js";
import { useHeldFocus } from "../shell/held-focus.js";
import { SteadyButton } from "../shell/steady-button.js";
import { count, milliseconds } from "../shell/units.js";
import { DiffLayoutButton, Diffs } from "./diffs.js";
import { Disclosure } from "./disclosure.js";
import type { ChangedFile, Turn } from "./entry.js";
import { catchFocus } from "./focus-asked.js";
import { useHas } from "./hooks.js";
import { ProblemCard } from "./problem-card.js";
import { useReadOnly } from "./read-only.js";
import { money, tokens } from "./usage.js";
import { OUTCOME_WORDS } from "./words.js";

/** Files that are named before more are only counted. */
const MOST_PATHS = 100;

/** How a turn ended, what it used, and what it changed, with ways to try again and to take it back. */
export function TurnEnd({
  turn,
  sessionId,
  onRetry,
}: {
  turn: Turn;
  sessionId: string;
  onRetry?: ((promptId: string) => void) | undefined;
}): ReactNode {
  const { outcome, error, usage, cost, durationMs, files, promptId, isUndone } = turn;
  const retry = onRetry && promptId !== "" ? () => onRetry(promptId) : undefined;
  const facts = [
    // How long a turn was that nobody saw the end of is not known.
    durationMs !== undefined && durationMs > 0 && milliseconds(durationMs),
    usage && tokens(usage),
    cost && money(cost.amountMicros, cost.currency),
  ].filter((fact) => typeof fact === "string");
  return (
    <div className="turn-end" data-outcome={outcome}>
      {error && <ProblemCard problem={error} onRetry={outcome === "failed" ? retry : undefined} />}
      <p className="turn-line">
        <span className="outcome" data-state={outcome === "completed" ? "done" : outcome === "failed" ? "failed" : "cancelled"}>
          <span className="outcome-dot" aria-hidden />
          {OUTCOME_WORDS[outcome ?? "completed"] ?? visible(outcome ?? "")}
        </span>
        {facts.map((fact) => (
          <span key={fact} className="quiet">
            {fact}
          </span>
        ))}
        {retry && !error && outcome !== "completed" && (
          <button type="button" className="link-button" onClick={retry}>
            Ask again
          </button>
        )}
      </p>
      {files.length > 0 && <ChangedFileList turn={turn} sessionId={sessionId} />}
      {isUndone && <p className="turn-undone">What this turn changed was taken back.</p>}
    </div>
  );
}

function ChangedFileList({ turn, sessionId }: { turn: Turn; sessionId: string }): ReactNode {
  const { files, turnId } = turn;
  const [shown, setShown] = useState(MOST_PATHS);
  const [additions, deletions] = [sum(files, "additions"), sum(files, "deletions")];
  return (
    <Disclosure
      name={`files:${turnId}`}
      className="changed"
      isUsuallyOpen={false}
      head={
        <>
          <Files size={14} aria-hidden />
          <b>{files.length === 1 ? "1 file changed" : `${count(files.length)} files changed`}</b>
          <Tally additions={additions} deletions={deletions} />
        </>
      }
      aside={
        <span className="changed-tools">
          <DiffLayoutButton />
          <UndoButton turn={turn} sessionId={sessionId} />
        </span>
      }
    >
      {() => (
        <ul className="changed-files" aria-label="Changed files">
          {files.slice(0, shown).map((file) => (
            <li key={file.path}>
              {file.changes.length > 0 ? (
                <Disclosure
                  name={`file:${turnId}:${file.path}`}
                  isUsuallyOpen={files.length === 1}
                  head={<FileHead file={file} />}
                >
                  {() => <Diffs changes={file.changes} />}
                </Disclosure>
              ) : (
                <p className="changed-seen">
                  <FileHead file={file} />
                </p>
              )}
            </li>
          ))}
          {files.length > shown && (
            <li>
              <button type="button" className="link-button" onClick={() => setShown(shown + 5 * MOST_PATHS)}>
                {`${count(files.length - shown)} more files`}
              </button>
            </li>
          )}
        </ul>
      )}
    </Disclosure>
  );
}

const KIND_WORDS: Record<ChangedFile["kind"], string> = {
  add: "new",
  delete: "deleted",
  modify: "changed",
  move: "moved",
  copy: "copied",
};

function FileHead({ file: { path, kind, additions, deletions } }: { file: ChangedFile }): ReactNode {
  return (
    <>
      <code className="changed-path">{visible(path)}</code>
      <span className="badge">{KIND_WORDS[kind] ?? visible(kind)}</span>
      <Tally additions={additions} deletions={deletions} />
    </>
  );
}

function Tally({ additions, deletions }: { additions: number; deletions: number }): ReactNode {
  if (additions + deletions === 0) return null;
  return (
    <span className="tally-lines">
      <span className="tally-added" aria-label={`${additions} lines added`}>
        +{count(additions)}
      </span>
      <span className="tally-taken" aria-label={`${deletions} lines taken away`}>
        −{count(deletions)}
      </span>
    </span>
  );
}

/** Takes back what a turn changed, where the daemon knows how; asks first where somebody changed the same since. */
function UndoButton({ turn, sessionId }: { turn: Turn; sessionId: string }): ReactNode {
  const { agents, toasts } = useEnvironment();
  const hasUndo = useHas("agent.undo");
  const canUndo = !useReadOnly() && hasUndo;
  const [isBusy, setBusy] = useState(false);
  const [conflict, setConflict] = useState<readonly string[] | undefined>(undefined);
  const isThere = canUndo && !turn.isUndone;
  const hold = useHeldFocus(isThere ? ["undo"] : [], catchFocus);
  if (!isThere) return null;
  const undo = async (force: boolean): Promise<void> => {
    setBusy(true);
    setConflict(undefined);
    const undone = await agents.undo(sessionId, turn.turnId, force);
    setBusy(false);
    if (undone.kind === "conflict") setConflict(undone.paths);
    if (undone.kind === "done") toasts.say(`${undone.files.length === 1 ? "1 file is" : `${undone.files.length} files are`} as before the turn`);
  };
  return (
    <span className="held" {...hold("undo")}>
      <SteadyButton className="button button-small" isOff={isBusy} onClick={() => void undo(false)}>
        <Undo2 size={13} aria-hidden />
        Undo
      </SteadyButton>
      {conflict !== undefined && (
        <Dialog label="Undo anyway?" onClose={() => setConflict(undefined)}>
          <h2>Undo anyway?</h2>
          <p>{`${conflict.length === 1 ? "This file was" : "These files were"} changed after the turn, or its end was not seen. What was changed there since would be lost.`}</p>
          <ul className="undo-paths" tabIndex={0} aria-label="Files that would be overwritten">
            {conflict.slice(0, MOST_PATHS).map((path) => (
              <li key={path}>
                <code>{visible(path)}</code>
              </li>
            ))}
            {conflict.length > MOST_PATHS && <li className="quiet">{`and ${count(conflict.length - MOST_PATHS)} more`}</li>}
          </ul>
          <div className="dialog-actions">
            <button type="button" className="button" data-first onClick={() => setConflict(undefined)}>
              Keep them
            </button>
            <button type="button" className="button button-danger" onClick={() => void undo(true)}>
              Undo anyway
            </button>
          </div>
        </Dialog>
      )}
    </span>
  );
}

function sum(files: readonly ChangedFile[], of: "additions" | "deletions"): number {
  return files.reduce((total, file) => total + file[of], 0);
}
