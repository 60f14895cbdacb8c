import { fireEvent, render } from "@testing-library/react";
import { describe, expect, test } from "vitest";

import { completed } from "../../src/render/heal.js";
import { Markdown } from "../../src/render/markdown.js";

/** What a text becomes when it is there as a whole. */
function shown(text: string): HTMLElement {
  return render(<Markdown text={text} />).container;
}

/** What is seen of a text while it is written. */
function sofar(text: string): HTMLElement {
  return render(<Markdown text={text} isStreaming />).container;
}

const links = (page: HTMLElement): (string | null)[] => [...page.querySelectorAll("a")].map((link) => link.getAttribute("href"));

describe("a text of Markdown", () => {
  test("becomes elements", () => {
    const page = shown("# A *b*\n\n- one\n- two\n\n4. x\n\n| a | b |\n|--:|---|\n| 1 | `2` |\n\n> q\n\n```rust\nfn main() {}\n```\n~~no~~ **yes**  \nnext");
    expect(page.querySelector("h3")?.innerHTML).toBe("A <em>b</em>");
    expect(page.querySelectorAll("ul > li")).toHaveLength(2);
    expect(page.querySelector("ol")?.start).toBe(4);
    expect(page.querySelector("td[data-align=right]")?.textContent).toBe("1");
    expect(page.querySelector("td > code")?.textContent).toBe("2");
    expect(page.querySelector("blockquote")?.textContent).toBe("q");
    expect(page.querySelector(".code pre")?.textContent).toBe("fn main() {}");
    expect(page.querySelector("s")?.textContent).toBe("no");
    expect(page.querySelector("strong")?.textContent).toBe("yes");
    expect(page.querySelector("br")).not.toBeNull();
  });

  test("leads to the web and to mail, in a tab of its own that knows nothing of this page", () => {
    const page = shown("[a](https://example.org/x?y#z) <http://example.org> [m](mailto:a@example.org) https://bare.example/p");
    expect(links(page)).toEqual([
      "https://example.org/x?y#z",
      "http://example.org/",
      "mailto:a@example.org",
      "https://bare.example/p",
    ]);
    for (const link of page.querySelectorAll("a")) {
      expect(link.target).toBe("_blank");
      expect(link.rel).toBe("noopener noreferrer");
    }
  });

  test("says where a link leads unless its text does", () => {
    expect(shown("[click](https://example.org/path)").textContent).toBe("click (example.org/path)");
    expect(shown("[https://bank.example](https://evil.example/)").textContent).toContain("(evil.example)");
    expect(shown("[x](https://bank.example@evil.example/)").textContent).toContain("(evil.example)");
    for (const text of ["<https://user:pw@evil.example>", "<https://bank.example@evil.example>", "[bank.example@evil.example](https://bank.example@evil.example/)"])
      expect(shown(text).textContent, text).toContain("(evil.example)");
    expect(shown("[evil.example](https://bank.example@evil.example)").textContent).not.toContain("(");
    expect(shown("[x](https://bаnk.example/)").textContent).toContain("(xn--bnk-6cd.example)");
    expect(shown("[example.org](https://example.org/)").textContent).toBe("example.org");
    expect(shown("<https://example.org/a>").textContent).toBe("https://example.org/a");
    expect(shown("[](https://evil.example)").textContent).toBe("evil.example");
  });
});

describe("links that lead elsewhere are text", () => {
  const DISGUISES = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "javascript&colon;alert(1)",
    "&#106;avascript:alert(1)",
    "&#x6A;avascript&#58;alert(1)",
    "java&Tab;script:alert(1)",
    "java&NewLine;script:alert(1)",
    "&#1;javascript:alert(1)",
    "\u0001javascript:alert(1)",
    "<java\tscript:alert(1)>",
    "< javascript:alert(1)>",
    "javascript\\:alert(1)",
    "%6Aavascript:alert(1)",
    "javascript%3Aalert(1)",
    "javascript&#8203;:alert(1)",
    "vbscript:msgbox(1)",
    "data:text/html,<script>alert(1)</script>",
    "data:image/svg+xml,<svg/onload=alert(1)>",
    "data:image/png;base64,AAAA",
    "file:///etc/passwd",
    "blob:http://127.0.0.1/x",
    "view-source:http://a.example",
    "about:blank",
    "ssh://a.example",
    "vscode://file/etc/passwd",
    "//evil.example/x",
    "/session",
    "#frames",
    "?x=1",
    "http:",
    "http://",
    "https://[",
    "\\\\evil.example\\share",
  ];
  for (const disguise of DISGUISES)
    test(JSON.stringify(disguise), () => {
      for (const text of [`[x](${disguise})`, `![x](${disguise})`, `<${disguise}>`, `[x]\n\n[x]: ${disguise}`, disguise]) {
        const page = shown(text);
        for (const link of page.querySelectorAll("a")) expect(link.protocol).toMatch(/^(https?|mailto):$/);
        expect(links(page).filter((href) => !/^(https?|mailto):/.test(href ?? ""))).toEqual([]);
      }
    });

  test("and say what they would have led to", () => {
    expect(shown("[run](javascript:alert(1))").textContent).toBe("run (javascript:alert(1))");
    expect(shown("[engine](src/engine.rs)").textContent).toBe("engine (src/engine.rs)");
    expect(shown("[src/engine.rs](src/engine.rs)").textContent).toBe("src/engine.rs");
  });
});

