// Made by `sixframe types` from what the peer says of itself. Do not edit: make it again.

/** The `methodsHash` of `rpc.hello` that these types belong to. */
export const methodsHash = "ad898a77ee88c130";

/** What an agent can do beyond answering. */
export interface AgentAbilities {
  /** Fork its own sessions; one that turns out not to is told what was said and done. */
  fork: boolean;
  /** Use a model that is named. Others have none, or choose by themselves. */
  models: boolean;
  /** Ask before it does something. */
  permissions: boolean;
  /** Hear why something is denied; others are told only that it is. */
  reasons: boolean;
  /** Go on with a session of an earlier process. */
  resume: boolean;
  /** Take a prompt in the midst of a turn. */
  steer: boolean;
  /** Tell what it used. */
  usage: boolean;
}

/** What is to be done with leave. */
export type AgentAction =
  /** Run a command. */
  | "command"
  /** Change files. */
  | "file_change"
  /** Use a tool of an MCP server. */
  | "mcp_tool"
  /** Reach out to the network. */
  | "network"
  /** Read what may not be read without asking. */
  | "read"
  /** Go over to another mode. */
  | "mode_switch"
  /** Something that is not known here. */
  | "unknown";

/** What an answer must be. */
export type AgentAnswerKind =
  /** Any text. */
  | "text"
  /** A number. */
  | "number"
  /** A number without a fraction. */
  | "integer";

/** What `agent.answer` takes. */
export interface AgentAnswerParams {
  /** The answers by the ids of the questions: labels of options, or texts where those are taken. None at all declines. */
  answers?: { [key: string]: string[] };
  /** What to answer to. */
  questionId: string;
}

/** What `agent.approve` takes. */
export interface AgentApproveParams {
  /** The hash of what was shown. Where it is not that of what waits, nothing is allowed. */
  inputSha256?: string | null;
  /** By which option; the one that allows it once where there is none. */
  optionId?: string | null;
  /** What to answer to. */
  permissionId: string;
}

/** What `agent.cancelPrompt` takes. */
export interface AgentCancelPromptParams {
  /** The prompt, as `prompt.queued` names it. */
  promptId: string;
  /** The session. */
  sessionId: string;
}

/** What became of a file. */
export type AgentChangeKind =
  /** It was made. */
  | "add"
  /** It was deleted. */
  | "delete"
  /** It was changed. */
  | "modify"
  /** It was moved, and maybe changed. */
  | "move"
  /** It was copied, and maybe changed. */
  | "copy";

/** What happens in a conversation. */
export interface AgentChatChunk {
  /** What the agent says; of a tool, what it does; of a file, its path; of an error, its text. */
  content: string;
  /**
   * What else is known: `sessionId` always; of a text its `itemId`; of a tool `itemId`, `status`, `name`, `input`, and `permission`
   * or `question` while it waits for that; of a file its change; of an error its problem; of done `outcome`, `usage` and `cost`,
   * and `stopped: true` with `code: "ABORTED"` where somebody stopped it.
   */
  metadata?: unknown;
  /** What kind of thing. */
  type: AgentChunkKind;
}

/** What a message says. */
export type AgentChatContent =
  /** A text. */
  | string
  /** A part, as `{type: "text", text}`. */
  | AgentContent
  /** Several. */
  | AgentContent[];

/** A message of a conversation. */
export interface AgentChatMessage {
  /** What: a text, a part, or several. */
  content: AgentChatContent;
  /** Who says it. */
  role: AgentChatRole;
}

/** How a conversation is led. */
export interface AgentChatOptions {
  /** The file that it is about. */
  currentFile?: AgentCurrentFile | null;
  /** For a provider: the folder to work in; the one that `agent.providers` offers where there is none. Also `workingDirectory`. */
  cwd?: string | null;
  /** For a provider: variables of the agent's environment, those alone that the configuration lets callers set. */
  env?: { [key: string]: string };
  /** For a provider: what is allowed without being asked for. Also `permissionMode`. */
  mode?: AgentMode | null;
  /** For a provider: the model. */
  model?: string | null;
  /** What is selected in it. */
  selection?: AgentSelection | null;
  /** For a provider: what the agent is told about its task, in front of the messages of the role system. */
  systemPrompt?: string | null;
  /** The template. */
  template?: string | null;
  /** How long it may take, without the time that people take. Default 300 s. Also `timeout`. */
  timeoutMs?: number;
}

/** What `agent.chat` and `agent.streamChat` take. */
export interface AgentChatParams {
  /** The id of a session, or a provider; `default` is the default provider. */
  agentId: string;
  /**
   * The conversation so far; the last is what is asked. A session has its own, and is told what stands behind the last
   * answer.
   */
  messages: AgentChatMessage[];
  /** How. */
  options?: AgentChatOptions;
}

/** What `agent.chat` answers. */
export interface AgentChatResult {
  /** `ABORTED` where somebody did. */
  code?: string | null;
  /** What it cost. */
  cost?: AgentCost | null;
  /** What it changed in files. */
  files: AgentFileChange[];
  /** What the agent said. */
  message: AgentChatMessage;
  /** How its turn ended. */
  outcome: AgentOutcome;
  /** The session, whose log stays. */
  sessionId: string;
  /** Whether somebody stopped it. */
  stopped: boolean;
  /** What it used. */
  usage?: AgentUsage | null;
}

/** Who says a message. */
export type AgentChatRole =
  /** The person. */
  | "user"
  /** The agent. */
  | "assistant"
  /** Whoever has the agent work: what it is told about its task. */
  | "system";

/** What kind of thing happens in a conversation. */
export type AgentChunkKind =
  /** The agent says more. */
  | "text"
  /** A tool is used, or is done. */
  | "tool_use"
  /** A file was changed. */
  | "file_change"
  /** Something went wrong. */
  | "error"
  /** It is over. The last, always. */
  | "done";

/** Why a session ended. */
export type AgentCloseReason =
  /** Somebody closed it. */
  | "closed"
  /** The daemon ended. */
  | "shutdown";

/** A command that a tool runs. */
export interface AgentCommandRun {
  /** Where it runs. */
  cwd?: string | null;
  /** How long it took, in milliseconds. */
  durationMs?: number | null;
  /** What it exited with. */
  exitCode?: number | null;
  /** The command, as a shell reads it. */
  line: string;
  /** The signal that ended it. */
  signal?: number | null;
}

/** A part of what is said. */
export type AgentContent =
  /** Text, as Markdown. */
  | {
      /** The text. */
      text: string;
      type: "text";
    }
  /** A picture. */
  | {
      /** Its bytes, in base64. */
      data: string;
      /** Its media type. */
      mimeType: string;
      type: "image";
    }
  /** A file or page that is spoken of. */
  | {
      /** What it is called. */
      name?: string | null;
      type: "resource_link";
      /** Where it is. */
      uri: string;
    }
  /** Something of a kind that is not known here, as the agent sent it. */
  | {
      type: "other";
      /** What came. */
      value: unknown;
    };

/** What is sent with a prompt, without the text itself. */
export interface AgentContextSummary {
  /** Its length in characters. */
  characters: number;
  /** The tokens that it comes to: one for each four ASCII characters, one for each other character. An estimate. */
  estimatedTokens: number;
  /** What was cut or left out. */
  omitted: AgentPromptOmitted[];
  /** What it consists of, in the order in which it is sent. */
  parts: AgentPromptPart[];
}

/** What it cost. */
export interface AgentCost {
  /** In millionths of the currency's unit. */
  amountMicros: number;
  /** The currency, as ISO 4217 has it. */
  currency: string;
}

/** What `agent.createSession` takes. */
export interface AgentCreateSession {
  /** The folder to work in: an absolute path. */
  cwd: string;
  /** Variables of its environment, those alone that the configuration lets callers set. */
  env?: { [key: string]: string };
  /** What is allowed without being asked for. */
  mode?: AgentMode;
  /** The model, in the agent's words. */
  model?: string | null;
  /** The provider; the default one of `agent.providers` where there is none. */
  provider?: string | null;
  /** What the agent is told about its task beside its own instructions. */
  systemPrompt?: string | null;
  /**
   * Whether it is closed when whoever begins it is gone: at once with the connection that is closed, after the grace with one
   * that is lost.
   */
  tied?: boolean;
}

/** The file that a prompt is about. */
export type AgentCurrentFile =
  /** Its path, below the session's folder or in full. It is read from the disk. */
  | string
  /** A file that may be open somewhere. */
  | {
      /** Its text as it is in the editor; read from the disk where it is not said. */
      content?: string | null;
      /** Its path, below the session's folder or in full. */
      path: string;
    };

/** Who ended a request. */
export type AgentDecider =
  /** A person, by a connection. */
  | {
      kind: "person";
      /** The connection's owner, an id that lasts as long as this daemon. */
      owner: string;
    }
  /** A rule of ours. */
  | {
      kind: "policy";
      /** Which one. */
      rule: string;
    }
  /** Nobody, in time. */
  | {
      kind: "timeout";
    }
  /** The agent, which took it back, or whose turn ended. */
  | {
      kind: "agent";
    }
  /** Whoever stopped the turn: by `agent.interrupt`, by a prompt for now, or by leaving. */
  | {
      kind: "stop";
    }
  /** The daemon, which ended. */
  | {
      kind: "shutdown";
    };

/** How a request ended. */
export type AgentDecision =
  /** It was allowed. */
  | "allowed"
  /** It was denied. */
  | "denied"
  /** It can no longer be answered. */
  | "withdrawn";

/** How a prompt reaches an agent that is at work. */
export type AgentDelivery =
  /** It waits until the turn and the prompts before it are done. */
  | "queue"
  /** It joins the turn; where the agent knows no such thing, it waits in front of what is queued. */
  | "steer"
  /** The turn is interrupted for it, and it goes in front of what waits. */
  | "now";

/** An item grew. */
export interface AgentDelta {
  /** By what. */
  delta: string;
  /** What of it. */
  field: AgentDeltaField;
  /** Behind how many bytes of the same field; where that is not the end of what is known, something is missing. */
  offset: number;
}

/** What of an item grew. */
export type AgentDeltaField =
  /** What is said. */
  | "text"
  /** What is thought. */
  | "thought"
  /** What a tool is given, as JSON text. */
  | "tool_input"
  /** What a tool writes to its standard output, or answers. */
  | "tool_output"
  /** What a tool writes to its standard error. */
  | "tool_errors";

/** In what files were changed. */
export type AgentDiffScope =
  /** In one item. */
  | "item"
  /** In the turn so far. */
  | "turn";

/** Files were changed. */
export interface AgentDiffUpdate {
  /** Which. */
  files: AgentFileChange[];
  /** In what. */
  scope: AgentDiffScope;
}

/** It is done. */
export interface AgentDone {
  /** Always true. */
  ok: boolean;
}

/** What `agent.editPrompt` takes. */
export interface AgentEditPromptParams {
  /** What is asked instead. */
  content: AgentContent[];
  /** The prompt, as `prompt.queued` names it. */
  promptId: string;
  /** The `seq` of the waiting prompt that was edited: `CONFLICT` where it is another one by now. */
  seq?: number | null;
  /** The session. */
  sessionId: string;
}

/** What becomes of a request. */
export type AgentEffect =
  /** It is allowed. */
  | "allow"
  /** A person is asked. */
  | "ask"
  /** It is denied. */
  | "deny";

/** An event, where it belongs, and where it comes from. Log and wire carry the same text. */
export type AgentEnvelope = ({
  data: AgentSessionCreated;
  type: "session.created";
} | {
  data: AgentSessionUpdate;
  type: "session.updated";
} | {
  data: AgentSessionClosed;
  type: "session.closed";
} | {
  data: AgentLogRecovered;
  type: "log.recovered";
} | {
  data: AgentStateChange;
  type: "state.changed";
} | {
  data: AgentPromptQueued;
  type: "prompt.queued";
} | {
  data: AgentPromptRef;
  type: "prompt.started";
} | {
  data: AgentPromptRef;
  type: "prompt.cancelled";
} | {
  data: AgentPromptRef;
  type: "prompt.steered";
} | {
  data: AgentTurnStarted;
  type: "turn.started";
} | {
  data: AgentTurnEnded;
  type: "turn.ended";
} | {
  data: AgentItem;
  type: "item.upserted";
} | {
  data: AgentDelta;
  type: "item.delta";
} | {
  data: AgentDiffUpdate;
  type: "diff.updated";
} | {
  data: AgentPlan;
  type: "plan.updated";
} | {
  data: PermissionRequest;
  type: "permission.requested";
} | {
  data: PermissionResolved;
  type: "permission.resolved";
} | {
  data: AgentQuestionRequest;
  type: "question.requested";
} | {
  data: AgentQuestionResolved;
  type: "question.resolved";
} | {
  data: AgentFilesChanged;
  type: "files.changed";
} | {
  data: AgentFilesContended;
  type: "files.contended";
} | {
  data: AgentTurnUndone;
  type: "turn.undone";
} | {
  data: AgentRunStarted;
  type: "run.started";
} | {
  data: AgentRunMemberEnded;
  type: "run.member_ended";
} | {
  data: AgentRunMerging;
  type: "run.merging";
} | {
  data: AgentRunMerged;
  type: "run.merged";
} | {
  data: AgentRunEnded;
  type: "run.ended";
} | {
  data: AgentRunApplied;
  type: "run.applied";
} | {
  data: AgentUsageUpdate;
  type: "usage.updated";
} | {
  data: AgentLimits;
  type: "limits.updated";
} | {
  data: AgentRetry;
  type: "retry.scheduled";
} | {
  data: AgentProcessEvent;
  type: "process.event";
} | {
  data: AgentProblem;
  type: "error";
} | {
  data: AgentUnparsed;
  type: "unparsed";
} | {
  data: AgentNative;
  type: "native";
}) & {
  /** The life of the session's log that `seq` counts in. */
  epoch: string;
  /** What the agent said beside that and we do not know, as it came, where that is not long. */
  ext?: unknown;
  /** The item that it is about. */
  itemId?: string | null;
  /** The number of the event in its session, from 1, without holes. */
  seq: number;
  /** The session. */
  sessionId: string;
  /** Where it comes from. */
  src: AgentSource;
  /** When, as RFC 3339 in UTC. */
  ts: string;
  /** The turn, where it is part of one. */
  turnId?: string | null;
  /** The version of this format: 1. */
  v: number;
};

