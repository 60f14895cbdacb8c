/** Events that are told beside the conversation: what the history says of them, if anything. */

import type { AgentDecider, AgentEnvelope } from "../api.js";
import { shortened } from "../render/plain.js";
import type { DecisionEntry, Entry, NoteEntry } from "./entry.js";
import type { Facts } from "./facts.js";
import { MODE_WORDS } from "./words.js";

/** Characters of a prompt that a line tells of. */
const LONGEST_PROMPT = 300;

/** How the ids of rules begin that people made: they say nothing. */
const MADE = "rule_";

/** What is known when an event is remarked on. */
export interface Circumstances {
  /** The facts before it. */
  before: Facts;
  at: number;
  /** What a request that ended now had asked. Answers once. */
  titleOf: (id: string) => string;
}

type Of<K extends AgentEnvelope["type"]> = (AgentEnvelope & { type: K })["data"];

/** An entry for an event that is worth one. */
export function remark(envelope: AgentEnvelope, { before, at, titleOf }: Circumstances): Entry | undefined {
  const { seq } = envelope;
  const turnId = envelope.turnId ?? undefined;
  const placed = { key: `event:${seq}`, seq, at, turnId };
  const note = (tone: NoteEntry["tone"], text: string, detail?: string): NoteEntry => ({
    ...placed,
    type: "note",
    tone,
    text,
    ...(detail !== undefined && detail !== "" && { detail }),
  });
  switch (envelope.type) {
    case "session.created":
      return note("plain", began(envelope.data));
    case "session.updated":
      return changed(envelope.data, before, (text) => note("plain", text));
    case "session.closed":
      return envelope.data.reason === "closed" ? note("plain", "The session was closed.") : undefined;
    case "turn.started":
      if (envelope.data.origin !== "agent") return undefined;
      return note("plain", "The agent began this by itself.", envelope.data.reason ?? undefined);
    case "log.recovered":
      return note("warn", `${envelope.data.bytes} bytes at the end of the log were torn by a crash and put aside.`);
    case "files.contended":
      return note("warn", "Somebody else is changing files that this turn changes.", envelope.data.paths.join("\n"));
    case "prompt.cancelled":
      return note("plain", takenBack(titleOf(envelope.data.promptId)));
    case "plan.updated":
      return { ...placed, key: `plan:${turnId ?? ""}`, type: "plan", entries: envelope.data.entries };
    case "permission.resolved":
      return decision(placed, envelope.data, titleOf(envelope.data.permissionId));
    case "question.resolved":
      return answered(placed, envelope.data, titleOf(envelope.data.questionId));
    case "limits.updated":
      return limits(envelope.data, before, (text) => note(envelope.data.status === "rejected" ? "bad" : "warn", text));
    case "retry.scheduled": {
      const { attempt, max, delayMs, error } = envelope.data;
      const key = `retry:${turnId ?? ""}`;
      return { ...placed, key, type: "retry", attempt, max: max ?? undefined, until: at + delayMs, problem: error };
    }
    case "process.event":
      return exited(envelope.data, (text, detail) => note("warn", text, detail));
    case "error":
      return { ...placed, type: "problem", problem: envelope.data };
    default:
      return undefined;
  }
}

function takenBack(text: string): string {
  const line = shortened(text, LONGEST_PROMPT).replace(/\s+/g, " ").trim();
  return line === "" ? "A prompt was taken back." : `Taken back: ${line}`;
}

function began({ provider, cwd, forkedFrom }: Of<"session.created">): string {
  return `A session with ${provider} in ${cwd}${forkedFrom ? ", forked from another one" : ""}`;
}

/** Changes that a person made, or would want to know of. What is learned at the beginning is none. */
function changed(data: Of<"session.updated">, before: Facts, note: (text: string) => NoteEntry): NoteEntry | undefined {
  // What another agent knows of what was said, a notice tells.
  if (data.provider && before.provider !== "" && data.provider !== before.provider) return note(`From here on ${data.provider} answers.`);
  if (data.mode && data.mode !== before.mode) return note(`Mode: ${MODE_WORDS[data.mode]?.name ?? data.mode}`);
  if (data.model && before.model !== undefined && data.model !== before.model) return note(`Model: ${data.model}`);
  return undefined;
}

type Placed = Pick<DecisionEntry, "key" | "seq" | "at" | "turnId">;

function decision(placed: Placed, data: Of<"permission.resolved">, title: string): DecisionEntry {
  return { ...placed, type: "decision", title, decision: data.decision, by: data.by, reason: data.reason ?? undefined };
}

function answered(placed: Placed, data: Of<"question.resolved">, title: string): DecisionEntry {
  const answers = data.answers ? Object.values(data.answers).flat() : undefined;
  return {
    ...placed,
    type: "decision",
    title,
    decision: answers ? "answered" : "withdrawn",
    by: data.by,
    reason: undefined,
    ...(answers && { answers }),
  };
}

function limits(data: Of<"limits.updated">, before: Facts, note: (text: string) => NoteEntry): NoteEntry | undefined {
  if (data.status === "ok" || before.limits[data.scope]?.status === data.status) return undefined;
  const used = typeof data.usedPercent === "number" ? `, ${Math.round(data.usedPercent)} % used` : "";
  const anew = data.resetsAt ? `, anew at ${new Date(data.resetsAt * 1_000).toLocaleString()}` : "";
  const what = data.status === "rejected" ? "The limit is reached" : "The limit is near";
  return note(`${what}: ${data.scope}${used}${anew}.`);
}

/** An end is expected, unless the program says that something was wrong. */
function exited(data: Of<"process.event">, note: (text: string, detail: string) => NoteEntry): NoteEntry | undefined {
  if (data.what !== "exited" || data.signal || !data.exitCode) return undefined;
  return note(`The agent's program exited with code ${data.exitCode}.`, (data.stderrTail ?? []).join("\n"));
}

/** By whom something was decided, in words; `rule` is what the rule says that did, empty where it is not there any more. */
export function decider(by: AgentDecider, rule?: string): string {
  switch (by.kind) {
    case "person":
      return "by a person";
    case "policy":
      if (rule === "" && by.rule.startsWith(MADE)) return "by a rule that is not there any more";
      return rule ? `by the rule “${rule}”` : `by the rule ${by.rule}`;
    case "timeout":
      return "because nobody answered in time";
    case "agent":
      return "by the agent";
    case "stop":
      return "because the turn was stopped";
    case "shutdown":
      return "because the daemon ended";
  }
}
