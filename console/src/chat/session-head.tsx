import { Ellipsis, GitFork, Play, Scale, ShieldCheck, X } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { useId, useRef, useState, type KeyboardEvent, type ReactNode } from "react";

import { visible } from "../render/plain.js";
import { Dialog } from "../shell/dialog.js";
import { useEnvironment } from "../shell/environment.js";
import { SteadySelect } from "../shell/steady-select.js";
import { useStore } from "../store.js";
import { catchFocus } from "./focus-asked.js";
import type { Facts } from "./facts.js";
import { FolderTrust } from "./folder-trust.js";
import { useHas } from "./hooks.js";
import { ModeSelect } from "./mode-select.js";
import { isUsable } from "./provider-cards.js";
import { RulesDialog } from "./rules-dialog.js";
import { isBusy, nameOf, type SessionView } from "./session-view.js";
import { StateDot } from "./state-dot.js";
import { UsageLine } from "./usage-line.js";
import { stateWords } from "./words.js";

/** Which session this is, what it is doing, what it may, what it used; and what can be done with it as a whole. */
export function SessionHead({ session, facts, isOpen }: { session: SessionView; facts: Facts; isOpen: boolean }): ReactNode {
  const { agents } = useEnvironment();
  const { sessionId, provider, cwd, state, mode, model } = session;
  return (
    <header className="session-head">
      <div className="session-title">
        <h2 title={visible(nameOf(session))}>{visible(nameOf(session))}</h2>
        <p>
          <StateDot state={state} />
          <span>{stateWords(state)}</span>
          <span aria-hidden>·</span>
          <span>{visible(provider)}</span>
          <span aria-hidden>·</span>
          <code title={visible(cwd)}>{visible(cwd)}</code>
        </p>
      </div>
      <span className="spacer" />
      <UsageLine session={session} facts={facts} />
      <ModelSelect sessionId={sessionId} model={model ?? undefined} models={facts.models} isOff={!isOpen} />
      <ModeSelect mode={mode} isOff={!isOpen} onChange={(next) => void agents.setMode(sessionId, next)} />
      <SessionMenu session={session} isOpen={isOpen} />
    </header>
  );
}

