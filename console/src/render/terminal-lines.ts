/** What a program writes, as lines: of a text that goes on, only what is new is looked at. It keeps the last lines. */

/** A line, with its number from the beginning, so that it stays the same line when others leave. */
export interface TerminalLine {
  number: number;
  text: string;
}

/** Lines that are kept at most. */
const MOST_LINES = 5_000;
/** Characters of a line that are kept; a program may write megabytes without a line break. */
const LONGEST_LINE = 16_384;

/** Characters of the sequences that are taken over from line to line. */
const LONGEST_LOOK = 64;
const SGR = /\u001b\[[0-9;:]*m/g;
const RESET = /^\u001b\[0*m$/;

export class TerminalLines {
  #text = "";
  #settled = 0;
  #first = 0;
  #lines: TerminalLine[] = [];
  #open: TerminalLine | undefined;
  /** The sequences that say how the next line begins to look. */
  #look = "";

  /** The lines of `text`, which begins with what was read before or is another one. */
  read(text: string): readonly TerminalLine[] {
    if (text.slice(0, this.#text.length) !== this.#text) this.#forget();
    this.#text = text;
    for (let end = text.indexOf("\n", this.#settled); end >= 0; end = text.indexOf("\n", this.#settled)) {
      this.#lines.push({ number: this.#first + this.#lines.length, text: this.#look + lastWriting(text, this.#settled, end) });
      this.#look = lookAfter(this.#look, text.slice(this.#settled, end));
      this.#settled = end + 1;
    }
    if (this.#lines.length > 2 * MOST_LINES) this.#drop(this.#lines.length - MOST_LINES);
    const rest = lastWriting(text, this.#settled, text.length);
    const number = this.#first + this.#lines.length;
    const shown = this.#look + rest;
    if (rest === "") this.#open = undefined;
    else if (this.#open?.number !== number || this.#open.text !== shown) this.#open = { number, text: shown };
    const kept = this.#lines.slice(-MOST_LINES);
    return this.#open ? [...kept, this.#open] : kept;
  }

  #drop(count: number): void {
    this.#lines = this.#lines.slice(count);
    this.#first += count;
  }

  #forget(): void {
    this.#settled = this.#first = 0;
    this.#lines = [];
    this.#open = undefined;
    this.#look = "";
  }
}

/** The sequences that colour what follows the line: those since the last one that takes all colours back, if they are few. */
function lookAfter(before: string, line: string): string {
  if (!line.includes("\u001b[")) return before;
  const all = [before, ...line.matchAll(SGR)].map((found) => (typeof found === "string" ? found : found[0]));
  const reset = all.findLastIndex((sequence) => RESET.test(sequence));
  const kept = all.slice(reset + 1).join("");
  return kept.length <= LONGEST_LOOK ? kept : "";
}

/** The line between two places without what it wrote over, so that a bar of progress is no longer than it looks. */
function lastWriting(text: string, start: number, end: number): string {
  const last = text[end - 1] === "\r" ? end - 1 : end;
  const from = last > start ? Math.max(start, text.lastIndexOf("\r", last - 1) + 1) : start;
  return text.slice(from, Math.min(end, from + LONGEST_LINE));
}
