//! Agents: programs that work on a person's files by talking to a model, all by one model of what happens. An adapter
//! translates what an agent says; the session above it owns turns, prompts, permissions and the log. Knows no transport.

mod acp;
mod agent;
mod api;
mod builtin;
mod claude;
mod codex;
mod deltas;
mod detect;
mod diff;
mod event;
mod identifier;
mod item;
mod live;
mod log;
mod moment;
mod permission;
mod problem;
mod program;
mod scope;
mod secrets;
mod service;
mod session;
mod sessions;
mod state;
mod transcript;
mod turn;
mod usage;

pub use acp::Acp;
pub use agent::{Abilities, Agent, Command, Fact, Launch, Prompt, Running, Step, Told, Translator};
pub use api::{
    APPROVE, ApproveParams, CANCEL_PROMPT, CLOSE, CREATE_SESSION, CancelPromptParams, CreateSession, Done, EVENTS,
    EXPORT_TRANSCRIPT, EventsParams, GET_TRANSCRIPT, INTERRUPT, InterruptParams, Interrupted, LIST_TRANSCRIPTS, PROMPT,
    PROVIDERS, PromptParams, Providers, ProvidersParams, REJECT, RejectParams, SEARCH_TRANSCRIPTS, SET_MODE, SET_MODEL,
    SessionRef, SetModeParams, SetModelParams, Since, TranscriptExportParams, TranscriptFiles, TranscriptFormat,
    TranscriptGetParams, TranscriptHit, TranscriptHits, TranscriptList, TranscriptListParams, TranscriptSearchParams,
    TranscriptText,
};
pub use builtin::BuiltIn;
pub use claude::Claude;
pub use codex::Codex;
pub use deltas::{Deltas, Grown};
pub use detect::{ProviderInfo, ProviderState, Tested};
pub use event::{
    CloseReason, Delivery, Delta, DeltaField, DiffScope, DiffUpdate, Envelope, Event, FileSeen, FilesChanged,
    FilesContended, LogRecovered, Mode, Native, Outcome, Plan, PlanEntry, PlanStatus, ProcessEvent, PromptQueued,
    PromptRef, Question, QuestionOption, QuestionRequest, QuestionResolved, Retry, RunApplied, RunEnded, RunMember,
    RunMemberEnded, RunMerged, RunStarted, SessionClosed, SessionCreated, SessionUpdate, Source, StateChange, Strategy,
    TurnEnded, TurnStarted, TurnUndone, Unparsed,
};
pub use item::{
    ChangeKind, CommandRun, Content, FileChange, Item, ItemKind, ItemStatus, Location, McpTool, ToolCall, ToolKind,
    ToolOutput,
};
pub use moment::Moment;
pub use permission::{
    Action, Ask, Decider, Decision, OptionKind, PermissionOption, PermissionRequest, PermissionResolved, Risk, Verdict,
    input_sha256,
};
pub use problem::{Problem, ProblemKind};
pub use program::{Program, ProgramAgent};
pub use secrets::Secrets;
pub use service::router;
pub use session::{Beginning, Choice, Output, Refused, Session, SessionView, Timers, Undecided};
pub use sessions::{Agents, AgentsConfig, NotBegun, OpenError, ProviderConfig};
pub use state::{Reducer, State};
pub use transcript::{
    Transcript, TranscriptConfig, TranscriptInfo, TranscriptItem, TranscriptMember, TranscriptNotice,
    TranscriptPermission, TranscriptQuestion, TranscriptRun, TranscriptTurn, Unread,
};
pub use turn::{Turn, TurnEnd, Turns};
pub use usage::{Cost, LimitStatus, Limits, Usage, UsageUpdate};
