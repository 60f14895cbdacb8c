import type { ReactNode } from "react";

import { Dialog } from "../shell/dialog.js";
import { useEnvironment } from "../shell/environment.js";
import { useStore } from "../store.js";

/** Asks before an action takes others down with it. */
export function DependentsDialog(): ReactNode {
  const { keeper } = useEnvironment();
  const asked = useStore(keeper.asked);
  if (!asked) return null;
  const { action, name, dependents } = asked;
  const word = action === "stop" ? "Stop" : "Restart";
  const leave = (): void => keeper.asked.set(undefined);
  return (
    <Dialog label={`${word} ${name}?`} onClose={leave}>
      <h2>
        {word} {name}?
      </h2>
      <p>
        {dependents.length === 1 ? "This one needs it, and is stopped first:" : "These need it, and are stopped first:"}{" "}
        <b>{dependents.join(", ")}</b>.
      </p>
      <div className="dialog-actions">
        <button type="button" className="button" onClick={leave}>
          Cancel
        </button>
        <button
          type="button"
          className="button button-primary"
          data-first
          onClick={() => {
            leave();
            void keeper.act(action, name);
          }}
        >
          {word}
        </button>
      </div>
    </Dialog>
  );
}