/** What `agent.events` takes. */
export interface AgentEventsParams {
  /** The sessions; all where none is named. */
  sessions?: string[];
  /** Behind which event to begin. */
  since?: AgentSince | null;
  /** The types of events, or what they begin with where it ends with a dot; all where none is named. */
  types?: string[];
}

/** A file that was changed. */
export interface AgentFileChange {
  /** Lines that were added, where there is a diff. */
  additions: number;
  /** Whether it is or was no text, so that the diff, if there is one, has nothing of that. */
  binary: boolean;
  /** Lines that were taken away, where there is a diff. */
  deletions: number;
  /** Whether there is a diff that is too long to be told. */
  isCut?: boolean;
  /** What became of it. */
  kind: AgentChangeKind;
  /** Where the link leads that it is now, as the link has it; the diff has it too. Left out where git told only a part of it. */
  linkTo?: string | null;
  /** What it is now, where git has looked and it is there. */
  newMode?: AgentFileMode | null;
  /** What it was, where git has looked and it was there. */
  oldMode?: AgentFileMode | null;
  /** Where it was before it was moved, or copied from. */
  oldPath?: string | null;
  /** The file, where it is now, or was. */
  path: string;
  /**
   * The change as a unified diff, from its first `@@` on. Where a link takes the place of a file or a file that of a link, one is
   * taken away and the other added.
   */
  unifiedDiff?: string | null;
}

/** What stands at a path. */
export type AgentFileMode =
  /** A file that is only read and written. */
  | "file"
  /** A file that may be run. */
  | "executable"
  /** A symbolic link, whose text is where it leads. */
  | "link"
  /** A repository of its own. */
  | "repository";

/** A file as it was seen on the disk. */
export interface AgentFileSeen {
  /** What became of it. */
  kind: AgentChangeKind;
  /** Its path below the session's folder, or an absolute one. */
  path: string;
}

/** Files are not what they were. */
export interface AgentFilesChanged {
  /** Which, and how. */
  files: AgentFileSeen[];
  /** How many more there are that are not listed. */
  omitted?: number;
}

/** Somebody else changes what the turn is changing: one of the two may be lost. */
export interface AgentFilesContended {
  /** The paths below the session's folder. */
  paths: string[];
}

/** What `agent.fork` takes. */
export interface AgentForkParams {
  /** The session to fork. */
  sessionId: string;
  /** What the fork is to be called. */
  title?: string | null;
}

/** A rule that holds for what is asked, and why that is risky. */
export interface AgentHit {
  /** The rule, as `policy.list` names it. */
  rule: string;
  /** Why, for a person. */
  text: string;
}

/** What `agent.interrupt` takes. */
export interface AgentInterruptParams {
  /** Whether the prompts that wait are kept. Default no. */
  keepQueue?: boolean;
  /** The session. */
  sessionId: string;
}

/** What `agent.interrupt` answers. */
export interface AgentInterrupted {
  /** Whether anything is being stopped: a turn, as its `turn.ended` tells, or prompts that waited (`prompt.cancelled`). */
  interrupted: boolean;
}

/** An item, or what is new of one. */
export interface AgentItem {
  /** What is said, in full. */
  content?: AgentContent[] | null;
  /** What it is. Stays the same for an id. */
  kind: AgentItemKind;
  /** The item that it belongs to: the subagent's call, for what a subagent does. */
  parent?: string | null;
  /** How far it is. */
  status?: AgentItemStatus | null;
  /** The tool and its use. */
  tool?: AgentToolCall | null;
}

/** What an item is. */
export type AgentItemKind =
  /** What a person said. */
  | "user_message"
  /** What the agent says. */
  | "agent_message"
  /** What the agent thinks, as far as it shows it. */
  | "thought"
  /** A tool that the agent uses. */
  | "tool_call"
  /** Something that the agent's program has to say beside the conversation. */
  | "notice"
  /** The conversation was shortened, so that the model can read it. */
  | "compaction"
  /** Another agent that works for this one. */
  | "subagent";

/** How far an item is. */
export type AgentItemStatus =
  /** Known, and not begun. */
  | "pending"
  /** Under way. */
  | "in_progress"
  /** Done. */
  | "completed"
  /** Done, without success. */
  | "failed"
  /** Not done, because it was not allowed. */
  | "denied"
  /** Not done, or not to its end, because the turn was ended. */
  | "cancelled";

/** Whether requests are still answered. */
export type AgentLimitStatus =
  /** They are. */
  | "ok"
  /** They are, and soon not any more. */
  | "warning"
  /** They are not. */
  | "rejected";

/** How much of a plan's quota is used up. */
export interface AgentLimits {
  /** When it begins anew, in seconds since 1970. */
  resetsAt?: number | null;
  /** The agent's word for what is limited. */
  scope: string;
  /** `ok`, `warning` or `rejected`. */
  status: AgentLimitStatus;
  /** How much is used, in percent. */
  usedPercent?: number | null;
}

/** A place in a file. */
export interface AgentLocation {
  /** The line, from 1. */
  line?: number | null;
  /** The file. */
  path: string;
}

/** What was taken from the end of a log. */
export interface AgentLogRecovered {
  /** Bytes behind the last event that could be read. */
  bytes: number;
}

/** A tool of an MCP server. */
export interface AgentMcpTool {
  /** The server. */
  server: string;
  /** Its tool. */
  tool: string;
}

/** What `agent.getMetadata` answers. */
export interface AgentMetadata {
  /** What the agent can do. */
  abilities: AgentAbilities;
  /** The version of the agent's program. */
  agentVersion?: string | null;
  /** The commands that begin with a slash. */
  commands: string[];
  /** When it began, in milliseconds since 1970. */
  createdAtMs: number;
  /** The folder that the agent works in. */
  cwd: string;
  /** The session that this is a fork of. */
  forkedFrom?: string | null;
  /** Whether it is closed; `agent.resume` opens it again. */
  isClosed: boolean;
  /** The MCP servers and how they are, in the agent's words. */
  mcpServers: { [key: string]: string };
  /** What is allowed without being asked for. */
  mode: AgentMode;
  /** The model that answers. */
  model?: string | null;
  /** The models that can be chosen, as far as the agent tells them. */
  models: string[];
  /** The agent's own id of the session. */
  nativeSessionId?: string | null;
  /** The provider of its agent. */
  provider: string;
  /** The run that this is a member of. */
  runId?: string | null;
  /** The number of its newest event. */
  seq: number;
  /** The session. */
  sessionId: string;
  /** What the agent is told about its task beside its own instructions. */
  systemPrompt?: string | null;
  /** What it is called. */
  title?: string | null;
  /** The tools that the agent has, as far as it tells them. */
  tools: string[];
  /** How many turns it had. */
  turns: number;
  /** What was used so far. */
  usage: AgentUsageUpdate;
}

/** What `agent.getMetadata` takes. */
export type AgentMetadataParams =
  /** The session. */
  | AgentSessionRef
  /** Its id. */
  | string;

/** What is allowed without being asked for. */
export type AgentMode =
  /**
   * Nothing that the agent asks for; what it reads in the session's folder it does not ask for. `interactive` is another
   * name for it.
   */
  | "ask"
  /** Changes to files in the session's folder, but for settings of agents and of version control. */
  | "acceptEdits"
  /** Nothing, and what changes anything is denied. */
  | "plan"
  /** What rules hold for harmless; what they hold for ruinous is denied, and a person is asked for the rest. */
  | "auto";

/** The agent said what has no name here. */
export type AgentNative = { [key: string]: unknown };

/** Why something is not sent. */
export type AgentOmittedWhy =
  /** It is longer than what is left of the template's `characters`. */
  | "budget"
  /** Its name says that it holds secrets. */
  | "secret"
  /** It cannot be read. */
  | "unreadable";

/** What an option means, whatever the agent calls it. */
export type AgentOptionKind =
  /** Yes, this once. */
  | "allow_once"
  /** Yes, and to the same again in this session. */
  | "allow_session"
  /** Yes, and to the same again for good, by the agent's own settings. */
  | "allow_always"
  /** No, this once. */
  | "reject_once"
  /** No, and to the same again for good, by the agent's own settings. */
  | "reject_always";

/** How a turn ended. */
export type AgentOutcome =
  /** The agent was done. */
  | "completed"
  /** Somebody stopped it. */
  | "interrupted"
  /** Something went wrong. */
  | "failed"
  /** The model refused. */
  | "refused"
  /** It took more steps than it may. */
  | "max_turns"
  /** The answer reached its longest length. */
  | "max_tokens"
  /** It cost more than it may. */
  | "budget";

/** What the agent means to do. */
export interface AgentPlan {
  /** Its steps. */
  entries: AgentPlanEntry[];
}

/** A step of a plan. */
export interface AgentPlanEntry {
  /** How far it is. */
  status: AgentPlanStatus;
  /** What is to be done. */
  text: string;
}

/** How far a step of a plan is. */
export type AgentPlanStatus =
  /** Not begun. */
  | "pending"
  /** Under way. */
  | "in_progress"
  /** Done. */
  | "completed";

/** What `agent.previewPrompt` takes. */
export interface AgentPreviewParams {
  /** What is asked. */
  content: AgentContent[];
  /** The file that it is about. */
  currentFile?: AgentCurrentFile | null;
  /** What is selected in it. */
  selection?: AgentSelection | null;
  /** The session. */
  sessionId: string;
  /** The template. */
  template?: string | null;
}

/** What `agent.previewPrompt` answers. */
export interface AgentPreviewed {
  /** Its length in characters. */
  characters: number;
  /** The tokens that it comes to: one for each four ASCII characters, one for each other character. An estimate. */
  estimatedTokens: number;
  /** What was cut or left out. */
  omitted: AgentPromptOmitted[];
  /** What it consists of, in the order in which it is sent. */
  parts: AgentPromptPart[];
  /** The text that would be sent, its parts with an empty line between them. Pictures are not in it. */
  text: string;
}

/** Something that went wrong with an agent. */
export interface AgentProblem {
  /** What a person can do about it. */
  hint?: string | null;
  /** The status that the model's service answered, where it did over HTTP. */
  httpStatus?: number | null;
  /** What kind of thing. */
  kind: AgentProblemKind;
  /** For people. */
  message: string;
  /** The agent's own word for it. */
  providerCode?: string | null;
  /** How long to wait before that, in milliseconds, where the service says so. */
  retryAfterMs?: number | null;
  /** Whether the same may work when it is tried again. */
  retryable: boolean;
}

/** What kind of thing went wrong: what programs branch on. */
export type AgentProblemKind =
  /** Nobody is logged in, or the key is wrong. */
  | "auth_required"
  /** Somebody was logged in, and has to do it again. */
  | "auth_expired"
  /** The account has to be paid for, or is on hold. */
  | "billing"
  /** Too many requests for now. */
  | "rate_limited"
  /** The plan's quota is used up. */
  | "quota_exhausted"
  /** The service has too much to do. */
  | "overloaded"
  /** The conversation is longer than the model can read. */
  | "context_overflow"
  /** The answer reached its longest length. */
  | "max_output"
  /** There is no such model, or not for this account. */
  | "model_not_found"
  /** The service refused the request as it is. */
  | "invalid_request"
  /** The service refused what was asked for. */
  | "content_policy"
  /** The service cannot be reached, or the connection broke. */
  | "network"
  /** Nothing came for too long. */
  | "timeout"
  /** The service failed for reasons of its own. */
  | "provider_error"
  /** The agent wants the folder to be trusted first. */
  | "untrusted_workspace"
  /** The agent's program is not installed. */
  | "cli_missing"
  /** The agent's program is too old to be spoken to. */
  | "cli_too_old"
  /** The agent's program cannot be started. */
  | "spawn_failed"
  /** The agent's program ended though it should have gone on. */
  | "crashed"
  /** The agent said something that its protocol does not know. */
  | "protocol"
  /** A policy of ours forbids it. */
  | "policy_denied"
  /** Nothing more is known. */
  | "unknown";

/** Something became of the agent's process. */
export type AgentProcessEvent =
  /** It was started. */
  | {
      /** Its process id. */
      pid: number;
      what: "spawned";
    }
  /** It can be spoken to. */
  | {
      what: "ready";
    }
  /** It is being stopped. */
  | {
      what: "stopping";
    }
  /** It ended. */
  | {
      /** What it exited with. */
      exitCode?: number | null;
      /** The signal that ended it. */
      signal?: number | null;
      /** The last that it wrote to its standard error since its last turn began, or ended, as plain text. */
      stderrTail?: string[];
      what: "exited";
    };

/** Something that is not sent, or not to its end. */
export interface AgentPromptOmitted {
  /** How much of it, in words. */
  detail: string;
  /** What: a path below the session's folder, or the kind of a part. */
  what: string;
  /** Why. */
  why: AgentOmittedWhy;
}

/** What `agent.prompt` takes. */
export interface AgentPromptParams {
  /**
   * The id of a prompt of this session that is asked again, with all that it said and all that was sent with it: in the
   * place of `content`.
   */
  again?: string | null;
  /** What is asked. */
  content?: AgentContent[];
  /** The file that it is about: a path, or a path with the text that an editor has. */
  currentFile?: AgentCurrentFile | null;
  /** What is to become of the turn that may be open. */
  delivery?: AgentDelivery;
  /** Whether the turn goes on when the caller is gone. */
  detach?: boolean;
  /** What is selected in it. */
  selection?: AgentSelection | null;
  /** The session. */
  sessionId: string;
  /**
   * What else is sent with it: a template of the daemon's configuration, or `default`. Where neither this nor a file nor a
   * selection is said, nothing is.
   */
  template?: string | null;
  /** How long the turn may take, without the time that people take. Default 300 s. */
  timeoutMs?: number;
  /**
   * The types of the events that come, as `agent.events` takes them; all where none is named. The last one comes in any
   * case.
   */
  types?: string[];
}

