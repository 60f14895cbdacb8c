/** One item, from its patches and deltas. What a patch leaves out stays; what it says holds over deltas. */

import type { AgentDelta, AgentItem, AgentToolCall } from "../api.js";
import { ending, grown, isFinal, NOTHING, parted, type Held, type ItemEntry, type Tool } from "./entry.js";

/** How much of its texts is kept, in characters. */
export interface Bounds {
  text: number;
  output: number;
}

export const KEPT: Bounds = { text: 256 << 10, output: 48 << 10 };
export const ALL: Bounds = { text: Infinity, output: Infinity };

/** Where an item that nobody spoke of before begins. */
export type Start = Pick<ItemEntry, "key" | "seq" | "at" | "turnId" | "itemId">;

const NO_TOOL: Tool = { output: NOTHING, errors: NOTHING, inputText: NOTHING, isTruncated: false };

/** An item of which nothing is known but that it is there. */
export function begun(start: Start, kind: ItemEntry["kind"]): ItemEntry {
  return {
    ...start,
    type: "item",
    kind,
    status: undefined,
    parent: undefined,
    text: NOTHING,
    others: [],
    tool: undefined,
    endedAt: undefined,
    last: start.seq,
    isAsked: false,
    isAnswer: false,
    isReleased: false,
  };
}

/** The item after a patch that came at `at`. */
export function patched(entry: ItemEntry, patch: AgentItem, at: number, bounds: Bounds = KEPT): ItemEntry {
  const content = patch.content ? parted(patch.content) : undefined;
  const status = patch.status ?? entry.status;
  return {
    ...entry,
    kind: patch.kind,
    status,
    parent: patch.parent ?? entry.parent,
    ...(content && { text: ending({ text: content.text, cut: 0 }, bounds.text), others: content.others }),
    tool: patch.tool ? used(entry.tool ?? NO_TOOL, patch.tool, bounds) : entry.tool,
    endedAt: isFinal(status) ? (entry.endedAt ?? at) : undefined,
  };
}

/** The item when its turn is over: what was not done by then is not done any more, whether or not anybody said so. */
export function ended(entry: ItemEntry, at: number): ItemEntry {
  if (isFinal(entry.status)) return entry;
  const status = entry.kind === "tool_call" || entry.kind === "subagent" ? "cancelled" : "completed";
  return { ...entry, status, endedAt: at, isAsked: false };
}

/** The item after a piece of one of its fields. */
export function enlarged(entry: ItemEntry, { field, delta }: AgentDelta, bounds: Bounds = KEPT): ItemEntry {
  const tool = entry.tool ?? NO_TOOL;
  switch (field) {
    case "text":
    case "thought":
      return { ...entry, text: grown(entry.text, delta, bounds.text) };
    case "tool_input":
      return { ...entry, tool: { ...tool, inputText: grown(tool.inputText, delta, bounds.output) } };
    case "tool_output":
      return { ...entry, tool: { ...tool, output: grown(tool.output, delta, bounds.output) } };
    case "tool_errors":
      return { ...entry, tool: { ...tool, errors: grown(tool.errors, delta, bounds.output) } };
  }
}

function used(tool: Tool, patch: AgentToolCall, bounds: Bounds): Tool {
  const { output, ...said } = patch;
  const known = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined && value !== null));
  const next: Tool = { ...tool, ...known };
  const answered: Held | undefined =
    typeof output?.text === "string" ? ending({ text: output.text, cut: 0 }, bounds.output) : undefined;
  return {
    ...next,
    // What it answers at the end may hold what it wrote to its errors.
    ...(answered && { output: answered, errors: answered.text.includes(tool.errors.text) ? NOTHING : tool.errors }),
    ...(output && { isTruncated: output.truncated }),
    ...(output?.json !== undefined && output.json !== null && { json: output.json }),
    ...("input" in known && { inputText: NOTHING }),
  };
}

/** How much memory an item takes, roughly, in characters. */
export function weight({ text, tool }: ItemEntry): number {
  if (!tool) return text.text.length;
  const diffs = (tool.changes ?? []).reduce((sum, { unifiedDiff }) => sum + (unifiedDiff?.length ?? 0), 0);
  return text.text.length + tool.output.text.length + tool.errors.text.length + tool.inputText.text.length + diffs + inputs(tool);
}

function inputs({ input, json }: Tool): number {
  return [input, json].reduce<number>((sum, value) => sum + roughly(value, 6), 0);
}

function roughly(value: unknown, depth: number): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null || depth === 0) return 8;
  return Object.values(value).reduce<number>((sum, part) => sum + roughly(part, depth - 1), 8);
}

/** What of an item is kept for good when memory is short. */
const BEGINNING = 2_000;

/** The item with its long parts given up. */
export function released(entry: ItemEntry): ItemEntry {
  const { tool } = entry;
  const small = (held: Held): Held => ending(held, BEGINNING);
  const light: Tool | undefined = tool && {
    ...tool,
    output: small(tool.output),
    errors: small(tool.errors),
    inputText: NOTHING,
    json: roughly(tool.json, 6) > BEGINNING ? undefined : tool.json,
    input: roughly(tool.input, 6) > BEGINNING ? undefined : tool.input,
    ...(tool.changes && { changes: tool.changes.map((change) => ({ ...change, unifiedDiff: null })) }),
  };
  return { ...entry, text: small(entry.text), tool: light, isReleased: true };
}
