/**
 * Colours code. The highlighter and its languages are loaded when they are first needed; until then, and where that fails, code
 * is plain. What it says of code becomes names of classes that stand here, and nothing else.
 */

import { Store } from "../store.js";
import { grammarOf, languageNamed } from "./languages.js";

/** A part of code that looks alike. */
export interface Piece {
  text: string;
  /** The name of its class; empty for the usual look. */
  look: string;
}

/**
 * Characters of code that are coloured at most, and of one of its lines: longer code is plain. Grammars take the square of
 * them for code that was made to hold the page up.
 */
const LONGEST_COLOURED = 16_384;
const LONGEST_LINE = 1_000;
const TOO_LONG = new RegExp(`[^\\n]{${LONGEST_LINE + 1}}`);

/** Whether code is short enough to be coloured. */
export function isColourable(code: string): boolean {
  return code.length <= LONGEST_COLOURED && !TOO_LONG.test(code);
}

type Lowlight = Awaited<typeof import("./lowlight.js")>["lowlight"];

type Root = ReturnType<Lowlight["highlight"]>;

let lowlight: Lowlight | undefined;
const asked = new Map<string, Promise<void>>();

/** How many languages have been loaded, for those who wait for one. */
export const loadedLanguages = new Store(0);

/** The code, coloured; none where its language has no colours, or none yet: then it is being loaded. */
export function coloured(code: string, name: string): Piece[] | undefined {
  const language = languageNamed(name);
  if (language === undefined || !isColourable(code)) return undefined;
  if (!lowlight?.registered(language)) {
    void loaded(language);
    return undefined;
  }
  try {
    return pieces(lowlight.highlight(language, code));
  } catch {
    return undefined;
  }
}

/** Ends when the language can be coloured, or is known not to be. */
export function loaded(language: string): Promise<void> {
  const known = asked.get(language);
  if (known) return known;
  const loading = load(language).then(
    () => loadedLanguages.update((count) => count + 1),
    () => void asked.delete(language),
  );
  asked.set(language, loading);
  return loading;
}

async function load(language: string): Promise<void> {
  const [{ lowlight: found }, grammar] = await Promise.all([import("./lowlight.js"), grammarOf(language)]);
  found.register(language, grammar);
  lowlight = found;
}

const LOOKS: Readonly<Record<string, string>> = {
  keyword: "keyword",
  built_in: "type",
  type: "type",
  class: "type",
  literal: "literal",
  number: "literal",
  symbol: "literal",
  string: "string",
  regexp: "string",
  subst: "",
  comment: "comment",
  doctag: "comment",
  quote: "comment",
  meta: "meta",
  title: "title",
  section: "title",
  name: "title",
  "selector-tag": "title",
  attr: "attr",
  attribute: "attr",
  property: "attr",
  variable: "attr",
  params: "",
  operator: "",
  punctuation: "",
  link: "string",
  addition: "added",
  deletion: "removed",
  bullet: "keyword",
  code: "string",
  strong: "strong",
  emphasis: "emphasis",
};

/** The leaves of the tree with the look of the innermost scope that has one, neighbours that look alike joined. */
function pieces(root: Root): Piece[] {
  const found: Piece[] = [];
  const waiting: { node: Root["children"][number]; look: string }[] = root.children.map((node) => ({ node, look: "" })).reverse();
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { node, look } = next;
    if (node.type === "text") {
      const last = found.at(-1);
      if (last?.look === look) last.text += node.value;
      else found.push({ text: node.value, look });
    } else if (node.type === "element") {
      const inner = lookOf(node.properties["className"]) ?? look;
      for (const child of node.children.toReversed()) waiting.push({ node: child, look: inner });
    }
  }
  return found;
}

function lookOf(names: unknown): string | undefined {
  const name = Array.isArray(names) ? String(names[0]).replace(/^hljs-/, "") : "";
  const look = Object.hasOwn(LOOKS, name) ? LOOKS[name] : undefined;
  return look === undefined ? undefined : look === "" ? "" : `code-${look}`;
}
