/** What people read for the names that programs use. */

import type { AgentAction, AgentOutcome, AgentProblemKind, AgentProviderState, AgentRisk, AgentState, AgentToolKind } from "../api.js";

/** Modes by their names on the wire; one that is not listed is shown by that. */
export const MODE_WORDS: Readonly<Record<string, { name: string; means: string }>> = {
  ask: { name: "Ask", means: "You answer everything that the agent asks leave for" },
  acceptEdits: { name: "Accept edits", means: "Changes of ordinary files in the folder are allowed; you answer the rest" },
  auto: { name: "Auto", means: "The rules decide: what is harmless is allowed, what is ruinous is denied without asking; you answer the rest" },
  plan: { name: "Plan", means: "What changes anything is denied" },
};

export const ACTION_WORDS: Readonly<Record<AgentAction, string>> = {
  command: "Run a command",
  file_change: "Change files",
  mcp_tool: "Use a tool of another server",
  network: "Reach out to the network",
  read: "Read",
  mode_switch: "Go over to another mode",
  unknown: "Do something that is not known here",
};

export const RISK_WORDS: Readonly<Record<AgentRisk, string>> = {
  low: "Low risk",
  medium: "Medium risk",
  high: "High risk",
  critical: "Critical",
};

export const OUTCOME_WORDS: Readonly<Record<AgentOutcome, string>> = {
  completed: "Done",
  interrupted: "Stopped",
  failed: "Failed",
  refused: "The model refused",
  max_turns: "Stopped: it took more steps than it may",
  max_tokens: "Stopped: the answer reached its longest length",
  budget: "Stopped: it cost more than it may",
};

export const PROVIDER_WORDS: Readonly<Record<AgentProviderState, string>> = {
  ready: "Ready",
  unknown: "Ready; login not checked",
  checking: "Does not answer yet",
  loggedOut: "Not logged in",
  tooOld: "Too old",
  broken: "Does not run",
  missing: "Not installed",
};

export const TOOL_WORDS: Readonly<Record<AgentToolKind, string>> = {
  read: "Read",
  edit: "Edit",
  delete: "Delete",
  move: "Move",
  search: "Search",
  execute: "Command",
  fetch: "Fetch",
  think: "Think",
  mcp: "Tool",
  switch_mode: "Mode",
  other: "Tool",
};

/** What a session is doing. */
export function stateWords(state: AgentState): string {
  switch (state.name) {
    case "idle":
      return "Idle";
    case "thinking":
      return "Thinking";
    case "tool_execution":
      return "Working";
    case "waiting_approval":
      return state.count === 1 ? "Waits for you" : `Waits for ${state.count} answers`;
    case "error":
      return state.recoverable ? "Failed; may work again" : "Failed";
  }
}

/** What an error is called, and what can be done where the agent gives no hint. */
export const PROBLEM_WORDS: Readonly<Record<AgentProblemKind, { name: string; hint: string }>> = {
  auth_required: { name: "Not logged in", hint: "Log in with the agent's own program in a terminal, then try again." },
  auth_expired: { name: "The login has expired", hint: "Log in again with the agent's own program, then try again." },
  billing: { name: "The account has to be paid for", hint: "Look at the account with the agent's service." },
  rate_limited: { name: "Too many requests", hint: "Wait a little and try again." },
  quota_exhausted: { name: "The quota is used up", hint: "Wait until it begins anew, or choose another agent." },
  overloaded: { name: "The service has too much to do", hint: "Wait a little and try again." },
  context_overflow: { name: "The conversation is too long for the model", hint: "Begin a new session, or fork this one from a summary." },
  max_output: { name: "The answer reached its longest length", hint: "Ask it to go on." },
  model_not_found: { name: "There is no such model", hint: "Choose another model." },
  invalid_request: { name: "The service refused the request", hint: "Begin a new session if it happens again." },
  content_policy: { name: "The service refused what was asked for", hint: "Ask in other words." },
  network: { name: "The service cannot be reached", hint: "Look at the network, then try again." },
  timeout: { name: "It took too long", hint: "Try again, or ask for less at once." },
  provider_error: { name: "The service failed", hint: "Try again." },
  untrusted_workspace: { name: "The folder is not trusted", hint: "Trust it with the agent's own program, if you do." },
  cli_missing: { name: "The agent's program is not installed", hint: "Install it, then look again." },
  cli_too_old: { name: "The agent's program is too old", hint: "Update it, then look again." },
  spawn_failed: { name: "The agent's program cannot be started", hint: "Look whether it runs in a terminal." },
  crashed: { name: "The agent ended", hint: "Try again: it is started anew." },
  protocol: { name: "The agent said something that it should not", hint: "Update the agent's program, or Sixframe." },
  policy_denied: { name: "A rule forbids it", hint: "Look at the rules of the policy." },
  unknown: { name: "Something went wrong", hint: "Try again." },
};
