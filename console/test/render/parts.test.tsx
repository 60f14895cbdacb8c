import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import { describe, expect, test, vi } from "vitest";

import type { AgentFileChange } from "../../src/api.js";
import { Code } from "../../src/render/code.js";
import { DiffView } from "../../src/render/diff-view.js";
import { rowsOf, splitRows } from "../../src/render/diff.js";
import { coloured, loaded } from "../../src/render/highlighter.js";
import { languageNamed } from "../../src/render/languages.js";
import { legible, readable, shortened, visible } from "../../src/render/plain.js";
import { Terminal } from "../../src/render/terminal.js";
import { TerminalLines } from "../../src/render/terminal-lines.js";

const change = (unifiedDiff: string, more: Partial<AgentFileChange> = {}): AgentFileChange => ({
  path: "src/a.rs",
  kind: "modify",
  additions: 1,
  deletions: 1,
  binary: false,
  unifiedDiff,
  ...more,
});

/** As by the keyboard: what is pressed has the focus. */
function press(button: HTMLElement): void {
  button.focus();
  fireEvent.click(button);
}

describe("a text with nothing hidden", () => {
  test("shows controls, terminal sequences and turns of direction", () => {
    expect(visible("rm\u0000 -rf\u0007 \u001b[8mx\u001b[0m")).toBe("rm␀ -rf␇ ␛[8mx␛[0m");
    expect(visible("a\u202ebc\u2069 \u200f")).toBe("a⟨U+202E⟩bc⟨U+2069⟩ ⟨U+200F⟩");
    expect(visible("\u001b]8;;http://evil.example\u0007x\u001b]8;;\u0007")).toBe("␛]8;;http://evil.example␇x␛]8;;␇");
  });

  test("shows what has no width, odd spaces and what takes no ink", () => {
    for (const code of [0xad, 0xa0, 0x200b, 0x200d, 0x2060, 0xfeff, 0x3164, 0x115f, 0x2800, 0x3000, 0x2028, 0x34f, 0xfe0f, 0xe0041, 0xe0100, 0xe000, 0xfff9])
      expect(visible(`a${String.fromCodePoint(code)}b`)).toBe(`a⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩b`);
    expect(visible("a\ud800b")).toBe("a⟨U+D800⟩b");
  });

  test("keeps lines, tabs and every script", () => {
    const text = "a\n\tb\r\nschön 漢字 שלום мир 👍";
    expect(visible(text)).toBe(text);
    expect(visible("over\rwritten")).toBe("over␍written");
  });

  test("counts spaces that would push something out of sight", () => {
    expect(visible(`ls${" ".repeat(400)}; rm -rf ~`)).toBe("ls ⟨400 spaces⟩ ; rm -rf ~");
    expect(visible("a" + " ".repeat(400))).toBe("a" + " ".repeat(400));
  });

  test("breaks up marks upon marks, which would hold the page up, and leaves those of a language", () => {
    for (const shown of [visible, legible, readable]) {
      const heap = shown(`a${"\u0301".repeat(60_000)}b`);
      expect(Math.max(...(heap.match(/\p{M}+/gu) ?? []).map(({ length }) => length))).toBe(32);
      expect(heap.replaceAll("⟨more marks⟩", "")).toBe(`a${"\u0301".repeat(60_000)}b`);
      expect(shown("e\u0301 क्षि ที่")).toBe("e\u0301 क्षि ที่");
    }
    expect(readable(`a${"\u0301\u200d".repeat(1_000)}`).split("⟨more marks⟩").length).toBeGreaterThan(60);
  });

  test("is cut between characters", () => {
    expect(shortened("ab👍", 3)).toBe("ab…");
    expect(shortened("abc", 3)).toBe("abc");
  });
});

