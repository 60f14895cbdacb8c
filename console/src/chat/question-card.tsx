import { CircleHelp } from "lucide-react";
import { useId, useState, type FormEvent, type KeyboardEvent, type ReactNode } from "react";

import type { AgentQuestion, AgentQuestionRequest } from "../api.js";
import { visible } from "../render/plain.js";
import { useEnvironment } from "../shell/environment.js";
import { SteadyButton } from "../shell/steady-button.js";
import { useStore } from "../store.js";
import { Countdown } from "./countdown.js";
import { useHas } from "./hooks.js";
import { isComposing, meaningOf, pressed } from "./keys.js";
import { folderName, type SessionView } from "./session-view.js";
import type { Given } from "./typed.js";

const NONE: Given = { chosen: [], own: "" };
const NOTHING: ReadonlyMap<string, Given> = new Map();

/** What an agent asks that is no leave. It never takes the focus. */
export function QuestionCard({
  question,
  session,
  isOpen,
  onAnswer,
}: {
  question: AgentQuestionRequest;
  session: SessionView;
  isOpen: boolean;
  /** Told when it is answered here. */
  onAnswer: () => void;
}): ReactNode {
  const { agents } = useEnvironment();
  const id = useId();
  const given = useStore(agents.typed.given).get(question.questionId) ?? NOTHING;
  const [isSent, setSent] = useState(false);
  const canAnswer = useHas("agent.answer");
  const answers = answersOf(question.questions, given);
  const isComplete = question.questions.every(({ id: name, isRequired }) => !isRequired || answers[name] !== undefined);
  const give = (all: Readonly<Record<string, readonly string[]>>): void => {
    setSent(true);
    onAnswer();
    void agents.answer(question.questionId, all).then((isTaken) => !isTaken && setSent(false));
  };
  const send = (event: FormEvent): void => {
    event.preventDefault();
    if (!isComplete || isSent || !isOpen || !canAnswer) return;
    give(answers);
  };
  return (
    <article className="ask-card" aria-labelledby={id} tabIndex={-1}>
      <header className="ask-head">
        <CircleHelp size={18} aria-hidden />
        <h3 id={id}>
          <span className="ask-action">A question</span>
          <span className="ask-who">
            {visible(session.provider)} · {visible(folderName(session))}
          </span>
        </h3>
        <Countdown until={question.expiresAtMs} what="Given up" />
      </header>
      <form onSubmit={send}>
        {question.questions.map((one) => (
          <Question
            key={one.id}
            question={one}
            given={given.get(one.id) ?? NONE}
            onGive={(next) => agents.typed.give(question.questionId, one.id, next)}
          />
        ))}
        <div className="ask-foot ask-answers">
          {!canAnswer && <p className="quiet">This daemon takes no answers to questions.</p>}
          <span className="spacer" />
          <SteadyButton className="button button-danger" isOff={!isOpen || isSent || !canAnswer} onClick={() => give({})}>
            Decline
          </SteadyButton>
          <SteadyButton type="submit" className="button button-primary" isOff={!isComplete || !isOpen || isSent || !canAnswer}>
            Answer
          </SteadyButton>
        </div>
      </form>
    </article>
  );
}

function Question({
  question,
  given,
  onGive,
}: {
  question: AgentQuestion;
  given: Given;
  onGive: (given: Given) => void;
}): ReactNode {
  const { header, text, options = [], isMultiple, isRequired, allowsOther, isSecret } = question;
  const name = useId();
  const choose = (label: string, isChosen: boolean): void => {
    const others = isMultiple ? given.chosen.filter((one) => one !== label) : [];
    onGive({ chosen: isChosen ? [...others, label] : others, own: isMultiple ? given.own : "" });
  };
  const write = (own: string): void => onGive({ chosen: isMultiple ? given.chosen : [], own });
  return (
    <fieldset className="question">
      <legend>
        {header && <span className="badge">{visible(header)}</span>}
        {visible(text)}
        {!isRequired && <span className="quiet">may be left out</span>}
      </legend>
      {options.map(({ label, description }) => (
        <label key={label} className="question-option">
          <input
            type={isMultiple ? "checkbox" : "radio"}
            name={name}
            checked={given.chosen.includes(label)}
            onChange={(event) => choose(label, event.target.checked)}
          />
          <span>
            {visible(label)}
            {description && <span className="quiet"> {visible(description)}</span>}
          </span>
        </label>
      ))}
      {(options.length === 0 || allowsOther) && (
        <input
          className="input"
          type={isSecret ? "password" : "text"}
          autoComplete="off"
          aria-label={options.length === 0 ? `Answer to: ${visible(text)}` : `Another answer to: ${visible(text)}`}
          placeholder={options.length === 0 ? "Answer" : "Something else"}
          value={given.own}
          onKeyDown={press}
          onChange={(event) => write(event.target.value)}
        />
      )}
    </fieldset>
  );
}

/** Enter that ends a character does not send the form, and Escape leads out of the field, and stops nothing. */
function press(event: KeyboardEvent<HTMLInputElement>): void {
  const key = pressed(event);
  if (event.key === "Enter" && isComposing(key)) event.preventDefault();
  if (meaningOf(key) !== "stop") return;
  event.preventDefault();
  event.stopPropagation();
  event.currentTarget.closest<HTMLElement>("article")?.focus();
}

function answersOf(questions: readonly AgentQuestion[], given: ReadonlyMap<string, Given>): Record<string, string[]> {
  const entries = questions.flatMap(({ id }): [string, string[]][] => {
    const { chosen, own } = given.get(id) ?? NONE;
    const answer = own === "" ? [...chosen] : [...chosen, own];
    return answer.length === 0 ? [] : [[id, answer]];
  });
  return Object.fromEntries(entries);
}
