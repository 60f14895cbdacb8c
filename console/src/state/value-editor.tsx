import { Check, X } from "lucide-react";
import { useState, type KeyboardEvent, type ReactNode } from "react";

import { isComposing, pressed } from "../chat/keys.js";
import { kindOf } from "../json/json-rows.js";

type Kind = "string" | "number" | "boolean" | "null" | "json";

const KINDS: readonly Kind[] = ["string", "number", "boolean", "null", "json"];

/** The text of `value` in an editor of `kind`. */
export function textOf(value: unknown, kind: Kind): string {
  return kind === "string" ? String(value) : (JSON.stringify(value) ?? "");
}

/** The value that `text` is, or why it is none. */
export function parsed(text: string, kind: Kind): { value: unknown } | { wrong: string } {
  switch (kind) {
    case "string":
      return { value: text };
    case "null":
      return { value: null };
    case "boolean":
      return text === "true" || text === "false" ? { value: text === "true" } : { wrong: "true or false" };
    case "number": {
      const number = Number(text);
      return text.trim() !== "" && Number.isFinite(number) ? { value: number } : { wrong: "no number" };
    }
    case "json":
      try {
        return { value: JSON.parse(text) as unknown };
      } catch {
        return { wrong: "no JSON" };
      }
  }
}

/** Edits a value in place. Enter takes it, Escape leaves it. */
export function ValueEditor({
  value,
  label,
  onDone,
  onLeave,
}: {
  value: unknown;
  label: string;
  onDone: (value: unknown) => void;
  onLeave: () => void;
}): ReactNode {
  const first = editedAs(value);
  const [kind, setKind] = useState<Kind>(first);
  const [text, setText] = useState(textOf(value, first));
  const result = parsed(text, kind);
  const wrong = "wrong" in result ? result.wrong : "";
  const done = (): void => {
    if ("value" in result) leave(() => onDone(result.value));
  };
  /** What had the focus gets it back before the editor goes. */
  const leave = (then: () => void): void => {
    (document.activeElement?.closest("[role=tree]") as HTMLElement | null)?.focus();
    then();
  };
  const key = (event: KeyboardEvent): void => {
    event.stopPropagation();
    if (isComposing(pressed(event))) return;
    if (event.key === "Escape") leave(onLeave);
    // On a button it does what the button says.
    else if (event.key === "Enter" && !(event.target instanceof HTMLButtonElement)) done();
    else return;
    event.preventDefault();
  };
  return (
    <span
      className="value-editor"
      onKeyDown={key}
      onClick={(event) => event.stopPropagation()}
      onDoubleClick={(event) => event.stopPropagation()}
    >
      <select
        className="value-kind"
        aria-label="Type"
        value={kind}
        onChange={(event) => setKind(event.target.value as Kind)}
      >
        {KINDS.map((known) => (
          <option key={known}>{known}</option>
        ))}
      </select>
      <input
        className="value-input"
        autoFocus
        aria-label={label}
        aria-invalid={wrong !== ""}
        title={wrong}
        spellCheck={false}
        value={kind === "null" ? "null" : text}
        disabled={kind === "null"}
        onChange={(event) => setText(event.target.value)}
        onFocus={(event) => event.target.select()}
      />
      <button
        type="button"
        className="icon-button icon-small"
        aria-label="Take"
        title="Take (Enter)"
        disabled={wrong !== ""}
        onClick={done}
      >
        <Check size={14} />
      </button>
      <button
        type="button"
        className="icon-button icon-small"
        aria-label="Leave"
        title="Leave (Escape)"
        onClick={() => leave(onLeave)}
      >
        <X size={14} />
      </button>
    </span>
  );
}

function editedAs(value: unknown): Kind {
  const kind = kindOf(value);
  return kind === "object" || kind === "array" || kind === "absent" ? "json" : kind;
}
