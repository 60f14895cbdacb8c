import type { ReactNode } from "react";

import type { Common, InputProperties } from "./field.js";
import type { Shape } from "./schema.js";

/** A number: with a slider where its range is short. */
export function NumberInput({
  shape,
  value,
  onChange,
  common,
  label,
}: InputProperties & { shape: Shape & { kind: "number" }; common: Common }): ReactNode {
  const { minimum, maximum, integer } = shape;
  const isRange = minimum !== undefined && maximum !== undefined && maximum - minimum <= 1_000;
  const step = integer ? 1 : isRange ? (maximum - minimum) / 100 : "any";
  const take = (text: string): void => onChange(text === "" ? undefined : Number(text));
  const shown = typeof value === "number" && Number.isFinite(value) ? value : "";
  return (
    <div className="number">
      {isRange && (
        <input
          type="range"
          className="range"
          aria-label={`${label}, as a slider`}
          min={minimum}
          max={maximum}
          step={step}
          value={shown === "" ? minimum : shown}
          onChange={(event) => take(event.target.value)}
        />
      )}
      <input
        {...common}
        className="input input-number"
        type="number"
        inputMode={integer ? "numeric" : "decimal"}
        min={minimum}
        max={maximum}
        step={isRange && !integer ? "any" : step}
        value={shown}
        onChange={(event) => take(event.target.value)}
      />
      {(minimum !== undefined || maximum !== undefined) && (
        <span className="number-range">{rangeText(minimum, maximum)}</span>
      )}
    </div>
  );
}

/** Bounds that come from the width of an integer say nothing to a reader. */
function rangeText(minimum: number | undefined, maximum: number | undefined): string {
  const wide = maximum === undefined || maximum >= 2 ** 31 - 1;
  if (minimum === undefined) return wide ? "" : `≤ ${maximum}`;
  return wide ? `≥ ${minimum}` : `${minimum} – ${maximum}`;
}
