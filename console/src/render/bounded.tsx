import { createElement, useState, type ReactNode } from "react";

import { count } from "../shell/units.js";
import { fitting, PARTS_AT_ONCE, WEIGHT_AT_ONCE } from "./weight.js";

/** A list, the rows of a table, or the parts of a quote or an item: the first of them, and more when they are asked for. */
export function Bounded({
  as,
  start,
  children,
  weights,
  room,
  word,
}: {
  as: "ul" | "ol" | "tbody" | "blockquote" | "li";
  start?: number;
  children: readonly ReactNode[];
  /** What each of them weighs. */
  weights: readonly number[];
  /** What those weigh that are shown at first, unless one alone weighs more. */
  room: number;
  word: string;
}): ReactNode {
  const [asked, ask] = useState(0);
  const shown = Math.max(asked, fitting(weights, room, PARTS_AT_ONCE));
  const left = children.length - shown;
  const more = left > 0 && (
    <button
      type="button"
      className="link-button"
      onClick={() => ask(shown + fitting(weights.slice(shown), 2 * WEIGHT_AT_ONCE, 5 * PARTS_AT_ONCE))}
    >
      {`${count(left)} more ${word}`}
    </button>
  );
  const kept = left > 0 ? children.slice(0, shown) : children;
  if (as === "ul" || as === "ol")
    return createElement(as, { start, dir: "auto" }, ...kept, more && <li className="md-more">{more}</li>);
  if (as !== "tbody") return createElement(as, { dir: "auto" }, ...kept, more && <p className="md-more">{more}</p>);
  return (
    <tbody>
      {kept}
      {more && (
        <tr>
          <td className="md-more" colSpan={100}>
            {more}
          </td>
        </tr>
      )}
    </tbody>
  );
}
