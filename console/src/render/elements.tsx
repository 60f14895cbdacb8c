/** What the parser found, as elements. Only names that stand here become elements, and no attribute is taken over. */

import { createElement, Fragment, type ReactNode } from "react";

import { count } from "../shell/units.js";
import { Bounded } from "./bounded.js";
import { Code } from "./code.js";
import { Link, Picture } from "./link.js";
import type { Token } from "./parser.js";
import { legible, readable, Row } from "./plain.js";
import { elementWeight, leafWeight, MOST_COLUMNS, mostPieces } from "./weight.js";

const BLOCKS: ReadonlySet<string> = new Set(["p", "h1", "h2", "h3", "h4", "h5", "h6", "th", "td"]);
const INLINES: ReadonlySet<string> = new Set(["em", "strong", "s"]);
/** Emphasis within emphasis that is shown as such. */
const DEEPEST_INLINE = 16;

/** Something that is open, and what was found in it. */
interface Frame {
  token: Token | undefined;
  children: ReactNode[];
}

/** A block that is open, with what each of the parts weighs that were found in it. */
interface BlockFrame extends Frame {
  weights: number[];
}

/** An inline element that is open. */
interface InlineFrame extends Frame {
  /** Its text so far, for links that are to say where they lead. */
  text: string;
}

/** The elements of a block. `isOpen` says that more of it may come; what is shown of it at once weighs about `room`. */
export function shownBlock(tokens: readonly Token[], isOpen: boolean, room = Infinity): ReactNode {
  const stack: BlockFrame[] = [{ token: undefined, children: [], weights: [] }];
  for (const [at, token] of tokens.entries()) {
    const top = stack.at(-1) as BlockFrame;
    if (token.nesting > 0) stack.push({ token, children: [], weights: [] });
    else if (token.nesting === 0) {
      const within = top.token?.tag;
      top.children.push(leaf(token, within, top.children.length, isOpen && at === tokens.length - 1));
      top.weights.push(leafWeight(token, within));
    } else if (stack.length > 1) {
      stack.pop();
      const below = stack.at(-1) as BlockFrame;
      below.children.push(blockElement(top, room, below.children.length));
      below.weights.push(elementWeight(token.tag, top.weights, room));
    }
  }
  return createElement(Fragment, null, ...(stack[0] as BlockFrame).children);
}

function blockElement({ token, children, weights }: BlockFrame, room: number, key: number): ReactNode {
  const { tag, hidden } = token as Token;
  const bounds = { children, weights, room };
  if (hidden) return <Fragment key={key}>{children}</Fragment>;
  if (tag === "table")
    return (
      <div key={key} className="md-table" role="region" aria-label="Table" tabIndex={0}>
        <table>{children}</table>
      </div>
    );
  if (tag === "thead") return <thead key={key}>{children}</thead>;
  if (tag === "tbody") return <Bounded key={key} as="tbody" {...bounds} word="rows" />;
  if (tag === "ul") return <Bounded key={key} as="ul" {...bounds} word="items" />;
  if (tag === "ol") return <Bounded key={key} as="ol" start={startOf(token as Token)} {...bounds} word="items" />;
  if (tag === "blockquote" || tag === "li") return <Bounded key={key} as={tag} {...bounds} word="parts" />;
  if (/^h[1-6]$/.test(tag)) return heading(tag, children, key);
  if (tag === "tr") return <tr key={key}>{boundedCells(children)}</tr>;
  if (!BLOCKS.has(tag)) return <Fragment key={key}>{children}</Fragment>;
  const align = tag === "th" || tag === "td" ? alignOf(token as Token) : undefined;
  return createElement(tag, { key, dir: "auto", ...(align && { "data-align": align }) }, ...children);
}

function boundedCells(cells: ReactNode[]): ReactNode[] {
  if (cells.length <= MOST_COLUMNS) return cells;
  const left = (
    <td key="more" className="md-more">
      {`${count(cells.length - MOST_COLUMNS)} more columns`}
    </td>
  );
  return [...cells.slice(0, MOST_COLUMNS), left];
}

/** A heading of the text stands below those of the page. */
function heading(tag: string, children: ReactNode[], key: number): ReactNode {
  const level = Number(tag[1]);
  return createElement(`h${Math.min(6, level + 2)}`, { key, dir: "auto", className: `md-h${level}` }, ...children);
}

