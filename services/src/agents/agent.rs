//! An agent as a session sees it: it is started, told commands, and tells facts. What state it is in, whose turn it is and
//! what may be done is not its matter.

use std::collections::BTreeMap;
use std::future::ready;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::mpsc;

use super::event::{DeltaField, DiffUpdate, Mode, Plan, ProcessEvent, Question, Retry, SessionUpdate, Unparsed};
use super::item::{Content, Item};
use super::permission::{Ask, Verdict};
use super::problem::Problem;
use super::prompt_builder::PromptContext;
use super::trust::{FolderSettings, SettingsUse, WithheldFiles};
use super::turn::TurnEnd;
use super::usage::{Cost, Limits, UsageUpdate};

/// How often what has nothing to say tells that it is alive. No watchdog is that short of patience.
pub(super) const PULSE: Duration = Duration::from_millis(500);

/// An agent that can be started any number of times.
pub trait Agent: Send + Sync {
    /// Its provider's id.
    fn provider(&self) -> &str;

    /// What it can do.
    fn abilities(&self) -> Abilities;

    /// How long it may take until it can be spoken to.
    fn patience(&self) -> Duration {
        Duration::from_secs(10)
    }

    /// What it does with the settings that lie in the folder it works in.
    fn settings_use(&self) -> SettingsUse {
        SettingsUse::Ignores
    }

    /// Whether it changes nothing in its folder before it was told [`Verdict::Allow`] to what it asked. Programs of others cannot
    /// promise that: what they do without asking is theirs to choose.
    fn waits_for_leave(&self) -> bool {
        false
    }

    /// Whether its program runs while no turn is open.
    fn runs_between_turns(&self) -> bool {
        true
    }

    /// Whether its program is known to be older than any that can be kept from such settings.
    fn outdated(&self) -> BoxFuture<'_, Option<Outdated>> {
        Box::pin(ready(None))
    }

    /// Whether it has a use for what was said and done where it was not there ([`Launch::history`]).
    fn reads_history(&self) -> bool {
        true
    }

    /// Starts it, within a tokio runtime. That it cannot be started is told as [`Fact::Gone`].
    fn start(&self, launch: Launch) -> Running;
}

/// A program that is too old.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outdated {
    /// What people call it.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The oldest one that will do.
    pub oldest: String,
}

/// What an agent can do beyond answering.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentAbilities")]
pub struct Abilities {
    /// Go on with a session of an earlier process.
    pub resume: bool,
    /// Take a prompt in the midst of a turn.
    pub steer: bool,
    /// Ask before it does something.
    pub permissions: bool,
    /// Tell what it used.
    pub usage: bool,
    /// Fork its own sessions; one that turns out not to is told what was said and done.
    #[serde(default)]
    pub fork: bool,
    /// Hear why something is denied; others are told only that it is.
    #[serde(default)]
    pub reasons: bool,
    /// Use a model that is named. Others have none, or choose by themselves.
    #[serde(default)]
    pub models: bool,
}

/// How an agent is started.
#[derive(Clone, Debug, Default)]
pub struct Launch {
    /// The folder that it works in.
    pub cwd: PathBuf,
    /// The model to use, in the agent's words; its own choice where there is none.
    pub model: Option<String>,
    /// What is allowed without being asked for.
    pub mode: Mode,
    /// What it is told about its task beside its own instructions.
    pub system_prompt: Option<String>,
    /// The agent's id of the session to go on with.
    pub resume: Option<String>,
    /// Whether that is to be forked, and not to be gone on with itself.
    pub is_fork: bool,
    /// What that has cost so far, as it was told last.
    pub spent: Option<Cost>,
    /// What was said and done, for an agent that does not go on with a session of its own. To be told with the first prompt.
    pub history: Option<String>,
    /// Variables of its environment.
    pub env: Vec<(String, String)>,
    /// What becomes of the settings that lie in the folder.
    pub settings: FolderSettings,
    /// Those of them that are not to be loaded, where that is so.
    pub withheld: WithheldFiles,
    /// What its program may run of the folder: what that comes to, where a person trusts it.
    pub code: Option<String>,
}

/// An agent that runs. Dropping it stops it.
#[derive(Debug)]
pub struct Running {
    /// What it is told. It hears nothing any more when it has told [`Fact::Gone`].
    pub commands: mpsc::UnboundedSender<Command>,
    /// What it tells; the last is [`Fact::Gone`]. It waits while nobody takes them.
    pub facts: mpsc::Receiver<Told>,
}

