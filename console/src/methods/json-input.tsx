import { useEffect, useState, type ReactNode } from "react";

import type { Common } from "./field.js";

/** Raw JSON: the text is the reader's own until it is JSON again. */
export function JsonInput({
  value,
  onChange,
  common,
  rows = 3,
}: {
  value: unknown;
  onChange: (value: unknown) => void;
  common?: Common;
  rows?: number;
}): ReactNode {
  const written = value === undefined ? "" : JSON.stringify(value, null, 2);
  const [text, setText] = useState(written);
  const [wrong, setWrong] = useState("");
  useEffect(() => {
    setText((shown) => (sameJsonText(shown, value) ? shown : written));
  }, [written]);
  const take = (next: string): void => {
    setText(next);
    if (next.trim() === "") {
      setWrong("");
      return onChange(undefined);
    }
    try {
      const parsed: unknown = JSON.parse(next);
      setWrong("");
      onChange(parsed);
    } catch (error) {
      setWrong(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <>
      <textarea
        {...common}
        aria-invalid={wrong !== "" || common?.["aria-invalid"]}
        className="input input-json"
        spellCheck={false}
        rows={Math.min(18, Math.max(rows, text.split("\n").length))}
        placeholder="JSON"
        value={text}
        onChange={(event) => take(event.target.value)}
      />
      {wrong !== "" && (
        <p className="field-problem" role="alert">
          {wrong}
        </p>
      )}
    </>
  );
}

function sameJsonText(text: string, value: unknown): boolean {
  try {
    return JSON.stringify(JSON.parse(text)) === JSON.stringify(value);
  } catch {
    return text.trim() === "" && value === undefined;
  }
}
