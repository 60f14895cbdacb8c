import { CircleCheck, CircleHelp, CircleX, ExternalLink, LoaderCircle, LogIn, RefreshCw, TriangleAlert, type LucideIcon } from "lucide-react";
import type { ReactNode } from "react";

import type { AgentProviderInfo, AgentProviderState } from "../api.js";
import { ErrorCard } from "../methods/error-card.js";
import { passes } from "../methods/run.js";
import { visible } from "../render/plain.js";
import { useEnvironment } from "../shell/environment.js";
import { Radio, RadioGroup } from "../shell/radio-group.js";
import { SteadyButton } from "../shell/steady-button.js";
import { useStore } from "../store.js";
import { PROVIDER_WORDS } from "./words.js";

const MARKS: Record<AgentProviderState, LucideIcon> = {
  ready: CircleCheck,
  unknown: CircleHelp,
  checking: LoaderCircle,
  loggedOut: LogIn,
  tooOld: TriangleAlert,
  broken: CircleX,
  missing: CircleX,
};

/** Whether a session may be begun with it: what is only doubtful may be tried. */
export function isUsable({ state }: AgentProviderInfo): boolean {
  return state !== "missing" && state !== "broken";
}

/** The agents on this machine, of which one is chosen; what cannot be used says what to do about it. */
export function ProviderCards({ chosen, onChoose }: { chosen: string; onChoose: (id: string) => void }): ReactNode {
  const { agents } = useEnvironment();
  const { state, providers, failure } = useStore(agents.providers);
  const isScanning = state === "scanning" || state === "unknown";
  const hasModel = providers.some((provider) => provider.id !== "builtin" && isUsable(provider));
  return (
    <section className="providers" aria-label="Agents on this machine" aria-busy={isScanning}>
      <header className="providers-head">
        <h3>Agent</h3>
        <span className="spacer" />
        {isScanning && (
          <span className="scanning" role="status">
            <LoaderCircle size={14} className="turning" aria-hidden />
            Looking for agents…
          </span>
        )}
        <SteadyButton className="link-button" isOff={isScanning} onClick={() => void agents.look(true)}>
          <RefreshCw size={12} aria-hidden /> Look again
        </SteadyButton>
      </header>
      {state === "failed" && failure && !passes(failure) && <ErrorCard failure={failure} />}
      {!isScanning && state === "known" && !hasModel && (
        <p className="notice">
          No agent with a model was found on this machine. Install one of those below and look again; the built-in one works
          without any.
        </p>
      )}
      <RadioGroup label="Agent" className="provider-cards">
        {providers.map((provider) => (
          <ProviderCard
            key={provider.id}
            provider={provider}
            isChosen={provider.id === chosen}
            onChoose={() => onChoose(provider.id)}
          />
        ))}
      </RadioGroup>
    </section>
  );
}

function ProviderCard({
  provider,
  isChosen,
  onChoose,
}: {
  provider: AgentProviderInfo;
  isChosen: boolean;
  onChoose: () => void;
}): ReactNode {
  const { id, name, state, version, tested, authMethod, hint, installUrl, program } = provider;
  const Mark = MARKS[state] ?? CircleHelp;
  const facts = [version && visible(version), tested === "newer" && "newer than tried with", authMethod && visible(authMethod)];
  return (
    <div className="provider-card" data-state={state} data-chosen={isChosen}>
      <Radio
        className="provider-choose"
        isChosen={isChosen}
        isOff={!isUsable(provider)}
        title={program ? visible(program) : undefined}
        onChoose={onChoose}
      >
        <b>{visible(name)}</b>
        <span className="provider-state" data-state={state}>
          <Mark size={13} aria-hidden />
          {PROVIDER_WORDS[state] ?? visible(state)}
        </span>
        <span className="provider-facts">{facts.filter(Boolean).join(" · ") || visible(id)}</span>
      </Radio>
      {hint && !(installUrl && hint.endsWith(installUrl)) && <p className="provider-hint">{visible(hint)}</p>}
      {installUrl && state !== "ready" && /^https:\/\//i.test(installUrl) && (
        <a className="link provider-link" href={installUrl} target="_blank" rel="noopener noreferrer">
          How to install it <ExternalLink size={12} aria-hidden />
        </a>
      )}
    </div>
  );
}