describe("code", () => {
  test("is coloured when its language is there, and is plain before", async () => {
    const { container } = render(<Code text={"let a = \"x\"; // why"} lang="rs" />);
    expect(container.querySelector("pre")?.textContent).toBe('let a = "x"; // why');
    await loaded("rust");
    await waitFor(() => expect(container.querySelector(".code-keyword")?.textContent).toBe("let"));
    expect(container.querySelector(".code-string")?.textContent).toBe('"x"');
    expect(container.querySelector(".code-comment")?.textContent).toBe("// why");
    expect(container.querySelector("pre")?.textContent).toBe('let a = "x"; // why');
  });

  test("of each language is the same text when it is coloured", async () => {
    const text = "<a b='c'>{\"d\": [1, true]} // e\n# f\nfn g() -> \"h\" `${i}` /* j */ --k\nl: m\n";
    for (const language of ["bash", "c", "cpp", "csharp", "css", "diff", "dockerfile", "go", "ini", "java", "javascript", "json", "kotlin", "lisp", "lua", "makefile", "markdown", "php", "python", "ruby", "rust", "sql", "swift", "typescript", "xml", "yaml"]) {
      await loaded(language);
      const { container, unmount } = render(<Code text={text} lang={language} />);
      await waitFor(() => expect(container.querySelector("pre")?.textContent, language).toBe(text));
      for (const element of container.querySelectorAll("pre *")) expect(element.tagName).toMatch(/^(CODE|SPAN)$/);
      unmount();
    }
  });

  test("of a language that nobody knows is plain, whatever it is called", () => {
    for (const name of ["constructor", "__proto__", "toString", "nothing", "../x", ""]) expect(languageNamed(name)).toBeUndefined();
    const { container } = render(<Code text="<b>x</b>" lang="__proto__" />);
    expect(container.querySelector("pre")?.innerHTML).toContain("&lt;b&gt;x&lt;/b&gt;");
  });

  test("is copied as it is", () => {
    const copied = vi.fn(() => Promise.resolve());
    Object.defineProperty(navigator, "clipboard", { value: { writeText: copied }, configurable: true });
    render(<Code text={"a\u200bb"} />);
    fireEvent.click(screen.getByRole("button", { name: "Copy" }));
    expect(copied).toHaveBeenCalledWith("a\u200bb");
  });

  test("of a megabyte shows its beginning, and the rest when it is asked for", () => {
    const { container } = render(<Code text={"x".repeat(1_000_000)} lang="js" />);
    expect(container.querySelector("pre")?.textContent?.length).toBe(262_144);
    press(screen.getByRole("button", { name: /^Show the rest/ }));
    expect(container.querySelector("pre")?.textContent?.length).toBe(1_000_000);
    expect(document.activeElement).toBe(container.querySelector("pre"));
  });
});

