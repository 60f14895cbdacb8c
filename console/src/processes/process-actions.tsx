import { LoaderCircle, Play, RotateCw, Square, type LucideIcon } from "lucide-react";
import type { ReactNode } from "react";

import { useEnvironment } from "../shell/environment.js";
import { SteadyButton } from "../shell/steady-button.js";
import { useStore } from "../store.js";
import { applies, type Action, type Sidecar } from "./sidecar.js";

const ACTIONS: readonly { action: Action; word: string; icon: LucideIcon }[] = [
  { action: "start", word: "Start", icon: Play },
  { action: "stop", word: "Stop", icon: Square },
  { action: "restart", word: "Restart", icon: RotateCw },
];

/** Start, stop, restart: those that make sense can be pressed, and the one under way turns. */
export function ProcessActions({
  sidecar,
  sidecars,
  isOpen,
  look,
}: {
  sidecar: Sidecar;
  sidecars: readonly Sidecar[];
  /** Whether the daemon can be reached. */
  isOpen: boolean;
  look: "words" | "pictures";
}): ReactNode {
  const { keeper } = useEnvironment();
  const busy = useStore(keeper.busy).get(sidecar.name);
  return (
    <span className="process-actions" role="group" aria-label={`Actions of ${sidecar.name}`}>
      {ACTIONS.map(({ action, word, icon: Icon }) => (
        <SteadyButton
          key={action}
          className={look === "words" ? "button button-small" : "icon-button icon-small"}
          aria-label={`${word} ${sidecar.name}`}
          aria-busy={busy === action}
          title={whyNot(action, sidecar) ?? word}
          isOff={!isOpen || busy !== undefined || !applies(action, sidecar)}
          onClick={() => keeper.propose(action, sidecar.name, sidecars)}
        >
          {busy === action ? <LoaderCircle size={14} className="turning" aria-hidden /> : <Icon size={14} aria-hidden />}
          {look === "words" && <span className="button-word">{word}</span>}
        </SteadyButton>
      ))}
    </span>
  );
}

function whyNot(action: Action, sidecar: Sidecar): string | undefined {
  if (applies(action, sidecar)) return undefined;
  if (sidecar.owner === "remote") return "A remote daemon owns it";
  return action === "start" ? `It is ${sidecar.status} already` : `It is ${sidecar.status}`;
}
