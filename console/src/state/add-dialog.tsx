import { useState, type ReactNode } from "react";

import { JsonInput } from "../methods/json-input.js";
import { SteadyButton } from "../shell/steady-button.js";
import { Dialog } from "../shell/dialog.js";

/** Asks for a new member of an object, or a new element of an array. */
export function AddDialog({
  path,
  container,
  onAdd,
  onClose,
}: {
  path: string;
  container: unknown;
  onAdd: (key: string, value: unknown) => void;
  onClose: () => void;
}): ReactNode {
  const isList = Array.isArray(container);
  const [key, setKey] = useState("");
  const [value, setValue] = useState<unknown>("");
  const taken = !isList && typeof container === "object" && container !== null && Object.hasOwn(container, key);
  const fits = value !== undefined && (isList || (key !== "" && !taken));
  return (
    <Dialog label="Add a value" className="add-dialog" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (fits) onAdd(isList ? "-" : key, value);
        }}
      >
        <h2>Add to {path === "" ? "the state" : <code>{path}</code>}</h2>
        {!isList && (
          <label className="field">
            <span className="field-label">Key</span>
            <input
              className="input"
              autoFocus
              value={key}
              aria-invalid={taken}
              onChange={(event) => setKey(event.target.value)}
              spellCheck={false}
            />
            {taken && <span className="field-problem">It has this key already.</span>}
          </label>
        )}
        <div className="field">
          <span className="field-label">Value</span>
          <JsonInput value={value} onChange={setValue} />
        </div>
        <div className="dialog-actions">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <SteadyButton type="submit" className="button button-primary" isOff={!fits}>
            Add
          </SteadyButton>
        </div>
      </form>
    </Dialog>
  );
}