/** A part of what is sent. */
export interface AgentPromptPart {
  /** Its length in characters. */
  characters: number;
  /** Whether something of it was cut. */
  isCut: boolean;
  /** Whether the name of its file says that it holds secrets. Such a file is sent only where it was named. */
  isSecret?: boolean;
  /** What it is. */
  kind: AgentPromptPartKind;
  /** The file that it is of, below the session's folder. */
  path?: string | null;
}

/** What a part is. */
export type AgentPromptPartKind =
  /** Who the agent is to be. */
  | "role"
  /** The files of the project, by their names. */
  | "tree"
  /** What the template has to say of components and interfaces. */
  | "notes"
  /** What was said before. */
  | "history"
  /** The file that is spoken of. */
  | "file"
  /** What is selected. */
  | "selection"
  /** How to answer. */
  | "rules"
  /** What somebody typed: the last part, always. */
  | "prompt";

/** A prompt that waits. */
export interface AgentPromptQueued {
  /** What it says. */
  content: AgentContent[];
  /** What the agent is given with it. The text itself is in the `ext` of `prompt.started`, as `context`. */
  context?: AgentContextSummary | null;
  /** How it is to reach an agent that is at work. */
  delivery: AgentDelivery;
  /** How many are before it. */
  position: number;
  /** Its id. */
  promptId: string;
}

/** A prompt that was told of before. */
export interface AgentPromptRef {
  /** Its id. */
  promptId: string;
}

/** A provider as it is on this machine. */
export interface AgentProviderInfo {
  /** What it can do. */
  abilities: AgentAbilities;
  /** How somebody is logged in, in the program's words. */
  authMethod?: string | null;
  /** What to do so that it can. */
  hint?: string | null;
  /** Its id. */
  id: string;
  /** Where it can be had. */
  installUrl?: string | null;
  /** What people call it. */
  name: string;
  /** Where its program was found. */
  program?: string | null;
  /** Whether it can be used. */
  state: AgentProviderState;
  /** How that version compares with those it was tried with. */
  tested?: AgentTested | null;
  /** The version that its program says. */
  version?: string | null;
}

/** Whether a provider can be used. */
export type AgentProviderState =
  /** It can. */
  | "ready"
  /** It may be: its program does not say whether somebody is logged in. */
  | "unknown"
  /** Its program is being asked, and has not answered yet; the next call may tell more. */
  | "checking"
  /** Nobody is logged in. */
  | "loggedOut"
  /** It is older than any that it was tried with. */
  | "tooOld"
  /** Its program is there and does not run. */
  | "broken"
  /** There is no such program. */
  | "missing";

/** What `agent.providers` answers. */
export interface AgentProviders {
  /**
   * A folder that a session may begin in, for a person who names none: the first of `agent.roots` that is there, or the one
   * that the daemon was started in, unless that is the root of all folders.
   */
  cwd?: string | null;
  /** The one that `agent.createSession` takes where none is named. */
  default: string;
  /** The providers, those that can be used first. */
  providers: AgentProviderInfo[];
  /** The templates that prompts may name. */
  templates: string[];
}

/** What `agent.providers` takes. */
export interface AgentProvidersParams {
  /** Whether to look again. */
  recheck?: boolean;
  /**
   * For how many milliseconds to wait for those that have not answered, which are told as `checking` then. Where this is
   * missing, all have answered or had their time.
   */
  waitMs?: number | null;
}

/** A question. */
export interface AgentQuestion {
  /** Whether a text of one's own may be answered beside the options. */
  allowsOther: boolean;
  /** A word or two on what it is about. */
  header?: string | null;
  /** Its name among those it was asked with. */
  id: string;
  /** Whether several options may be taken. */
  isMultiple: boolean;
  /** Whether the questions can be answered without it. They can be left alone as a whole, whatever this says. */
  isRequired: boolean;
  /** Whether the answer is a secret: it is not shown while it is typed, and not written down. */
  isSecret: boolean;
  /** What an answer must be. */
  kind?: AgentAnswerKind;
  /** What may be answered; any text where there is none. */
  options?: AgentQuestionOption[];
  /** What is asked. */
  text: string;
}

/** An answer that is offered. */
export interface AgentQuestionOption {
  /** What it means. */
  description?: string | null;
  /** The answer. */
  label: string;
}

/** Questions that belong together, as a person is shown them. */
export interface AgentQuestionRequest {
  /** When nobody can answer any more, in milliseconds since 1970. */
  expiresAtMs: number;
  /** What to answer to. */
  questionId: string;
  /** The questions, at least one. */
  questions: AgentQuestion[];
  /** Who asks, where it is not the agent itself: a tool server. */
  title?: string | null;
}

/** What became of a question. */
export interface AgentQuestionResolved {
  /** The answers by the ids of the questions; secrets are left out. Absent where nobody answered. */
  answers?: { [key: string]: string[] } | null;
  /** By whom. */
  by: AgentDecider;
  /** Which. */
  questionId: string;
}

/** What `agent.reject` takes. */
export interface AgentRejectParams {
  /** What to answer to. */
  permissionId: string;
  /** Why, for the log, and for an agent that has the ability `reasons`. */
  reason?: string | null;
}

/** The agent will ask its service again. */
export interface AgentRetry {
  /** For which time, from 1. */
  attempt: number;
  /** In how many milliseconds. */
  delayMs: number;
  /** Why. */
  error: AgentProblem;
  /** How often at most. */
  max?: number | null;
}

/** How much harm may be done. */
export type AgentRisk =
  /** Hardly any. */
  | "low"
  /** What can be undone. */
  | "medium"
  /** What can not. */
  | "high"
  /** What nobody should allow without having read it. */
  | "critical";

/** A rule. */
export interface AgentRule {
  /** What it is about: any action where there is none. */
  action?: AgentAction | null;
  /** When it was made, in milliseconds since 1970. */
  createdAtMs?: number | null;
  /** The folder. */
  cwd?: string | null;
  /** What it does. Those that are built in decide only in the mode `auto`. */
  effect: AgentEffect;
  /** Its name: what `permission.resolved` tells, and what `policy.revoke` takes. */
  id: string;
  /**
   * Of that, what: words of a command, where ` *` at the end stands for any more; a path, where `*` and `**` stand for names; a
   * host, where `*.` stands for those below it. All of it where there is none.
   */
  pattern?: string | null;
  /** Where it holds. */
  scope: AgentRuleScope;
  /** The session. */
  sessionId?: string | null;
  /** Whose it is. */
  source: AgentRuleSource;
  /** What it is about, for a person. */
  text: string;
}

/** Where a rule holds. */
export type AgentRuleScope =
  /** In one session. */
  | "session"
  /** In one folder. */
  | "folder"
  /** Everywhere. */
  | "always";

/** Whose a rule is. */
export type AgentRuleSource =
  /** It is always there. */
  | "builtin"
  /** The daemon's configuration has it. */
  | "config"
  /** A person made it by an answer. */
  | "person";

/** A member's changes are in the folder of the run. */
export interface AgentRunApplied {
  /** Which. */
  files: AgentFileChange[];
  /** Whose. */
  name: string;
}

/** What `run.apply` takes. */
export interface AgentRunApplyParams {
  /** Whose changes. */
  member: string;
  /** The run. */
  runId: string;
  /** The hash that `run.diff` told with what was shown. Where it is another one by now, nothing is done. */
  sha256?: string | null;
}

/** What a member of a run has changed. */
export interface AgentRunChanges {
  /** The files, by their paths in the repository. */
  files: AgentFileChange[];
  /** The SHA-256 of the member's changes, in hexadecimal. */
  sha256: string;
}

/** A run is done. */
export interface AgentRunEnded {
  /** What went wrong. */
  error?: AgentProblem | null;
  /** How: completed where at least one member is. */
  outcome: AgentOutcome;
}

/** An agent of a run. */
export interface AgentRunMember {
  /** Its model, where one was asked for. */
  model?: string | null;
  /** Its name within the run. */
  name: string;
  /** Its provider. */
  provider: string;
  /** Its session, whose events are in the log of that session. Absent until it has one. */
  sessionId?: string | null;
  /** The git worktree that it works in, where it has one of its own. */
  worktree?: string | null;
}

/** A member is done. */
export interface AgentRunMemberEnded {
  /** Its last message. */
  answer?: string | null;
  /** What went wrong. */
  error?: AgentProblem | null;
  /** What it changed in its worktree. */
  files?: AgentFileChange[];
  /** Which. */
  name: string;
  /** How its turn ended. */
  outcome: AgentOutcome;
}

/** Who is asked. */
export interface AgentRunMemberParams {
  /** What it may do without being asked. */
  mode?: AgentMode;
  /** Its model, in the agent's words. */
  model?: string | null;
  /**
   * What it is called in the run: letters, digits, `-`, `_` and dots within, at most 32. Its provider where there is none,
   * with a number where that is taken.
   */
  name?: string | null;
  /** Its provider. */
  provider: string;
}

/** A member of a run. */
export interface AgentRunMemberRef {
  /** The member's name. */
  member: string;
  /** The run. */
  runId: string;
}

/** A member of a run as a window shows it. */
export interface AgentRunMemberView {
  /** The end of its last message. */
  answer?: string | null;
  /** What went wrong. */
  error?: AgentProblem | null;
  /** What it changed in its worktree, without the diffs, which `run.diff` has. The first 200 files. */
  files?: AgentFileChange[];
  /** Whether these are in the run's folder, because somebody applied them. */
  isApplied?: boolean;
  /** Its model, where one was asked for. */
  model?: string | null;
  /** Its name within the run. */
  name: string;
  /** How its turn ended; absent while it works. */
  outcome?: AgentOutcome | null;
  /** Its provider. */
  provider: string;
  /** Its session, whose events are in the log of that session. Absent until it has one. */
  sessionId?: string | null;
  /** The git worktree that it works in, where it has one of its own. */
  worktree?: string | null;
}

/** The answers were judged, or made into one. */
export interface AgentRunMerged {
  /** By which member. */
  by: string;
  /** Which answer holds, of a vote and of a race. */
  chosen?: string | null;
  /** Why, or the answer that was made. */
  text?: string | null;
}

/** Who judges or synthesises: a member by its name alone, or another agent by its provider. */
export interface AgentRunMergerParams {
  /** What it may do without being asked. A judge may change nothing: it has the mode `plan` whatever is said. */
  mode?: AgentMode;
  /** Its model, in the agent's words. */
  model?: string | null;
  /** The member; or, with a provider, what the other agent is called: `judge` or `synthesiser` where nothing is said. */
  name?: string | null;
  /** The provider of another agent. */
  provider?: string | null;
}

/** Somebody is asked to judge the answers, or to make one of them. */
export interface AgentRunMerging {
  /** Who: a member, or somebody else. */
  by: AgentRunMember;
}

/** A run. */
export interface AgentRunRef {
  /** Its id. */
  runId: string;
}

/** What `run.start` takes. */
export interface AgentRunStartParams {
  /** The folder to work in: an absolute path. */
  cwd: string;
  /** Whether the run goes on when the caller is gone. */
  detach?: boolean;
  /** Whether the worktrees and the members' sessions outlive the run, until `run.discard`. */
  keep?: boolean;
  /** Who is asked: 1 to 16. */
  members: AgentRunMemberParams[];
  /** Who judges a vote, or synthesises. For these two, and needed there. */
  merger?: AgentRunMergerParams | null;
  /** What is asked. */
  prompt: string;
  /** What is made of the answers. */
  strategy?: AgentStrategy;
  /** How long each turn may take, without the time that people take. Default 300 s. */
  timeoutMs?: number;
  /** Whether each member works in a git worktree of its own, which has what the folder has now, but for what git ignores. */
  worktrees?: boolean;
}

/** A run begins. */
export interface AgentRunStarted {
  /** The folder. */
  cwd: string;
  /** Who works on it. */
  members: AgentRunMember[];
  /** The judge of a vote, or who synthesises. */
  merger?: AgentRunMember | null;
  /** What is asked. */
  prompt: string;
  /** What is made of the answers. */
  strategy: AgentStrategy;
}

/** How far a run is. */
export type AgentRunState =
  /** Its members work. */
  | "running"
  /** Their answers are judged, or made into one. */
  | "merging"
  /** It is over, and nothing of it runs. */
  | "ended";

/** A run as a window shows it. */
export interface AgentRunView {
  /** The folder. */
  cwd: string;
  /** What went wrong. */
  error?: AgentProblem | null;
  /** Whether its members have worktrees of their own, so that their changes can be applied. */
  hasWorktrees: boolean;
  /** Who works on it. */
  members: AgentRunMemberView[];
  /** What was made of the answers. */
  merged?: AgentRunMerged | null;
  /** The judge, or who synthesises. */
  merger?: AgentRunMemberView | null;
  /** How it ended. */
  outcome?: AgentOutcome | null;
  /** What is asked. */
  prompt: string;
  /** Its id, by which `agent.events` has its log. */
  runId: string;
  /** The number of its newest event. */
  seq: number;
  /** When it began, in milliseconds since 1970. */
  startedAtMs: number;
  /** How far it is. */
  state: AgentRunState;
  /** What is made of the answers. */
  strategy: AgentStrategy;
}

/** What `run.list` answers. */
export interface AgentRuns {
  /** The runs, the newest first. */
  runs: AgentRunView[];
}

/** What is selected. */
export interface AgentSelection {
  /** The line that it ends in. */
  endLine?: number | null;
  /** The line of the current file that it begins in, from 1. */
  startLine?: number | null;
  /** The text. */
  text: string;
}

