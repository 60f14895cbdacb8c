import { useEffect, useRef, type ReactNode } from "react";

import { useEnvironment } from "../shell/environment.js";
import { useHeldFocus } from "../shell/held-focus.js";
import { useStore } from "../store.js";
import { useSettled } from "./hooks.js";
import { PermissionCard } from "./permission-card.js";
import { QuestionCard } from "./question-card.js";
import type { Waiting } from "./session-view.js";

/** The cards of what waits for a person. `onAnswered` is told when one is gone that was answered here, or that had the focus. */
export function WaitingCards({
  waiting,
  label,
  onAnswered,
}: {
  waiting: readonly Waiting[];
  label: string;
  onAnswered?: (() => void) | undefined;
}): ReactNode {
  const { connection } = useEnvironment();
  const isOpen = useStore(connection.standing).phase === "open";
  const isSettled = useSettled(waiting.map(({ id }) => id).join(" "));
  const answered = useRef(new Set<string>());
  useEffect(() => {
    const gone = [...answered.current].filter((id) => !waiting.some((one) => one.id === id));
    for (const id of gone) answered.current.delete(id);
    if (gone.length > 0) onAnswered?.();
  }, [waiting, onAnswered]);
  const hold = useHeldFocus(waiting.map(({ id }) => id), onAnswered);
  if (waiting.length === 0) return null;
  const note = (id: string) => (): void => void answered.current.add(id);
  return (
    <section className="waiting-cards" aria-label={label}>
      {waiting.map((one) => (
        <div key={one.id} className="waiting-card" {...hold(one.id)}>
          {one.kind === "permission" ? (
            <PermissionCard
              permission={one.permission}
              session={one.session}
              isSettled={isSettled}
              isOpen={isOpen}
              onAnswer={note(one.id)}
            />
          ) : (
            <QuestionCard question={one.question} session={one.session} isOpen={isOpen} onAnswer={note(one.id)} />
          )}
        </div>
      ))}
    </section>
  );
}
