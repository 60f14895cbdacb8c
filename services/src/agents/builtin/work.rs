//! What the built-in agent does: each thing that is wanted is a tool call, with leave where it needs it.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sixframe_supervisor::{ChildConfig, From, Input, Piece, StopLadder, Stream, Supervisor};
use tokio::task::spawn_blocking;

use super::super::agent::{Fact, Inquiry, Launch, Prompt};
use super::super::diff;
use super::super::event::{DeltaField, Question, QuestionOption};
use super::super::identifier::identifier;
use super::super::item::{
    ChangeKind, CommandRun, FileChange, Item, ItemKind, ItemStatus, Location, ToolCall, ToolKind, ToolOutput,
};
use super::super::permission::{Action, Ask, OptionKind, PermissionOption, Verdict};
use super::super::policy::Ruling;
use super::super::program::environment;
use super::begun::Begun;
use super::files::{self, Kept, Place};
use super::search::{Awaited, list, search};
use super::words::{HELP, Wanted, understood};
use super::{Unheard, Voice};

/// The work of one session.
pub(super) struct Work {
    supervisor: Supervisor,
    launch: Launch,
    /// What is only read with leave.
    kept: Kept,
    voice: Voice,
    begun: Begun,
}

/// How a tool call went.
#[allow(clippy::large_enum_variant, reason = "there is one at a time")]
enum Done {
    Well(ToolCall),
    Badly(String),
    Denied(String),
}

impl Work {
    pub(super) fn new(supervisor: Supervisor, launch: Launch, kept: Kept, voice: Voice) -> Work {
        Work { supervisor, launch, kept, voice, begun: Begun::default() }
    }

