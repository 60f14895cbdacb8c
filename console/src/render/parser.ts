/**
 * The Markdown parser, set so that nothing in a text is HTML and nothing of it is dropped: what is nested deeper than a page can
 * show becomes plain text. It does not decide where links may lead, the rendering does.
 */

import markdownIt, { type Env, type StateBlock, type Token } from "markdown-it";

/** Levels of quotes, lists and their items that are shown as such. */
const DEEPEST = 24;
/** Characters of a paragraph, a heading or a cell that are looked through for markup. */
const LONGEST_INLINE = 65_536;

export type { Env, Token };

/** How many characters the parser was given so far, in this page: what the budget of streaming is counted in. */
export const work = { characters: 0 };

const parser = markdownIt({ html: false, linkify: true, typographer: false, breaks: false, maxNesting: 4 * DEEPEST });
parser.linkify.set({ fuzzyLink: false, fuzzyEmail: false });
parser.validateLink = () => true;
parser.core.ruler.enableOnly(["linkify", "text_join"]);
parser.block.ruler.before("table", "too_deep", tooDeep, { alt: [] });

/** The blocks of `text`, whose inline content is still text. Lines end with `\n`. */
export function parseBlocks(text: string, env: Env): Token[] {
  work.characters += text.length;
  const tokens: Token[] = [];
  parser.block.parse(text, parser, env, tokens);
  return tokens;
}

/** Parses the content of the blocks too, in their place. */
export function parseInlines(tokens: readonly Token[], env: Env): void {
  for (const token of tokens) {
    if (token.type !== "inline") continue;
    work.characters += token.content.length;
    token.children = token.content.length > LONGEST_INLINE ? [] : inlines(token.content, env);
  }
}

/** What an inline text consists of; links that stand bare in it are found as well. */
function inlines(content: string, env: Env): Token[] {
  const children: Token[] = [];
  const state = new parser.core.State(content, parser, env);
  const token = new state.Token("inline", "", 0);
  token.content = content;
  token.children = children;
  state.tokens.push(token);
  parser.inline.parse(content, parser, env, children);
  parser.core.process(state);
  return token.children;
}

/** Takes what is left of a block, as it is, where it is nested too deeply. */
function tooDeep(state: StateBlock, startLine: number, endLine: number): boolean {
  if (state.level < DEEPEST) return false;
  const token = state.push("plain", "", 0);
  token.map = [startLine, endLine];
  token.content = state.getLines(startLine, endLine, state.blkIndent, false);
  state.line = endLine;
  return true;
}
