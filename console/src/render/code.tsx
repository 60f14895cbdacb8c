import { memo, useMemo, useRef, useState, type ReactNode } from "react";

import { CopyButton } from "../json/copy-button.js";
import { isFocusLost, useHeldFocus } from "../shell/held-focus.js";
import { bytes } from "../shell/units.js";
import { useStore } from "../store.js";
import { checkpoint } from "./checkpoint.js";
import { coloured, isColourable, loadedLanguages } from "./highlighter.js";
import { legible, shortened, visible } from "./plain.js";

/** Characters that are shown before more are asked for. */
const SHOWN = 262_144;
/** Characters of plain code that are one element. */
const PART = 16_384;
const LONGEST_NAME = 32;

/** A block of code with its language and a button that copies it. What is hidden in it is made visible, but copied as it is. */
export const Code = memo(function Code({
  text,
  lang = "",
  isStreaming = false,
}: {
  text: string;
  lang?: string | undefined;
  isStreaming?: boolean;
}): ReactNode {
  const [isWhole, showWhole] = useState(false);
  const shown = isWhole || text.length <= SHOWN ? text : text.slice(0, SHOWN);
  const box = useRef<HTMLPreElement>(null);
  const hold = useHeldFocus(shown === text ? [] : ["rest"], () => void (isFocusLost() && box.current?.focus()));
  return (
    <figure className="code" dir="ltr">
      <figcaption className="code-head">
        <span className="code-lang">{shortened(visible(lang), LONGEST_NAME)}</span>
        <span className="spacer" />
        <CopyButton text={() => text} />
      </figcaption>
      <pre ref={box} tabIndex={0} aria-label={lang === "" ? "Code" : `Code, ${shortened(visible(lang), LONGEST_NAME)}`}>
        <code>
          <Body text={shown} lang={lang} isStreaming={isStreaming} />
        </code>
      </pre>
      {shown !== text && (
        <button type="button" className="link-button code-more" onClick={() => showWhole(true)} {...hold("rest")}>
          {`Show the rest: ${bytes(text.length - shown.length)}`}
        </button>
      )}
    </figure>
  );
});

function Body({ text, lang, isStreaming }: { text: string; lang: string; isStreaming: boolean }): ReactNode {
  if (lang === "" || !isColourable(text)) return <Plain text={text} />;
  const end = isStreaming ? text.lastIndexOf("\n", checkpoint(text.length)) + 1 : text.length;
  return (
    <>
      <Coloured text={text.slice(0, end)} lang={lang} />
      {legible(text.slice(end))}
    </>
  );
}

/** Code of a language, without the block around it: plain until the language is there. */
export const Coloured = memo(function Coloured({ text, lang }: { text: string; lang: string }): ReactNode {
  const known = useStore(loadedLanguages);
  const pieces = useMemo(() => coloured(legible(text), lang), [text, lang, known]);
  if (!pieces) return <Plain text={text} />;
  return pieces.map(({ text: part, look }, at) =>
    look === "" ? (
      part
    ) : (
      <span key={at} className={look}>
        {part}
      </span>
    ),
  );
});

function Plain({ text }: { text: string }): ReactNode {
  return parts(text).map((part, at) => <Part key={at} text={part} />);
}

/** Of code that goes on, only the last part is rendered again. */
const Part = memo(function Part({ text }: { text: string }): ReactNode {
  return legible(text);
});

function parts(text: string): string[] {
  const found: string[] = [];
  for (let from = 0; from < text.length; ) {
    const near = text.lastIndexOf("\n", from + PART) + 1;
    const end = text.length - from <= PART ? text.length : near > from ? near : from + PART;
    found.push(text.slice(from, end));
    from = end;
  }
  return found;
}
