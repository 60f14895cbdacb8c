import { render } from "@testing-library/react";
import { describe, expect, test } from "vitest";

import { Markdown } from "../../src/render/markdown.js";

/** What a text becomes when it is there as a whole. */
function shown(text: string): HTMLElement {
  return render(<Markdown text={text} />).container;
}

describe("a text of Markdown", () => {
  test("becomes elements", () => {
    const page = shown("# A *b*\n\n- one\n- two\n\n1. x\n\n| a | b |\n|--:|---|\n| 1 | `2` |\n\n> q\n\n```rust\nfn main() {}\n```\n");
    expect(page.querySelector("h3")?.innerHTML).toBe("A <em>b</em>");
    expect(page.querySelectorAll("ul > li")).toHaveLength(2);
    expect(page.querySelector("td[data-align=right]")?.textContent).toBe("1");
    expect(page.querySelector("td > code")?.textContent).toBe("2");
    expect(page.querySelector("blockquote")?.textContent).toBe("q");
    expect(page.querySelector(".code pre")?.textContent).toBe("fn main() {}");
  });
});
