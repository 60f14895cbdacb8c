/** A conversation as people have them with agents: questions, answers with code, commands with their output, changed files. */

/** The items of a conversation of `messages` messages, half of them answers. */
export function conversation(messages: number): object[] {
  return Array.from({ length: messages / 2 }, (_, at) => exchange(at)).flat();
}

function exchange(at: number): object[] {
  return [
    { kind: "user_message", status: "completed", content: text(`Question ${at}: how does the parser of part ${at} treat what it does not know, and can it be faster?`) },
    { kind: "thought", status: "completed", content: text(`I look at part ${at} first. ${"It may be that the table is built anew each time. ".repeat(12)}`) },
    tool(at, { name: "Bash", toolKind: "execute", command: { line: `cargo test -p part-${at}`, exitCode: 0 }, output: { text: output(at), truncated: false } }),
    tool(at, { name: "Edit", toolKind: "edit", changes: [{ path: `src/part_${at}.rs`, kind: "modify", additions: 40, deletions: 40, unifiedDiff: diff(at) }] }),
    { kind: "agent_message", status: "completed", content: text(answer(at)) },
  ];
}

function text(said: string): object[] {
  return [{ type: "text", text: said }];
}

function tool(at: number, used: object): object {
  return { kind: "tool_call", status: "completed", tool: { title: `step ${at}`, ...used } };
}

function output(at: number): string {
  const tests = Array.from({ length: 60 }, (_, number) => `test part_${at}::case_${number} ... \u001b[32mok\u001b[0m\n`);
  return `\u001b[1m   Compiling\u001b[0m part-${at} v0.1.0\n${tests.join("")}\ntest result: \u001b[32mok\u001b[0m. 60 passed\n`;
}

function diff(at: number): string {
  const lines = Array.from({ length: 120 }, (_, line) =>
    line % 3 === 0 ? `-    let found_${line} = table.get(&key_${at});\n+    let found_${line} = table.get_or_insert(key_${at}, || parsed(${line}));\n` : `     step_${line}(found_${line}, ${at});\n`,
  );
  return `@@ -1,120 +1,120 @@\n${lines.join("")}`;
}

const CODE: readonly (readonly [language: string, code: string])[] = [
  ["rust", 'fn main() -> anyhow::Result<()> {\n    // What is unknown is kept.\n    for (name, value) in table.iter() {\n        println!("{name}: {value:?}");\n    }\n    Ok(())\n}\n'],
  ["typescript", "export async function read(path: string): Promise<Map<string, number>> {\n  const text = await readFile(path, \"utf8\");\n  return new Map(text.split(\"\\n\").map((line, at) => [line, at] as const));\n}\n"],
  ["python", "def read(path):\n    \"\"\"Reads a table.\"\"\"\n    with open(path) as lines:\n        return {name: float(value) for name, value in map(str.split, lines)}\n"],
  ["json", '{ "name": "part", "values": [1, 2, 3], "isKnown": false }\n'],
  ["bash", "for part in $(ls parts); do\n  cargo test -p \"$part\" || exit 1\ndone\n"],
];

function answer(at: number): string {
  const blocks = [0, 1, 2].map((more) => {
    const [language, code] = CODE[(at + more) % CODE.length] as (typeof CODE)[number];
    return `\`\`\`${language}\n${code.repeat(4)}\`\`\``;
  });
  const words = `It keeps **what it does not know** in \`ext\`, and builds its table ${at} times, see [the notes](https://example.com/parts/${at}).`;
  const list = Array.from({ length: 8 }, (_, number) => `${number + 1}. step *${number}* of part ${at}`).join("\n");
  const table = `| case | before | after |\n|---|--:|--:|\n${Array.from({ length: 8 }, (_, number) => `| ${number} | ${at + number} ms | ${number} ms |`).join("\n")}`;
  return `## Part ${at}\n\n${`${words} `.repeat(4)}\n\n${blocks[0]}\n\n${list}\n\n${blocks[1]}\n\n${table}\n\n> ${words}\n\n${blocks[2]}\n\nDone with part ${at}.`;
}
