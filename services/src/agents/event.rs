//! What happens in a session, one vocabulary for all agents, and the envelope that each event travels and is kept in.

mod files;
mod process;
mod question;
mod run;
mod session;
mod turn;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::item::{Item, ItemStatus};
use super::permission::{PermissionRequest, PermissionResolved};
use super::problem::Problem;
use super::secrets::OpenEnds;
use super::usage::{Limits, UsageUpdate};
pub use files::{FileSeen, FilesChanged, FilesContended, TurnUndone};
pub use process::{Native, ProcessEvent, Retry, Unparsed};
pub use question::{AnswerKind, Question, QuestionOption, QuestionRequest, QuestionResolved};
pub use run::{RunApplied, RunEnded, RunMember, RunMemberEnded, RunMerged, RunMerging, RunStarted, Strategy};
pub use session::{CloseReason, LogRecovered, Mode, SessionClosed, SessionCreated, SessionUpdate, StateChange};
pub use turn::{
    Delivery, Delta, DeltaField, DiffScope, DiffUpdate, Outcome, Plan, PlanEntry, PlanStatus, PromptQueued, PromptRef,
    TurnEnded, TurnOrigin, TurnStarted,
};

/// An event, where it belongs, and where it comes from. Log and wire carry the same text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentEnvelope")]
pub struct Envelope {
    /// The version of this format: 1.
    pub v: u32,
    /// The life of the session's log that `seq` counts in.
    pub epoch: String,
    /// The number of the event in its session, from 1, without holes.
    pub seq: u64,
    /// When, as RFC 3339 in UTC.
    pub ts: String,
    /// The session.
    pub session_id: String,
    /// The turn, where it is part of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn_id: Option<String>,
    /// The item that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item_id: Option<String>,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
    /// Where it comes from.
    pub src: Source,
    /// What the agent said beside that and we do not know, as it came, where that is not long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ext: Option<Value>,
}

/// Where an event comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentSource")]
pub struct Source {
    /// The provider: `claude`, `codex`, `acp:NAME`, `builtin`, or `sixframe` for what the session itself tells.
    pub provider: String,
    /// The agent's own name for what it said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native_type: Option<String>,
}