/** How a session ended. */
export interface AgentSessionClosed {
  /** Why. */
  reason: AgentCloseReason;
}

/** What is known of a session from the start. */
export interface AgentSessionCreated {
  /** The folder that the agent works in. */
  cwd: string;
  /** The names of the variables that the caller set for the agent. Their values are kept nowhere. */
  env?: string[];
  /** The session that this is a fork of. */
  forkedFrom?: string | null;
  /** What is allowed without being asked for. */
  mode: AgentMode;
  /** The model that was asked for. */
  model?: string | null;
  /** The provider. */
  provider: string;
  /** The run that this is a member of. */
  runId?: string | null;
  /** What the agent is told about its task beside its own instructions. */
  systemPrompt?: string | null;
  /** Whether it goes with whoever began it, and not on after them. */
  tied?: boolean;
}

/** A session. */
export interface AgentSessionRef {
  /** Its id. */
  sessionId: string;
}

/** What is known of a session since. What is absent is as it was. */
export interface AgentSessionUpdate {
  /** The version of the agent's program. */
  agentVersion?: string | null;
  /** The commands that begin with a slash. */
  commands?: string[] | null;
  /** The MCP servers and how they are, in the agent's words. */
  mcpServers?: { [key: string]: string } | null;
  /** What is allowed without being asked for. */
  mode?: AgentMode | null;
  /** The model that answers. */
  model?: string | null;
  /** The models that can be chosen. */
  models?: string[] | null;
  /** The agent's own id of the session, by which it can be resumed. */
  nativeSessionId?: string | null;
  /** The provider, where it is another one now. */
  provider?: string | null;
  /** What it is called. */
  title?: string | null;
  /** The tools that the agent has. */
  tools?: string[] | null;
}

/** A session as a window shows it: what it is doing, and what it waits for. */
export interface AgentSessionView {
  /** When it was begun, in milliseconds since 1970. */
  createdAtMs: number;
  /** The folder that the agent works in. */
  cwd: string;
  /** The session that this is a fork of. */
  forkedFrom?: string | null;
  /** Whether the agent's process can be spoken to. */
  isReady: boolean;
  /** What is allowed without being asked for. */
  mode: AgentMode;
  /** The model that answers. */
  model?: string | null;
  /** The agent's own id of the session. */
  nativeSessionId?: string | null;
  /** What waits for leave. */
  permissions: PermissionRequest[];
  /** The provider of its agent. */
  provider: string;
  /** What waits for an answer. */
  questions: AgentQuestionRequest[];
  /** Prompts that wait. */
  queue: AgentWaitingPrompt[];
  /** The run that this is a member of. */
  runId?: string | null;
  /** The number of its newest event. */
  seq: number;
  /** Its id. */
  sessionId: string;
  /** What it is doing. */
  state: AgentState;
  /** What it is called: by its agent, else by the first line that was asked. */
  title?: string | null;
  /** The turn that is open. */
  turnId?: string | null;
  /** What was used so far. */
  usage: AgentUsageUpdate;
}

/** What `agent.sessions` answers. */
export interface AgentSessions {
  /** The sessions, in the order of their ids. */
  sessions: AgentSessionView[];
}

/** What `agent.setMode` takes. */
export interface AgentSetModeParams {
  /** The mode. */
  mode: AgentMode;
  /** The session. */
  sessionId: string;
}

/** What `agent.setModel` takes. */
export interface AgentSetModelParams {
  /** The model, in the agent's words. */
  model: string;
  /** The session. */
  sessionId: string;
}

/** What `agent.setProvider` takes. */
export interface AgentSetProviderParams {
  /** The model, in that agent's words; its own choice where there is none. */
  model?: string | null;
  /** The provider, as `agent.providers` lists it. */
  provider: string;
  /** The session. */
  sessionId: string;
}

/** A place among events. */
export interface AgentSince {
  /** The `epoch` of an item. */
  epoch: string;
  /** Its `pos`. */
  position: number;
}

/** Where an event comes from. */
export interface AgentSource {
  /** The agent's own name for what it said. */
  nativeType?: string | null;
  /** The provider: `claude`, `codex`, `acp:NAME`, `builtin`, or `sixframe` for what the session itself tells. */
  provider: string;
}

/** What a session is doing. */
export type AgentState =
  /** Nothing. */
  | {
      name: "idle";
    }
  /** The model is at work. */
  | {
      name: "thinking";
    }
  /** Tools are at work. */
  | {
      name: "tool_execution";
    }
  /** The agent waits for somebody's leave, or for an answer. */
  | {
      /** For how many things. */
      count: number;
      name: "waiting_approval";
    }
  /** The last turn failed, or the agent's process did. */
  | {
      name: "error";
      /** Whether the next prompt may work. */
      recoverable: boolean;
    };

/** The session is in another state. */
export interface AgentStateChange {
  /** The one before. */
  prev: AgentState;
  /** The state. */
  state: AgentState;
}

/** What is made of the members' answers. */
export type AgentStrategy =
  /** They stand side by side. */
  | "fanout"
  /** The first that completes holds; the others are stopped. */
  | "race"
  /** A judge picks one. */
  | "vote"
  /** One is given all answers, and makes one of them. */
  | "synthesise";

/** How a version compares with those that were tried. */
export type AgentTested =
  /** It is one of them, or between them. */
  | "within"
  /** It is newer, and should work. */
  | "newer"
  /** It is older. */
  | "older";

/** A tool and its use. What is absent is not known, or, in a patch, as it was. */
export interface AgentToolCall {
  /** What it changed in files. */
  changes?: AgentFileChange[] | null;
  /** The command that it runs. */
  command?: AgentCommandRun | null;
  /** Why it failed. */
  error?: string | null;
  /** What it is given. */
  input?: unknown;
  /** The files that it is about. */
  locations?: AgentLocation[] | null;
  /** The MCP server that it is of. */
  mcp?: AgentMcpTool | null;
  /** The tool's name, as the agent has it. */
  name?: string | null;
  /** What it answered. */
  output?: AgentToolOutput | null;
  /** What it does this time, in a few words. */
  title?: string | null;
  /** What the tool is for. */
  toolKind?: AgentToolKind | null;
}

/** What a tool is for. */
export type AgentToolKind =
  /** Looks into files. */
  | "read"
  /** Changes or makes files. */
  | "edit"
  /** Deletes files. */
  | "delete"
  /** Moves files. */
  | "move"
  /** Searches files or the web. */
  | "search"
  /** Runs a command. */
  | "execute"
  /** Fetches from the network. */
  | "fetch"
  /** Thinks aloud, plans. */
  | "think"
  /** A tool of an MCP server. */
  | "mcp"
  /** Asks for another mode. */
  | "switch_mode"
  /** Anything else. */
  | "other";

/** What a tool answered. */
export interface AgentToolOutput {
  /** As data. */
  json?: unknown;
  /** As text. */
  text?: string | null;
  /** Whether it was cut, because it was long. */
  truncated: boolean;
}

/** The agent is done. */
export interface AgentTurnEnded {
  /** What it cost. */
  cost?: AgentCost | null;
  /** How long it took, in milliseconds. */
  durationMs: number;
  /** What went wrong. */
  error?: AgentProblem | null;
  /** How long it took until the agent first told of something, in milliseconds. */
  firstEventMs?: number | null;
  /** The agent's own word for how it ended. */
  nativeStopReason?: string | null;
  /** How. */
  outcome: AgentOutcome;
  /** What it used. */
  usage?: AgentUsage | null;
}

/** Who begins a turn. */
export type AgentTurnOrigin =
  /** Somebody, by a prompt. */
  | "prompt"
  /** The agent, by itself: something that it had left to itself is done, a command in the background for one. */
  | "agent";

/** The agent works. */
export interface AgentTurnStarted {
  /** Who began it; somebody, where it is left out. */
  origin?: AgentTurnOrigin;
  /** On what; nothing where the agent begins by itself. */
  promptId?: string | null;
  /** Why the agent began it, in its words, where it says so. */
  reason?: string | null;
}

/** What a turn changed is undone. */
export interface AgentTurnUndone {
  /** What was changed to undo it. */
  files: AgentFileChange[];
  /** The turn. */
  turnId: string;
}

/** What `agent.undo` takes. */
export interface AgentUndoParams {
  /** Whether files that were changed since are overwritten. */
  force?: boolean;
  /** The session, which must be open; that of the turn where it is not named. */
  sessionId?: string | null;
  /** The turn. */
  turnId: string;
}

/** What `agent.undo` answers. */
export interface AgentUndone {
  /** What was changed to take it back; nothing where all is as it was before the turn. */
  files: AgentFileChange[];
}

/** A line that cannot be read. */
export interface AgentUnparsed {
  /** How long it was, in bytes. */
  bytes: number;
  /** What is wrong with it. */
  error: string;
  /** Its beginning, at most 256 bytes. */
  preview: string;
}

/** Tokens that were used. What the agent does not tell is 0. */
export interface AgentUsage {
  /** Read from the cache. */
  cachedRead: number;
  /** Written to the cache. */
  cachedWrite: number;
  /** Read by the model, without what was cached. */
  input: number;
  /** Written by the model. */
  output: number;
  /** Written by the model as thoughts; part of `output` for some agents. */
  reasoning: number;
}

/** What was used so far. */
export interface AgentUsageUpdate {
  /** Tokens that it can read. */
  contextSize?: number | null;
  /** Tokens of the conversation that the model reads now. */
  contextUsed?: number | null;
  /** Used in this session so far. */
  session?: AgentUsage | null;
  /** What the agent's own session has cost so far, with what it goes on with and is a fork of, as it tells. */
  sessionCost?: AgentCost | null;
  /** Used in this turn so far. */
  turn?: AgentUsage | null;
}

/** A prompt that waits, as a window shows it. */
export interface AgentWaitingPrompt {
  /** How much it says, in bytes, and what is sent with it. */
  bytes: number;
  /** What it says: the first 2 KiB of its texts, without pictures. */
  content: AgentContent[];
  /** What the agent is given with it. */
  context?: AgentContextSummary | null;
  /** How it is to reach an agent that is at work. */
  delivery: AgentDelivery;
  /** Whether it says more than that. */
  isCut: boolean;
  /** How many are before it. */
  position: number;
  /** Its id. */
  promptId: string;
  /** The number of the event `prompt.queued` that tells all of it, among those that `agent.events` gives of the session. */
  seq: number;
}

/** Where what the sidecars offer comes from. */
export type AppMode =
  /** From nowhere else: no sidecars run. */
  | "standalone"
  /** From the sidecars of this daemon. */
  | "service"
  /** From a server; no sidecars run. */
  | "connected";

/** A switch that is under way. */
export interface AppModeChange {
  /** Since when, in milliseconds since 1970. */
  since: number;
  /** The mode that it leads to. */
  to: AppMode;
}

/** The mode, and who answers for which sidecar. */
export interface AppModeState {
  /** The switch that is under way. */
  changing?: AppModeChange | null;
  /** Where the sidecars that can be used are reached, by name. */
  endpoints: { [key: string]: SidecarEndpoint };
  /** Which it is. */
  mode: AppMode;
  /** In the mode `connected`: why the server is not there, while it is not; then there are no endpoints. */
  serverFailure?: string | null;
  /** In the mode `connected`: the `serverId` that the server told when it was looked at last, if it is to be used. */
  serverId?: string | null;
  /** In the mode `connected`: the server. */
  serverUrl?: string | null;
  /** In the mode `service`: where the sidecars are reached together, where that was given. */
  serviceUrl?: string | null;
}

/** One change. */
export interface Change {
  /** What happened. */
  kind: ChangeKind;
  /** To what, as absolute paths. */
  paths: string[];
  /** The two halves of a rename, `removed` and `created`, have the same number here. */
  rename?: number | null;
}

/** What happened to a file. */
export type ChangeKind =
  /** Nothing yet: from now on every change is told. */
  | "watching"
  /** It is there. */
  | "created"
  /** Its content or its attributes are others. */
  | "modified"
  /** It is gone from here. */
  | "removed"
  /** Changes were missed: look at everything below the path again. */
  | "overflow";

/** Some bytes of a file or of a program's output. */
export interface Chunk {
  /** The bytes, written as `encoding` says. */
  data: string;
  /** How `data` is written. */
  encoding: Encoding;
}

/** What `hub.commit` takes. */
export interface CommitParams {
  /** What the caller looked at. Where that changed since, the answer is `CONFLICT` with `{current}`. */
  expect?: Expect | null;
  /** Makes the commit safe to repeat: a mutation that was carried out is answered as it was the first time. */
  mutation?: Mutation | null;
  /** What to change, in this order. */
  ops: Op[];
}

/** What `console.ticket` answers. */
export interface ConsoleTicket {
  /** How long it does, in milliseconds from now. */
  expiresInMs: number;
  /** The secret that lets in, once. */
  ticket: string;
  /** Where the console is. */
  url: string;
}

/** Which way a message went. */
export type Direction =
  /** From the peer. */
  | "received"
  /** To the peer. */
  | "sent";

/** It is done. */
export interface Done {
  /** True. */
  ok: boolean;
}

/** An end of a file. */
export type Edge =
  /** Its first byte. */
  | "start"
  /** Behind its last byte. */
  | "end";

/** How bytes are written as a JSON string. */
export type Encoding =
  /** As the text that they are. */
  | "utf8"
  /** In Base64 with padding, RFC 4648 section 4. */
  | "base64";

/** Something that happened. */
export interface Event {
  /** What about it. */
  payload: unknown;
  /** When, in milliseconds since 1970. */
  ts: number;
  /** What, in words with dots between them: `agent.session.ended`. */
  type: string;
}

/** A place among the events. */
export interface EventPlace {
  /** The life of the channel. */
  epoch: string;
  /** Counts events. */
  position: number;
}

/** What `events.watch` takes. */
export interface EventsParams {
  /** Behind which event to begin; without it, with what is emitted from now on. */
  since?: EventPlace | null;
  /**
   * The types to follow, all where none are given; at most 256, of 64 KiB together. One that ends with a dot means all
   * that begin with it.
   */
  types?: string[] | null;
}

