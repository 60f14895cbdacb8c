import { BellRing } from "lucide-react";
import { Popover } from "radix-ui";
import { useEffect, useMemo, useRef, useState, type ReactNode } from "react";

import { visible } from "../render/plain.js";
import { useEnvironment } from "../shell/environment.js";
import { isFocusLost } from "../shell/held-focus.js";
import { Said, useSaying } from "../shell/said.js";
import { useSessions } from "./hooks.js";
import { waitingOf, type Waiting } from "./session-view.js";
import { ACTION_WORDS } from "./words.js";
import { WaitingCards } from "./waiting-cards.js";

const NONE: readonly Waiting[] = [];

/** What waits for a person in any session, from everywhere: a number in the header, and the cards below it. */
export function WaitingTray(): ReactNode {
  const { agents } = useEnvironment();
  const sessions = useSessions();
  const waiting = useMemo(() => (sessions ? waitingOf(sessions) : NONE), [sessions]);
  const [isOpen, setOpen] = useState(false);
  const content = useRef<HTMLDivElement>(null);
  const { length } = waiting;
  const left = useRef(length);
  left.current = length;
  useEffect(() => {
    document.title = length > 0 ? `(${length}) Sixframe` : "Sixframe";
  }, [length]);
  useEffect(() => {
    if (length === 0) setOpen(false);
  }, [length]);
  const isKnown = sessions !== undefined;
  useEffect(() => {
    if (isKnown) agents.typed.forgetAllBut(waiting.map(({ id }) => id));
  }, [agents, isKnown, waiting]);
  // To what else waits, or to the panel below where nothing does.
  const catchFocus = (): void => {
    if (isFocusLost()) (content.current ?? document.querySelector<HTMLElement>(".content[data-state=active]"))?.focus();
  };
  const words = length === 1 ? "1 request waits for you" : `${length} requests wait for you`;
  return (
    <>
      {length > 0 && (
        <Popover.Root open={isOpen} onOpenChange={setOpen}>
          <Popover.Trigger className="tray-button" aria-label={words} title={words}>
            <BellRing size={15} aria-hidden />
            <b>{length}</b>
          </Popover.Trigger>
          <Popover.Portal>
            <Popover.Content
              ref={content}
              className="tray"
              align="end"
              sideOffset={8}
              tabIndex={-1}
              aria-label="What waits for you"
              onOpenAutoFocus={(event) => {
                // To the list, and to nothing in it that would answer.
                event.preventDefault();
                content.current?.focus();
              }}
              onCloseAutoFocus={(event) => {
                // The button is gone with the last of what waited.
                if (left.current > 0) return;
                event.preventDefault();
                catchFocus();
              }}
              onEscapeKeyDown={(event) => {
                // It leads out of there, and not away from all cards.
                if (event.target instanceof Element && event.target.closest(".ask-why, .question .input")) event.preventDefault();
              }}
            >
              <WaitingCards waiting={waiting} label="What waits for you" onAnswered={catchFocus} />
            </Popover.Content>
          </Popover.Portal>
        </Popover.Root>
      )}
      <Told waiting={waiting} />
    </>
  );
}

/** Says what is new to who does not see it. */
function Told({ waiting }: { waiting: readonly Waiting[] }): ReactNode {
  const known = useRef<ReadonlySet<string>>(new Set());
  const [said, say] = useSaying();
  useEffect(() => {
    const fresh = waiting.filter(({ id }) => !known.current.has(id));
    known.current = new Set(waiting.map(({ id }) => id));
    if (fresh.length > 0 || waiting.length === 0) say(fresh.map(worded).join(". "));
  }, [waiting]);
  return <Said said={said} />;
}

function worded(waiting: Waiting): string {
  const who = visible(waiting.session.provider);
  if (waiting.kind === "question") return `${who} asks: ${visible(waiting.question.questions[0]?.text ?? "")}`;
  const { action, title } = waiting.permission;
  return `${who} asks leave. ${ACTION_WORDS[action] ?? action}: ${visible(title)}`;
}
