import type { ReactNode } from "react";

import { useEnvironment } from "../shell/environment.js";
import { useStore } from "../store.js";
import { useSettled } from "./hooks.js";
import { PermissionCard } from "./permission-card.js";
import { QuestionCard } from "./question-card.js";
import type { Waiting } from "./session-view.js";

/** The cards of what waits for a person. */
export function WaitingCards({ waiting, label }: { waiting: readonly Waiting[]; label: string }): ReactNode {
  const { connection } = useEnvironment();
  const isOpen = useStore(connection.standing).phase === "open";
  const isSettled = useSettled(waiting.map(({ id }) => id).join(" "));
  if (waiting.length === 0) return null;
  return (
    <section className="waiting-cards" aria-label={label}>
      {waiting.map((one) =>
        one.kind === "permission" ? (
          <PermissionCard key={one.id} permission={one.permission} session={one.session} isSettled={isSettled} isOpen={isOpen} />
        ) : (
          <QuestionCard key={one.id} question={one.question} session={one.session} isOpen={isOpen} />
        ),
      )}
    </section>
  );
}