/** How a program ended: by itself with a code, or by a signal. */
export interface Exit {
  /** The code, where it ended by itself. */
  code: number | null;
  /** The signal that ended it, on Unix. */
  signal: number | null;
}

/** A condition on what happened since a version. */
export interface Expect {
  /** The epoch of the version; that of the state where it is not given. */
  epoch?: string | null;
  /** What must not have changed since, beside what the operations read and write. The empty pointer means everything. */
  paths?: Pointer[];
  /** The revision of the version. */
  revision: number;
}

/** What `fs.watch` takes. */
export interface FsWatchParams {
  /** The file or folder; a relative path begins at the first of `fs.roots`. */
  path: string;
  /** Whether folders below it are watched too. */
  recursive?: boolean;
}

/** What `rpc.hello` takes. */
export interface Hello {
  /** The names of the capabilities that the caller has. */
  capabilities?: string[];
  /** What the caller calls itself, for people: at most 128 bytes. Shown to others. */
  name?: string | null;
  /** The session that owns the caller's work: a secret of the caller's own choosing, at most 128 bytes. */
  session?: string | null;
}

/** What `hub.watch` takes. */
export interface HubWatchParams {
  /**
   * The shortest time between two items, in milliseconds, at most a minute; changes in between come together. 16 to 33
   * suit a window.
   */
  minIntervalMs?: number | null;
  /** What the items are. */
  mode?: Mode;
  /** The places to follow; the whole state where neither this nor `session` is given. At most 256, of 64 KiB together. */
  paths?: Pointer[] | null;
  /** A session to follow, as `/sessions/<id>` among the paths does. */
  session?: string | null;
  /** The version that the consumer has: it gets what changed since. */
  since?: Version | null;
}

/** What the items of `hub.watch` are. */
export type Mode =
  /** Patches, and snapshots where these are shorter or there is no other way. */
  | "patch"
  /** Snapshots alone. */
  | "state";

/** The identity of a commit. */
export interface Mutation {
  /** Who makes it: a name of the client's own choosing, unique among clients, at most 64 bytes. */
  client: string;
  /** Counts the client's mutations upwards. */
  id: number;
}

/** One operation. Paths are absolute. */
export type Op =
  /**
   * Adds or sets a member of an object, or puts an element into an array, in front of the one at the index; `-` is the
   * end.
   */
  | {
      op: "add";
      /** Where. */
      path: Pointer;
      /** What. */
      value: unknown;
    }
  /** Sets what is there already. */
  | {
      op: "replace";
      /** Where. */
      path: Pointer;
      /** What. */
      value: unknown;
    }
  /** Takes away what is there. */
  | {
      op: "remove";
      /** Where. */
      path: Pointer;
    }
  /**
   * Changes nothing; where the value is another one, the whole commit is refused with `CONFLICT`. Only ever sent to the
   * hub.
   */
  | {
      op: "test";
      /** Where. */
      path: Pointer;
      /** What must be there. */
      value: unknown;
    }
  /**
   * Merges as RFC 7396 has it: members of objects are merged, null removes. Only ever sent to the hub, which writes it
   * down as the operations above.
   */
  | {
      op: "merge";
      /** Where; the empty path merges into the state itself. */
      path: Pointer;
      /** What. */
      value: unknown;
    }
  /** In an array of objects, replaces the element whose member `by` is that of `value`, or adds it. */
  | {
      /** The key of the element that it goes in front of. Without it, it keeps its place, or goes to the end. */
      before?: unknown;
      /** The member that tells elements apart. */
      by: string;
      op: "put";
      /** The array. */
      path: Pointer;
      /** The element. */
      value: unknown;
    }
  /** In an array of objects, takes the element away whose member `by` is `key`. */
  | {
      /** The member that tells elements apart. */
      by: string;
      /** Which element. */
      key: unknown;
      op: "drop";
      /** The array. */
      path: Pointer;
    }
  /** In an array of objects, moves the element whose member `by` is `key`. */
  | {
      /** The key of the element that it goes in front of; the end without it. */
      before?: unknown;
      /** The member that tells elements apart. */
      by: string;
      /** Which element. */
      key: unknown;
      op: "move";
      /** The array. */
      path: Pointer;
    };

/** What a program that runs has to say. */
export type Output =
  /** Some of what it wrote. */
  | {
      /** The bytes, written as `encoding` says. */
      data: string;
      /** How `data` is written. */
      encoding: Encoding;
      /** Where. */
      stream: OutputStream;
    }
  /** Its end; the last item. */
  | {
      /** How it ended. */
      exit: Exit;
    };

/** Where a program writes. */
export type OutputStream =
  /** Its standard output. */
  | "stdout"
  /** Its standard error. */
  | "stderr";

/** One of the answers that may be given. */
export interface PermissionOption {
  /** What it means. */
  kind: AgentOptionKind;
  /** What to show. */
  label: string;
  /** What to answer with. */
  optionId: string;
  /** What will be allowed without being asked for, as the agent writes it. */
  rulePreview?: string | null;
}

/** What an agent asks leave for, as a person sees it. */
export interface PermissionRequest {
  /** What is to be done. */
  action: AgentAction;
  /** What, in more words. */
  description?: string | null;
  /** When it is denied because nobody answered, in milliseconds since 1970. */
  expiresAtMs: number;
  /** Why it is risky. */
  hits?: AgentHit[];
  /** The SHA-256 of what is shown, in hexadecimal. An answer that names another one is refused. */
  inputSha256: string;
  /** What may be answered. */
  options: PermissionOption[];
  /** The files that it is about, where they are known. */
  paths: string[];
  /** What to answer to, in `agent.approve` and `agent.reject`. Good for one answer. */
  permissionId: string;
  /** Why the agent asks. */
  reason?: string | null;
  /** How much harm may be done. */
  risk: AgentRisk;
  /** Exactly what is allowed by a yes: the agent is given this, and nothing else. */
  shownInput: unknown;
  /** What, in a few words. */
  title: string;
}

/** How a request ended, and by whom. */
export interface PermissionResolved {
  /** By whom. */
  by: AgentDecider;
  /** How. */
  decision: AgentDecision;
  /** How long it took, in milliseconds. */
  latencyMs: number;
  /** The option that was chosen. */
  optionId?: string | null;
  /** Which request. */
  permissionId: string;
  /** Why, as a person said it. */
  reason?: string | null;
}

export type Pointer = string;

/** What `policy.explain` takes: a session or a folder, and what would be asked. */
export interface PolicyExplainParams {
  /** What would be done. */
  action: AgentAction;
  /** The command line. */
  command?: string | null;
  /** The folder, where no session is named: as if a session there had the mode `auto`. */
  cwd?: string | null;
  /** What an agent would show. */
  input?: unknown;
  /** The files. */
  paths?: string[];
  /** The session, whose folder, mode and rules count. */
  sessionId?: string | null;
}

/** What `policy.explain` answers. */
export interface PolicyExplained {
  /** What would become of it. */
  effect: AgentEffect;
  /** Why it is risky. */
  hits: AgentHit[];
  /** How much harm may be done. */
  risk: AgentRisk;
  /** By which rule. */
  rule: string;
}

/** What `policy.list` takes. */
export interface PolicyListParams {
  /** The session; all rules where there is none. */
  sessionId?: string | null;
}

/** What `policy.revoke` takes. */
export interface PolicyRevokeParams {
  /** The rule. */
  id: string;
}

/** What `policy.list` answers. */
export interface PolicyRules {
  /** The rules: the configuration's, people's, those that are built in. */
  rules: AgentRule[];
}

/** Who has a port. */
export interface PortHolder {
  /** Its process. */
  pid: number;
  /** Its program, as the system calls it. */
  program: string;
}

/** What `process.run` takes. */
export interface RunParams {
  /** Its arguments, each passed as it stands. */
  args?: string[];
  /** The folder to start in; the daemon's own by default. */
  cwd?: string | null;
  /** Variables set on top of the daemon's own. */
  env?: { [key: string]: string };
  /** The program: a path, or a name that is looked up in `PATH`. */
  program: string;
}

/** One session. */
export interface SessionParams {
  /** Its id. */
  sessionId: string;
}

/** What `hub.updateSession` takes. */
export interface SessionUpdate {
  /** The session's id. */
  sessionId: string;
  [key: string]: unknown;
}

/** What `sidecar.setMode` takes. */
export type SetModeParams =
  /** No sidecars run. */
  | {
      mode: "standalone";
    }
  /** The sidecars of this daemon run. */
  | {
      mode: "service";
      /** Where they are reached together, for whom it may concern; told, and not used. */
      serviceUrl?: string | null;
    }
  /** A server is used. */
  | {
      /** The `serverId` that its `rpc.hello` must tell, which a daemon keeps with its state; any where it is not given. */
      identity?: string | null;
      mode: "connected";
      /** Its address: `wss://host`, or `ws://` to this machine. */
      serverUrl: string;
    };

/**
 * A program that is kept running. Only `name` and one of `program` and `binary` are required. Each name is written as here
 * (`auto_start`) or as JSON has it (`autoStart`). Shown without the values of its variables, which may be secrets.
 */
export interface SidecarConfig {
  /**
   * Its arguments, each passed as it stands, but for `{port}`, which is the port that it was given. Other users of the
   * machine can read them: secrets belong into `env`.
   */
  args?: string[];
  /** Whether it is started with the daemon. Default no. */
  autoStart?: boolean;
  /** A bundled program by its name, looked up beside the daemon with and without the target's triple as suffix. */
  binary?: string | null;
  /** The folder to start in; the daemon's own by default. */
  cwd?: string | null;
  /** The sidecars that must be ready before it is started. */
  dependsOn?: string[];
  /** Variables set on top of the daemon's own; `{port}` is replaced likewise. Never shown. */
  env?: { [key: string]: string };
  /** Whether it still lives: a word, or a table with `kind`. Default `"none"`. */
  health?: SidecarHealthOrWord;
  /** Bytes of each of its outputs that are kept for readers. Default 4 MiB. */
  logBytes?: number;
  /** What it is called: a letter or digit, then up to 63 letters, digits, `.`, `_` and `-`. */
  name: string;
  /** The port that it is to listen on: `"none"` (default), `"auto"` for a free one, or a number. */
  port?: SidecarPort;
  /** The program: a path, or a name that is looked up in `PATH`. */
  program?: string | null;
  /**
   * When it is ready: a word, or a table with `kind`. By default when `health` says so, and at its start where there is
   * none.
   */
  ready?: SidecarReadyOrWord | null;
  /** What happens when it ends: a word, or a table with `policy`. Default `"on-failure"`. */
  restart?: SidecarRestartOrWord;
  /** How it is asked to stop, step by step. */
  stop?: SidecarStop;
  /**
   * Whether its lines are in the daemon's own log too, as it wrote them, at the level `info`, with the target
   * `sixframe_supervisor::output`. Default no.
   */
  traceOutput?: boolean;
}

/** Where a sidecar is reached. */
export interface SidecarEndpoint {
  /** Whose process answers there. */
  owner: SidecarOwner;
  /** Its address. */
  url: string;
}

/** How a run ended: by itself with a code, or by a signal. */
export interface SidecarExit {
  /** The code, where it ended by itself. */
  code?: number | null;
  /** The signal that ended it, on Unix. */
  signal?: number | null;
}

/** Why a sidecar failed. */
export interface SidecarFailure {
  /** What programs branch on. */
  code: SidecarFailureCode;
  /** What is known beside that. */
  details?: SidecarFailureDetails | null;
  /** What people read; it says what to change. */
  message: string;
}

/** What kind of failure it is. */
export type SidecarFailureCode =
  /** The system would not start the program. */
  | "SPAWN"
  /** There is no such program, or no such folder to start in. */
  | "NOT_FOUND"
  /** It ended by itself. */
  | "EXITED"
  /** It ended by itself again and again. */
  | "CRASH_LOOP"
  /** Another program has its port. */
  | "PORT_IN_USE"
  /** What listens on its port is not below it. */
  | "NOT_OURS"
  /** It was not ready in time. */
  | "START_TIMEOUT"
  /** It did not answer any more. */
  | "UNHEALTHY"
  /** What it depends on is not there. */
  | "DEPENDENCY"
  /** This daemon could not do its part. */
  | "HOST"
  /** Processes of it live on and cannot be ended. */
  | "LEFT";

/** What is known of a failure. */
export interface SidecarFailureDetails {
  /** What it depends on and is not there. */
  dependency?: string | null;
  /** How the last run ended. */
  exit?: SidecarExit | null;
  /** Who has the port. */
  holder?: PortHolder | null;
  /** Where a program was looked for. */
  paths?: string[];
  /** The last lines that it wrote to standard error, at most 20. The values of its variables are blacked out. */
  stderr?: string[];
}

/** How it is found out whether a sidecar still lives. */
export interface SidecarHealth {
  /** For `exec`: its arguments; `{port}` is replaced. */
  args?: string[];
  /** Failures in a row after which it is stopped and, as `restart` says, started again. Default 3. */
  failures?: number;
  /** Milliseconds between two looks. Default 5000. */
  intervalMs?: number;
  /** By what. */
  kind: SidecarHealthKind;
  /** For `http`: the one path to ask for, instead of `/health`, `/docs` and `/` in turn. */
  path?: string | null;
  /** For `exec`: the program whose exit with 0 means life. */
  program?: string | null;
  /** Milliseconds that one look may take. Default 2000. */
  timeoutMs?: number;
}

/** By what a sidecar's life is known. */
export type SidecarHealthKind =
  /** By nothing but its process. */
  | "none"
  /** It answers HTTP with a status below 400. */
  | "http"
  /** It takes connections. */
  | "tcp"
  /** A program says so. */
  | "exec";

/** A table that one word may stand for. */
export type SidecarHealthOrWord =
  /** The word, everything else by default. */
  | SidecarHealthKind
  /** The table. */
  | SidecarHealth;