function leaf(token: Token, within: string | undefined, key: number, isOpen: boolean): ReactNode {
  switch (token.type) {
    case "inline":
      return <Fragment key={key}>{shownInline(token, mostPieces(within))}</Fragment>;
    case "fence":
      return <Code key={key} text={withoutEnd(token.content)} lang={languageOf(token.info)} isStreaming={isOpen} />;
    case "code_block":
      return <Code key={key} text={withoutEnd(token.content)} isStreaming={isOpen} />;
    case "hr":
      return <hr key={key} />;
    case "plain":
      return (
        <pre key={key} className="md-plain" tabIndex={0}>
          {legible(token.content)}
        </pre>
      );
    default:
      return null;
  }
}

/** The elements of a text within a block, `most` pieces as what they are; as it stands where it was too long to be looked through. */
function shownInline({ children, content }: Token, most: number): ReactNode {
  if (!children || children.length === 0) return readable(content);
  const rest = children.slice(most).map(wordsOf).join("");
  const stack: InlineFrame[] = [{ token: undefined, children: [], text: "" }];
  const row = new Row();
  let ignored = 0;
  for (const token of children.slice(0, most)) {
    const top = stack.at(-1) as InlineFrame;
    if (token.nesting > 0) {
      if (stack.length > DEEPEST_INLINE) ignored += 1;
      else stack.push({ token, children: [], text: "" });
    } else if (token.nesting < 0) {
      if (ignored > 0) ignored -= 1;
      else if (stack.length > 1) closeInline(stack);
    } else addInline(top, token, row);
  }
  while (stack.length > 1) closeInline(stack);
  const shown = (stack[0] as InlineFrame).children;
  return rest === "" ? shown : [...shown, row.readable(rest)];
}

/** What a piece says, without its looks. */
function wordsOf(token: Token): string {
  if (token.type === "image") return altOf(token);
  return token.type === "softbreak" || token.type === "hardbreak" ? "\n" : token.content;
}

function closeInline(stack: InlineFrame[]): void {
  const { token, children, text } = stack.pop() as InlineFrame;
  const below = stack.at(-1) as InlineFrame;
  const key = below.children.length;
  const tag = token?.tag ?? "";
  below.text += text;
  if (tag === "a")
    below.children.push(
      <Link key={key} written={String(token?.attrGet("href") ?? "")} text={text}>
        {children}
      </Link>,
    );
  else if (INLINES.has(tag)) below.children.push(createElement(tag, { key }, ...children));
  else below.children.push(<Fragment key={key}>{children}</Fragment>);
}

function addInline(frame: InlineFrame, token: Token, row: Row): void {
  const key = frame.children.length;
  switch (token.type) {
    case "text":
    case "text_special":
      frame.text += token.content;
      frame.children.push(row.readable(token.content));
      return;
    case "code_inline":
      frame.text += token.content;
      frame.children.push(
        <code key={key} dir="ltr">
          {row.legible(token.content)}
        </code>,
      );
      return;
    case "softbreak":
      frame.text += " ";
      frame.children.push(row.readable("\n"));
      return;
    case "hardbreak":
      frame.text += " ";
      frame.children.push(<br key={key} />);
      return;
    case "image":
      frame.children.push(<Picture key={key} written={String(token.attrGet("src") ?? "")} alt={altOf(token)} />);
  }
}

/** What a picture shows, in its writer's words. */
function altOf({ children, content }: Token): string {
  return (children ?? []).map((child) => child.content).join("") || content;
}

function startOf(token: Token): number {
  const start = Number(token.attrGet("start") ?? 1);
  return Number.isSafeInteger(start) ? start : 1;
}

function alignOf(token: Token): "left" | "center" | "right" | undefined {
  const [, align] = /^text-align:(left|center|right)$/.exec(String(token.attrGet("style") ?? "")) ?? [];
  return align as "left" | "center" | "right" | undefined;
}

function languageOf(info: string): string {
  return /^[^\s{,:]*/.exec(info.trim())?.[0] ?? "";
}

function withoutEnd(content: string): string {
  return content.endsWith("\n") ? content.slice(0, -1) : content;
}
