/** Texts to be shown: made up from pieces that mean something together, and by a generator that gives the same each time. */

const PIECES = [
  "a", " b", "word ", "\n", "\n", "\n\n", "- ", "* ", "1. ", "2) ", "> ", "# ", "## x\n", "***", "**", "*", "_", "__", "~~", "`", "``", "```", "```rust\n", "~~~\n",
  "\n```\n", "    code\n", "\tcode\n", "| a | b |\n", "|---|:-:|\n", "| 1 | 2 |\n", "|", "---\n", "===\n", "- - -\n", "[", "]", "(", ")", "[x](http://a.example)",
  "[x](javascript:alert(1))", "![p](http://a.example/p.png)", "[ref]", "[ref]: http://r.example\n", "[ref]: /r 'title'\n", "http://bare.example/x ", "<http://auto.example>",
  "<b>", "<!-- c -->", "&amp;", "&#x6a;", "\\", "\\*", "  \n", "\r\n", "é", "👩‍👧", "\u202e", "\u0000", "x\n\n  y\n", "  - in\n", "   ", ":", "\"", "!",
];

/** Numbers that are the same for the same seed, from 0 up to 1. */
export function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A text of `length` pieces. */
export function madeUp(random: () => number, length: number): string {
  return Array.from({ length }, () => PIECES[Math.floor(random() * PIECES.length)] as string).join("");
}

/** The text in pieces of up to `longest` characters. */
export function cut(text: string, random: () => number, longest: number): string[] {
  const pieces: string[] = [];
  for (let from = 0; from < text.length; ) {
    const to = from + 1 + Math.floor(random() * longest);
    pieces.push(text.slice(from, to));
    from = to;
  }
  return pieces;
}

/** About `length` characters as an agent writes them. */
export function answer(length: number): string {
  const parts: string[] = [];
  for (let at = 0, size = 0; size < length; at += 1) {
    const part = [
      `## Step ${at}\n\nThe **parser** reads \`line ${at}\` and hands it to [the reader](https://example.org/${at}), *which* keeps it.\n\n`,
      `- first, \`a${at}\`\n- second\n  - within\n- third with **weight**\n\n`,
      `\`\`\`rust\n${`fn step_${at}(value: u64) -> u64 {\n    value.wrapping_mul(${at}) // again\n}\n`.repeat(4)}\`\`\`\n\n`,
      `| name | value |\n|---|--:|\n${Array.from({ length: 6 }, (_, row) => `| row ${row} | ${at * row} |\n`).join("")}\n`,
      `1. one\n2. two\n\n> quoted ${at}\n\n`,
    ][at % 5] as string;
    parts.push(part);
    size += part.length;
  }
  return parts.join("").slice(0, length);
}