/** Where the outputs of a run end, in bytes. */
export interface SidecarLastOffset {
  /** Standard error. */
  stderr: number;
  /** Standard output. */
  stdout: number;
}

/** What `sidecar.list` answers. */
export interface SidecarList {
  /** The mode. */
  mode: AppModeState;
  /** The sidecars, by name. */
  sidecars: SidecarState[];
}

/** One item of `sidecar.logs`. */
export type SidecarLogItem =
  /** A line. */
  | {
      /** In which run. */
      generation: number;
      kind: "line";
      /** The offset of its first byte. */
      offset: number;
      /** Whether it goes on in the next item, or its end was not written yet. */
      partial?: boolean;
      /**
       * Whether it is the rest of a line, of which the beginning is missing: behind a gap, where that is not known, or at the
       * start of the last bytes.
       */
      rest?: boolean;
      /** Where it was written. */
      stream: SidecarLogStream;
      /** Without its end. What is no UTF-8 is shown as replacement characters. */
      text: string;
    }
  /** Bytes that are not kept any more. */
  | {
      /** The offset of the first of them. */
      from: number;
      /** In which run. */
      generation: number;
      kind: "gap";
      /**
       * Where whole runs are not kept any more: the last of them. `generation` is the first, and `to - from` counts what
       * they wrote.
       */
      lastGeneration?: number | null;
      /** Where they were written. */
      stream: SidecarLogStream;
      /** The offset behind the last. */
      to: number;
    }
  /** A run began. */
  | {
      /** Which. */
      generation: number;
      kind: "started";
      /** Its process, where it is known by now. */
      pid?: number | null;
    }
  /** A run has ended, and nothing more comes of it. */
  | {
      /** How its program ended. */
      exit: SidecarExit;
      /** Which. */
      generation: number;
      kind: "exited";
      /** Where its outputs end. */
      lastOffset: SidecarLastOffset;
    };

/** One output. */
export type SidecarLogStream =
  /** Standard output. */
  | "stdout"
  /** Standard error. */
  | "stderr";

/** Which outputs are meant. */
export type SidecarLogStreams =
  /** Standard output. */
  | "stdout"
  /** Standard error. */
  | "stderr"
  /** Both. */
  | "both";

/** An end of the logs. */
export type SidecarLogsEdge =
  /** The oldest line that is kept, of earlier runs too. */
  | "start"
  /** What comes from now on. */
  | "end";

/** Where logs begin. */
export type SidecarLogsFrom =
  /** At an end of what is kept. */
  | SidecarLogsEdge
  /** With the last bytes of the newest run. */
  | {
      /** How many bytes of each output. */
      last: number;
    }
  /** With a place in a run. */
  | {
      /** Which run; the newest where it is not said. */
      generation?: number | null;
      /** The offset in each output, in bytes. */
      offset: number;
    };

/** What `sidecar.logs` takes. */
export interface SidecarLogsParams {
  /** Whether to go on with what comes, over restarts too. Default yes. */
  follow?: boolean;
  /** Where to begin. Default with the oldest line that is kept. */
  from?: SidecarLogsFrom;
  /** Its name. */
  name: string;
  /** Only lines that contain this, in whichever case. Gaps, starts and exits are told all the same. */
  search?: string | null;
  /** Which output. Default both. */
  stream?: SidecarLogStreams;
}

/** A sidecar by its name. */
export interface SidecarName {
  /** Its name. */
  name: string;
}

/** Whose process answers for a sidecar. */
export type SidecarOwner =
  /** This daemon's. */
  | "this"
  /** That of the server this daemon is connected to. */
  | "remote"
  /** Nobody's. */
  | "none";

/** How a port is written. */
export type SidecarPort =
  /** None, or any free one. */
  | SidecarPortWord
  /** A number from 1 to 65535. */
  | number;

/** A port in a word. */
export type SidecarPortWord = "none" | "auto";

/** When a sidecar is ready. */
export interface SidecarReady {
  /** For `exec`: its arguments; `{port}` is replaced. */
  args?: string[];
  /** By what. */
  kind: SidecarReadyKind;
  /** For `http`: the one path to ask for, instead of `/health`, `/docs` and `/` in turn. */
  path?: string | null;
  /** For `line`: what a line must contain, or `/…/` around a regular expression. */
  pattern?: string | null;
  /** For `exec`: the program whose exit with 0 means that it is ready. */
  program?: string | null;
  /** For `line`: where. Default both. */
  stream?: SidecarLogStreams;
  /** Milliseconds that it may take until it is ready; then it is stopped. Default 30,000. */
  timeoutMs?: number;
}

/** By what it is known that a sidecar is ready. */
export type SidecarReadyKind =
  /** It was started; nothing more is asked. */
  | "started"
  /** It answers HTTP with a status below 400. */
  | "http"
  /** It takes connections. */
  | "tcp"
  /** A program says so. */
  | "exec"
  /** It writes a line. */
  | "line"
  /** It writes one line of JSON on standard output, an object with its `port`, and listens there. */
  | "handshake";

/** A table that one word may stand for. */
export type SidecarReadyOrWord =
  /** The word, everything else by default. */
  | SidecarReadyKind
  /** The table. */
  | SidecarReady;

/**
 * What happens when a sidecar ends by itself. Once it was ready, that it is not ready in time at a later start, or that another
 * program has its port then, is such an end too; at its first start it is final.
 */
export interface SidecarRestart {
  /**
   * Milliseconds before the first restart, at most: the wait is a random part of it, and it doubles each time.
   * Default 250.
   */
  backoffMs?: number;
  /** What it doubles up to. Default 30,000. */
  maxBackoffMs?: number;
  /** Whether it is started again. Default `"on-failure"`. */
  policy?: SidecarRestartPolicy;
  /** Milliseconds for which a run must be ready to count as stable. Default 30,000. */
  stableMs?: number;
  /** Ends after which it is not started again: within `window_ms`, or without a stable run in between. Default 5. */
  starts?: number;
  /** Milliseconds within which ends count, though runs in between were stable. Default 60,000. */
  windowMs?: number;
}

/** A table that one word may stand for. */
export type SidecarRestartOrWord =
  /** The word, everything else by default. */
  | SidecarRestartPolicy
  /** The table. */
  | SidecarRestart;

/** Whether a sidecar that ended is started again. */
export type SidecarRestartPolicy =
  /** No. */
  | "never"
  /** If it exited with another code than 0, was ended by a signal, lived no more, or was not ready yet. */
  | "on-failure"
  /** Yes. */
  | "always";

/** How a sidecar is. */
export interface SidecarState {
  /** Whether it is started with the daemon. */
  autoStart: boolean;
  /** When its status changed last, in milliseconds since 1970. */
  changedAt: number;
  /** What it depends on. */
  dependsOn: string[];
  /** How its last run ended. */
  exit?: SidecarExit | null;
  /** Why it failed, or why its last run did, while it waits for the next one. */
  failure?: SidecarFailure | null;
  /** Counts its runs since the daemon was started; 0 before the first. */
  generation: number;
  /** Looks at its health that failed in a row, where there are any. */
  healthFailures?: number | null;
  /** Its name. */
  name: string;
  /** When it is started again, in milliseconds since 1970, while it waits for that. */
  nextStartAt?: number | null;
  /** Whose process answers for it. */
  owner: SidecarOwner;
  /** Its program's process, while there is one. */
  pid?: number | null;
  /** The port that it was given, or that it told, while it runs. */
  port?: number | null;
  /** When this run became ready, in milliseconds since 1970. */
  readyAt?: number | null;
  /** How many of these starts were restarts after it had ended by itself. */
  restarts: number;
  /** When this run began, in milliseconds since 1970. */
  startedAt?: number | null;
  /** How often it was started. */
  starts: number;
  /** How far it is. */
  status: SidecarStatus;
  /** Where it is reached, while it runs and has a port. */
  url?: string | null;
  /** What its processes use; only while somebody follows `sidecar.watch`. */
  usage?: SidecarUsage | null;
  /** What it waits for before it is started, in words behind "it waits for", while it does. */
  waitsFor?: string | null;
}

/** How far a sidecar is. */
export type SidecarStatus =
  /** It is being started, or waits to be started again. */
  | "starting"
  /** It runs, and was found to be ready. */
  | "ready"
  /** It runs; when it is ready nobody asked to know. */
  | "running"
  /** It is being stopped. */
  | "stopping"
  /** No process of it is left. */
  | "stopped"
  /** It will not be started again by itself; no process of it is left, but with the code `LEFT`. */
  | "failed";

/** How a sidecar is asked to stop, step by step; what is left of it after the last step is killed. */
export interface SidecarStop {
  /** Milliseconds after its input was closed. Default 2000. */
  closeStdinMs?: number;
  /** A request to its port, as in `"POST /shutdown"`; it has two seconds to act on it. Default none. */
  http?: string | null;
  /** The signal that every process of its tree is sent. Default `"terminate"`. */
  signal?: SidecarStopSignal;
  /** Milliseconds after that, before what is left is killed. Default 3000. */
  signalMs?: number;
}

/** What `sidecar.stop` takes. */
export interface SidecarStopParams {
  /** Whether what depends on it is stopped first. Default yes. */
  dependents?: boolean;
  /** Its name. */
  name: string;
}

/** A signal that asks to stop. */
export type SidecarStopSignal =
  /** `SIGTERM`. */
  | "terminate"
  /** `SIGINT`, what ^C sends. */
  | "interrupt"
  /** `SIGQUIT`. */
  | "quit"
  /** `SIGHUP`. */
  | "hangup";

/** What the processes of a sidecar use together. */
export interface SidecarUsage {
  /** Time on processors during the last seconds, 100 for one of them. */
  cpuPercent: number;
  /** Memory that is resident, in bytes. */
  memoryBytes: number;
  /** How many processes. */
  processes: number;
}

/** What `sidecar.waitReady` takes. */
export interface SidecarWaitParams {
  /** Its name. */
  name: string;
  /** How long to wait at most, in milliseconds. Default 30,000. */
  timeoutMs?: number;
}

/** What `sidecar.watch` takes. */
export interface SidecarWatchParams {
  /** Which to follow; all, later ones too, where none are given. */
  names?: string[] | null;
}

/** What `hub.getSnapshot` answers. */
export interface Snapshot {
  /** The life of the state. */
  epoch: string;
  /** Counts commits. */
  revision: number;
  /** The same as `revision`, by the name that 0.2 gave it. */
  version: number;
  [key: string]: unknown;
}

/** One item of `hub.watch`. */
export type StateChange =
  /** What the followed part of the state is. */
  | {
      /** The life of the state. */
      epoch: string;
      /** Which state it is. */
      revision: number;
      /** The state, pruned to what is followed: an object with the shape of the state. */
      value: unknown;
    }
  /** What changed. */
  | {
      /** The highest mutation of each client between the two revisions, where there were any. */
      acks?: { [key: string]: number };
      /** The revision that it applies to. */
      from: number;
      /** How. None means that nothing changed that is followed. */
      ops: Op[];
      /** The revision that it leads to. */
      to: number;
    };

/** Where a tail begins. */
export type TailFrom =
  /** At this offset in bytes. */
  | number
  /** At an end of the file. */
  | Edge
  /** At the file's end. */
  | null;

/** What `fs.tail` takes. */
export interface TailParams {
  /** Where to begin: a byte offset, `"start"` or `"end"`. */
  from?: TailFrom;
  /** The file; a relative path begins at the first of `fs.roots`. */
  path: string;
}

/** One frame of another connection. */
export interface TappedFrame {
  /** The connection's number, in the order in which they came. */
  connection: number;
  /** Which way the frame went, as the daemon sees it. */
  direction: Direction;
  /** The frame, secrets redacted; text where it is no JSON. */
  frame: unknown;
  /** The process at its other end, where the system tells. */
  pid?: number | null;
  /** How the connection came: `unix`, `pipe`, `ws`, `stdio`. */
  transport: string;
  /** When, in milliseconds since 1970. */
  ts: number;
}

/** A session from its beginning on, or a run. */
export interface Transcript {
  /** What it is. */
  info: TranscriptInfo;
  /** What is told beside the turns, or beside what an agent says in them. */
  notices?: TranscriptNotice[];
  /** Items from before its first turn. */
  outside?: TranscriptItem[];
  /** The run, where it is the transcript of one. */
  run?: TranscriptRun | null;
  /** Its turns, in order. */
  turns: TranscriptTurn[];
  /** What of the log cannot be read. */
  unread?: TranscriptUnread;
}

/** What `transcript.export` takes. */
export interface TranscriptExportParams {
  /** A folder that is there, as an absolute path; the configured one where none is named. It needs the scope `approve`. */
  dir?: string | null;
  /** As what; all where none is named. */
  formats?: TranscriptFormat[];
  /** The session or the run. */
  sessionId: string;
}

/** What `transcript.export` answers. */
export interface TranscriptFiles {
  /** The files, in the order of the formats. */
  paths: string[];
}

/** How a transcript is written. */
export type TranscriptFormat =
  /** As data. */
  | "json"
  /** As Markdown. */
  | "md"
  /** As Org. */
  | "org";

/** What `transcript.get` takes. */
export interface TranscriptGetParams {
  /** As what. */
  format?: TranscriptFormat;
  /** As data: from which turn on, counted from 0. */
  fromTurn?: number;
  /** The session or the run. */
  sessionId: string;
}

/** A part of a session that was found. */
export interface TranscriptHit {
  /** The item. */
  itemId?: string | null;
  /** The kind of the item, `session` for its title, or the type of the event. */
  kind: string;
  /** Where in it what was looked for stands, from and to, in UTF-16 code units as JavaScript counts. */
  ranges: number[][];
  /** The number of the event that it began with. */
  seq: number;
  /** The session or the run. */
  sessionId: string;
  /** The text around what was found, on one line. */
  snippet: string;
  /** What the session is called. */
  title?: string | null;
  /** When, as RFC 3339 in UTC. */
  ts: string;
  /** The turn. */
  turnId?: string | null;
}

