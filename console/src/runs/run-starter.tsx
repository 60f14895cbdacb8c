import { Plus, Trash2 } from "lucide-react";
import { useEffect, useId, useState, type FormEvent, type ReactNode } from "react";

import type { AgentProviderInfo, AgentStrategy } from "../api.js";
import { modesOf, useModes } from "../chat/mode-select.js";
import { isUsable } from "../chat/provider-cards.js";
import { MODE_WORDS } from "../chat/words.js";
import { ErrorCard } from "../methods/error-card.js";
import type { Failure } from "../methods/run.js";
import { visible } from "../render/plain.js";
import { useEnvironment } from "../shell/environment.js";
import { useStore } from "../store.js";
import { needsMerger, STRATEGY_WORDS, type MemberWanted } from "./run.js";

const MOST_MEMBERS = 8;

/** A member as it is being put together. */
interface Draft {
  key: number;
  provider: string;
  model: string;
  mode: string;
}

/** Several agents on one prompt: which, in which folder, and what is made of their answers. */
export function RunStarter({ folder, onStarted }: { folder: string; onStarted?: (() => void) | undefined }): ReactNode {
  const { agents, runs, connection } = useEnvironment();
  const isOpen = useStore(connection.standing).phase === "open";
  const { state, providers, usual } = useStore(agents.providers);
  const id = useId();
  const [prompt, setPrompt] = useState("");
  const [cwd, setCwd] = useState(folder);
  const [strategy, setStrategy] = useState<AgentStrategy>("fanout");
  const [drafts, setDrafts] = useState<readonly Draft[]>([blank(0), blank(1)]);
  const [merger, setMerger] = useState({ provider: "", model: "" });
  const [worktrees, setWorktrees] = useState(true);
  const [keep, setKeep] = useState(true);
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure | undefined>(undefined);
  useEffect(() => {
    if (isOpen && state === "unknown") void agents.look(false);
  }, [agents, isOpen, state]);
  const usable = providers.filter(isUsable);
  const fallback = usable.some((one) => one.id === usual) ? usual : (usable[0]?.id ?? "");
  const providerOf = (chosen: string): string => (chosen === "" ? fallback : chosen);
  const canStart = isOpen && !isBusy && prompt.trim() !== "" && cwd.trim() !== "" && fallback !== "" && drafts.length > 0;
  const change = (key: number, more: Partial<Draft>): void =>
    setDrafts((known) => known.map((draft) => (draft.key === key ? { ...draft, ...more } : draft)));
  const start = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (!canStart) return;
    setBusy(true);
    const failed = await runs.start({
      prompt,
      cwd: cwd.trim(),
      strategy,
      members: drafts.map((draft) => wantedOf({ ...draft, provider: providerOf(draft.provider) })),
      ...(needsMerger(strategy) && {
        merger: { provider: providerOf(merger.provider), ...(merger.model.trim() !== "" && { model: merger.model.trim() }) },
      }),
      worktrees,
      keep: worktrees && keep,
    });
    setBusy(false);
    setFailure(failed);
    if (!failed) onStarted?.();
  };
  return (
    <form className="run-starter" aria-label="New run" onSubmit={(event) => void start(event)}>
      <h2>Several agents on one prompt</h2>
      <label className="new-field" htmlFor={`${id}-prompt`}>
        <span>Prompt</span>
        <textarea id={`${id}-prompt`} className="input" rows={4} value={prompt} onChange={(event) => setPrompt(event.target.value)} />
      </label>
      <label className="new-field" htmlFor={`${id}-cwd`}>
        <span>Folder</span>
        <input
          id={`${id}-cwd`}
          className="input"
          placeholder="/home/you/project"
          spellCheck={false}
          autoComplete="off"
          value={cwd}
          onChange={(event) => setCwd(event.target.value)}
        />
      </label>
      <fieldset className="run-members">
        <legend>Agents</legend>
        <ul>
          {drafts.map((draft, at) => (
            <li key={draft.key} className="run-draft" aria-label={`Agent ${at + 1}`}>
              <ProviderSelect usable={usable} value={providerOf(draft.provider)} onChange={(provider) => change(draft.key, { provider })} />
              <ModelInput value={draft.model} onChange={(model) => change(draft.key, { model })} />
              <DraftMode value={draft.mode} onChange={(mode) => change(draft.key, { mode })} />
              <button
                type="button"
                className="icon-button"
                aria-label={`Remove agent ${at + 1}`}
                disabled={drafts.length === 1}
                onClick={() => setDrafts((known) => known.filter(({ key }) => key !== draft.key))}
              >
                <Trash2 size={14} />
              </button>
            </li>
          ))}
        </ul>
        <button
          type="button"
          className="button button-small"
          disabled={drafts.length >= MOST_MEMBERS}
          onClick={() => setDrafts((known) => [...known, blank(Math.max(-1, ...known.map(({ key }) => key)) + 1)])}
        >
          <Plus size={13} aria-hidden />
          Another agent
        </button>
      </fieldset>
      <fieldset className="new-modes">
        <legend>What is made of their answers</legend>
        {(Object.keys(STRATEGY_WORDS) as AgentStrategy[]).map((name) => (
          <label key={name} className="new-mode">
            <input type="radio" name={`${id}-strategy`} value={name} checked={strategy === name} onChange={() => setStrategy(name)} />
            <span>
              <b>{STRATEGY_WORDS[name].name}</b>
              <span className="quiet">{STRATEGY_WORDS[name].means}</span>
            </span>
          </label>
        ))}
      </fieldset>
      {needsMerger(strategy) && (
        <fieldset className="run-merger" aria-label={strategy === "vote" ? "The judge" : "Who makes one answer"}>
          <legend>{strategy === "vote" ? "The judge" : "Who makes one answer of them"}</legend>
          <div className="run-draft">
            <ProviderSelect usable={usable} value={providerOf(merger.provider)} onChange={(provider) => setMerger({ ...merger, provider })} />
            <ModelInput value={merger.model} onChange={(model) => setMerger({ ...merger, model })} />
          </div>
        </fieldset>
      )}
      <div className="run-options">
        <label>
          <input type="checkbox" checked={worktrees} onChange={(event) => setWorktrees(event.target.checked)} /> Each in a git worktree of its own
        </label>
        <label>
          <input type="checkbox" checked={worktrees && keep} disabled={!worktrees} onChange={(event) => setKeep(event.target.checked)} /> Keep the
          worktrees when it has ended
        </label>
        {!worktrees && drafts.length > 1 && (
          <p className="notice">They share the folder: one may overwrite what another one writes.</p>
        )}
      </div>
      {failure && <ErrorCard failure={failure} />}
      <div className="new-actions">
        <button type="submit" className="button button-primary" disabled={!canStart}>
          {isBusy ? "Beginning…" : "Begin"}
        </button>
      </div>
    </form>
  );
}

