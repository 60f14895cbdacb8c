/** What is known of a session as a whole, from its events. */

import type { AgentEnvelope, AgentLimits, AgentState, AgentUsageUpdate } from "../api.js";

export interface Facts {
  readonly provider: string;
  readonly cwd: string;
  readonly mode: string;
  readonly model: string | undefined;
  readonly models: readonly string[];
  readonly commands: readonly string[];
  readonly tools: readonly string[];
  readonly mcpServers: Readonly<Record<string, string>>;
  readonly title: string | undefined;
  readonly agentVersion: string | undefined;
  readonly nativeSessionId: string | undefined;
  readonly forkedFrom: string | undefined;
  readonly runId: string | undefined;
  readonly state: AgentState;
  /** The turn that is open. */
  readonly turnId: string | undefined;
  /** How many ended. */
  readonly turns: number;
  readonly isClosed: boolean;
  readonly usage: AgentUsageUpdate;
  /** By what the agent calls limited. */
  readonly limits: Readonly<Record<string, AgentLimits>>;
  /** By currency, in millionths of its unit. */
  readonly costs: Readonly<Record<string, number>>;
  /** Lines of the agent that could not be read. */
  readonly unread: number;
}

export const NO_FACTS: Facts = {
  provider: "",
  cwd: "",
  mode: "ask",
  model: undefined,
  models: [],
  commands: [],
  tools: [],
  mcpServers: {},
  title: undefined,
  agentVersion: undefined,
  nativeSessionId: undefined,
  forkedFrom: undefined,
  runId: undefined,
  state: { name: "idle" },
  turnId: undefined,
  turns: 0,
  isClosed: false,
  usage: {},
  limits: {},
  costs: {},
  unread: 0,
};

/** The facts after an event; what says nothing of the session as a whole leaves them as they are. */
export function updated(facts: Facts, envelope: AgentEnvelope): Facts {
  switch (envelope.type) {
    case "session.created":
      return { ...facts, ...said(envelope.data), isClosed: false };
    case "session.updated":
      return { ...succeeded(facts, envelope.data.provider ?? facts.provider), ...said(envelope.data) };
    case "session.closed":
      return { ...facts, isClosed: envelope.data.reason === "closed" };
    case "state.changed":
      return { ...facts, state: envelope.data.state, isClosed: false };
    case "usage.updated":
      return { ...facts, usage: { ...facts.usage, ...said(envelope.data) } };
    case "limits.updated":
      return { ...facts, limits: { ...facts.limits, [envelope.data.scope]: envelope.data } };
    case "unparsed":
      return { ...facts, unread: facts.unread + 1 };
    default:
      return facts;
  }
}

/** Without what only the agent of before had, where another one answers from now on. */
function succeeded(facts: Facts, provider: string): Facts {
  if (facts.provider === "" || provider === facts.provider) return facts;
  const { model, models, commands, tools, mcpServers, agentVersion, nativeSessionId, limits } = NO_FACTS;
  const usage = { ...facts.usage, contextSize: null, contextUsed: null };
  return { ...facts, model, models, commands, tools, mcpServers, agentVersion, nativeSessionId, limits, usage };
}

/** The members that say something. */
function said<T extends object>(data: T): { [K in keyof T]?: Exclude<T[K], null | undefined> } {
  const entries = Object.entries(data).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], null | undefined> };
}