function ModelSelect({
  sessionId,
  model,
  models,
  isOff,
}: {
  sessionId: string;
  model: string | undefined;
  models: readonly string[];
  isOff: boolean;
}): ReactNode {
  const { agents } = useEnvironment();
  if (models.length === 0) return model === undefined ? null : <span className="badge">{visible(model)}</span>;
  const listed = model === undefined || models.includes(model) ? models : [model, ...models];
  return (
    <SteadySelect
      className="input select select-small"
      aria-label="Model"
      value={model ?? ""}
      isOff={isOff}
      onChoose={(chosen) => void agents.setModel(sessionId, chosen)}
    >
      {model === undefined && <option value="">The agent's own choice</option>}
      {listed.map((name) => (
        <option key={name} value={name}>
          {visible(name)}
        </option>
      ))}
    </SteadySelect>
  );
}

function SessionMenu({ session, isOpen }: { session: SessionView; isOpen: boolean }): ReactNode {
  const { agents } = useEnvironment();
  const [isUnfolded, setUnfolded] = useState(false);
  const [isAsked, setAsked] = useState(false);
  const [shown, show] = useState<"rules" | "trust" | undefined>(undefined);
  const { providers, state } = useStore(agents.providers);
  const [canFork, canResume, canSetProvider] = [useHas("agent.fork"), useHas("agent.resume"), useHas("agent.setProvider")];
  const [hasRules, hasTrust] = [useHas("policy.list"), useHas("trust.status")];
  const note = useId();
  const button = useRef<HTMLButtonElement>(null);
  const { sessionId, provider, isReady } = session;
  const others = providers.filter((one) => one.id !== provider && isUsable(one));
  const close = (): void => {
    setAsked(false);
    void agents.close(session);
  };
  const fork = async (): Promise<void> => {
    await agents.fork(sessionId);
    // When the fork is looked at, and this is gone.
    setTimeout(catchFocus);
  };
  const unfold = (isWanted: boolean): void => {
    setUnfolded(isWanted && isOpen);
    if (isWanted && isOpen && state === "unknown") void agents.look(false);
  };
  return (
    <>
      <DropdownMenu.Root modal={false} open={isUnfolded} onOpenChange={unfold}>
        <DropdownMenu.Trigger
          ref={button}
          className="icon-button"
          aria-label="More of the session"
          aria-disabled={!isOpen}
          onKeyDown={stopNothing}
        >
          <Ellipsis size={16} />
        </DropdownMenu.Trigger>
        <DropdownMenu.Portal>
          <DropdownMenu.Content className="menu" align="end" sideOffset={6}>
            {canResume && !isReady && (
              <Choice icon={<Play size={14} aria-hidden />} word="Start the agent" onChoose={() => void agents.resume(sessionId)} />
            )}
            {canFork && <Choice icon={<GitFork size={14} aria-hidden />} word="Fork" onChoose={() => void fork()} />}
            {canSetProvider && others.length > 0 && (
              <DropdownMenu.Label className="menu-note" id={note}>
                A new session is recommended: another agent is given no more than a summary of this one.
              </DropdownMenu.Label>
            )}
            {canSetProvider &&
              others.map(({ id, name }) => (
                <Choice
                  key={id}
                  word={`Go on with ${visible(name)}`}
                  describedBy={note}
                  onChoose={() => void agents.setProvider(sessionId, id)}
                />
              ))}
            {hasRules && <Choice icon={<Scale size={14} aria-hidden />} word="Rules…" onChoose={() => show("rules")} />}
            {hasTrust && <Choice icon={<ShieldCheck size={14} aria-hidden />} word="Settings in the folder…" onChoose={() => show("trust")} />}
            <Choice
              icon={<X size={14} aria-hidden />}
              word="Close the session"
              onChoose={() => (isBusy(session) ? setAsked(true) : close())}
            />
          </DropdownMenu.Content>
        </DropdownMenu.Portal>
      </DropdownMenu.Root>
      {shown === "rules" && <RulesDialog sessionId={sessionId} mode={session.mode} back={button} onClose={() => show(undefined)} />}
      {shown === "trust" && (
        <Dialog label="Settings in the folder" back={button} onClose={() => show(undefined)}>
          <h2>Settings in the folder</h2>
          <p className="quiet">What agents would load from {visible(session.cwd)}. A change counts from the agent's next start on.</p>
          <FolderTrust cwd={session.cwd} isOpen={isOpen} isAsked />
          <div className="dialog-actions">
            <button type="button" className="button" data-first onClick={() => show(undefined)}>
              Close
            </button>
          </div>
        </Dialog>
      )}
      {isAsked && (
        <Dialog label="Close the session?" back={button} onClose={() => setAsked(false)}>
          <h2>Close the session?</h2>
          <p>The agent is at work. Its turn is stopped, and what waits is taken back.</p>
          <div className="dialog-actions">
            <button type="button" className="button" data-first onClick={() => setAsked(false)}>
              Leave it open
            </button>
            <button type="button" className="button button-danger" onClick={close}>
              Close it
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}

/** Escape led out of a menu or a dialog to here: who presses it once more does not mean the turn. */
function stopNothing(event: KeyboardEvent): void {
  if (event.key === "Escape") event.preventDefault();
}

function Choice({
  icon,
  word,
  describedBy,
  onChoose,
}: {
  icon?: ReactNode;
  word: string;
  describedBy?: string;
  onChoose: () => void;
}): ReactNode {
  return (
    <DropdownMenu.Item className="menu-item" aria-describedby={describedBy} onSelect={onChoose}>
      {icon ?? <span className="menu-gap" />}
      {word}
    </DropdownMenu.Item>
  );
}
