import { useEffect, useId, useRef, useState, type FormEvent, type ReactNode } from "react";

import { ErrorCard } from "../methods/error-card.js";
import { passes, type Failure } from "../methods/run.js";
import { useEnvironment } from "../shell/environment.js";
import { SteadyButton } from "../shell/steady-button.js";
import { lasting } from "../storage.js";
import { useStore } from "../store.js";
import { focusAsked } from "./focus-asked.js";
import { FolderTrust } from "./folder-trust.js";
import { modesOf, useModes } from "./mode-select.js";
import { isUsable, ProviderCards } from "./provider-cards.js";
import type { SessionView } from "./session-view.js";
import { MODE_WORDS } from "./words.js";

const KEPT = "sixframe.agents.folder";

/** Which agent, in which folder, with which leave: what a session begins with. */
export function NewSession({ sessions, isOpen }: { sessions: readonly SessionView[]; isOpen: boolean }): ReactNode {
  const { agents } = useEnvironment();
  const { state, providers, usual, folder: preset, failure: missed } = useStore(agents.providers);
  const modes = useModes();
  const [id, folders] = [useId(), useId()];
  const [chosen, setChosen] = useState<string | undefined>(undefined);
  const [typed, setTyped] = useState<string | undefined>(lasting.getItem(KEPT) ?? sessions[0]?.cwd);
  const cwd = typed ?? preset;
  const [mode, setMode] = useState("ask");
  const [model, setModel] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure | undefined>(undefined);
  useEffect(() => {
    if (isOpen && state === "unknown") void agents.look(false);
  }, [agents, isOpen, state]);
  useEffect(() => {
    // What a lost connection took along is asked for again when it is back.
    if (isOpen && missed && passes(missed)) void agents.look(false);
  }, [agents, isOpen]);
  const folder = useRef<HTMLInputElement>(null);
  const asked = useStore(focusAsked);
  useEffect(() => {
    // What begins is waited for by the field for prompts.
    if (!asked || isBusy) return;
    folder.current?.focus();
    focusAsked.set(false);
  }, [asked, isBusy]);
  const provider = chosen ?? usual;
  const info = providers.find((one) => one.id === provider);
  const canBegin = isOpen && !isBusy && cwd.trim() !== "" && info !== undefined && isUsable(info);
  const begin = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (!canBegin) return;
    setBusy(true);
    focusAsked.set(true);
    const wanted = cwd.trim();
    const failed = await agents.create({ provider, cwd: wanted, mode, ...(model.trim() !== "" && { model: model.trim() }) });
    if (failed) {
      focusAsked.set(false);
      setFailure(failed);
      setBusy(false);
    } else lasting.setItem(KEPT, wanted);
  };
  return (
    <form className="new-session" aria-label="New session" onSubmit={(event) => void begin(event)}>
      <h2>New session</h2>
      <ProviderCards chosen={provider} onChoose={setChosen} />
      <div className="new-fields">
        <label className="new-field" htmlFor={id}>
          <span>Folder</span>
          <input
            ref={folder}
            id={id}
            className="input"
            list={folders}
            placeholder="/path/to/project"
            spellCheck={false}
            autoComplete="off"
            value={cwd}
            onChange={(event) => setTyped(event.target.value)}
          />
          <datalist id={folders}>
            {[...new Set([...sessions.map((session) => session.cwd), preset])].filter(Boolean).map((folder) => (
              <option key={folder} value={folder} />
            ))}
          </datalist>
        </label>
        <label className="new-field new-model">
          <span>Model</span>
          <input
            className="input"
            placeholder="The agent's own choice"
            spellCheck={false}
            value={model}
            onChange={(event) => setModel(event.target.value)}
          />
        </label>
      </div>
      <FolderTrust cwd={cwd.trim()} isOpen={isOpen} />
      <fieldset className="new-modes">
        <legend>What it may do</legend>
        {modesOf(modes).map((name) => (
          <label key={name} className="new-mode">
            <input type="radio" name="mode" value={name} checked={mode === name} onChange={() => setMode(name)} />
            <span>
              <b>{MODE_WORDS[name]?.name ?? name}</b>
              <span className="quiet">{MODE_WORDS[name]?.means}</span>
            </span>
          </label>
        ))}
      </fieldset>
      {failure && <ErrorCard failure={failure} />}
      <div className="new-actions">
        <SteadyButton type="submit" className="button button-primary" isOff={!canBegin}>
          {isBusy ? "Beginning…" : "Begin"}
        </SteadyButton>
      </div>
    </form>
  );
}