describe("a diff", () => {
  const DIFF = "@@ -1,3 +1,4 @@ fn main\n a\n-let x = one;\n+let x = two;\n+more\n b\n\\ No newline at end of file\n";

  test("has its lines with their numbers", () => {
    expect(rowsOf(DIFF).map((row) => [row.kind, "old" in row ? row.old : undefined, "new" in row ? row.new : undefined, row.text])).toEqual([
      ["hunk", undefined, undefined, "@@ -1,3 +1,4 @@ fn main"],
      ["same", 1, 1, "a"],
      ["removed", 2, undefined, "let x = one;"],
      ["added", undefined, 2, "let x = two;"],
      ["added", undefined, 3, "more"],
      ["same", 3, 4, "b"],
      ["note", undefined, undefined, "No newline at end of file"],
    ]);
  });

  test("marks the words in which two lines differ", () => {
    const { container } = render(<DiffView change={change(DIFF)} layout="unified" />);
    expect([...container.querySelectorAll("del")].map((part) => part.textContent)).toEqual(["one"]);
    expect([...container.querySelectorAll("ins")].map((part) => part.textContent)).toEqual(["two"]);
    expect(container.querySelector(".diff-text[data-kind=removed]")?.textContent).toBe("−let x = one;");
  });

  test("stands side by side", () => {
    expect(splitRows(rowsOf(DIFF)).map((row) => (row.kind === "pair" ? [row.left?.text, row.right?.text] : row.kind))).toEqual([
      "hunk",
      ["a", "a"],
      ["let x = one;", "let x = two;"],
      [undefined, "more"],
      ["b", "b"],
      "note",
    ]);
    const { container } = render(<DiffView change={change(DIFF)} layout="split" />);
    expect(container.querySelectorAll("tr")).toHaveLength(6);
    expect(container.querySelectorAll(".diff-none")).toHaveLength(1);
  });

  test("has no line that is hidden, and no name of a file that is another one", () => {
    const hostile = "@@ -1 +1 @@\n-ok\n+ok \u202e// \u2066safe\u001b[2K\n";
    const { container } = render(<DiffView change={change(hostile, { path: "a\u202etxt.exe\n<b>", oldPath: "b\u200b.rs", kind: "move" })} layout="unified" />);
    expect(container.querySelector(".diff-path")?.textContent).toBe("b⟨U+200B⟩.rs → a⟨U+202E⟩txt.exe\n<b>");
    expect(container.querySelector(".diff-text[data-kind=added]")?.textContent).toBe("+ok ⟨U+202E⟩// ⟨U+2066⟩safe␛[2K");
    expect(container.querySelector("b")).toBeNull();
  });

  test("shows what is no diff as it stands, and says where there is none", () => {
    expect(rowsOf("hello\n@@ what @@\n")).toEqual([
      { kind: "note", text: "hello" },
      { kind: "note", text: "@@ what @@" },
    ]);
    expect(render(<DiffView change={change("", { binary: true })} layout="unified" />).container.textContent).toContain("It is no text");
    expect(render(<DiffView change={change("")} layout="unified" />).container.textContent).toContain("Nobody told its lines");
  });

  test("says what lines do not tell: where a link leads, what may be run, and what is too long", () => {
    const said = (more: Partial<AgentFileChange>, diff = ""): string => {
      const { container, unmount } = render(<DiffView change={change(diff, more)} layout="unified" />);
      const words = [...container.querySelectorAll(".diff-nature, .diff-empty, .diff-text")].map((part) => part.textContent).join(" | ");
      unmount();
      return words;
    };
    const turned = "@@ -1 +0,0 @@\n-key = 1\n@@ -0,0 +1 @@\n+/srv/me/.zshrc\n";
    expect(said({ oldMode: "file", newMode: "link", linkTo: "/srv/me/.zs\u202ehrc" }, turned)).toBe(
      "It was a file, and is a link from now on, to /srv/me/.zs⟨U+202E⟩hrc | −key = 1 | +/srv/me/.zshrc",
    );
    expect(said({ kind: "add", newMode: "link", linkTo: "../x" }, "@@ -0,0 +1 @@\n+../x\n")).toBe("It is a link, to ../x | +../x");
    expect(said({ oldMode: "file", newMode: "executable" })).toBe("It may be run from now on. | Its lines are as they were.");
    expect(said({ oldMode: "executable", newMode: "file" })).toBe("It may not be run any more. | Its lines are as they were.");
    expect(said({ oldMode: "link", newMode: "executable" }, turned)).toContain("It was a link, and is a file from now on, which may be run.");
    expect(said({ kind: "add", newMode: "executable", isCut: true, unifiedDiff: null })).toBe("It may be run. | Its lines are too long to be shown.");
    expect(said({ oldMode: "file", newMode: "link", linkTo: "x", binary: true }, "@@ -0,0 +1 @@\n+x\n")).toContain("no text, so that is not shown. | +x");
    expect(said({ kind: "add", newMode: "file" })).toBe("It is empty.");
    expect(said({ oldMode: "file", newMode: "file" }, turned)).toBe("−key = 1 | +/srv/me/.zshrc");
  });

  test("of many lines shows the first of them, and more when it is asked to", () => {
    const { container } = render(<DiffView change={change(`@@ -0,0 +1,50000 @@\n${"+line\n".repeat(50_000)}`)} layout="unified" />);
    expect(container.querySelectorAll("tr").length).toBe(300);
    fireEvent.click(screen.getByRole("button", { name: "49,701 more lines" }));
    expect(container.querySelectorAll("tr").length).toBe(1_800);
  });

  test("takes the focus of the button that shows the last of its lines", () => {
    const { container } = render(<DiffView change={change(`@@ -0,0 +1,400 @@\n${"+line\n".repeat(400)}`)} layout="split" />);
    press(screen.getByRole("button", { name: "101 more lines" }));
    expect(screen.queryByRole("button", { name: /more lines$/ })).toBeNull();
    expect(document.activeElement).toBe(container.querySelector(".diff-scroll"));
  });

  test("of long lines ends soon", () => {
    const words = (seed: number): string => Array.from({ length: 60_000 }, (_, at) => (at * seed) % 97).join(" ");
    const { container } = render(<DiffView change={change(`@@ -1 +1 @@\n-${words(3)}\n+${words(5)}\n`)} layout="split" />);
    expect(container.textContent?.length).toBeLessThan(6_000);
  });
});

