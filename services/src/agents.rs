//! Agents: programs that work on a person's files by talking to a model, all by one model of what happens. An adapter
//! translates what an agent says; the session above it owns turns, prompts, permissions and the log. Knows no transport.

mod acp;
mod agent;
mod api;
mod builtin;
mod claude;
mod codex;
mod command;
mod deltas;
mod detect;
mod diff;
mod event;
mod file_change;
mod fitting;
mod form;
mod git;
mod identifier;
mod item;
mod joints;
mod live;
mod local;
mod lock;
mod log;
mod moment;
mod passed_over;
mod permission;
mod plain_file;
mod policy;
mod problem;
mod program;
mod prompt_builder;
mod roots;
mod runs;
mod scope;
mod secrets;
mod service;
mod session;
mod sessions;
mod state;
mod stderr;
mod strange;
mod summary;
mod transcript;
mod trust;
mod turn;
mod undo;
mod usage;
mod watcher;

pub use acp::Acp;
pub use agent::{
    Abilities, Agent, Answers, Command, Fact, Inquiry, Launch, Outdated, Prompt, Rest, Running, Step, Told, Translator,
};
pub use api::*;
pub use builtin::BuiltIn;
pub use claude::Claude;
pub use codex::Codex;
pub use command::CommandAgent;
pub use deltas::{Deltas, Grown};
pub use detect::{ProviderInfo, ProviderState, Tested};
pub use event::{
    AnswerKind, CloseReason, Delivery, Delta, DeltaField, DiffScope, DiffUpdate, Envelope, Event, FileSeen,
    FilesChanged, FilesContended, LogRecovered, Mode, Native, Outcome, Plan, PlanEntry, PlanStatus, ProcessEvent,
    PromptQueued, PromptRef, Question, QuestionOption, QuestionRequest, QuestionResolved, Retry, RunApplied, RunEnded,
    RunMember, RunMemberEnded, RunMerged, RunMerging, RunStarted, SessionClosed, SessionCreated, SessionUpdate, Source,
    StateChange, Strategy, Subject, TurnEnded, TurnOrigin, TurnStarted, TurnUndone, Unparsed,
};
pub use git::{Applied, Bounds, Diff, Git, GitError, Glance, Repository, Store, Tree};
pub use item::{
    ChangeKind, CommandRun, Content, FileChange, FileMode, Item, ItemKind, ItemStatus, Location, McpTool, ToolCall,
    ToolKind, ToolOutput,
};
pub use local::{LocalAgent, LocalConfig, local_faults};
pub use moment::Moment;
pub use permission::{
    Action, Ask, AskedSkill, Decider, Decision, Hit, OptionKind, PermissionOption, PermissionRequest,
    PermissionResolved, Risk, Verdict, input_sha256,
};
pub use policy::{ConfigRule, Effect, PolicyConfig, Remembered, Rule, RuleScope, RuleSource, Ruling};
pub use problem::{Problem, ProblemKind};
pub use program::{Program, ProgramAgent};
pub use prompt_builder::{
    Additions, ContextSummary, CurrentFile, NotBuilt, Omitted, OmittedWhy, PartKind, PromptContext, PromptPart,
    Selection, Template, Templates, estimated_tokens,
};
pub use runs::{RunMemberView, RunState, RunView};
pub use secrets::Secrets;
pub use service::router;
pub use session::{
    Beginning, Choice, NotNow, Output, Past, Refused, Session, SessionView, Successor, Timers, Trunk, Unanswered,
    Undecided, UsedIds, WaitingPrompt,
};
pub use sessions::{Agents, AgentsConfig, NotBegun, OpenError, ProviderConfig};
pub use state::{Reducer, State};
pub use transcript::{
    Transcript, TranscriptConfig, TranscriptInfo, TranscriptItem, TranscriptMember, TranscriptNotice,
    TranscriptPermission, TranscriptQuestion, TranscriptRun, TranscriptTurn, Unread,
};
pub use trust::{FolderSettings, SettingsFile, SettingsUse, WithheldFiles};
pub use turn::{Turn, TurnEnd, Turns};
pub use undo::UndoConfig;
pub use usage::{Cost, LimitStatus, Limits, Usage, UsageUpdate};
pub use watcher::WatchConfig;
