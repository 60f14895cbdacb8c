import { Fragment, type ReactNode } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, test } from "vitest";

import { Blocks, type Block } from "../../src/render/blocks.js";
import { shownBlock } from "../../src/render/elements.js";
import { work } from "../../src/render/parser.js";
import { answer, cut, madeUp, numbers } from "./texts.js";

function html(blocks: readonly Block[]): string {
  return renderToStaticMarkup(blocks.map(({ tokens }, at): ReactNode => <Fragment key={at}>{shownBlock(tokens, false)}</Fragment>));
}

const whole = (text: string): string => html(new Blocks().read(text, false));

/** What is shown at the end of a text that came in pieces. */
function streamed(pieces: readonly string[]): string {
  const reader = new Blocks();
  let text = "";
  for (const piece of pieces) reader.read((text += piece), true);
  return html(reader.read(text, false));
}

// Many texts: how long that takes is the machine's matter.
describe("a text that comes in pieces", { timeout: 120_000 }, () => {
  test("ends as the whole does, however it was cut", () => {
    for (let seed = 1; seed <= 600; seed += 1) {
      const random = numbers(seed);
      const text = madeUp(random, 4 + Math.floor(random() * 160));
      expect(streamed(cut(text, random, 1 + Math.floor(random() * 40))), `seed ${seed}`).toBe(whole(text));
    }
  });

  test("shows in between what its beginning alone would show", () => {
    for (let seed = 1; seed <= 100; seed += 1) {
      const random = numbers(seed);
      const pieces = cut(madeUp(random, 60), random, 12);
      const reader = new Blocks();
      let text = "";
      for (const piece of pieces) {
        const here = html(reader.read((text += piece), true));
        expect(here, `seed ${seed}, ${JSON.stringify(text)}`).toBe(html(new Blocks().read(text, true)));
      }
    }
  });

  test("ends as the whole does when it is as long as an agent's", () => {
    const text = answer(60_000);
    expect(streamed(cut(text, numbers(7), 200))).toBe(whole(text));
  });

  test("keeps the blocks that are done", () => {
    const reader = new Blocks();
    const text = answer(20_000);
    const before = reader.read(text, true);
    const after = reader.read(`${text}\n\nmore`, true);
    expect(after.slice(0, before.length - 12)).toEqual(before.slice(0, -12));
    expect(after.slice(0, before.length - 12).every((block, at) => block === before[at])).toBe(true);
  });

  test("may become another text", () => {
    const reader = new Blocks();
    reader.read("# one\n\ntwo", true);
    expect(html(reader.read("*three*", true))).toBe(whole("*three*"));
    expect(html(reader.read("*three*", false))).toBe(whole("*three*"));
  });

  test("names a link before or behind where it leads", () => {
    expect(streamed(cut(`[a] and [b]\n\n${"x\n\n".repeat(100)}[a]: http://a.example\n[b]: http://b.example\n`, numbers(3), 9))).toContain(
      'href="http://a.example/"',
    );
  });
});

describe("the work for a text that comes four characters at a time", () => {
  /** Characters that the parser was given for each character of the text. */
  function effort(text: string): number {
    const reader = new Blocks();
    const before = work.characters;
    let come = "";
    for (let end = 0; end < text.length; end += 4) reader.read((come += text.slice(end, end + 4)), true);
    reader.read(text, false);
    return (work.characters - before) / text.length;
  }

  const kinds: Record<string, (length: number) => string> = {
    "an answer": answer,
    "one fence": (length) => `\`\`\`js\n${"const a = 1;\n".repeat(length / 13)}`,
    "one list": (length) => "- an item of the list\n".repeat(length / 22),
    "one table": (length) => `|a|b|\n|-|-|\n${"| one | two |\n".repeat(length / 14)}`,
    "one paragraph": (length) => "some words and **more** of them ".repeat(length / 32),
    "one quote": (length) => "> said *again*\n".repeat(length / 15),
    "one line": (length) => "x".repeat(length),
  };

  const most = { "an answer": 60, "one fence": 2 } as Record<string, number>;
  for (const [name, make] of Object.entries(kinds))
    test(`does not grow with the length of ${name}`, { timeout: 120_000 }, () => {
      const [short, long] = [effort(make(25_000)), effort(make(name in most ? 200_000 : 100_000))];
      expect(long).toBeLessThan(short * 1.25);
      expect(long).toBeLessThan(most[name] ?? 400);
    });
});
