/** Where a link leads, and what of it a person has to be shown. */

import { shortened, visible } from "./plain.js";

/** A target that a page may open. */
export interface Target {
  href: string;
  /** The place, as a person has to be able to read it: without what is before an `@`, in the letters of the network. */
  place: string;
  /** Whether something stands before an `@`, by which the place may be mistaken. */
  hasUser: boolean;
}

const SCHEMES: ReadonlySet<string> = new Set(["http:", "https:", "mailto:"]);
const LONGEST_PLACE = 80;
const LONGEST_TARGET = 2_048;

/** The target of a link; none where its scheme is another one than http, https or mailto, or where it has none. */
export function targetOf(written: string): Target | undefined {
  if (written.length > LONGEST_TARGET || !URL.canParse(written)) return undefined;
  const url = new URL(written);
  if (!SCHEMES.has(url.protocol)) return undefined;
  const hasUser = url.username !== "" || url.password !== "";
  return { href: url.href, place: shortened(visible(placeOf(url)), LONGEST_PLACE), hasUser };
}

/** Whether `text` says already where the link leads. The address itself does not where something stands before an `@` in it. */
export function tells(text: string, { href, place, hasUser }: Target): boolean {
  const said = bare(text);
  return said !== "" && ((!hasUser && said === bare(href)) || said === bare(place));
}

function placeOf(url: URL): string {
  if (url.protocol === "mailto:") return url.pathname;
  const path = `${url.pathname}${url.search}${url.hash}`;
  return `${url.host}${path === "/" ? "" : path}`;
}

function bare(text: string): string {
  return text.trim().replace(/^(?:https?:\/\/|mailto:)/i, "").replace(/\/$/, "");
}
