import { BellRing } from "lucide-react";
import { Popover } from "radix-ui";
import { useEffect, useMemo, useRef, useState, type ReactNode } from "react";

import { visible } from "../render/plain.js";
import { useSessions } from "./hooks.js";
import { waitingOf, type Waiting } from "./session-view.js";
import { ACTION_WORDS } from "./words.js";
import { WaitingCards } from "./waiting-cards.js";

const NONE: readonly Waiting[] = [];

/** What waits for a person in any session, from everywhere: a number in the header, and the cards below it. */
export function WaitingTray(): ReactNode {
  const sessions = useSessions();
  const waiting = useMemo(() => (sessions ? waitingOf(sessions) : NONE), [sessions]);
  const [isOpen, setOpen] = useState(false);
  const content = useRef<HTMLDivElement>(null);
  const { length } = waiting;
  useEffect(() => {
    document.title = length > 0 ? `(${length}) Sixframe` : "Sixframe";
  }, [length]);
  useEffect(() => {
    if (length === 0) setOpen(false);
  }, [length]);
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
              onEscapeKeyDown={(event) => {
                // It leads back from there, and not away from all cards.
                if (event.target instanceof Element && event.target.closest(".ask-why")) event.preventDefault();
              }}
            >
              <WaitingCards waiting={waiting} label="What waits for you" />
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
  const [said, setSaid] = useState("");
  useEffect(() => {
    const fresh = waiting.filter(({ id }) => !known.current.has(id));
    known.current = new Set(waiting.map(({ id }) => id));
    if (fresh.length > 0) setSaid(fresh.map(worded).join(". "));
  }, [waiting]);
  return (
    <p className="unseen" role="status">
      {said}
    </p>
  );
}

function worded(waiting: Waiting): string {
  const who = visible(waiting.session.provider);
  if (waiting.kind === "question") return `${who} asks: ${visible(waiting.question.questions[0]?.text ?? "")}`;
  const { action, title } = waiting.permission;
  return `${who} asks leave. ${ACTION_WORDS[action] ?? action}: ${visible(title)}`;
}
