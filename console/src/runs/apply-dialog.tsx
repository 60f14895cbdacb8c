import { useCallback, useEffect, useState, type ReactNode } from "react";

import type { AgentRunChanges } from "../api.js";
import { DiffLayoutButton, Diffs } from "../chat/diffs.js";
import { ErrorCard } from "../methods/error-card.js";
import type { Failure } from "../methods/run.js";
import { visible } from "../render/plain.js";
import { Dialog } from "../shell/dialog.js";
import { useEnvironment } from "../shell/environment.js";
import { SteadyButton } from "../shell/steady-button.js";
import { count } from "../shell/units.js";

/**
 * What would be applied, file by file, and where not all of a file can be shown, that it is so; and a way to apply exactly that:
 * what changes meanwhile is not applied but shown again.
 */
export function ApplyDialog({
  runId,
  cwd,
  member,
  onClose,
}: {
  runId: string;
  cwd: string;
  member: string;
  onClose: () => void;
}): ReactNode {
  const { runs, toasts } = useEnvironment();
  const [diff, setDiff] = useState<AgentRunChanges | undefined>(undefined);
  const [failure, setFailure] = useState<Failure | undefined>(undefined);
  const [isBusy, setBusy] = useState(false);
  const look = useCallback(async (): Promise<void> => {
    setBusy(true);
    setDiff(undefined);
    const answer = await runs.diff(runId, member);
    setBusy(false);
    if (answer.kind === "failed") return setFailure(answer.failure);
    setFailure(undefined);
    setDiff(answer.value);
  }, [runs, runId, member]);
  useEffect(() => void look(), [look]);
  const apply = async (): Promise<void> => {
    if (!diff) return;
    setBusy(true);
    const answer = await runs.apply(runId, member, diff.sha256);
    setBusy(false);
    if (answer.kind === "failed") return setFailure(answer.failure);
    const { files } = answer.value;
    toasts.say(`${files.length === 1 ? "1 file" : `${count(files.length)} files`} of ${visible(member)} applied`);
    onClose();
  };
  return (
    <Dialog label={`Apply what ${visible(member)} changed`} className="run-apply" onClose={onClose}>
      <div className="run-apply-head">
        <h2>Apply what {visible(member)} changed?</h2>
        <DiffLayoutButton />
      </div>
      <p>
        This changes files in <code>{visible(cwd)}</code>.
      </p>
      {failure && <ErrorCard failure={failure} />}
      <div className="run-apply-diffs" tabIndex={0} role="region" aria-label="What would be applied">
        {!diff && isBusy && <p className="quiet">Asking for the changes…</p>}
        {diff?.files.length === 0 && <p className="quiet">There is nothing to apply.</p>}
        {diff && <Diffs changes={diff.files} />}
      </div>
      <div className="dialog-actions">
        <button type="button" className="button" data-first onClick={onClose}>
          Not now
        </button>
        {failure && (
          <SteadyButton className="button" isOff={isBusy} onClick={() => void look()}>
            Look again
          </SteadyButton>
        )}
        <SteadyButton
          className="button button-primary"
          isOff={isBusy || !diff || diff.files.length === 0}
          onClick={() => void apply()}
        >
          Apply
        </SteadyButton>
      </div>
    </Dialog>
  );
}