describe("nothing of a text becomes HTML", () => {
  const TEXTS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "a <b onclick=alert(1)>b</b>",
    "<svg><animate onbegin=alert(1) attributeName=x></svg>",
    "<iframe src=http://a.example>",
    "<style>*{display:none}</style>",
    "<a href=http://a.example>x</a>",
    "```html\n<script>alert(1)</script>\n```",
    "`<img src=x>`",
    "| <b> |\n|---|\n| <img src=x onerror=alert(1)> |",
    "[<img src=x>](http://a.example)",
    "![<img src=x>](http://a.example)",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<!-- hidden -->",
    "```\" onmouseover=\"alert(1)\nx\n```",
    '[x](http://a.example "\\" onmouseover=\\"alert(1)")',
  ];
  const KNOWN = /^(DIV|P|A|BDI|CODE|PRE|FIGURE|FIGCAPTION|SPAN|BUTTON|SVG|PATH|RECT|CIRCLE|LINE|POLYLINE|POLYGON|TABLE|THEAD|TBODY|TR|TH|TD)$/;
  const TAKEN = /^(on|style$|src|srcset$)/;
  for (const text of TEXTS)
    test(JSON.stringify(text), () => {
      const page = shown(text).querySelector(".markdown") as HTMLElement;
      for (const element of page.querySelectorAll("*")) {
        expect(element.tagName.toUpperCase()).toMatch(KNOWN);
        expect(element.getAttributeNames().filter((name) => TAKEN.test(name))).toEqual([]);
      }
      expect(page.querySelector("img, script, style, iframe, object, embed, link, form, input")).toBeNull();
      const letters = (value: string): string => value.replace(/[^a-z]/g, "");
      for (const word of ["alert", "hidden"])
        if (text.includes(word) && !/onmouseover/.test(text)) expect(letters(page.textContent ?? "")).toContain(word);
    });

  test("a picture is not loaded: its words are a link to it", () => {
    const page = shown("![a cat](https://example.org/cat.png)");
    expect(page.querySelector("img")).toBeNull();
    expect(links(page)).toEqual(["https://example.org/cat.png"]);
    expect(page.textContent).toBe("a cat (example.org/cat.png)");
  });
});

describe("what would be hidden is seen", () => {
  test("turns of direction, and tags that carry text unseen", () => {
    const page = shown("a \u202eb\u202c `c\u2066d` \u{e0041}");
    expect(page.textContent).toContain("⟨U+202E⟩b⟨U+202C⟩");
    expect(page.querySelector("code")?.textContent).toBe("c⟨U+2066⟩d");
    expect(page.textContent).toContain("⟨U+E0041⟩");
  });

  test("what scripts need stays", () => {
    expect(shown("می‌خواهم 👩‍👧 ‏שלום").textContent).toBe("می‌خواهم 👩‍👧 ‏שלום");
  });

  test("terminal sequences", () => {
    expect(shown("\u001b[31mred\u001b[0m\u0007").textContent).toBe("␛[31mred␛[0m␇");
  });

  test("in code nothing is without a width", () => {
    expect(shown("```\nif (a\u200b == b\u00a0) \u202e\n```").querySelector("pre")?.textContent).toBe(
      "if (a⟨U+200B⟩ == b⟨U+00A0⟩) ⟨U+202E⟩",
    );
  });
});