/// What an agent is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// To work on this. Only while no turn is open.
    Prompt(Prompt),
    /// To consider this in the turn that is open. Only where it is able to.
    Steer(Prompt),
    /// To end the turn.
    Interrupt,
    /// What was decided on what it asked.
    Decide {
        /// What it called it.
        key: String,
        /// The decision.
        verdict: Verdict,
    },
    /// What was answered to what it asked a person.
    Answer {
        /// What it called it.
        key: String,
        /// The answers by the ids of the questions, as they were checked against them; none where nobody answers.
        answers: Option<Answers>,
    },
    /// To go over to another mode.
    SetMode(Mode),
    /// To use another model.
    SetModel(String),
    /// To do nothing more itself from now on, since it would take over settings that nobody trusts, and to be ended when what it has
    /// begun in its turn has ended, and at once after this time.
    Hold(Duration),
    /// To end, in order if it can.
    Stop,
    /// To be ended at once: what it does at its end it may have taken from settings that nobody trusts.
    Kill,
}

/// What became of what an agent had begun in its turn, where it was held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// There was nothing.
    Nothing,
    /// It has ended by itself.
    Ended,
    /// What was under way has ended by itself, and what else still ran was killed with the agent.
    EndedInPart,
    /// What still ran was killed with the agent.
    Killed,
}

/// Answers by the ids of the questions.
pub type Answers = BTreeMap<String, Vec<String>>;

/// What an agent asks a person, as its adapter tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inquiry {
    /// The agent's own id of what it asks; used to answer it, and when the agent takes it back.
    pub key: String,
    /// The item that waits.
    pub item: Option<String>,
    /// Who asks, where it is not the agent itself.
    pub title: Option<String>,
    /// The questions.
    pub questions: Vec<Question>,
}

/// What somebody asks an agent.
#[derive(Clone, Debug, PartialEq)]
pub struct Prompt {
    /// Its id.
    pub id: String,
    /// What it says.
    pub content: Vec<Content>,
    /// What the agent is given in front of that.
    pub context: Option<PromptContext>,
}

impl Prompt {
    /// A prompt without a context.
    pub fn new(id: impl Into<String>, content: Vec<Content>) -> Prompt {
        Prompt { id: id.into(), content, context: None }
    }

    /// How much it says, in bytes.
    pub fn bytes(&self) -> usize {
        let context = self.context.as_ref().map_or(0, |context| context.text.len());
        let of = |content: &Content| match content {
            Content::Text { text } => text.len(),
            Content::Image { data, .. } => data.len(),
            Content::ResourceLink { uri, .. } => uri.len(),
            Content::Other { value } => value.to_string().len(),
        };
        context + self.content.iter().map(of).sum::<usize>()
    }

    /// The text of what it says, without the context.
    pub fn text(&self) -> String {
        self.content.iter().filter_map(text_of).collect::<Vec<_>>().join("\n")
    }

    /// What an agent with a model is sent: the context, then what is asked.
    pub fn sent(&self) -> Vec<Content> {
        let context = self.context.iter().map(|context| Content::Text { text: context.text.clone() });
        context.chain(self.content.iter().cloned()).collect()
    }

    /// The text of what is sent, its parts with an empty line between them.
    pub fn sent_text(&self) -> String {
        let context = self.context.iter().map(|context| context.text.as_str());
        let asked = self.text();
        context.chain([asked.as_str()]).collect::<Vec<_>>().join("\n\n")
    }
}

fn text_of(content: &Content) -> Option<&str> {
    match content {
        Content::Text { text } => Some(text),
        Content::ResourceLink { uri, .. } => Some(uri),
        Content::Image { .. } | Content::Other { .. } => None,
    }
}

/// A fact, and what the agent said.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// The fact.
    pub fact: Fact,
    /// The agent's own name for what it said.
    pub native_type: Option<String>,
    /// What of it is not in the fact.
    pub ext: Option<Value>,
}

impl From<Fact> for Told {
    fn from(fact: Fact) -> Told {
        Told { fact, native_type: None, ext: None }
    }
}

/// The longest that is kept of what an agent says and we do not know, in bytes of JSON.
const EXT: usize = 4 << 10;