impl Source {
    /// The session itself.
    pub fn sixframe() -> Source {
        Source { provider: "sixframe".to_owned(), native_type: None }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data")]
#[schemars(rename = "AgentEvent")]
pub enum Event {
    /// The session began.
    #[serde(rename = "session.created")]
    SessionCreated(SessionCreated),
    /// More is known of the session.
    #[serde(rename = "session.updated")]
    SessionUpdated(SessionUpdate),
    /// The session ended.
    #[serde(rename = "session.closed")]
    SessionClosed(SessionClosed),
    /// The end of the log was torn, and what of it was no event was taken away.
    #[serde(rename = "log.recovered")]
    LogRecovered(LogRecovered),
    /// The session is in another state. Derived from the events before it, never told by an agent.
    #[serde(rename = "state.changed")]
    StateChanged(StateChange),
    /// Somebody asked for something, which waits for its turn.
    #[serde(rename = "prompt.queued")]
    PromptQueued(PromptQueued),
    /// The agent was given it.
    #[serde(rename = "prompt.started")]
    PromptStarted(PromptRef),
    /// It was taken back before the agent was given it.
    #[serde(rename = "prompt.cancelled")]
    PromptCancelled(PromptRef),
    /// It was given to the agent in the midst of a turn.
    #[serde(rename = "prompt.steered")]
    PromptSteered(PromptRef),
    /// The agent works.
    #[serde(rename = "turn.started")]
    TurnStarted(TurnStarted),
    /// The agent is done. There is exactly one for each `turn.started`.
    #[serde(rename = "turn.ended")]
    TurnEnded(TurnEnded),
    /// An item, or what is new of one. What it says holds over deltas.
    #[serde(rename = "item.upserted")]
    ItemUpserted(Item),
    /// An item grew.
    #[serde(rename = "item.delta")]
    ItemDelta(Delta),
    /// Files were changed.
    #[serde(rename = "diff.updated")]
    DiffUpdated(DiffUpdate),
    /// The agent's plan, in full.
    #[serde(rename = "plan.updated")]
    PlanUpdated(Plan),
    /// The agent asks leave.
    #[serde(rename = "permission.requested")]
    PermissionRequested(Box<PermissionRequest>),
    /// That is answered, or has not to be any more.
    #[serde(rename = "permission.resolved")]
    PermissionResolved(PermissionResolved),
    /// The agent asks something.
    #[serde(rename = "question.requested")]
    QuestionRequested(QuestionRequest),
    /// What became of it.
    #[serde(rename = "question.resolved")]
    QuestionResolved(QuestionResolved),
    /// Files of the session's folder are not what they were, whoever changed them.
    #[serde(rename = "files.changed")]
    FilesChanged(FilesChanged),
    /// Somebody else changes files that the turn is changing.
    #[serde(rename = "files.contended")]
    FilesContended(FilesContended),
    /// What a turn changed is as it was before it.
    #[serde(rename = "turn.undone")]
    TurnUndone(TurnUndone),
    /// Several agents begin to work on the same prompt. The events of a run are in a log of its own.
    #[serde(rename = "run.started")]
    RunStarted(RunStarted),
    /// One of them is done.
    #[serde(rename = "run.member_ended")]
    RunMemberEnded(RunMemberEnded),
    /// Somebody is asked to judge their answers, or to make one of them.
    #[serde(rename = "run.merging")]
    RunMerging(RunMerging),
    /// Their answers were judged, or made into one.
    #[serde(rename = "run.merged")]
    RunMerged(RunMerged),
    /// All of them are done.
    #[serde(rename = "run.ended")]
    RunEnded(RunEnded),
    /// What one of them changed is in the folder of the run.
    #[serde(rename = "run.applied")]
    RunApplied(RunApplied),
    /// What was used so far.
    #[serde(rename = "usage.updated")]
    UsageUpdated(UsageUpdate),
    /// How much of the plan's quota is used up.
    #[serde(rename = "limits.updated")]
    LimitsUpdated(Limits),
    /// The agent will ask its service again.
    #[serde(rename = "retry.scheduled")]
    RetryScheduled(Retry),
    /// Something became of the agent's process.
    #[serde(rename = "process.event")]
    ProcessEvent(ProcessEvent),
    /// Something went wrong outside of a turn, or without ending it.
    #[serde(rename = "error")]
    Error(Problem),
    /// The agent said what cannot be read.
    #[serde(rename = "unparsed")]
    Unparsed(Unparsed),
    /// The agent said what has no name here; it stands in the envelope's `ext`.
    #[serde(rename = "native")]
    Native(Native),
}

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// The session as a whole, and its log.
    Session,
    /// What somebody asked for.
    Prompt,
    /// The agent at work, from when to when.
    Turn,
    /// What the agent says and does.
    Item,
    /// What it asks a person: leave, or an answer.
    Asking,
    /// The files of the folder.
    Files,
    /// Several agents on one prompt.
    Run,
    /// What it costs.
    Usage,
    /// The agent's program, and what goes wrong with it.
    Agent,
}

impl Event {
    /// What it is about. Whoever cares for a part of what happens asks this, and is looked at when a new event comes to that part.
    pub fn subject(&self) -> Subject {
        match self {
            Event::SessionCreated(_)
            | Event::SessionUpdated(_)
            | Event::SessionClosed(_)
            | Event::LogRecovered(_)
            | Event::StateChanged(_) => Subject::Session,
            Event::PromptQueued(_) | Event::PromptStarted(_) | Event::PromptCancelled(_) | Event::PromptSteered(_) => {
                Subject::Prompt
            }
            Event::TurnStarted(_) | Event::TurnEnded(_) => Subject::Turn,
            Event::ItemUpserted(_) | Event::ItemDelta(_) | Event::DiffUpdated(_) | Event::PlanUpdated(_) => {
                Subject::Item
            }
            Event::PermissionRequested(_)
            | Event::PermissionResolved(_)
            | Event::QuestionRequested(_)
            | Event::QuestionResolved(_) => Subject::Asking,
            Event::FilesChanged(_) | Event::FilesContended(_) | Event::TurnUndone(_) => Subject::Files,
            Event::RunStarted(_)
            | Event::RunMemberEnded(_)
            | Event::RunMerging(_)
            | Event::RunMerged(_)
            | Event::RunEnded(_)
            | Event::RunApplied(_) => Subject::Run,
            Event::UsageUpdated(_) | Event::LimitsUpdated(_) => Subject::Usage,
            Event::RetryScheduled(_)
            | Event::ProcessEvent(_)
            | Event::Error(_)
            | Event::Unparsed(_)
            | Event::Native(_) => Subject::Agent,
        }
    }

