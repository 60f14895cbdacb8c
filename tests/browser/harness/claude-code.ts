/** The real Claude Code: where it is, and how a daemon starts it in a world of its own. */

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { arch, platform } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Where `cargo xtask test` installs the agents' programs. */
const AGENTS = process.env.SIXFRAME_AGENTS ?? fileURLToPath(new URL("../../../target/agents/", import.meta.url));

/** Claude Code's program; it may be missing. */
export const CLAUDE = join(AGENTS, "node_modules", "@anthropic-ai", `claude-code-${platform()}-${arch()}`, "claude");

/** Why it cannot be tested here; undefined where it can. */
export function withoutClaude(): string | undefined {
  return existsSync(CLAUDE) ? undefined : `there is no Claude Code at ${CLAUDE}; cargo xtask test --only agents installs it`;
}

/**
 * The configuration of a daemon whose Claude Code has its home in `folder`, a key that is nobody's, nothing else of our
 * environment but the variables that `inherits` has, and asks the model at `url`.
 */
export function claudeConfiguration(folder: string, url: string, inherits: Readonly<Record<string, string>> = {}): string {
  const home = join(folder, "home");
  mkdirSync(home, { recursive: true });
  const variables = {
    PATH: process.env.PATH ?? "",
    HOME: home,
    ANTHROPIC_BASE_URL: url,
    ANTHROPIC_API_KEY: "key-of-a-test-and-of-nobody",
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    CLAUDE_CODE_MAX_RETRIES: "1",
    DISABLE_AUTOUPDATER: "1",
    DISABLE_TELEMETRY: "1",
    DISABLE_ERROR_REPORTING: "1",
    ...inherits,
  };
  const program = join(folder, "claude");
  const words = [...Object.entries(variables).map(([name, value]) => `${name}=${value}`), CLAUDE].map(quoted);
  writeFileSync(program, `#!/bin/sh\nexec env -i ${words.join(" ")} "$@"\n`, { mode: 0o755 });
  return `[agent.claude]\nprogram = ${JSON.stringify(program)}\n`;
}

/** As one word of a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