impl Told {
    /// A fact by the agent's name for it.
    pub fn native(native_type: impl Into<String>, fact: Fact) -> Told {
        Told { fact, native_type: Some(native_type.into()), ext: None }
    }

    /// What has no name here, as it came, where it is not long.
    pub fn unknown(native_type: impl Into<String>, message: &Value) -> Told {
        let text = message.to_string();
        let ext = match text.len() > EXT {
            true => serde_json::json!({"omittedBytes": text.len()}),
            false => message.clone(),
        };
        Told { fact: Fact::Native, native_type: Some(native_type.into()), ext: Some(ext) }
    }
}

/// What an agent tells.
#[allow(
    clippy::large_enum_variant,
    reason = "a fact lives for the length of a function; a box would cost each delta one"
)]
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// Something became of its process.
    Process(ProcessEvent),
    /// It can be spoken to.
    Ready(SessionUpdate),
    /// More is known of the session.
    Session(SessionUpdate),
    /// An item, or what is new of one.
    Item {
        /// The item's id, unique in the session.
        id: String,
        /// What is known.
        item: Item,
    },
    /// An item grew.
    Grew {
        /// The item.
        id: String,
        /// What of it.
        field: DeltaField,
        /// By what.
        text: String,
    },
    /// It asks leave.
    Asked(Ask),
    /// It asks a person something.
    Inquired(Inquiry),
    /// It does not ask that any more, be it leave or a question.
    Withdrew {
        /// What it called it.
        key: String,
    },
    /// Files were changed.
    Diff(DiffUpdate),
    /// Its plan, in full.
    Plan(Plan),
    /// What was used so far.
    Usage(UsageUpdate),
    /// How much of a quota is used up.
    Limits(Limits),
    /// It will ask its service again.
    Retry(Retry),
    /// Something went wrong that does not end the turn.
    Problem(Problem),
    /// It said what cannot be read.
    Unparsed(Unparsed),
    /// It said what has no name here.
    Native,
    /// It is alive, and has nothing to tell.
    Alive,
    /// Its program has closed its output, or has ended: it answers nothing that it is told any more, and is to be gone.
    Muted,
    /// It was to work on this, and was not told so, since its program has ended or closed its output: this is for the next one.
    Untaken(Prompt),
    /// Its own session, with which it was to go on, is not there any more. It ends, and is to begin anew.
    Lost {
        /// What it says of that.
        why: String,
    },
    /// It was to consider this in the turn, and did not: the turn was over, or never had a name.
    Unsteered(Prompt),
    /// It was held, and is killed now: what became of what it had begun.
    Left(Rest),
    /// It has begun a turn by itself, while it was asked nothing.
    Began {
        /// Why, in its words.
        reason: Option<String>,
    },
    /// The turn is over.
    Ended(TurnEnd),
    /// It is gone: nothing comes any more.
    Gone {
        /// Why, where it was not asked to.
        problem: Option<Problem>,
    },
}

/// Translates between an agent's lines and what a session understands. Pure: lines and commands in, lines and facts out.
pub trait Translator: Send + Sync {
    /// What to say first.
    fn open(&mut self, launch: &Launch) -> Vec<Step>;

    /// The agent said a line, without its end.
    fn hear(&mut self, line: &[u8]) -> Vec<Step>;

    /// The session has a command. [`Command::Stop`], [`Command::Kill`] and [`Command::Hold`] are not for the translator.
    fn command(&mut self, command: Command) -> Vec<Step>;
}

/// What follows from a line or a command.
#[allow(clippy::large_enum_variant, reason = "a step lives for the length of a function")]
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// To say this to the agent: one line of JSON.
    Say(Value),
    /// To tell this to the session.
    Tell(Told),
}

impl Step {
    /// To tell a fact by the agent's name for it.
    pub(crate) fn tell(native_type: &str, fact: Fact) -> Step {
        Step::Tell(Told::native(native_type, fact))
    }
}

/// What is told of a line that is no JSON.
pub(crate) fn unparsed(line: &[u8], error: &serde_json::Error) -> Step {
    let preview = String::from_utf8_lossy(&line[..line.len().min(256)]).into_owned();
    let (bytes, error) = (line.len() as u64, error.to_string());
    Step::Tell(Fact::Unparsed(Unparsed { preview, bytes, error }).into())
}