    /// Its type, as it travels.
    pub fn name(&self) -> &'static str {
        match self {
            Event::SessionCreated(_) => "session.created",
            Event::SessionUpdated(_) => "session.updated",
            Event::SessionClosed(_) => "session.closed",
            Event::LogRecovered(_) => "log.recovered",
            Event::StateChanged(_) => "state.changed",
            Event::PromptQueued(_) => "prompt.queued",
            Event::PromptStarted(_) => "prompt.started",
            Event::PromptCancelled(_) => "prompt.cancelled",
            Event::PromptSteered(_) => "prompt.steered",
            Event::TurnStarted(_) => "turn.started",
            Event::TurnEnded(_) => "turn.ended",
            Event::ItemUpserted(_) => "item.upserted",
            Event::ItemDelta(_) => "item.delta",
            Event::DiffUpdated(_) => "diff.updated",
            Event::PlanUpdated(_) => "plan.updated",
            Event::PermissionRequested(_) => "permission.requested",
            Event::PermissionResolved(_) => "permission.resolved",
            Event::QuestionRequested(_) => "question.requested",
            Event::QuestionResolved(_) => "question.resolved",
            Event::FilesChanged(_) => "files.changed",
            Event::FilesContended(_) => "files.contended",
            Event::TurnUndone(_) => "turn.undone",
            Event::RunStarted(_) => "run.started",
            Event::RunMemberEnded(_) => "run.member_ended",
            Event::RunMerging(_) => "run.merging",
            Event::RunMerged(_) => "run.merged",
            Event::RunEnded(_) => "run.ended",
            Event::RunApplied(_) => "run.applied",
            Event::UsageUpdated(_) => "usage.updated",
            Event::LimitsUpdated(_) => "limits.updated",
            Event::RetryScheduled(_) => "retry.scheduled",
            Event::ProcessEvent(_) => "process.event",
            Event::Error(_) => "error",
            Event::Unparsed(_) => "unparsed",
            Event::Native(_) => "native",
        }
    }

    /// Of its line, what more may follow of, so that it may end in the midst of something.
    pub(super) fn open_ends(&self) -> Option<OpenEnds> {
        match self {
            Event::ItemUpserted(item) if !item.status.is_some_and(ItemStatus::is_final) => Some(said_so_far),
            _ => None,
        }
    }
}

/// What an item that is under way says and what its tool answered. What a tool is given is told when all of it is there.
fn said_so_far(line: &mut Value) -> Vec<&mut Value> {
    let members = line.get_mut("data").and_then(Value::as_object_mut).into_iter().flatten();
    let open = members.filter_map(|(name, value)| match name.as_str() {
        "content" => Some(value),
        "tool" => value.get_mut("output"),
        _ => None,
    });
    open.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn envelope(event: Event) -> Envelope {
        Envelope {
            v: 1,
            epoch: "e".into(),
            seq: 7,
            ts: "2026-11-21T06:39:49.376Z".into(),
            session_id: "ses_1".into(),
            turn_id: Some("turn_1".into()),
            item_id: Some("item_1".into()),
            event,
            src: Source::sixframe(),
            ext: None,
        }
    }

    #[test]
    fn an_envelope_is_flat_and_reads_back_as_it_was() {
        let event = Event::ItemDelta(Delta { field: DeltaField::Text, delta: "hi".into(), offset: 3 });
        let envelope = envelope(event);
        let written = serde_json::to_value(&envelope).unwrap_or_default();
        let expected = json!({
            "v": 1, "epoch": "e", "seq": 7, "ts": "2026-11-21T06:39:49.376Z", "sessionId": "ses_1", "turnId": "turn_1",
            "itemId": "item_1", "type": "item.delta", "data": {"field": "text", "delta": "hi", "offset": 3},
            "src": {"provider": "sixframe"}
        });
        assert_eq!(written, expected);
        assert_eq!(serde_json::from_value::<Envelope>(written).ok(), Some(envelope));
    }

    #[test]
    fn an_events_name_is_the_type_it_is_written_with() {
        let problem = Problem::new(super::super::problem::ProblemKind::Unknown, "x");
        let events = [
            Event::Error(problem),
            Event::ProcessEvent(ProcessEvent::Ready),
            Event::TurnStarted(TurnStarted::on("p")),
            Event::PlanUpdated(Plan { entries: Vec::new() }),
            Event::LogRecovered(LogRecovered { bytes: 3 }),
            Event::SessionUpdated(SessionUpdate::default()),
        ];
        for event in events {
            let written = serde_json::to_value(&event).unwrap_or_default();
            assert_eq!(written["type"], event.name());
        }
    }

    #[test]
    fn a_turn_says_who_began_it_where_that_is_the_agent_and_older_ones_said_nothing() {
        let (asked, own) = (TurnStarted::on("p"), TurnStarted::by_agent(None));
        for (started, told) in [(asked, json!({"promptId": "p"})), (own, json!({"origin": "agent"}))] {
            assert_eq!(serde_json::to_value(&started).unwrap_or_default(), told);
            assert_eq!(serde_json::from_value::<TurnStarted>(told).ok(), Some(started));
        }
    }
}
