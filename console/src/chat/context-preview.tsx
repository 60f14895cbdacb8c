import { useEffect, useRef, useState, type ReactNode, type RefObject } from "react";

import type { AgentOmittedWhy, AgentPreviewed, AgentPromptOmitted, AgentPromptPart, AgentPromptPartKind } from "../api.js";
import { ErrorCard } from "../methods/error-card.js";
import { failureOf, type Failure } from "../methods/run.js";
import { Bounded } from "../render/bounded.js";
import { legible, shortened, visible } from "../render/plain.js";
import { Dialog } from "../shell/dialog.js";
import { useEnvironment } from "../shell/environment.js";
import { count } from "../shell/units.js";

/** As much of a text as is laid out unasked, in characters. */
const AT_ONCE = 100_000;

const PARTS: Readonly<Record<AgentPromptPartKind, string>> = {
  role: "Who the agent is to be",
  tree: "The project's files, by their names",
  notes: "Notes on components and interfaces",
  history: "What was said before",
  file: "The file",
  selection: "What is selected",
  rules: "How to answer",
  prompt: "What you typed",
};

const WHY: Readonly<Record<AgentOmittedWhy, string>> = {
  budget: "there is no room for it",
  secret: "it may be a secret",
  unreadable: "it cannot be read",
};

/** All that would be sent now, as the daemon makes it. The focus goes back to `opener`. */
export function ContextPreview({
  sessionId,
  text,
  opener,
  onClose,
}: {
  sessionId: string;
  /** The prompt as far as it is typed. */
  text: string;
  opener: RefObject<HTMLElement | null>;
  onClose: () => void;
}): ReactNode {
  const { agents } = useEnvironment();
  const [told, setTold] = useState<AgentPreviewed | undefined>(undefined);
  const [failure, setFailure] = useState<Failure | undefined>(undefined);
  const [asked, ask] = useState(0);
  const closer = useRef<HTMLButtonElement>(null);
  useEffect(() => () => opener.current?.focus(), [opener]);
  useEffect(() => {
    let isWanted = true;
    agents.previewPrompt(sessionId, text).then(
      (previewed) => isWanted && setTold(previewed),
      (error: unknown) => isWanted && setFailure(failureOf(error)),
    );
    return () => {
      isWanted = false;
    };
  }, [agents, sessionId, text, asked]);
  const again = (): void => {
    // The button goes with what went wrong.
    closer.current?.focus();
    setFailure(undefined);
    ask((times) => times + 1);
  };
  return (
    <Dialog label="What is sent" className="context-preview" onClose={onClose}>
      <h2>What is sent</h2>
      <p className="quiet" role="status">
        {told ? lengthOf(told) : !failure && "Asking what would be sent…"}
      </p>
      {failure && (
        <>
          <ErrorCard failure={failure} />
          <button type="button" className="button button-small" onClick={again}>
            Ask again
          </button>
        </>
      )}
      {told && <Previewed told={told} />}
      <div className="dialog-actions">
        <button ref={closer} type="button" className="button" data-first onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  );
}

function lengthOf({ characters, estimatedTokens }: AgentPreviewed): string {
  return `${count(characters)} characters, about ${count(estimatedTokens)} tokens`;
}

function Previewed({ told: { text, parts, omitted } }: { told: AgentPreviewed }): ReactNode {
  return (
    <>
      <section aria-label="Its parts">
        <Bounded as="ul" word="parts">
          {parts.map((part, at) => (
            <li key={at}>{partWords(part)}</li>
          ))}
        </Bounded>
      </section>
      {omitted.length > 0 && (
        <section aria-label="What is left out">
          <h3>Left out</h3>
          <Bounded as="ul" word="left out">
            {omitted.map((one, at) => (
              <li key={at}>{omittedWords(one)}</li>
            ))}
          </Bounded>
        </section>
      )}
      <Sent text={text} />
    </>
  );
}

function partWords({ kind, path, characters, isCut, isSecret }: AgentPromptPart): string {
  const facts = [
    PARTS[kind] ?? visible(kind),
    path && visible(path),
    `${count(characters)} characters`,
    isCut && "cut",
    isSecret && "its name says that it holds secrets",
  ];
  return facts.filter(Boolean).join(" · ");
}

function omittedWords({ what, detail, why }: AgentPromptOmitted): string {
  const name = (PARTS as Readonly<Record<string, string>>)[what] ?? visible(what);
  return [name, visible(detail), WHY[why] ?? visible(why)].join(" · ");
}

/** The text as it is, with nothing in it hidden. */
function Sent({ text }: { text: string }): ReactNode {
  const [isWhole, setWhole] = useState(text.length <= AT_ONCE);
  const whole = useRef<HTMLPreElement>(null);
  const show = (): void => {
    whole.current?.focus();
    setWhole(true);
  };
  if (text === "") return <p className="quiet">Nothing is typed and nothing is chosen yet.</p>;
  return (
    <>
      <pre ref={whole} className="context-text" tabIndex={0} role="region" aria-label="The text">
        {legible(isWhole ? text : shortened(text, AT_ONCE))}
      </pre>
      {!isWhole && (
        <button type="button" className="link-button" onClick={show}>
          Show all of it
        </button>
      )}
    </>
  );
}
