import { useEffect, useId, useState, type FormEvent, type ReactNode } from "react";

import type { AgentProviderInfo, AgentRunStartParams, AgentStrategy } from "../api.js";
import { isUsable } from "../chat/provider-cards.js";
import { ErrorCard } from "../methods/error-card.js";
import type { Failure } from "../methods/run.js";
import { useEnvironment } from "../shell/environment.js";
import { SteadyButton } from "../shell/steady-button.js";
import { useStore } from "../store.js";
import { blank, membersOf, mergerOf, type Draft, type MergerDraft } from "./draft.js";
import { MemberDrafts } from "./member-drafts.js";
import { needsMerger } from "./run.js";
import { StrategyFields } from "./strategy-fields.js";

/** Several agents on one prompt: which, in which folder, and what is made of their answers. */
export function RunStarter({ folder, onStarted }: { folder: string; onStarted?: (() => void) | undefined }): ReactNode {
  const { runs } = useEnvironment();
  const { isOpen, usable, usual } = useUsable();
  const [prompt, setPrompt] = useState("");
  const [typed, setCwd] = useState<string | undefined>(undefined);
  const cwd = typed ?? folder;
  const [strategy, setStrategy] = useState<AgentStrategy>("fanout");
  const [drafts, setDrafts] = useState<readonly Draft[]>([blank(0), blank(1)]);
  const [chosen, setMerger] = useState<MergerDraft>({ provider: "", model: "" });
  const [trees, setTrees] = useState({ worktrees: true, keep: true });
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure | undefined>(undefined);
  const id = useId();
  const members = membersOf(drafts, usual);
  const names = members.map(({ name }) => name);
  // Who was chosen may not be a member any more.
  const merger = "member" in chosen && !names.includes(chosen.member) ? { provider: "", model: "" } : chosen;
  const canStart = isOpen && !isBusy && prompt.trim() !== "" && cwd.trim() !== "" && usual !== "";
  const start = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (!canStart) return;
    setBusy(true);
    const { worktrees, keep } = trees;
    const wanted: AgentRunStartParams = { prompt, cwd: cwd.trim(), strategy, members: [...members], worktrees, keep: worktrees && keep };
    const failed = await runs.start(needsMerger(strategy) ? { ...wanted, merger: mergerOf(merger, usual) } : wanted);
    setBusy(false);
    setFailure(failed);
    if (!failed) onStarted?.();
  };
  return (
    <form className="run-starter" aria-label="New run" onSubmit={(event) => void start(event)}>
      <h2>Several agents on one prompt</h2>
      <label className="new-field" htmlFor={`${id}-prompt`}>
        <span>Prompt</span>
        <textarea
          id={`${id}-prompt`}
          className="input"
          rows={4}
          value={prompt}
          onChange={(event) => setPrompt(event.target.value)}
        />
      </label>
      <label className="new-field" htmlFor={`${id}-cwd`}>
        <span>Folder</span>
        <input
          id={`${id}-cwd`}
          className="input"
          placeholder="/path/to/project"
          spellCheck={false}
          autoComplete="off"
          value={cwd}
          onChange={(event) => setCwd(event.target.value)}
        />
      </label>
      <MemberDrafts drafts={drafts} usable={usable} usual={usual} onChange={setDrafts} />
      <StrategyFields
        strategy={strategy}
        merger={merger}
        members={names}
        usable={usable}
        usual={usual}
        onStrategy={setStrategy}
        onMerger={setMerger}
      />
      <Worktrees trees={trees} isShared={drafts.length > 1} onChange={setTrees} />
      {failure && <ErrorCard failure={failure} />}
      <div className="new-actions">
        <SteadyButton type="submit" className="button button-primary" isOff={!canStart}>
          {isBusy ? "Beginning…" : "Begin"}
        </SteadyButton>
      </div>
    </form>
  );
}

/** The agents that can be asked, and the one that is meant where none is chosen: empty where there is none. */
function useUsable(): { isOpen: boolean; usable: readonly AgentProviderInfo[]; usual: string } {
  const { agents, connection } = useEnvironment();
  const isOpen = useStore(connection.standing).phase === "open";
  const { state, providers, usual } = useStore(agents.providers);
  useEffect(() => {
    if (isOpen && state === "unknown") void agents.look(false);
  }, [agents, isOpen, state]);
  const usable = providers.filter(isUsable);
  return { isOpen, usable, usual: usable.some(({ id }) => id === usual) ? usual : (usable[0]?.id ?? "") };
}

interface Trees {
  worktrees: boolean;
  keep: boolean;
}

function Worktrees({
  trees: { worktrees, keep },
  isShared,
  onChange,
}: {
  trees: Trees;
  /** Whether several members would share the folder. */
  isShared: boolean;
  onChange: (trees: Trees) => void;
}): ReactNode {
  return (
    <div className="run-options">
      <label>
        <input
          type="checkbox"
          checked={worktrees}
          onChange={(event) => onChange({ worktrees: event.target.checked, keep })}
        />{" "}
        Each in a git worktree of its own
      </label>
      <label>
        <input
          type="checkbox"
          checked={worktrees && keep}
          disabled={!worktrees}
          onChange={(event) => onChange({ worktrees, keep: event.target.checked })}
        />{" "}
        Keep the worktrees when it has ended, so that changes can be applied after the daemon has ended too
      </label>
      {!worktrees && isShared && <p className="notice">They share the folder: one may overwrite what another one writes.</p>}
    </div>
  );
}