function blank(key: number): Draft {
  return { key, provider: "", model: "", mode: "ask" };
}

function wantedOf({ provider, model, mode }: Draft): MemberWanted {
  return { provider, ...(model.trim() !== "" && { model: model.trim() }), ...(mode !== "ask" && { mode }) };
}

function ProviderSelect({
  usable,
  value,
  onChange,
}: {
  usable: readonly AgentProviderInfo[];
  value: string;
  onChange: (provider: string) => void;
}): ReactNode {
  return (
    <select className="input select" aria-label="Agent" value={value} onChange={(event) => onChange(event.target.value)}>
      {usable.length === 0 && <option value="">No agent is there</option>}
      {usable.map(({ id, name }) => (
        <option key={id} value={id}>
          {visible(name)}
        </option>
      ))}
    </select>
  );
}

function ModelInput({ value, onChange }: { value: string; onChange: (model: string) => void }): ReactNode {
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

function DraftMode({ value, onChange }: { value: string; onChange: (mode: string) => void }): ReactNode {
  const modes = useModes();
  return (
    <select className="input select" aria-label="What it may do" value={value} onChange={(event) => onChange(event.target.value)}>
      {modesOf(modes).map((name) => (
        <option key={name} value={name}>
          {MODE_WORDS[name]?.name ?? visible(name)}
        </option>
      ))}
    </select>
  );
}