describe("what is too much is bounded, and nothing of it is lost", () => {
  const depth = (page: Element): number => Math.max(0, ...[...page.children].map((child) => 1 + depth(child)));
  const N = 10_000;
  const TEXTS: Record<string, string> = {
    "nested quotes": `${">".repeat(N)} end`,
    "nested lists": Array.from({ length: 300 }, (_, at) => `${"  ".repeat(at)}- item`).join("\n") + " end",
    "nested lists on one line": `${"- ".repeat(N)}end`,
    "nested emphasis": `${"*a ".repeat(N)}end${" b*".repeat(N)}`,
    "nested strong emphasis": `${"**a ".repeat(N)}end${" b**".repeat(N)}`,
    "open brackets": `${"[".repeat(N)}end`,
    "nested brackets": `${"[".repeat(N)}end${"]".repeat(N)}`,
    "nested pictures": `${"![".repeat(N)}end${"](x)".repeat(N)}`,
    "links that never end": `${"[a](<b".repeat(N)} end`,
    "backticks of every length": `${Array.from({ length: 600 }, (_, at) => "`".repeat(at + 1)).join(" ")} end`,
    entities: `${"&amp;".repeat(N)}end`,
    "a line of spaces": `${" ".repeat(100_000)}end`,
    "stars": `${"*".repeat(N)} end`,
    "underscores": `${"_a".repeat(N)} end`,
    "a long line": `${"x".repeat(1_000_000)} end`,
    "a long line of links": `${"http://a.example/ ".repeat(5_000)} end`,
    "a line of colons": `${"a:".repeat(30_000)} end`,
    "definitions": `${Array.from({ length: 3_000 }, (_, at) => `[r${at}]: http://a.example/${at}`).join("\n")}\n\nend`,
    "a table of many columns": `${"|a".repeat(3_000)}|\n${"|-".repeat(3_000)}|\n|end|`,
    "a fence in a fence in a list": `${"- ```\n".repeat(2_000)}end`,
  };
  for (const [name, text] of Object.entries(TEXTS))
    test(name, () => {
      const page = shown(text);
      expect(page.textContent).toContain("end");
      for (const one of [page, sofar(text)]) expect(depth(one)).toBeLessThan(80);
    });

  test("a table of many rows shows the first, and more when it is asked to", () => {
    const page = shown(`|a|\n|-|\n${"|row|\n".repeat(5_000)}`);
    expect(page.querySelectorAll("tbody tr").length).toBeLessThan(300);
    expect(page.querySelector(".md-more")?.textContent).toBe("4,800 more rows");
  });

  test("of very many parts of a text, or of a quote or an item in it, the first are shown, and more when they are asked for", () => {
    const page = shown(`${"---\n".repeat(30_000)}`);
    expect(page.querySelectorAll("hr").length).toBe(4_000);
    const more = page.querySelector<HTMLElement>(".md-more button");
    expect(more?.textContent).toBe("26,000 more parts of the text");
    fireEvent.click(more as HTMLElement);
    expect(page.querySelectorAll("hr").length).toBe(12_000);
    expect(shown("> ---\n".repeat(5_000)).querySelectorAll("hr").length).toBe(200);
    expect(shown(`- a\n${"  ---\n".repeat(5_000)}`).querySelectorAll("hr").length).toBeLessThan(201);
  }, 60_000);

  const pieces = "*a* ".repeat(250);
  const list = `${Array.from({ length: 40 }, () => `- ${pieces}`).join("\n")}\n`;
  const nested = `${Array.from({ length: 40 }, () => `- a\n${"  - *b*\n".repeat(200)}`).join("")}`;
  const sizes = (page: HTMLElement): number => page.querySelectorAll("*").length;
  /** Asks for what is left, so often, and tells the most that came at once. */
  const unfolded = (page: HTMLElement, times: number): number => {
    const came: number[] = [];
    for (let more = page.querySelector(".md-more button"); more && came.length < times; more = page.querySelector(".md-more button")) {
      const before = sizes(page);
      fireEvent.click(more);
      came.push(sizes(page) - before);
    }
    return Math.max(...came);
  };
  for (const [name, text] of Object.entries({
    "items of many pieces": list,
    "items of many items": nested,
    "quotes of many pieces": Array.from({ length: 40 }, () => `> ${pieces}\n>\n`).join(""),
    "cells of many pieces": `|a|b|\n|-|-|\n${`|${pieces}|${pieces}|\n`.repeat(60)}`,
    "lists behind one another": `${nested}\npart\n\n1. a\n${"1. *b*\n".repeat(600)}`,
  }))
    test(`${name} are shown as far as there is room, and more when they are asked for`, () => {
      for (const page of [shown(text), sofar(text)]) {
        expect(sizes(page)).toBeGreaterThan(500);
        expect(sizes(page)).toBeLessThan(5_000);
      }
      const page = shown(text);
      const first = sizes(page);
      expect(unfolded(page, 2)).toBeLessThan(10_000);
      expect(sizes(page)).toBeGreaterThan(first);
    });

  test("all of what was too much at once is there in the end", () => {
    const page = shown(`begin\n\n${Array.from({ length: 30 }, (_, at) => `- item ${at} ${pieces}`).join("\n")}\n\nend\n`);
    expect([page.textContent?.includes("item 2"), page.textContent?.includes("item 3"), page.textContent?.includes("end")]).toEqual([true, false, false]);
    const words = (): (string | null)[] => [...page.querySelectorAll(".md-more")].map(({ textContent }) => textContent);
    expect(words()).toEqual(["27 more items", "1 more part of the text"]);
    unfolded(page, Infinity);
    expect([page.querySelectorAll("li").length, page.querySelectorAll("em").length, page.textContent?.includes("end")]).toEqual([30, 30 * 250, true]);
  });

  test("a list that is too much for what room is left begins in it", () => {
    const page = shown(`${"---\n".repeat(3_900)}${"- item\n".repeat(190)}`);
    const items = page.querySelectorAll("li:not(.md-more)").length;
    expect([items > 10, items < 60, page.querySelector(".md-more")?.textContent]).toEqual([true, true, `${190 - items} more items`]);
  });

  test("marks upon marks are broken up through emphasis, code and what is left as text", () => {
    const marks = "\u0301".repeat(32);
    const longest = (page: HTMLElement): number => Math.max(...(page.textContent?.match(/\p{M}+/gu) ?? []).map(({ length }) => length));
    for (const text of [`a${`~~${marks}~~${marks}`.repeat(250)}`, `a${`\`${marks}\`${marks}`.repeat(700)}`]) {
      const page = shown(text);
      expect(longest(page)).toBe(32);
      expect(page.textContent?.replaceAll("⟨more marks⟩", "")).toBe(text.replace(/[~`]/g, ""));
    }
    const page = shown(`e\u0301~~\u0301~~\u0301\n${marks}`);
    expect(page.textContent).toBe(`e\u0301\u0301\u0301\n${marks}`);
  });

  test("of very many pieces in a paragraph the first are shown as what they are, and the rest as text", () => {
    const page = shown("`a` ".repeat(16_000));
    expect(page.querySelectorAll("code").length).toBe(500);
    expect(page.textContent?.replace(/\s/g, "")).toBe("a".repeat(16_000));
  });
});

