import type { ReactNode } from "react";

import { kindOf, preview } from "./json-rows.js";

/** A value on one line, in the colour of its kind. */
export function JsonValue({ value, longest }: { value: unknown; longest?: number }): ReactNode {
  const kind = kindOf(value);
  return <span className={`json json-${kind}`}>{preview(value, longest)}</span>;
}
