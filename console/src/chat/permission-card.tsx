import { ShieldAlert, ShieldCheck, ShieldQuestion } from "lucide-react";
import { memo, useEffect, useId, useRef, useState, type FormEvent, type KeyboardEvent, type ReactNode } from "react";

import type { AgentRisk, PermissionOption } from "../api.js";
import { visible } from "../render/plain.js";
import { useEnvironment } from "../shell/environment.js";
import { SteadyButton } from "../shell/steady-button.js";
import { count } from "../shell/units.js";
import { useStore } from "../store.js";
import { Countdown } from "./countdown.js";
import { ExactInput } from "./exact-input.js";
import { AskRules, isOnce, OPTIONS, wordsOf } from "./ask-rules.js";
import { useStandsInView } from "./in-view.js";
import { ignoreEnter, isComposing, meaningOf, pressed } from "./keys.js";
import type { Permission, SessionView } from "./session-view.js";
import { folderName } from "./session-view.js";
import { ACTION_WORDS, RISK_WORDS } from "./words.js";

/** How many files are listed singly. */
const MOST_PATHS = 100;

const MARKS: Record<AgentRisk, typeof ShieldAlert> = {
  low: ShieldCheck,
  medium: ShieldQuestion,
  high: ShieldAlert,
  critical: ShieldAlert,
};

/**
 * What an agent asks leave for. It never takes the focus, Enter never allows, and nothing can be allowed before it has stood
 * still for a moment (`isSettled`), nor while its title is not in view. What it says scrolls; title and answers stay in sight.
 */
export function PermissionCard({
  permission,
  session,
  isSettled,
  isOpen,
  onAnswer,
}: {
  permission: Permission;
  session: SessionView;
  isSettled: boolean;
  /** Whether the daemon can be reached. */
  isOpen: boolean;
  /** Told when it is answered here. */
  onAnswer: () => void;
}): ReactNode {
  const id = useId();
  const { action, title, description, reason, risk, paths, hits, expiresAtMs, shownInput } = permission;
  const Mark = MARKS[risk] ?? ShieldAlert;
  const asked = useRef<HTMLParagraphElement>(null);
  const isTitleSeen = useStandsInView(asked);
  return (
    <article className="ask-card" data-risk={risk} aria-labelledby={id}>
      <header className="ask-head">
        <Mark size={18} aria-hidden />
        <h3 id={id}>
          <span className="ask-action">{ACTION_WORDS[action] ?? visible(action)}</span>
          <span className="ask-who">
            {visible(session.provider)} · {visible(folderName(session))}
          </span>
        </h3>
        <span className="risk" data-risk={risk}>
          {RISK_WORDS[risk] ?? visible(risk)}
        </span>
        <Countdown until={expiresAtMs} what="Denied" />
      </header>
      <p ref={asked} className="ask-title">
        {visible(title)}
      </p>
      {description && <p className="ask-text">{visible(description)}</p>}
      {reason && (
        <p className="ask-text">
          <span className="quiet">The agent says:</span> {visible(reason)}
        </p>
      )}
      {hits && hits.length > 0 && (
        <ul className="ask-hits" aria-label="Why it is risky">
          {hits.map(({ rule, text }, at) => (
            <li key={at} title={visible(rule)}>
              <Ticked text={visible(text)} />
            </li>
          ))}
        </ul>
      )}
      <div className="ask-asked">
        <div className="ask-body">
          <ExactInput input={shownInput} />
          {paths.length > 0 && <Paths paths={paths} />}
        </div>
        <Answers
          permission={permission}
          provider={session.provider}
          isSettled={isSettled && isTitleSeen}
          isOpen={isOpen}
          onAnswer={onAnswer}
        />
      </div>
    </article>
  );
}

/** The files that it is about; those that are too many to be shown singly as one text. */
const Paths = memo(function Paths({ paths }: { paths: readonly string[] }): ReactNode {
  const each = [...new Set(paths)];
  const rest = each.slice(MOST_PATHS);
  return (
    <ul className="ask-paths" aria-label="Files">
      {each.slice(0, MOST_PATHS).map((path) => (
        <li key={path}>
          <code>{visible(path)}</code>
        </li>
      ))}
      {rest.length > 0 && (
        <li>
          {`${count(rest.length)} more: `}
          <code>{visible(JSON.stringify(rest, null, 1))}</code>
        </li>
      )}
    </ul>
  );
});