    /// Works on a prompt. May be dropped at any time; what it has begun by then goes on until [`Work::rest`].
    pub(super) async fn turn(&mut self, prompt: &Prompt) -> Result<(), Unheard> {
        let text = prompt.text();
        let wanted = match understood(&text) {
            Ok(wanted) if !wanted.is_empty() && text.trim() != "help" => wanted,
            Err(line) if line != "help" => return self.say(&format!("I do not understand `{line}`.\n\n{HELP}")).await,
            Ok(_) | Err(_) => return self.say(HELP).await,
        };
        for wanted in wanted {
            if !self.step(wanted).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Stops what a turn that was dropped has begun, and waits until nothing of it is left.
    pub(super) async fn rest(&self) {
        self.begun.end().await;
    }

    /// Says something, word by word.
    async fn say(&self, text: &str) -> Result<(), Unheard> {
        let id = identifier("item");
        let item = Item::new(ItemKind::AgentMessage);
        self.voice.tell(Fact::Item { id: id.clone(), item: item.clone().status(ItemStatus::InProgress) }).await?;
        for word in text.split_inclusive(' ') {
            let (id, text) = (id.clone(), word.to_owned());
            self.voice.tell(Fact::Grew { id, field: DeltaField::Text, text }).await?;
        }
        self.voice.tell(Fact::Item { id, item: item.status(ItemStatus::Completed).text(text) }).await
    }

    /// Does one thing. False where what follows is not to be done.
    async fn step(&self, wanted: Wanted) -> Result<bool, Unheard> {
        let id = identifier("item");
        let call = described(&wanted);
        self.tell(&id, ItemStatus::InProgress, call.clone()).await?;
        let done = match self.look(&wanted).await {
            Ok(place) => match self.leave(&id, &wanted, &call, place.as_ref()).await? {
                Verdict::Deny { reason, .. } => Done::Denied(reason),
                Verdict::Allow { .. } => self.perform(&id, wanted, place).await?,
            },
            Err(error) => Done::Badly(error.to_string()),
        };
        match done {
            Done::Well(call) => self.tell(&id, ItemStatus::Completed, call).await.map(|()| true),
            Done::Badly(error) => {
                let call = ToolCall { error: Some(error.clone()), ..ToolCall::default() };
                self.tell(&id, ItemStatus::Failed, call).await?;
                self.say(&format!("That did not work: {error}.")).await.map(|()| false)
            }
            Done::Denied(reason) => {
                let call = ToolCall { error: Some(reason), ..ToolCall::default() };
                self.tell(&id, ItemStatus::Denied, call).await?;
                self.say("You did not allow that, so I stop here.").await.map(|()| false)
            }
        }
    }

    async fn tell(&self, id: &str, status: ItemStatus, call: ToolCall) -> Result<(), Unheard> {
        let item = Item::new(ItemKind::ToolCall).status(status).tool(call);
        self.voice.tell(Fact::Item { id: id.to_owned(), item }).await
    }

    /// The file or folder that something is about, as it is now.
    async fn look(&self, wanted: &Wanted) -> io::Result<Option<Place>> {
        let path = match wanted {
            Wanted::List { folder: path } | Wanted::Search { folder: path, .. } => path,
            Wanted::Read { file } | Wanted::Write { file, .. } | Wanted::Replace { file, .. } => file,
            Wanted::Run { .. } | Wanted::Ask { .. } => return Ok(None),
        };
        let (folder, path, kept) = (self.launch.cwd.clone(), path.clone(), self.kept.clone());
        let looked = spawn_blocking(move || Place::look(&folder, &path, &kept)).await;
        looked.map_err(|_| io::Error::other("it was given up"))?.map(Some)
    }

    /// What changes something needs leave, and what is not in the folder, or may be a key, to be read.
    async fn leave(
        &self,
        id: &str,
        wanted: &Wanted,
        call: &ToolCall,
        place: Option<&Place>,
    ) -> Result<Verdict, Unheard> {
        let action = match wanted {
            Wanted::List { .. } | Wanted::Search { .. } | Wanted::Read { .. } => {
                if place.is_some_and(|place| place.is_open) {
                    return Ok(Verdict::Allow { option_id: String::new() });
                }
                Action::Read
            }
            Wanted::Write { .. } | Wanted::Replace { .. } => Action::FileChange,
            Wanted::Run { .. } => Action::Command,
            Wanted::Ask { .. } => return Ok(Verdict::Allow { option_id: String::new() }),
        };
        let paths = place.map(|place| place.real.to_string_lossy().into_owned()).into_iter().collect();
        let mut input = call.input.clone().unwrap_or_default();
        // What is allowed is this file, and no other one that a link may lead to by then.
        if let Some(place) = place.filter(|place| place.real != place.named) {
            input["leadsTo"] = json!(place.real);
        }
        let options = vec![
            PermissionOption::new("allow", OptionKind::AllowOnce, "Allow"),
            PermissionOption::new("deny", OptionKind::RejectOnce, "Deny"),
        ];
        self.voice
            .ask(Ask {
                key: id.to_owned(),
                item: Some(id.to_owned()),
                action,
                title: call.title.clone().unwrap_or_default(),
                description: None,
                reason: None,
                input,
                paths,
                skill: None,
                ruling: Ruling::default(),
                options,
            })
            .await
    }

    async fn perform(&self, id: &str, wanted: Wanted, place: Option<Place>) -> Result<Done, Unheard> {
        let place = match (&wanted, place) {
            (Wanted::Run { line }, _) => return self.run(id, line.clone()).await,
            (Wanted::Ask { question, options }, _) => {
                return self.inquire(id, question.clone(), options.clone()).await;
            }
            (_, Some(place)) => place,
            (_, None) => return Ok(Done::Badly("it is about no file".to_owned())),
        };
        let (root, kept) = (self.launch.cwd.clone(), self.kept.clone());
        // Dropped with the turn, by which the other thread ends.
        let waiting = Arc::new(());
        let awaited = Awaited::by(&waiting);
        let writing = match wanted {
            Wanted::Write { .. } | Wanted::Replace { .. } => Some(self.begun.writing().await),
            Wanted::List { .. }
            | Wanted::Read { .. }
            | Wanted::Search { .. }
            | Wanted::Run { .. }
            | Wanted::Ask { .. } => None,
        };
        let done = spawn_blocking(move || {
            let _writing = writing;
            let real = place.again()?;
            match wanted {
                Wanted::List { .. } => list(real, &awaited).map(answered),
                Wanted::Read { .. } => files::read(real).map(answered),
                Wanted::Search { text, .. } => search(&root, real, &text, &kept, &awaited).map(answered),
                Wanted::Write { file, text } => write(real, &file, |_| Ok(text)),
                Wanted::Replace { file, old, new } => write(real, &file, |text| replaced(text, &old, &new)),
                Wanted::Run { .. } | Wanted::Ask { .. } => Err(io::Error::other("it is about no file")),
            }
        });
        let done = done.await;
        drop(waiting);
        Ok(match done {
            Ok(Ok(call)) => Done::Well(call),
            Ok(Err(error)) => Done::Badly(error.to_string()),
            Err(_) => Done::Badly("it was given up".to_owned()),
        })
    }

    /// Asks a person, and says what they answered.
    async fn inquire(&self, id: &str, text: String, options: Vec<String>) -> Result<Done, Unheard> {
        let options = options.into_iter().map(|label| QuestionOption { label, description: None }).collect();
        let question = Question { id: "answer".to_owned(), text, options, is_required: true, ..Question::default() };
        let (key, item, questions) = (id.to_owned(), Some(id.to_owned()), vec![question]);
        let answers = self.voice.inquire(Inquiry { key, item, title: None, questions }).await?;
        Ok(match answers {
            Some(answers) => Done::Well(answered(answers.into_values().flatten().collect::<Vec<_>>().join(", "))),
            None => Done::Badly("nobody answered".to_owned()),
        })
    }

    /// Runs a command by the shell, and tells what it writes as it does.
    async fn run(&self, id: &str, line: String) -> Result<Done, Unheard> {
        let (shell, flag) = if cfg!(windows) { ("cmd.exe", "/C") } else { ("/bin/sh", "-c") };
        let mut config = ChildConfig::new(shell);
        config.name = "builtin-command".to_owned();
        config.args = vec![flag.into(), line.clone().into()];
        config.cwd = Some(self.launch.cwd.clone());
        config.env = environment(None, &[], &self.launch);
        config.stdin = Input::Null;
        config.stop = StopLadder { signal_for: Duration::from_millis(500), ..StopLadder::default() };
        let child = match self.supervisor.spawn(config) {
            Ok(child) => self.begun.running(child),
            Err(error) => return Ok(Done::Badly(error.to_string())),
        };
        let stdout = self.pass_on(id, DeltaField::ToolOutput, child.output(Stream::Stdout).subscribe(From::Start));
        let stderr = self.pass_on(id, DeltaField::ToolErrors, child.output(Stream::Stderr).subscribe(From::Start));
        let (stdout, stderr) = tokio::try_join!(stdout, stderr)?;
        let exit = match child.stopped().await {
            Ok(exit) => exit,
            Err(failure) => return Ok(Done::Badly(failure.to_string())),
        };
        let cwd = Some(self.launch.cwd.to_string_lossy().into_owned());
        let command = CommandRun { line, cwd, exit_code: exit.code, signal: exit.signal, duration_ms: None };
        let output = Some(ToolOutput::of_text(stdout + &stderr));
        let call = ToolCall { output, command: Some(command), ..ToolCall::default() };
        if exit.is_success() {
            return Ok(Done::Well(call));
        }
        self.tell(id, ItemStatus::InProgress, call).await?;
        Ok(Done::Badly(format!("the command {exit}")))
    }

    async fn pass_on(
        &self,
        id: &str,
        field: DeltaField,
        mut pieces: sixframe_supervisor::Subscription,
    ) -> Result<String, Unheard> {
        let mut all = String::new();
        let mut cut = Vec::new();
        while let Some(piece) = pieces.next().await {
            let Piece::Bytes { bytes, .. } = piece else { continue };
            cut.extend_from_slice(&bytes);
            let text = take_text(&mut cut);
            if all.len() <= ToolOutput::LONGEST {
                all.push_str(&text);
                self.voice.tell(Fact::Grew { id: id.to_owned(), field, text }).await?;
            }
        }
        Ok(all + &String::from_utf8_lossy(&cut))
    }
}

/// The text of bytes, without a character at their end that has not come in full.
fn take_text(bytes: &mut Vec<u8>) -> String {
    let whole = match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        Ok(_) | Err(_) => bytes.len(),
    };
    let rest = bytes.split_off(whole);
    String::from_utf8_lossy(&std::mem::replace(bytes, rest)).into_owned()
}

/// What is wanted as a tool call.
fn described(wanted: &Wanted) -> ToolCall {
    let call = |name: &str, tool_kind, title: String, path: Option<&String>, input: Value| ToolCall {
        name: Some(name.to_owned()),
        title: Some(title),
        tool_kind: Some(tool_kind),
        input: Some(input),
        locations: path.map(|path| vec![Location { path: path.clone(), line: None }]),
        ..ToolCall::default()
    };
    match wanted {
        Wanted::List { folder } => {
            call("list", ToolKind::Read, format!("list {folder}"), Some(folder), json!({"folder": folder}))
        }
        Wanted::Read { file } => {
            call("read", ToolKind::Read, format!("read {file}"), Some(file), json!({"file": file}))
        }
        Wanted::Search { text, folder } => {
            let input = json!({"text": text, "folder": folder});
            call("search", ToolKind::Search, format!("search {text} in {folder}"), Some(folder), input)
        }
        Wanted::Write { file, text } => {
            let input = json!({"file": file, "text": text});
            call("write", ToolKind::Edit, format!("write {file}"), Some(file), input)
        }
        Wanted::Replace { file, old, new } => {
            let input = json!({"file": file, "old": old, "new": new});
            call("replace", ToolKind::Edit, format!("replace in {file}"), Some(file), input)
        }
        Wanted::Ask { question, options } => {
            let input = json!({"question": question, "options": options});
            call("ask", ToolKind::Other, format!("ask {question}"), None, input)
        }
        Wanted::Run { line } => {
            let command = Some(CommandRun { line: line.clone(), ..CommandRun::default() });
            let run = call("run", ToolKind::Execute, format!("run {line}"), None, json!({"command": line}));
            ToolCall { command, ..run }
        }
    }
}

fn answered(text: String) -> ToolCall {
    ToolCall { output: Some(ToolOutput::of_text(text)), ..ToolCall::default() }
}

fn replaced(text: &str, old: &str, new: &str) -> io::Result<String> {
    match text.matches(old).count() {
        1 => Ok(text.replacen(old, new, 1)),
        0 => Err(io::Error::other(format!("the file does not hold {old:?}"))),
        times => Err(io::Error::other(format!("the file holds {old:?} {times} times; say more of it"))),
    }
}

/// Writes a file, whose text is made from the one that it has.
fn write(real: &Path, file: &str, change: impl FnOnce(&str) -> io::Result<String>) -> io::Result<ToolCall> {
    let (old, kind) = match files::read(real) {
        Ok(text) => (text, ChangeKind::Modify),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (String::new(), ChangeKind::Add),
        Err(error) => return Err(error),
    };
    let new = change(&old)?;
    files::write(real, &new)?;
    let change = FileChange::with_diff(real.to_string_lossy(), kind, diff::unified(&old, &new));
    let text = format!("{file}: {} lines added, {} taken away", change.additions, change.deletions);
    Ok(ToolCall { changes: Some(vec![change]), ..answered(text) })
}