describe("a terminal", () => {
  const shown = (text: string): string => render(<Terminal text={text} label="out" />).container.querySelector("pre")?.textContent ?? "";

  test("has colours, and nothing that moves a cursor, sets a title or opens a link", () => {
    const { container } = render(<Terminal text={"\u001b[31mred\u001b[0m \u001b]0;title\u0007a\u001b[2Jb \u001b]8;;javascript:alert(1)\u0007here\u001b]8;;\u0007\n"} label="out" />);
    expect(container.querySelector(".ansi-red")?.textContent).toBe("red");
    expect(container.querySelector("pre")?.textContent).toBe("red ab here\n");
    expect(container.querySelector("a")).toBeNull();
  });

  test("takes a colour over to the next line, until it is taken back", () => {
    const { container } = render(<Terminal text={"\u001b[31mone\ntwo\u001b[0m three\nfour\n"} label="out" />);
    expect([...container.querySelectorAll(".ansi-red")].map((part) => part.textContent)).toEqual(["one", "two"]);
    expect(container.querySelector("pre")?.textContent).toBe("one\ntwo three\nfour\n");
  });

  test("shows what was written over as it ended", () => {
    expect(shown("10%\r50%\r100%\r\ndone\r\n")).toBe("100%\ndone\n");
    expect(shown("a\u202eb\u200b")).toBe("a⟨U+202E⟩b⟨U+200B⟩\n");
  });

  test("keeps the last lines, and says how many there were", () => {
    const text = Array.from({ length: 20_000 }, (_, at) => `line ${at}`).join("\n");
    const { container } = render(<Terminal text={text} label="out" />);
    expect(container.querySelectorAll(".terminal-line")).toHaveLength(200);
    expect(container.querySelector("pre")?.textContent?.trimEnd()).toMatch(/line 19999$/);
    expect(container.querySelector(".terminal-earlier")?.textContent).toMatch(/^[\d,]+ earlier lines/);
  });

  test("takes the focus of the button that shows the first of its lines", () => {
    const text = Array.from({ length: 300 }, (_, at) => `line ${at}`).join("\n");
    const { container } = render(<Terminal text={text} label="out" />);
    press(screen.getByRole("button", { name: "100 earlier lines" }));
    expect(container.querySelectorAll(".terminal-line")).toHaveLength(300);
    expect(document.activeElement).toBe(container.querySelector("pre"));
  });

  test("of a megabyte without a line break shows its beginning", () => {
    expect(shown("x".repeat(1_000_000)).length).toBeLessThan(2_100);
    expect(shown(`${"#\r".repeat(500_000)}end`)).toBe("end\n");
  });

  test("reads the same lines however the text comes", () => {
    const text = "one\r\ntwo\rthree\n\nfour \u001b[1mbold\nlast";
    const whole = new TerminalLines().read(text);
    const reader = new TerminalLines();
    let lines = reader.read("");
    for (let end = 1; end <= text.length; end += 1) lines = reader.read(text.slice(0, end));
    expect(lines).toEqual(whole);
    expect(reader.read("another\n").map(({ text: line }) => line)).toEqual(["another"]);
  });
});

test("code that would hold the page up is plain", async () => {
  await loaded("yaml");
  expect(coloured("a: [1]\n".repeat(100), "yaml")).toBeDefined();
  expect(coloured(`a: ${"- ".repeat(600)}`, "yaml")).toBeUndefined();
  expect(coloured("a: [1]\n".repeat(3_000), "yaml")).toBeUndefined();
});
