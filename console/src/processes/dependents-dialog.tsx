import type { ReactNode } from "react";

import { Dialog } from "../shell/dialog.js";
import { useEnvironment } from "../shell/environment.js";
import { useStore } from "../store.js";

/** Asks before a stop takes others down with it. */
export function DependentsDialog(): ReactNode {
  const { keeper } = useEnvironment();
  const asked = useStore(keeper.asked);
  if (!asked) return null;
  const { name, dependents } = asked;
  const leave = (): void => keeper.asked.set(undefined);
  return (
    <Dialog label={`Stop ${name}?`} onClose={leave}>
      <h2>Stop {name}?</h2>
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
            void keeper.act("stop", name);
          }}
        >
          Stop
        </button>
      </div>
    </Dialog>
  );
}