/** A text with what stands between back ticks as code. */
function Ticked({ text }: { text: string }): ReactNode {
  return text.split(/`([^`]+)`/).map((part, at) => (at % 2 === 1 ? <code key={at}>{part}</code> : part));
}

function Answers({
  permission,
  provider,
  isSettled,
  isOpen,
  onAnswer,
}: {
  permission: Permission;
  provider: string;
  isSettled: boolean;
  isOpen: boolean;
  onAnswer: () => void;
}): ReactNode {
  const { agents } = useEnvironment();
  const [isSent, setSent] = useState(false);
  const onceId = useId();
  const { permissionId, inputSha256 } = permission;
  const why = useStore(agents.typed.reasons).get(permissionId);
  const isWhy = why !== undefined;
  const opener = useRef<HTMLButtonElement>(null);
  // The focus follows who asks here for the reason, and goes back to where they asked; the same card may stand elsewhere too.
  const isHere = useRef(false);
  useEffect(() => {
    if (isHere.current && !isWhy) opener.current?.focus();
    isHere.current &&= isWhy;
  }, [isWhy]);
  const ask = (): void => {
    isHere.current = true;
    agents.typed.explain(permissionId, "");
  };
  const back = (): void => {
    isHere.current = true;
    agents.typed.leaveReason(permissionId);
  };
  const allowing = Object.keys(OPTIONS).flatMap((kind) => permission.options.filter((option) => option.kind === kind));
  const [once, lasting] = [allowing.filter(isOnce), allowing.filter((option) => !isOnce(option))];
  const send = (answer: Promise<boolean>): void => {
    setSent(true);
    onAnswer();
    void answer.then((isTaken) => !isTaken && setSent(false));
  };
  const deny = (why: string): void => send(agents.reject(permission, why));
  const allow = (option: PermissionOption): ReactNode => (
    <Allow
      key={option.optionId}
      option={option}
      describedBy={isOnce(option) ? onceId : undefined}
      isOff={!isSettled || !isOpen || isSent}
      onAllow={() => send(agents.approve(permission, option.optionId))}
    />
  );
  return (
    <>
      <div className="ask-foot ask-answers" data-why={isWhy} role="group" aria-label="Answer">
        {isWhy ? (
          <Why
            why={why}
            provider={provider}
            isOff={!isOpen || isSent}
            hasFocus={isHere.current}
            onWrite={(text) => agents.typed.explain(permissionId, text)}
            onDeny={() => deny(why)}
            onBack={back}
          />
        ) : (
          <>
            {once.map(allow)}
            <SteadyButton className="button button-danger" isOff={!isOpen || isSent} onClick={() => deny("")}>
              Deny
            </SteadyButton>
            <button ref={opener} type="button" className="link-button" onClick={ask}>
              Deny and say why
            </button>
          </>
        )}
      </div>
      <footer className="ask-more">
        {once.length > 0 && (
          <p id={onceId} className="ask-note" title={`SHA-256 of the input: ${inputSha256}`}>
            Allow once is good for this input alone · <code>{inputSha256.slice(0, 12)}</code>
          </p>
        )}
        {!isWhy && lasting.length > 0 && (
          <>
            <div className="ask-answers" role="group" aria-label="Answers that last">
              {lasting.map(allow)}
            </div>
            <AskRules action={permission.action} options={lasting} />
          </>
        )}
        {!isWhy && allowing.length === 0 && <p className="quiet">It offers nothing that would allow this once.</p>}
      </footer>
    </>
  );
}

/** Where a person says why. Not every agent is told. */
function Why({
  why,
  provider,
  isOff,
  hasFocus,
  onWrite,
  onDeny,
  onBack,
}: {
  why: string;
  provider: string;
  isOff: boolean;
  /** Whether it was asked for in this card, just now. */
  hasFocus: boolean;
  onWrite: (why: string) => void;
  onDeny: () => void;
  onBack: () => void;
}): ReactNode {
  const { agents } = useEnvironment();
  const noteId = useId();
  const input = useRef<HTMLInputElement>(null);
  const { state, providers } = useStore(agents.providers);
  const isTold = providers.find(({ id }) => id === provider)?.abilities.reasons;
  useEffect(() => {
    if (hasFocus) input.current?.focus();
  }, []);
  useEffect(() => {
    if (state === "unknown") void agents.look(false);
  }, [agents, state]);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!isOff) onDeny();
  };
  const press = (event: KeyboardEvent): void => {
    const key = pressed(event);
    if (event.key === "Enter" && isComposing(key)) event.preventDefault();
    if (meaningOf(key) !== "stop") return;
    event.preventDefault();
    event.stopPropagation();
    onBack();
  };
  return (
    <form className="ask-why" onSubmit={submit}>
      <input
        ref={input}
        className="input"
        aria-label={isTold === true ? "Why it is denied, for the agent" : "Why it is denied"}
        aria-describedby={isTold === false ? noteId : undefined}
        placeholder={isTold === true ? "Why, for the agent" : "Why"}
        value={why}
        onChange={(event) => onWrite(event.target.value)}
        onKeyDown={press}
      />
      <SteadyButton type="submit" className="button button-danger" isOff={isOff}>
        Deny
      </SteadyButton>
      <button type="button" className="link-button" onClick={onBack}>
        Back
      </button>
      {isTold === false && (
        <p id={noteId} className="ask-untold quiet">
          This agent is not told why; it is written down.
        </p>
      )}
    </form>
  );
}

function Allow({
  option,
  describedBy,
  isOff,
  onAllow,
}: {
  option: PermissionOption;
  describedBy: string | undefined;
  isOff: boolean;
  onAllow: () => void;
}): ReactNode {
  return (
    <SteadyButton
      className={isOnce(option) ? "button button-primary" : "button"}
      isOff={isOff}
      title={visible(option.label)}
      aria-describedby={describedBy}
      onKeyDown={ignoreEnter}
      onClick={onAllow}
    >
      {wordsOf(option)}
    </SteadyButton>
  );
}