/** What `transcript.search` answers. */
export interface TranscriptHits {
  /** What was found, the newest first. */
  hits: TranscriptHit[];
  /** Whether there may be more, since so much has the words, though not in order, that not all of it was looked through. */
  isCut?: boolean;
  /** Whether there may be more, since not all logs are in the index yet. */
  isRebuilding: boolean;
}

/** What a list of transcripts tells of one. */
export interface TranscriptInfo {
  /** What its turns cost together, as far as the agent tells. */
  cost?: AgentCost | null;
  /** The folder that the agent works in. */
  cwd: string;
  /** The session that it is a fork of. */
  forkedFrom?: string | null;
  /** Whether nothing is added to it any more. */
  isClosed: boolean;
  /** The model that answered last. */
  model?: string | null;
  /** How the last turn that ended did, or the run. */
  outcome?: AgentOutcome | null;
  /** The provider of its agent; `run` for a run. */
  provider: string;
  /** The run that it is a member of; a run's own id. */
  runId?: string | null;
  /** The session, or the run. */
  sessionId: string;
  /** When it began, in milliseconds since 1970. */
  startedAtMs: number;
  /** What it is called: the agent's title, or else the first line that was asked. */
  title?: string | null;
  /** How many turns it has; of a run, how many members. */
  turns: number;
  /** When something was last told of it, in milliseconds since 1970. */
  updatedAtMs: number;
  /** What its turns used together, as far as the agent tells. */
  usage?: AgentUsage | null;
}

/** An item as it was in the end. */
export interface TranscriptItem {
  /** When it began, in milliseconds since 1970. */
  atMs: number;
  /** What is said, in full. */
  content?: AgentContent[] | null;
  /** Its id. */
  itemId: string;
  /** What it is. Stays the same for an id. */
  kind: AgentItemKind;
  /** The item that it belongs to: the subagent's call, for what a subagent does. */
  parent?: string | null;
  /** The number of the event that it began with. */
  seq: number;
  /** How far it is. */
  status?: AgentItemStatus | null;
  /** The tool and its use. */
  tool?: AgentToolCall | null;
}

/** What `transcript.list` answers. */
export interface TranscriptList {
  /** What to ask for more with; absent where there are no more. */
  next?: string | null;
  /** The sessions and runs. */
  transcripts: TranscriptInfo[];
}

/** What `transcript.list` takes. */
export interface TranscriptListParams {
  /** Those behind the `next` of an earlier answer. */
  before?: string | null;
  /** Those of agents that work in this folder. */
  cwd?: string | null;
  /** How many at most: up to 1000. Default 100. */
  limit?: number | null;
  /** Those of this provider; `run` for runs. */
  provider?: string | null;
}

/** An agent of a run. */
export interface TranscriptMember {
  /** Its last message. */
  answer?: string | null;
  /** What went wrong. */
  error?: AgentProblem | null;
  /** What it changed. */
  files?: AgentFileChange[];
  /** Whether that is in the folder of the run. */
  isApplied?: boolean;
  /** Its model, where one was asked for. */
  model?: string | null;
  /** Its name within the run. */
  name: string;
  /** How its turn ended. */
  outcome?: AgentOutcome | null;
  /** Its provider. */
  provider: string;
  /** Its session, whose events are in the log of that session. Absent until it has one. */
  sessionId?: string | null;
  /** The git worktree that it works in, where it has one of its own. */
  worktree?: string | null;
}

/** Something beside what an agent says. */
export interface TranscriptNotice {
  /** When, in milliseconds since 1970. */
  atMs: number;
  /** The type of the event, `log.recovered` for one. */
  kind: string;
  /** The number of the event. */
  seq: number;
  /** What happened, for people. */
  text: string;
  /** The turn that it is of. */
  turnId?: string | null;
}

/** What leave was asked for, and what was answered. */
export interface TranscriptPermission {
  /** When, in milliseconds since 1970. */
  atMs: number;
  /** The item that waited. */
  itemId?: string | null;
  /** What was asked. */
  request: PermissionRequest;
  /** What was answered; absent while it waits. */
  resolved?: PermissionResolved | null;
  /** The number of the event that asked. */
  seq: number;
}

/** What an agent asked, and what was answered. */
export interface TranscriptQuestion {
  /** When, in milliseconds since 1970. */
  atMs: number;
  /** What was asked. */
  request: AgentQuestionRequest;
  /** What was answered; absent while it waits. */
  resolved?: AgentQuestionResolved | null;
  /** The number of the event that asked. */
  seq: number;
}

/** A run: several agents on one prompt. */
export interface TranscriptRun {
  /** How it ended. */
  ended?: AgentRunEnded | null;
  /** Who worked on it. Their transcripts are those of their sessions. */
  members: TranscriptMember[];
  /** Which answer was chosen, or made. */
  merged?: AgentRunMerged | null;
  /** The judge of a vote, or who synthesised. */
  merger?: AgentRunMember | null;
  /** What was asked. */
  prompt: string;
  /** What was made of the answers. */
  strategy: AgentStrategy;
}

/** What `transcript.search` takes. */
export interface TranscriptSearchParams {
  /** In sessions of agents that work in this folder. */
  cwd?: string | null;
  /** How many at most: up to 200. Default 50. */
  limit?: number | null;
  /** In sessions of this provider. */
  provider?: string | null;
  /** Words, each of which may be the beginning of one, and phrases between quotes; at most 1024 bytes. */
  query: string;
}

/** What `transcript.get` answers. */
export interface TranscriptText {
  /** As what it is given. */
  format: TranscriptFormat;
  /** The `fromTurn` to ask for the rest with; absent where there is none. */
  nextTurn?: number | null;
  /** The session or the run. */
  sessionId: string;
  /** Markdown or Org. */
  text?: string | null;
  /** The data. */
  transcript?: Transcript | null;
}

/** A turn: what was asked and what came of it. */
export interface TranscriptTurn {
  /** What it cost. */
  cost?: AgentCost | null;
  /** When it ended, in milliseconds since 1970; absent while it is open. */
  endedAtMs?: number | null;
  /** What went wrong. */
  error?: AgentProblem | null;
  /** What became of files, each once. */
  files: AgentFileChange[];
  /**
   * Whether long texts, and long lists within its entries, were cut, since the session has more of them than a transcript
   * holds, or the turn more than an answer.
   */
  isCut?: boolean;
  /** Whether what it changed was taken back. */
  isUndone?: boolean;
  /** Messages, thoughts and tool calls, in the order in which they began, as they were in the end. */
  items: TranscriptItem[];
  /**
   * How many of its items, permissions, questions and files are left out, since they would fit into no answer however they
   * were cut. Of each list they are missing in the middle: behind the first half of it, rounded down.
   */
  omittedEntries?: number;
  /** How it ended. */
  outcome?: AgentOutcome | null;
  /** What leave was asked for. */
  permissions: TranscriptPermission[];
  /** The agent's plan, as it was in the end. */
  plan?: AgentPlan | null;
  /** What was asked, as text. */
  prompt: string;
  /** What the agent asked. */
  questions?: TranscriptQuestion[];
  /** When it began, in milliseconds since 1970. */
  startedAtMs: number;
  /** Its id. */
  turnId: string;
  /** What it used. */
  usage?: AgentUsage | null;
}

/** What of a log cannot be read, and is passed over. */
export interface TranscriptUnread {
  /** Events that only a later version knows. */
  laterEvents: number;
  /** Lines that are no events. */
  lines: number;
  /** Bytes behind its last whole line: a write that was cut off, or is under way. */
  tornBytes: number;
}

/** A file of a folder that says something to agents. */
export interface TrustFile {
  /** Its path, seen from the folder. */
  path: string;
  /** The SHA-256 of what it holds, in hexadecimal; empty where it cannot be read. */
  sha256: string;
  /** What is in it. */
  what: string;
}

/** A folder. */
export interface TrustFolder {
  /** Its absolute path. */
  cwd: string;
}

/** What `trust.grant` takes. */
export interface TrustGrantParams {
  /** The folder's absolute path. */
  cwd: string;
  /** What its settings come to, as `trust.status` told it. */
  sha256: string;
}

/** What `trust.status` answers. */
export interface TrustStatus {
  /** The folder, without links. */
  cwd: string;
  /** The files. */
  files: TrustFile[];
  /** Whether a person trusts its settings as they are. */
  isTrusted: boolean;
  /** What `trust.grant` takes. None where no settings lie there, or not all of them can be read. */
  sha256?: string | null;
}

/** A version of the state. Revisions of one epoch are ordered; those of different epochs have nothing to do with each other. */
export interface Version {
  /** The life of the state. Another one means that what is known of it may be void. */
  epoch: string;
  /** Counts commits. */
  revision: number;
}

/** What `rpc.hello` answers. */
export interface Welcome {
  /** The names of the capabilities: `fc`, `ahead`, `up`, `resume`, `lane`. */
  capabilities: string[];
  /** The life of the server's process: another one means that everything known of it is void. */
  epoch: string;
  /** The limits of the connection. */
  limits: WelcomeLimits;
  /**
   * Changes when a method or a type of one does; words about them do not count. Empty, and left out, where the methods
   * are another one's: of a relay.
   */
  methodsHash?: string;
  /**
   * Who the server is. Of one that keeps its name, as the daemon does with its state, the same after a restart; of others
   * the same until they restart. A name and no proof.
   */
  serverId: string;
  /** The versions of the protocol that are served. */
  versions: string[];
}

/** The limits that a caller may want to know. */
export interface WelcomeLimits {
  /** The deepest nesting. */
  depth: number;
  /** Requests that may be unanswered at once. */
  inFlight: number;
  /** The longest message, in bytes. */
  messageBytes: number;
  /** Streams that may be open at once. */
  streams: number;
}

