/**
 * What programs write for terminals, made safe to show: colours become names of classes, everything else that would move a
 * cursor is left out, and of a line that was written over by carriage returns the last writing stays.
 */

/** A part of a line that looks alike. */
export interface Span {
  text: string;
  /** Names of classes with a space between them; empty for the usual look. */
  look: string;
}

const COLOURS = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"] as const;

/** Sequences that begin with ESC: CSI, then those that carry a string (OSC, DCS, PM, APC, SOS), then all others. */
const SEQUENCE =
  /\u001b\[([0-9:;<=>?]*)[ -/]*([@-~])|\u001b[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\)?|\u001b[ -/]*[0-~]?/g;
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g;

/** The line as text alone. */
export function plain(line: string): string {
  return written(line.replace(SEQUENCE, "")).replace(CONTROLS, "");
}

/** The line as parts that look alike. */
export function spans(line: string): Span[] {
  if (!line.includes("\u001b")) return [{ text: plain(line), look: "" }];
  const parts: Span[] = [];
  const look = new Look();
  let from = 0;
  for (const match of line.matchAll(SEQUENCE)) {
    parts.push({ text: line.slice(from, match.index), look: look.classes() });
    if (match[2] === "m") look.take(match[1] ?? "");
    from = match.index + match[0].length;
  }
  parts.push({ text: line.slice(from), look: look.classes() });
  return overwritten(parts).filter(({ text }) => text !== "");
}

/** What stays of a line with carriage returns. */
function written(line: string): string {
  const end = line.endsWith("\r") ? line.length - 1 : line.length;
  return line.slice(line.lastIndexOf("\r", end - 1) + 1, end);
}

/** The same for parts: those before the last carriage return that something follows are gone. */
function overwritten(parts: readonly Span[]): Span[] {
  const line = parts.map(({ text }) => text).join("");
  const kept = written(line);
  let skip = kept === "" ? line.length : line.lastIndexOf(kept);
  let take = kept.length;
  return parts.map(({ text, look }) => {
    const from = Math.min(skip, text.length);
    const part = text.slice(from, from + take);
    skip -= from;
    take -= part.length;
    return { text: part.replace(CONTROLS, ""), look };
  });
}

/** The look that SGR sequences add up to. */
class Look {
  #colour = "";
  #bold = false;
  #faint = false;
  #italic = false;
  #underlined = false;

  take(parameters: string): void {
    const codes = parameters.split(/[;:]/).map((code) => (code === "" ? 0 : Number(code)));
    for (let at = 0; at < codes.length; at += 1) {
      const code = codes[at] as number;
      if (code === 38 || code === 48) at += this.#extended(code, codes.slice(at + 1));
      else this.#plain(code);
    }
  }

  classes(): string {
    return [
      this.#colour && `ansi-${this.#colour}`,
      this.#bold && "ansi-bold",
      this.#faint && "ansi-faint",
      this.#italic && "ansi-italic",
      this.#underlined && "ansi-underlined",
    ]
      .filter(Boolean)
      .join(" ");
  }

  #plain(code: number): void {
    if (code === 0) this.#reset();
    else if (code === 1) this.#bold = true;
    else if (code === 2) this.#faint = true;
    else if (code === 22) this.#bold = this.#faint = false;
    else if (code === 3 || code === 23) this.#italic = code === 3;
    else if (code === 4 || code === 24) this.#underlined = code === 4;
    else if (code === 39) this.#colour = "";
    else if (code >= 30 && code <= 37) this.#colour = COLOURS[code - 30] ?? "";
    else if (code >= 90 && code <= 97) this.#colour = COLOURS[code - 90] ?? "";
  }

  #reset(): void {
    this.#colour = "";
    this.#bold = this.#faint = this.#italic = this.#underlined = false;
  }

  /** Of 256 colours the first 16 have names; others, and all backgrounds, have none. Says how many codes it took. */
  #extended(code: number, [kind, index]: readonly number[]): number {
    if (kind !== 5) return kind === 2 ? 4 : 0;
    if (code === 38) this.#colour = index !== undefined && index < 16 ? (COLOURS[index % 8] ?? "") : "";
    return 2;
  }
}
