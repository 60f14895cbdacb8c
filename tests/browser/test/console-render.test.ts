import { mkdirSync } from "node:fs";

import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";

import { faint, unnamed } from "../harness/accessible.js";
import { leaveItems, messages } from "../harness/agents.js";
import { inChromium, launch } from "../harness/chromium.js";
import { ConsoleDaemon } from "../harness/console-daemon.js";
import { enter, watched, type Watched } from "../harness/console-page.js";

const SHOTS = new URL("../../../target/screenshots/", import.meta.url).pathname;

const content = (text: string): object[] => [{ type: "text", text }];
const said = (text: string): object => ({ kind: "agent_message", status: "completed", content: content(text) });

const RICH = `## What I found

The **reader** keeps \`state\` in [one place](https://example.org/state); see https://example.org/plain and ![a picture](https://example.org/p.png).

- first
- second
  1. within

| name | value |
|---|--:|
| a | 1 |

> quoted

\`\`\`rust
// why
fn main() -> u64 { let a = "x"; 42 }
\`\`\`
`;

const HOSTILE = `[run](javascript:alert(1)) <img src=x onerror=alert(1)> <script>alert(1)</script> \u202eturned ![x](data:image/svg+xml,<svg/onload=alert(1)>)

[https://bank.example](https://evil.example/login)

\`\`\`html
<script>alert(1)</script>
\`\`\`
`;

const DIFF = "@@ -1,3 +1,3 @@\n fn main() {\n-    one(1);\n+    two(1);\n }\n";
const CHANGE = { path: "src/a\u202esr.rs", kind: "modify", additions: 1, deletions: 1, binary: false, unifiedDiff: DIFF };
const TOOL = {
  kind: "tool_call",
  status: "completed",
  tool: {
    name: "run",
    title: "cargo test",
    toolKind: "execute",
    command: { line: "cargo test", exitCode: 0 },
    output: { text: "10%\r100%\r\n\u001b[32mok\u001b[0m \u001b]8;;http://evil.example\u0007link\u001b]8;;\u0007\n", truncated: false },
  },
};
const EDIT = { kind: "tool_call", status: "completed", tool: { name: "edit", title: "edit", toolKind: "edit", changes: [CHANGE] } };

inChromium("what agents say, in a browser that holds the page to its policy", () => {
  let browser: Browser;
  let daemon: ConsoleDaemon;
  let open: Watched | undefined;

  beforeAll(async () => {
    mkdirSync(SHOTS, { recursive: true });
    browser = await launch();
  });

  afterAll(() => browser?.close());

  beforeEach(async () => {
    daemon = await ConsoleDaemon.start();
    await daemon.kill();
  });

  afterEach(async () => {
    expect(open?.complaints).toEqual([]);
    await open?.context.close();
    await daemon.stop();
  });

  /** The page that shows a session of these items, and all that it asks the network for. */
  async function shown(items: readonly object[], colorScheme: "light" | "dark" = "light"): Promise<{ page: Page; asked: string[] }> {
    leaveItems(daemon.folder, "ses_said", [{ kind: "user_message", status: "completed", content: content("say it") }, ...items]);
    daemon = await ConsoleDaemon.start(daemon);
    open = await watched(browser, { colorScheme, reducedMotion: "reduce" });
    const { page } = open;
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    await enter(page, await daemon.link(), "Agents");
    await page.getByRole("list", { name: "Sessions" }).getByRole("button").first().click();
    await messages(page).getByRole("article").first().waitFor();
    return { page, asked };
  }

  for (const colorScheme of ["light", "dark"] as const)
    test(`Markdown, code, diffs and a terminal can be read in the ${colorScheme} theme`, async () => {
      const { page } = await shown([said(RICH), TOOL, EDIT], colorScheme);
      const log = messages(page);
      await log.locator(".code-keyword", { hasText: "fn" }).waitFor();
      for (const button of await log.locator(".fold-head[aria-expanded=false]").all()) await button.click();
      await log.getByText("100%").first().waitFor();
      await log.locator("ins", { hasText: "two" }).first().waitFor();
      expect(await log.locator(".diff-path").first().textContent()).toBe("src/a⟨U+202E⟩sr.rs");
      expect(await log.locator(".terminal pre").first().textContent()).toContain("100%\nok link\n");
      expect(await log.locator("a").evaluateAll((links) => links.map((link) => [link.getAttribute("href"), link.getAttribute("rel"), link.getAttribute("target")]))).toEqual(
        ["https://example.org/state", "https://example.org/plain", "https://example.org/p.png"].map((href) => [href, "noopener noreferrer", "_blank"]),
      );
      expect(await page.evaluate(unnamed)).toEqual([]);
      expect(await page.evaluate(faint)).toEqual([]);
      await page.screenshot({ path: `${SHOTS}render-${colorScheme}.png` });
      await page.setViewportSize({ width: 390, height: 844 });
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    });

  test("hostile text stays text: nothing runs, nothing is loaded, and it says where its links lead", async () => {
    const { page, asked } = await shown([said(HOSTILE)]);
    const log = messages(page);
    await log.getByText("run (javascript:alert(1))").waitFor();
    await log.getByText("(evil.example/login)").waitFor();
    expect(await log.textContent()).toContain("<img src=x onerror=alert(1)>");
    expect(await log.textContent()).toContain("⟨U+202E⟩turned");
    expect(await log.locator("img, script, iframe").count()).toBe(0);
    expect(await log.locator("a").evaluateAll((links) => links.map((link) => link.getAttribute("href")))).toEqual(["https://evil.example/login"]);
    expect(asked.filter((url) => !url.startsWith(daemon.url.replace(/\/$/, "")) && !url.startsWith("data:"))).toEqual([]);
  });

  test("lines of a megabyte, and quotes and lists as deep as they go, are shown at once", { timeout: 60_000 }, async () => {
    const deep = `${">".repeat(10_000)} deep\n\n${"- ".repeat(10_000)}listed\n`;
    const { page } = await shown([said(deep), said(`\`\`\`\n${"x".repeat(1_000_000)}\n\`\`\`\n\nafter the line`), said("the end")]);
    await messages(page).getByText("the end").waitFor();
    await messages(page).getByText("after the line").waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth)).toBe(true);
  });
});
