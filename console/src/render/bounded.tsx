import { createElement, useState, type ReactNode } from "react";

import { count } from "../shell/units.js";

const AT_ONCE = 200;

/** A list, the rows of a table, or the parts of a quote or an item: the first of them, and more when they are asked for. */
export function Bounded({
  as,
  start,
  children,
  word,
}: {
  as: "ul" | "ol" | "tbody" | "blockquote" | "li";
  start?: number;
  children: readonly ReactNode[];
  word: string;
}): ReactNode {
  const [shown, setShown] = useState(AT_ONCE);
  const left = children.length - shown;
  const more = left > 0 && (
    <button type="button" className="link-button" onClick={() => setShown(shown + 5 * AT_ONCE)}>
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