describe("what is not finished", () => {
  const SEEN: [string, string][] = [
    ["some **bol", "some <strong>bol</strong>"],
    ["some *it", "some <em>it</em>"],
    ["some ~~no", "some <s>no</s>"],
    ["some **bol*", "some <strong>bol</strong>"],
    ["run `carg", "run <code"],
    ["see [the re", "see the re"],
    ["see [the reader](https://exa", "see the reader"],
    ["see ![a cat](https://exa", "see a cat"],
    ["a * b", "a * b"],
    ["snake_case_na", "snake_case_na"],
  ];
  for (const [text, html] of SEEN)
    test(`${text} is shown as what it is about to be`, () => {
      expect(sofar(text).querySelector("p")?.innerHTML).toContain(html);
      expect(sofar(text).querySelector("p")?.textContent).not.toMatch(/\*\*|[`[\]]|https/);
    });

  test("a last line that may become several things is not shown yet", () => {
    for (const begun of ["-", "- ", "--", "=", "#", "1", "1.", "```", "|", "> ", "**"]) {
      const page = sofar(`said\n${begun}`);
      expect(page.querySelector("h3, h4, ul, ol, hr, .code, blockquote"), begun).toBeNull();
      expect(page.textContent?.trim()).toBe("said");
    }
  });

  test("a table waits for its second line, and a fence has its language from the start", () => {
    expect(sofar("so:\n\n| a | b |").textContent?.trim()).toBe("so:");
    expect(sofar("so:\n\n| a | b |\n|---").textContent?.trim()).toBe("so:");
    expect(sofar("so:\n\n| a | b |\n|---|---|\n").querySelectorAll("th")).toHaveLength(2);
    expect(sofar("```rust\nfn m").querySelector(".code-lang")?.textContent).toBe("rust");
    expect(sofar("```rust\nfn m").querySelector("pre")?.textContent).toBe("fn m");
    expect(sofar("```rust\nfn m\n``").querySelector("pre")?.textContent).toBe("fn m");
  });

  test("a text that lacks nothing is left as it is", () => {
    for (const text of ["plain", "a **b** c", "`x` and `y`", "[a](http://b.example) c", "2 * 3 * 4"]) expect(completed(text)).toBe(text);
  });
});