/** What each method takes and gives. */
export interface Api {
  /** Answers what an agent asks a person; without answers, declines to. Programs that an agent has started may not. */
  "agent.answer": {
    kind: "unary";
    params: AgentAnswerParams;
    result: AgentDone;
  };
  /** Allows what an agent asks leave for: just what was shown. Programs that an agent has started may not. */
  "agent.approve": {
    kind: "unary";
    params: AgentApproveParams;
    result: AgentDone;
  };
  /** Takes back a prompt that waits for its turn. */
  "agent.cancelPrompt": {
    kind: "unary";
    params: AgentCancelPromptParams;
    result: AgentDone;
  };
  /** Asks an agent by a whole conversation and answers what it says in the end. With a provider as agentId, a session is begun for it and closed with it; with a session's id, that one is asked. */
  "agent.chat": {
    kind: "unary";
    params: AgentChatParams;
    result: AgentChatResult;
  };
  /** Ends a session and its agent; answers when nothing of the agent is left. */
  "agent.close": {
    kind: "unary";
    params: AgentSessionRef;
    result: AgentDone;
  };
  /** Begins a session with an agent in a folder. A mode other than ask and plan needs the scope approve. */
  "agent.createSession": {
    kind: "unary";
    params: AgentCreateSession;
    result: AgentSessionRef;
  };
  /** Puts other words in the place of a prompt that waits for its turn. It keeps its place. */
  "agent.editPrompt": {
    kind: "unary";
    params: AgentEditPromptParams;
    result: AgentDone;
  };
  /** Events of one session, all that its log has and then what comes; or, where not exactly one is named, of all these sessions from now on. An item that is null says reset: what was known of the events is void. */
  "agent.events": {
    kind: "stream";
    params: AgentEventsParams;
    item: AgentEnvelope | null;
  };
  /** Begins another session that knows what was said and done in this one: by the agent's own fork where it has one, else by a summary. */
  "agent.fork": {
    kind: "unary";
    params: AgentForkParams;
    result: AgentSessionRef;
  };
  /** Says what is known of a session. The session's id alone does as well as an object, and is answered with null where there is no such session, which is NOT_FOUND else. */
  "agent.getMetadata": {
    kind: "unary";
    params: AgentMetadataParams;
    result: AgentMetadata | null;
  };
  /** Stops an agent's turn and takes back the prompts that wait, unless keepQueue is said. */
  "agent.interrupt": {
    kind: "unary";
    params: AgentInterruptParams;
    result: AgentInterrupted;
  };
  /** Shows what agent.prompt would send with the same parameters: the whole text, its parts, and what was left out. Where that is more than what was typed, it needs the scope call. */
  "agent.previewPrompt": {
    kind: "unary";
    params: AgentPreviewParams;
    result: AgentPreviewed;
  };
  /** Asks an agent for something; items are the events of its turn. Cancelling it stops the turn, as does losing the connection for longer than the grace, unless detach is said. */
  "agent.prompt": {
    kind: "stream";
    params: AgentPromptParams;
    item: AgentEnvelope;
  };
  /** Lists the agents on this machine: whether they are installed, in which version, and whether somebody is logged in. */
  "agent.providers": {
    kind: "unary";
    params: AgentProvidersParams;
    result: AgentProviders;
  };
  /** Denies what an agent asks leave for. Why is written down, and told the agents that have the ability reasons. */
  "agent.reject": {
    kind: "unary";
    params: AgentRejectParams;
    result: AgentDone;
  };
  /** Opens a session again that was closed, and starts its agent, on the agent's own session where it has one. Without the scope approve, a session that accepted edits by itself asks again. */
  "agent.resume": {
    kind: "unary";
    params: AgentSessionRef;
    result: AgentSessionRef;
  };
  /** Lists the sessions that are open. */
  "agent.sessions": {
    kind: "unary";
    params: { [key: string]: never };
    result: AgentSessions;
  };
  /** Says what an agent may do without asking. */
  "agent.setMode": {
    kind: "unary";
    params: AgentSetModeParams;
    result: AgentDone;
  };
  /** Uses another model from the next turn on. */
  "agent.setModel": {
    kind: "unary";
    params: AgentSetModelParams;
    result: AgentDone;
  };
  /** Lets another agent answer from now on. It is given a summary of the session with the next prompt, if it has a use for one. */
  "agent.setProvider": {
    kind: "unary";
    params: AgentSetProviderParams;
    result: AgentDone;
  };
  /** The same as agent.chat, told while it happens: text, tools that are used, files that are changed, errors, and done. Cancelling it stops the turn. */
  "agent.streamChat": {
    kind: "stream";
    params: AgentChatParams;
    item: AgentChatChunk;
  };
  /** Takes back what became of the folder's files in a turn. Where others have changed them since, nothing is done unless force is said. Programs that an agent has started may not. */
  "agent.undo": {
    kind: "unary";
    params: AgentUndoParams;
    result: AgentUndone;
  };
  /** Makes a ticket that lets a browser into the console once, within a minute: the link is url + "#ticket=" + ticket. */
  "console.ticket": {
    kind: "unary";
    params: null;
    result: ConsoleTicket;
  };
  /** Follows the events of the given types; one that ends with a dot means all that begin with it. */
  "events.watch": {
    kind: "stream";
    params: EventsParams;
    item: Event;
  };
  /** Follows a file as it grows, over rotation and truncation; an item's pos is the byte offset behind it. */
  "fs.tail": {
    kind: "stream";
    params: TailParams;
    item: Chunk | null;
  };
  /** Watches a file or folder; an item for each change, and one that says `overflow` where changes were missed. */
  "fs.watch": {
    kind: "stream";
    params: FsWatchParams;
    item: Change;
  };
  /** Changes the state by operations that are carried out all or none, if asked only where nobody else did meanwhile. */
  "hub.commit": {
    kind: "unary";
    params: CommitParams;
    result: Version;
  };
  /** Answers with the whole state and its version. */
  "hub.getSnapshot": {
    kind: "unary";
    params: null;
    result: Snapshot;
  };
  /** Takes a session away. */
  "hub.removeSession": {
    kind: "unary";
    params: SessionParams;
    result: Done;
  };
  /** Merges into the global settings; null removes. */
  "hub.updateGlobal": {
    kind: "unary";
    params: unknown;
    result: Done;
  };
  /** Merges into a session, which is made where it is not there; null removes. */
  "hub.updateSession": {
    kind: "unary";
    params: SessionUpdate;
    result: Done;
  };
  /** Follows the state, or parts of it: a snapshot or the patches since a version, then patches. */
  "hub.watch": {
    kind: "stream";
    params: HubWatchParams;
    item: StateChange;
  };
  /** Follows the global settings as plain values, the current one first. */
  "hub.watchGlobal": {
    kind: "stream";
    params: null;
    item: unknown;
  };
  /** Follows one session as plain values, the current one first; null while it is not there. */
  "hub.watchSession": {
    kind: "stream";
    params: SessionParams;
    item: unknown;
  };
  /** Tells what would be decided if an agent asked for this, and by which rule. */
  "policy.explain": {
    kind: "unary";
    params: PolicyExplainParams;
    result: PolicyExplained;
  };
  /** Lists the rules by which agents may do things without a person, or may not: of one session, or all. */
  "policy.list": {
    kind: "unary";
    params: PolicyListParams;
    result: PolicyRules;
  };
  /** Forgets a rule that a person has made; it decides nothing any more. */
  "policy.revoke": {
    kind: "unary";
    params: PolicyRevokeParams;
    result: AgentDone;
  };
  /** Runs a program without a shell; items of its output, the last one with its exit. Needs --allow process.run. */
  "process.run": {
    kind: "stream";
    params: RunParams;
    item: Output;
  };
  /** Describes every method as an OpenRPC document. */
  "rpc.discover": {
    kind: "unary";
    params: null;
    result: unknown;
  };
  /** Introduces the caller; answers with what the server can do. */
  "rpc.hello": {
    kind: "unary";
    params: Hello;
    result: Welcome;
  };
  /** Counts requests, failures, bytes and durations by method. */
  "rpc.metrics": {
    kind: "unary";
    params: null;
    result: unknown;
  };
  /** Answers with what it was given, before anything that waits. */
  "rpc.ping": {
    kind: "unary";
    params: unknown;
    result: unknown;
  };
  /** Shows the frames of all other connections as they pass, without secrets. */
  "rpc.tap": {
    kind: "stream";
    params: null;
    item: TappedFrame;
  };
  /** Brings what a member of a run has changed into the run's folder, all of it, or nothing where it does not fit what was changed there since. */
  "run.apply": {
    kind: "unary";
    params: AgentRunApplyParams;
    result: AgentRunChanges;
  };
  /** Stops a run and all its members. */
  "run.cancel": {
    kind: "unary";
    params: AgentRunRef;
    result: AgentDone;
  };
  /** Tells what a member of a run has changed in its worktree, and the hash of that. */
  "run.diff": {
    kind: "unary";
    params: AgentRunMemberRef;
    result: AgentRunChanges;
  };
  /** Takes away the worktrees of a run that has ended, and what its members changed in them. */
  "run.discard": {
    kind: "unary";
    params: AgentRunRef;
    result: AgentDone;
  };
  /** Lists the runs that are at work or can be applied. */
  "run.list": {
    kind: "unary";
    params: { [key: string]: never };
    result: AgentRuns;
  };
  /** Asks several agents for the same at once; items are the events of the run, whose sessionId is its id, and of its members' sessions. Cancelling it stops all of them, as does losing the connection for longer than the grace, unless detach is said. Modes other than ask and plan need the scope approve. */
  "run.start": {
    kind: "stream";
    params: AgentRunStartParams;
    item: AgentEnvelope;
  };
  /** Adds a sidecar, or changes one that is stopped. Needs --allow sidecar.define. */
  "sidecar.define": {
    kind: "unary";
    params: SidecarConfig;
    result: SidecarState;
  };
  /** Lists the sidecars with their states, and the mode. */
  "sidecar.list": {
    kind: "unary";
    params: null;
    result: SidecarList;
  };
  /** Follows what a sidecar writes, line by line, over restarts; what is not kept any more is told as a gap. */
  "sidecar.logs": {
    kind: "stream";
    params: SidecarLogsParams;
    item: SidecarLogItem;
  };
  /** Stops a sidecar and starts it again; answers as soon as it is starting. What depends on it is left alone. */
  "sidecar.restart": {
    kind: "unary";
    params: SidecarName;
    result: SidecarState;
  };
  /** Switches between standalone, service and connected; where the target cannot be made ready nothing changes. */
  "sidecar.setMode": {
    kind: "unary";
    params: SetModeParams;
    result: AppModeState;
  };
  /** Starts a sidecar, and first what it depends on; answers as soon as it is starting. */
  "sidecar.start": {
    kind: "unary";
    params: SidecarName;
    result: SidecarState;
  };
  /** Tells the state of a sidecar. */
  "sidecar.status": {
    kind: "unary";
    params: SidecarName;
    result: SidecarState;
  };
  /** Stops a sidecar, and first what depends on it; answers when no process of it is left. */
  "sidecar.stop": {
    kind: "unary";
    params: SidecarStopParams;
    result: SidecarState;
  };
  /** Waits until a sidecar is ready; fails at once, with the reason, when this run of it will not be. */
  "sidecar.waitReady": {
    kind: "unary";
    params: SidecarWaitParams;
    result: SidecarState;
  };
  /** Follows the states of the sidecars: all current ones first, then each that changes. */
  "sidecar.watch": {
    kind: "stream";
    params: SidecarWatchParams;
    item: SidecarState;
  };
  /** Writes what happened in a session or run to files. A folder of the caller's needs the scope approve. */
  "transcript.export": {
    kind: "unary";
    params: TranscriptExportParams;
    result: TranscriptFiles;
  };
  /** Gives what happened in a session or run: as data, as Markdown or as Org. Long ones as data in several answers. */
  "transcript.get": {
    kind: "unary";
    params: TranscriptGetParams;
    result: TranscriptText;
  };
  /** Lists what sessions and runs there are logs of, those first that something was told of last. */
  "transcript.list": {
    kind: "unary";
    params: TranscriptListParams;
    result: TranscriptList;
  };
  /** Finds messages, thoughts, tool calls and sessions that have all these words, the newest first. */
  "transcript.search": {
    kind: "unary";
    params: TranscriptSearchParams;
    result: TranscriptHits;
  };
  /** Lets agents load the settings that lie in a folder, as long as they are just these. */
  "trust.grant": {
    kind: "unary";
    params: TrustGrantParams;
    result: AgentDone;
  };
  /** Trusts what lies in a folder no more. Agents that run have loaded it. */
  "trust.revoke": {
    kind: "unary";
    params: TrustFolder;
    result: AgentDone;
  };
  /** Tells which settings for agents lie in a folder, and whether a person trusts them as they are. */
  "trust.status": {
    kind: "unary";
    params: TrustFolder;
    result: TrustStatus;
  };
}

/** How each method is called: whether it may be repeated, and whether its stream goes on after a break. */
export const methods = {
  "agent.answer": { kind: "unary", idempotent: false, resumable: false },
  "agent.approve": { kind: "unary", idempotent: false, resumable: false },
  "agent.cancelPrompt": { kind: "unary", idempotent: false, resumable: false },
  "agent.chat": { kind: "unary", idempotent: false, resumable: false },
  "agent.close": { kind: "unary", idempotent: false, resumable: false },
  "agent.createSession": { kind: "unary", idempotent: false, resumable: false },
  "agent.editPrompt": { kind: "unary", idempotent: true, resumable: false },
  "agent.events": { kind: "stream", idempotent: true, resumable: true },
  "agent.fork": { kind: "unary", idempotent: false, resumable: false },
  "agent.getMetadata": { kind: "unary", idempotent: true, resumable: false },
  "agent.interrupt": { kind: "unary", idempotent: true, resumable: false },
  "agent.previewPrompt": { kind: "unary", idempotent: true, resumable: false },
  "agent.prompt": { kind: "stream", idempotent: false, resumable: false },
  "agent.providers": { kind: "unary", idempotent: true, resumable: false },
  "agent.reject": { kind: "unary", idempotent: false, resumable: false },
  "agent.resume": { kind: "unary", idempotent: true, resumable: false },
  "agent.sessions": { kind: "unary", idempotent: true, resumable: false },
  "agent.setMode": { kind: "unary", idempotent: true, resumable: false },
  "agent.setModel": { kind: "unary", idempotent: true, resumable: false },
  "agent.setProvider": { kind: "unary", idempotent: true, resumable: false },
  "agent.streamChat": { kind: "stream", idempotent: false, resumable: false },
  "agent.undo": { kind: "unary", idempotent: false, resumable: false },
  "console.ticket": { kind: "unary", idempotent: false, resumable: false },
  "events.watch": { kind: "stream", idempotent: true, resumable: true },
  "fs.tail": { kind: "stream", idempotent: true, resumable: true },
  "fs.watch": { kind: "stream", idempotent: true, resumable: false },
  "hub.commit": { kind: "unary", idempotent: false, resumable: false },
  "hub.getSnapshot": { kind: "unary", idempotent: true, resumable: false },
  "hub.removeSession": { kind: "unary", idempotent: true, resumable: false },
  "hub.updateGlobal": { kind: "unary", idempotent: false, resumable: false },
  "hub.updateSession": { kind: "unary", idempotent: false, resumable: false },
  "hub.watch": { kind: "stream", idempotent: true, resumable: true },
  "hub.watchGlobal": { kind: "stream", idempotent: true, resumable: true },
  "hub.watchSession": { kind: "stream", idempotent: true, resumable: true },
  "policy.explain": { kind: "unary", idempotent: true, resumable: false },
  "policy.list": { kind: "unary", idempotent: true, resumable: false },
  "policy.revoke": { kind: "unary", idempotent: true, resumable: false },
  "process.run": { kind: "stream", idempotent: false, resumable: false },
  "rpc.discover": { kind: "unary", idempotent: true, resumable: false },
  "rpc.hello": { kind: "unary", idempotent: true, resumable: false },
  "rpc.metrics": { kind: "unary", idempotent: true, resumable: false },
  "rpc.ping": { kind: "unary", idempotent: true, resumable: false },
  "rpc.tap": { kind: "stream", idempotent: false, resumable: false },
  "run.apply": { kind: "unary", idempotent: false, resumable: false },
  "run.cancel": { kind: "unary", idempotent: true, resumable: false },
  "run.diff": { kind: "unary", idempotent: true, resumable: false },
  "run.discard": { kind: "unary", idempotent: false, resumable: false },
  "run.list": { kind: "unary", idempotent: true, resumable: false },
  "run.start": { kind: "stream", idempotent: false, resumable: false },
  "sidecar.define": { kind: "unary", idempotent: false, resumable: false },
  "sidecar.list": { kind: "unary", idempotent: true, resumable: false },
  "sidecar.logs": { kind: "stream", idempotent: true, resumable: false },
  "sidecar.restart": { kind: "unary", idempotent: false, resumable: false },
  "sidecar.setMode": { kind: "unary", idempotent: false, resumable: false },
  "sidecar.start": { kind: "unary", idempotent: true, resumable: false },
  "sidecar.status": { kind: "unary", idempotent: true, resumable: false },
  "sidecar.stop": { kind: "unary", idempotent: true, resumable: false },
  "sidecar.waitReady": { kind: "unary", idempotent: true, resumable: false },
  "sidecar.watch": { kind: "stream", idempotent: true, resumable: false },
  "transcript.export": { kind: "unary", idempotent: true, resumable: false },
  "transcript.get": { kind: "unary", idempotent: true, resumable: false },
  "transcript.list": { kind: "unary", idempotent: true, resumable: false },
  "transcript.search": { kind: "unary", idempotent: true, resumable: false },
  "trust.grant": { kind: "unary", idempotent: true, resumable: false },
  "trust.revoke": { kind: "unary", idempotent: true, resumable: false },
  "trust.status": { kind: "unary", idempotent: true, resumable: false },
} as const;
