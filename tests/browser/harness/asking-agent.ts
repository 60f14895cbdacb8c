/** An agent of the Agent Client Protocol that asks leave for what it is told to, all at once. */

/** What it asks leave for. */
export interface Wanted {
  title: string;
  rawInput: unknown;
}

const SCRIPT = `
import { createInterface } from "node:readline";
const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: "2.0", ...message }) + "\\n");
const options = [
  { optionId: "yes", name: "Yes", kind: "allow_once" },
  { optionId: "sixframe:forever", name: "All of it, everywhere", kind: "allow_always" },
  { optionId: "no", name: "No", kind: "reject_once" },
];
const open = new Set();
let turn;
createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params } = JSON.parse(line);
  if (method === "initialize") say({ id, result: { protocolVersion: 1, agentCapabilities: {}, authMethods: [] } });
  else if (method === "session/new") say({ id, result: { sessionId: "s1" } });
  else if (method === "session/prompt") {
    turn = id;
    for (const [at, wanted] of JSON.parse(params.prompt[0].text).entries()) {
      open.add("ask" + at);
      const toolCall = { toolCallId: "call" + at, kind: "execute", status: "pending", ...wanted };
      say({ id: "ask" + at, method: "session/request_permission", params: { sessionId: "s1", toolCall, options } });
    }
  } else if (method === "session/cancel") say({ id: turn, result: { stopReason: "cancelled" } });
  else if (method === undefined && open.delete(id)) {
    if (open.size === 0) say({ id: turn, result: { stopReason: "end_turn" } });
  } else if (id !== undefined && method !== undefined) say({ id, result: {} });
});
`;

/** The configuration of a daemon that has it, by the name `asking`. */
export function askingConfiguration(): string {
  const args = ["--input-type=module", "--eval", SCRIPT];
  return `[[agent.acp]]\nname = "asking"\nprogram = ${JSON.stringify(process.execPath)}\nargs = ${JSON.stringify(args)}\nsettings = []\n`;
}

/** The prompt that makes it ask for these. */
export function asking(...wanted: readonly Wanted[]): string {
  return JSON.stringify(wanted);
}
