/**
 * Text of agents, with everything in it made visible that would not be seen, or would change how the rest is read: control
 * characters and terminal sequences, what turns the direction of writing, what has no width. Nothing is taken away, so that
 * what is shown is what is there. Marks upon marks are broken up: a browser lays out thousands on one letter for minutes.
 */

/** Controls but for line breaks and tabs. */
const CONTROLS = String.raw`[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]`;

/** Controls, a carriage return that ends no line, what takes no room or no ink, and odd spaces. */
const UNSEEN = new RegExp(
  [
    CONTROLS,
    String.raw`\r(?!\n)`,
    String.raw`[\p{Cf}\p{Co}\p{Cn}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]`,
    String.raw`(?! )\p{Zs}`,
  ].join("|"),
  "gu",
);

/** Of these, what has no place in prose: joiners, marks of direction and odd spaces have one, in many scripts. */
const DISTURBING = new RegExp(
  [
    CONTROLS,
    String.raw`[\u202a-\u202e\u2066-\u206f\u2028\u2029\ufff9-\ufffb\ufeff]`,
    String.raw`[\u{e0000}-\u{e0fff}]`,
    String.raw`\p{Cs}`,
  ].join("|"),
  "gu",
);

const MARKS = String.raw`[\p{M}\p{Grapheme_Extend}\p{Emoji_Modifier}\u200d]`;
/** More marks on one letter than any writing has. */
const MOST_MARKS = 32;
/** As many, with more behind them. */
const HEAPED = new RegExp(`${MARKS}{${MOST_MARKS}}(?=${MARKS})`, "gu");
const AT_THE_END = new RegExp(`${MARKS}*$`, "u");
const A_MARK = "\u0301";

/** Spaces that something follows, so many that it may be out of sight. */
const PUSHING = /[ \t]{40,}(?=\S)/g;

/**
 * The text as it is, with nothing in it hidden: for what a person decides on, for names of files, for titles and for code.
 * Spaces that would push something out of sight are counted instead.
 */
export function visible(text: string): string {
  return legible(text).replace(PUSHING, (spaces) => ` ⟨${spaces.length} spaces⟩ `);
}

/** The same with its spaces as they are, for what is laid out by them: code, and what programs write. */
export function legible(text: string): string {
  return brokenUp(withUnseen(text));
}

/** The text with what disturbs prose made visible, and what scripts and emoji need left as it is. */
export function readable(text: string): string {
  return brokenUp(withDisturbing(text));
}

function withUnseen(text: string): string {
  return text.replace(UNSEEN, named);
}

function withDisturbing(text: string): string {
  return text.replace(DISTURBING, named);
}

function brokenUp(text: string): string {
  return text.replace(HEAPED, "$&⟨more marks⟩");
}

/** Texts that are shown one behind the other: what is between them ends no letter, so that its marks are counted through them. */
export class Row {
  #marks = 0;

  legible(text: string): string {
    return this.#next(withUnseen(text));
  }

  readable(text: string): string {
    return this.#next(withDisturbing(text));
  }

  #next(text: string): string {
    const marks = this.#marks;
    const shown = brokenUp(A_MARK.repeat(marks) + text);
    // Of characters that are two units long as well.
    const [last = ""] = AT_THE_END.exec(shown.slice(-2 * MOST_MARKS)) ?? [];
    this.#marks = [...last].length;
    return shown.slice(marks);
  }
}

/** The beginning of `text`, at most `longest` characters, with a sign where that is not all. */
export function shortened(text: string, longest: number): string {
  if (text.length <= longest) return text;
  const end = isHighSurrogate(text.charCodeAt(longest - 1)) ? longest - 1 : longest;
  return `${text.slice(0, end)}…`;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00;
}

/** Its picture where Unicode has one for it, else its number. */
function named(character: string): string {
  const code = character.codePointAt(0) as number;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return "␡";
  return `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
}
