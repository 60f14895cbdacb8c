import { memo, useLayoutEffect, useRef, useState, type ReactNode } from "react";

import { CopyButton } from "../json/copy-button.js";
import { plain, spans } from "../processes/ansi.js";
import { beginning } from "../processes/log-text.js";
import { isFocusLost, useHeldFocus } from "../shell/held-focus.js";
import { count } from "../shell/units.js";
import { legible } from "./plain.js";
import { TerminalLines, type TerminalLine } from "./terminal-lines.js";

/** Lines that are shown before more are asked for. */
const SHOWN = 200;
const LONGEST = 2_000;
const NEAR_THE_END = 8;

/**
 * What a program writes, in its colours. Lines that are written over stay as they end; nothing in it moves a cursor, opens a
 * link or sets a title. While it is live it follows the end, until the reader scrolls up.
 */
export function Terminal({ text, isLive = false, label }: { text: string; isLive?: boolean; label: string }): ReactNode {
  const [reader] = useState(() => new TerminalLines());
  const [more, setMore] = useState(0);
  const box = useRef<HTMLPreElement>(null);
  const atEnd = useRef(true);
  const lines = reader.read(text);
  const shown = lines.slice(-(SHOWN + more));
  const hidden = (shown[0]?.number ?? 0) - (lines[0]?.number ?? 0);
  const gone = lines[0]?.number ?? 0;
  const hold = useHeldFocus(hidden > 0 ? ["earlier"] : [], () => void (isFocusLost() && box.current?.focus()));
  useLayoutEffect(() => {
    if (isLive && atEnd.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [text, isLive]);
  return (
    <figure className="terminal" dir="ltr">
      <figcaption className="code-head">
        <span className="code-lang">{label}</span>
        {isLive && <span className="terminal-live">live</span>}
        <span className="spacer" />
        <CopyButton text={() => text.split("\n").map(plain).join("\n")} />
      </figcaption>
      {gone + hidden > 0 && (
        <p className="terminal-earlier">
          {hidden > 0 && (
            <button type="button" className="link-button" onClick={() => setMore(more + 5 * SHOWN)} {...hold("earlier")}>
              {`${count(hidden)} earlier lines`}
            </button>
          )}
          {gone > 0 && ` ${count(gone)} before them are not kept here`}
        </p>
      )}
      <pre
        ref={box}
        tabIndex={0}
        role="region"
        aria-label={label}
        onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
          atEnd.current = scrollHeight - scrollTop - clientHeight < NEAR_THE_END;
        }}
      >
        {shown.map((line) => (
          <Line key={line.number} line={line} />
        ))}
      </pre>
    </figure>
  );
}

const Line = memo(function Line({ line }: { line: TerminalLine }): ReactNode {
  const parts = beginning(spans(line.text), LONGEST);
  return (
    <span className="terminal-line">
      {parts.map(({ text, look }, at) =>
        look === "" ? (
          legible(text)
        ) : (
          <span key={at} className={look}>
            {legible(text)}
          </span>
        ),
      )}
      {"\n"}
    </span>
  );
});
