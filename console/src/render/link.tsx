import { ExternalLink, Image } from "lucide-react";
import type { ReactNode } from "react";

import { readable, shortened, visible } from "./plain.js";
import { targetOf, tells } from "./target.js";

const LONGEST_REFUSED = 120;

/** A link that says where it leads, unless its text does. One that may not be followed is text, with what it would have led to. */
export function Link({ written, text, children }: { written: string; text: string; children: ReactNode }): ReactNode {
  const target = targetOf(written);
  if (!target)
    return (
      <span className="md-refused">
        <span dir="auto">{children}</span>
        {visible(text).trim() !== visible(written) && <Place text={shortened(visible(written), LONGEST_REFUSED)} />}
      </span>
    );
  return (
    <a href={target.href} target="_blank" rel="noopener noreferrer" title={visible(target.href)}>
      <bdi>{text.trim() === "" ? target.place : children}</bdi>
      {text.trim() !== "" && !tells(text, target) && <Place text={target.place} />}
      <ExternalLink className="md-away" size={11} aria-label="opens in a new tab" />
    </a>
  );
}

/** A picture of the text is not loaded, so that nobody learns that it was shown: a link stands in its place. */
export function Picture({ written, alt }: { written: string; alt: string }): ReactNode {
  const said = alt.trim() === "" ? "picture" : readable(alt);
  return (
    <span className="md-picture">
      <Image size={13} aria-label="Picture, not loaded" />
      <Link written={written} text={said}>
        {said}
      </Link>
    </span>
  );
}

function Place({ text }: { text: string }): ReactNode {
  return (
    <bdi className="md-place" dir="ltr">
      {" "}
      ({text})
    </bdi>
  );
}
