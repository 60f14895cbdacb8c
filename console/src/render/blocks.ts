/**
 * A text of Markdown that grows, as blocks that stay as they are and a last part that is still open. What was settled is not
 * looked at again, so that a long text costs what is new of it. What is shown depends on the text alone and never on the
 * pieces that it came in.
 */

import { checkpoint } from "./checkpoint.js";
import { heal } from "./heal.js";
import { parseBlocks, parseInlines, type Env, type Token } from "./parser.js";

/** A block at the top: a paragraph, a list, a fence. The same object as long as it is the same. */
export interface Block {
  tokens: readonly Token[];
}

/** Characters by which the open part grows, at least, before it is looked at again for blocks that are closed. */
const STEP = 64;
const LONGEST_UNDECIDED = 80;
const UNDECIDED = /^[ \t>]*(?:[-=*_+#`~|:]+[ \t]*|\d{1,9}[.)]?[ \t]*|\[[^\]]*\]?:?)?$/;
const FENCE = /^(`{3,}|~{3,})[^\n]*\n/;

/** A code block at the top that nothing has ended yet. */
interface Fence {
  closing: RegExp;
  /** The token of the empty block, which has its language. */
  token: Token;
  content: number;
}

/** What of a text is settled, and where. */
export class Blocks {
  #raw = "";
  #text = "";
  #env: Env = {};
  #settled: Block[] = [];
  #tail = 0;
  /** Lines up to here were looked through. */
  #looked = 0;
  #next = STEP;
  #fence: Fence | undefined;
  #opened: { tail: number; end: number; blocks: readonly Block[] } | undefined;
  #shown: { end: number; isDone: boolean; blocks: readonly Block[] } | undefined;

  /** The blocks of `raw`, which may go on while `isStreaming`. Any text may follow any other; one that goes on is cheap. */
  read(raw: string, isStreaming: boolean): readonly Block[] {
    // Equality of strings is much faster than `startsWith`, which compares them character by character.
    if (raw.slice(0, this.#raw.length) !== this.#raw) this.#forget();
    this.#raw = raw;
    this.#text = raw.includes("\r") ? raw.replace(/\r\n?/g, "\n") : raw;
    const known = this.#shown;
    if (known && known.isDone === !isStreaming && known.end === this.#text.length) return known.blocks;
    const blocks = isStreaming ? this.#streamed() : this.#whole();
    this.#shown = { end: this.#text.length, isDone: !isStreaming, blocks };
    return blocks;
  }

  #forget(): void {
    this.#env = {};
    this.#settled = [];
    this.#tail = this.#looked = 0;
    this.#next = STEP;
    this.#fence = undefined;
    this.#opened = this.#shown = undefined;
  }

  #whole(): readonly Block[] {
    const env = this.#envNow();
    const tokens = parseBlocks(this.#text.slice(this.#tail), env);
    if (!hasNames(env) || this.#tail === 0) return [...this.#settled, ...finished(tokens, env)];
    // The names of links hold in the whole text, also before the line that says where they lead.
    const all: Env = {};
    return finished(parseBlocks(this.#text, all), all);
  }

  /** The names of links that are known, to be added to without a trace. */
  #envNow(): Env {
    this.#env.references ??= Object.create(null) as NonNullable<Env["references"]>;
    return { references: Object.create(this.#env.references) as NonNullable<Env["references"]> };
  }

  #streamed(): readonly Block[] {
    this.#settle();
    return [...this.#settled, ...this.#open()];
  }

  /** Looks at the lines that are complete now. */
  #settle(): void {
    for (;;) {
      const end = this.#text.indexOf("\n", this.#looked) + 1;
      if (end === 0) return;
      const line = this.#text.slice(this.#looked, end - 1);
      this.#looked = end;
      if (this.#fence) this.#goOn(this.#fence, line);
      else if (end >= this.#next) this.#close();
    }
  }

  /** Settles all blocks but the last one. */
  #close(): void {
    const lines = this.#text.slice(this.#tail, this.#looked);
    const tokens = parseBlocks(lines, this.#envNow());
    const last = tokens.findLast(({ level, nesting, map }) => level === 0 && nesting >= 0 && map !== null);
    const start = last?.map ? this.#tail + startOfLine(lines, last.map[0]) : this.#looked;
    if (start > this.#tail) this.#settleUpTo(start);
    this.#fence = last?.type === "fence" ? fenceOf(this.#text.slice(start, this.#looked), start) : undefined;
    this.#next = this.#looked + Math.max(STEP, Math.ceil((this.#looked - this.#tail) / 4));
  }

  #settleUpTo(end: number): void {
    this.#settled.push(...finished(parseBlocks(this.#text.slice(this.#tail, end), this.#env), this.#env));
    this.#tail = end;
  }

  #goOn(fence: Fence, line: string): void {
    if (!fence.closing.test(line)) return;
    this.#fence = undefined;
    this.#settleUpTo(this.#looked);
    this.#next = this.#looked + STEP;
  }

  /** What is shown of the part that is open: up to a mark, where it is long. */
  #open(): readonly Block[] {
    if (this.#fence) return [growing(this.#fence, this.#text)];
    const end = this.#tail + checkpoint(this.#text.length - this.#tail);
    if (this.#opened?.end === end && this.#opened.tail === this.#tail) return this.#opened.blocks;
    const env = this.#envNow();
    const tokens = parseBlocks(withoutUndecided(this.#text.slice(this.#tail, end)), env);
    heal(tokens);
    const blocks = finished(tokens, env);
    this.#opened = { tail: this.#tail, end, blocks };
    return blocks;
  }
}

/** A last line that has only begun, and may become several things, is not shown until it says which. */
function withoutUndecided(text: string): string {
  const start = text.lastIndexOf("\n") + 1;
  if (text.length - start > LONGEST_UNDECIDED) return text;
  return UNDECIDED.test(text.slice(start)) ? text.slice(0, start) : text;
}

function growing({ token, content, closing }: Fence, text: string): Block {
  const lastLine = text.lastIndexOf("\n") + 1;
  const isUndecided = lastLine >= content && (closing.test(text.slice(lastLine)) || /^[`~]+$/.test(text.slice(lastLine)));
  const shown = Object.assign(Object.create(Object.getPrototypeOf(token) as object) as Token, token);
  shown.content = text.slice(content, isUndecided ? lastLine : undefined);
  return { tokens: [shown] };
}

/** The fence that `text` begins with, where it has no end yet. One that is indented is not followed line by line. */
function fenceOf(text: string, start: number): Fence | undefined {
  const opening = FENCE.exec(text);
  const marker = opening?.[1];
  if (!opening || marker === undefined) return undefined;
  const closing = new RegExp(`^ {0,3}${marker[0] as string}{${marker.length},}[ \\t]*$`);
  const content = opening[0].length;
  if (text.slice(content).split("\n").some((line) => closing.test(line))) return undefined;
  const token = parseBlocks(opening[0], {})[0];
  return token && { closing, token, content: start + content };
}

/** The blocks that tokens are of, with their content. */
function finished(tokens: Token[], env: Env): Block[] {
  parseInlines(tokens, env);
  const blocks: Block[] = [];
  let from = 0;
  for (const [at, { level, nesting, type }] of tokens.entries()) {
    if (level !== 0 || nesting > 0) continue;
    if (type !== "reference_definition") blocks.push({ tokens: tokens.slice(from, at + 1) });
    from = at + 1;
  }
  return blocks;
}

function hasNames({ references }: Env): boolean {
  for (const _name in references) return true;
  return false;
}

function startOfLine(text: string, line: number): number {
  let at = 0;
  for (let passed = 0; passed < line; passed += 1) at = text.indexOf("\n", at) + 1;
  return at;
}
