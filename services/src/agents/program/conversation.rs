//! What is said between a program and its session, until nothing of the program is left.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use sixframe_supervisor::{Child, ChildStdin, Exit, Failure, ProcessId, Stream};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::super::agent::{Command, Fact, Launch, Rest, Step, Told, Translator};
use super::super::event::ProcessEvent;
use super::super::item::{Item, ItemKind, ItemStatus};
use super::super::problem::{Problem, ProblemKind};
use super::super::secrets::Secrets;
use super::super::stderr;
use super::super::trust::FolderSettings;
use super::lines::{LineReader, Read};
use super::{ProgramAgent, not_run};

/// Silence after which the output of a program that has ended is over, though a process out of reach keeps it open.
const DRAIN: Duration = Duration::from_millis(200);

/// The pause between two glances at what a program has begun, and how many see nothing before that is believed: one may miss what
/// starts its successor and ends.
const GLANCE: Duration = Duration::from_millis(20);
const VAIN: usize = 3;

/// A program that runs, and the session that it is told of.
pub(super) struct Conversation<'a> {
    child: Child,
    translator: Box<dyn Translator>,
    told: &'a mpsc::Sender<Told>,
    secrets: &'a Secrets,
    lines: mpsc::UnboundedSender<Vec<u8>>,
    /// Where its standard error was when the last turn began, or ended.
    since: u64,
    /// What ran when its turn began, or when the last of its tools had ended in that: what outlives those works on by itself. The
    /// program is the first of them.
    before: Vec<ProcessId>,
    /// What ran when its turn began.
    earlier: Vec<ProcessId>,
    /// The tools that are under way, and whether they are a subagent's.
    tools: BTreeMap<String, bool>,
    going: Going,
}

/// How far its end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Going {
    On,
    /// It was asked to end.
    Stopping,
    /// It is being killed.
    Killed,
}

/// The session does not listen any more.
struct Unheard;

impl<'a> Conversation<'a> {
    pub(super) fn new(agent: &'a ProgramAgent, child: Child, told: &'a mpsc::Sender<Told>) -> Conversation<'a> {
        let (lines, written) = mpsc::unbounded_channel();
        tokio::spawn(write(child.stdin(), written));
        let translator = (agent.dialect.translator)();
        Conversation {
            child,
            translator,
            told,
            secrets: &agent.secrets,
            lines,
            since: 0,
            before: Vec::new(),
            earlier: Vec::new(),
            tools: BTreeMap::new(),
            going: Going::On,
        }
    }

    /// Runs until nothing of the program is left. Gives why it ended, where nobody wanted that.
    pub(super) async fn run(mut self, launch: &Launch, heard: mpsc::UnboundedReceiver<Command>) -> Option<Problem> {
        let process = match self.child.started().await {
            Ok(process) => process,
            Err(failure) => return Some(not_run(&failure, launch)),
        };
        self.before = vec![process];
        let spawned = ProcessEvent::Spawned { pid: process.pid };
        let opening = self.translator.open(launch);
        let talk = async {
            self.tell(Fact::Process(spawned).into()).await?;
            self.take(opening).await?;
            self.talk(launch, heard).await
        };
        let exit = match talk.await {
            Ok(exit) => exit,
            Err(Unheard) => {
                // Nobody listens to what is told of that either.
                let _ = self.leave(launch).await;
                self.child.stopped().await
            }
        };
        self.end(exit).await
    }

    /// Speaks and listens until the program has ended.
    async fn talk(
        &mut self,
        launch: &Launch,
        mut heard: mpsc::UnboundedReceiver<Command>,
    ) -> Result<Result<Exit, Failure>, Unheard> {
        let Some(pipe) = self.child.take_pipe(Stream::Stdout) else { return Ok(self.child.stop().await) };
        let mut reader = Some(LineReader::new(pipe));
        let (mut exit, mut has_session) = (None, true);
        loop {
            let read = async {
                match &mut reader {
                    Some(reader) => reader.next().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                command = heard.recv(), if has_session && self.going != Going::Killed => match command {
                    Some(Command::Kill) => self.kill().await?,
                    Some(Command::Hold(longest)) if exit.is_none() && self.going == Going::On => {
                        self.hold(longest, &mut heard).await?;
                    }
                    Some(Command::Hold(_)) => self.kill().await?,
                    Some(Command::Stop) => self.stop().await?,
                    None => {
                        has_session = false;
                        self.leave(launch).await?;
                    }
                    Some(command) if self.going == Going::Stopping => self.give_back(command).await?,
                    Some(command @ (Command::Prompt(_) | Command::Steer(_))) if exit.is_some() || reader.is_none() => {
                        self.give_back(command).await?;
                    }
                    Some(command) => {
                        if matches!(command, Command::Prompt(_)) {
                            self.since = self.child.output(Stream::Stderr).end();
                            self.begin();
                        }
                        let steps = self.translator.command(command);
                        self.take(steps).await?;
                    }
                },
                read = read => match read {
                    Ok(Some(read)) => self.hear(read).await?,
                    Ok(None) | Err(_) => {
                        reader = None;
                        if exit.is_none() {
                            self.tell(Fact::Muted.into()).await?;
                        }
                    }
                },
                ended = self.child.exited(), if exit.is_none() => {
                    exit = Some(ended);
                    if reader.is_some() {
                        // What it has left behind may hold its output open.
                        self.tell(Fact::Muted.into()).await?;
                    }
                }
                () = tokio::time::sleep(DRAIN), if exit.is_some() => reader = None,
            }
            if let (Some(_), None) = (&exit, &reader) {
                return self.settle(heard).await;
            }
        }
    }

    /// What it has left behind is being ended; that it is gone is said when nothing is left. Who stops it waits no longer for
    /// that than for a program that runs, and has not ended it.
    async fn settle(&self, mut heard: mpsc::UnboundedReceiver<Command>) -> Result<Result<Exit, Failure>, Unheard> {
        let exit = loop {
            tokio::select! {
                biased;
                ended = self.child.stopped() => break ended,
                command = heard.recv() => match command {
                    Some(Command::Kill | Command::Hold(_)) => break self.child.kill().await,
                    Some(Command::Stop) | None => break self.child.stop().await,
                    Some(command) => self.give_back(command).await?,
                },
            }
        };
        // What comes behind that is refused, and kept by who says it.
        heard.close();
        while let Ok(command) = heard.try_recv() {
            self.give_back(command).await?;
        }
        Ok(exit)
    }

    /// Nobody answers any more: what the session asks for is for the next program.
    async fn give_back(&self, command: Command) -> Result<(), Unheard> {
        match command {
            Command::Prompt(prompt) => self.tell(Fact::Untaken(prompt).into()).await,
            Command::Steer(prompt) => self.tell(Fact::Unsteered(prompt).into()).await,
            Command::Interrupt
            | Command::Decide { .. }
            | Command::Answer { .. }
            | Command::SetMode(_)
            | Command::SetModel(_)
            | Command::Hold(_)
            | Command::Stop
            | Command::Kill => Ok(()),
        }
    }

    /// Closes its input first, which most take for the wish to end. The rest of the ladder is the supervisor's.
    async fn stop(&mut self) -> Result<(), Unheard> {
        if self.going == Going::Stopping {
            return Ok(());
        }
        self.going = Going::Stopping;
        // The wish is passed on at the first poll, and what it says until it ends is still heard.
        let _ = timeout(Duration::ZERO, self.child.stop()).await;
        self.tell(Fact::Process(ProcessEvent::Stopping).into()).await
    }

    /// The session is not there any more, and does not look at the settings any more that the program has loaded.
    async fn leave(&mut self, launch: &Launch) -> Result<(), Unheard> {
        match launch.settings {
            FolderSettings::Trusted => self.kill().await,
            FolderSettings::Absent | FolderSettings::Unread | FolderSettings::Withheld => self.stop().await,
        }
    }

    /// Whether no tool is under way any more, with what is new of one of the agent's own: a subagent's goes on beside others. That one
    /// begins tells nothing of what runs by then: it is heard later than it is said, and it may run by that time.
    fn ends_tools(&mut self, id: &str, item: &Item) -> bool {
        if item.kind != ItemKind::ToolCall {
            return false;
        }
        if item.status.is_some_and(ItemStatus::is_final) {
            return self.tools.remove(id) == Some(false) && self.tools.is_empty();
        }
        self.tools.entry(id.to_owned()).or_insert(item.parent.is_some());
        false
    }

    /// What is begun from now on is of the turn that begins now, or next, and so is what a subagent does in the background.
    fn begin(&mut self) {
        self.tools.retain(|_, is_subagents| *is_subagents);
        if self.tools.is_empty() {
            self.mark();
            self.earlier.clone_from(&self.before);
        }
    }

    /// What is begun from now on is of the next tool.
    fn mark(&mut self) {
        let program = self.before.first().copied();
        self.before = program.into_iter().chain(self.child.processes()).collect();
    }

    /// It does nothing more itself, nor does what ran before its turn, among which another process may be the one that loads
    /// settings. What was begun in the turn is not torn apart, but may end by itself.
    async fn hold(&mut self, longest: Duration, heard: &mut mpsc::UnboundedReceiver<Command>) -> Result<(), Unheard> {
        let rest = match self.child.hold(&self.before).await {
            true => {
                self.going = Going::Stopping;
                self.tell(Fact::Process(ProcessEvent::Stopping).into()).await?;
                timeout(longest, self.rest(heard)).await.unwrap_or(Rest::Killed)
            }
            false => Rest::Nothing,
        };
        let left = self.child.processes();
        let has_more = |than: &[ProcessId]| left.iter().any(|process| !than.contains(process));
        let rest = match rest {
            Rest::Ended if has_more(&self.before) => Rest::Killed,
            Rest::Ended if has_more(&self.earlier) => Rest::EndedInPart,
            Rest::Nothing if has_more(&self.earlier) => Rest::Killed,
            rest => rest,
        };
        self.kill().await?;
        self.tell(Fact::Left(rest).into()).await
    }

    /// Waits until nothing is left of what was begun in the turn, or nobody wants to wait, or somebody makes the program go on.
    async fn rest(&self, heard: &mut mpsc::UnboundedReceiver<Command>) -> Rest {
        let (mut ended, mut vain) = (Rest::Nothing, 0);
        loop {
            let is_left = self.is_left();
            if !self.is_there() {
                // Somebody has ended it, and with it what was left.
                return if is_left || ended == Rest::Ended { Rest::Killed } else { Rest::Nothing };
            }
            match is_left {
                true => (ended, vain) = (Rest::Ended, 0),
                false => vain += 1,
            }
            if vain == VAIN {
                return ended;
            }
            tokio::select! {
                biased;
                command = heard.recv() => match command {
                    Some(Command::Kill | Command::Stop) | None => return if self.is_left() { Rest::Killed } else { ended },
                    Some(command) => if self.give_back(command).await.is_err() { return Rest::Killed },
                },
                () = tokio::time::sleep(GLANCE) => (),
            }
            if !self.child.hold(&self.before).await {
                return if self.is_left() { Rest::Killed } else { ended };
            }
        }
    }

    /// Whether something is left of what was begun in the turn.
    fn is_left(&self) -> bool {
        self.child.processes().iter().any(|process| !self.before.contains(process))
    }

    /// Whether the program itself is there.
    fn is_there(&self) -> bool {
        self.before.first().is_none_or(|program| self.child.processes().contains(program))
    }

    /// Leaves it no time for anything.
    async fn kill(&mut self) -> Result<(), Unheard> {
        let before = std::mem::replace(&mut self.going, Going::Killed);
        let _ = timeout(Duration::ZERO, self.child.kill()).await;
        match before {
            Going::On => self.tell(Fact::Process(ProcessEvent::Stopping).into()).await,
            Going::Stopping | Going::Killed => Ok(()),
        }
    }

    async fn hear(&mut self, read: Read) -> Result<(), Unheard> {
        match read {
            Read::Line(line) if line.is_empty() => Ok(()),
            Read::Line(line) => {
                let steps = self.translator.hear(&line);
                self.take(steps).await
            }
            Read::TooLong { bytes } => {
                let text = format!("the agent said a line of {bytes} bytes, which is too long and was passed over");
                self.tell(Fact::Problem(Problem::new(ProblemKind::Protocol, text)).into()).await
            }
        }
    }

    async fn take(&mut self, steps: Vec<Step>) -> Result<(), Unheard> {
        for step in steps {
            match step {
                Step::Say(value) => self.say(&value),
                Step::Tell(told) => {
                    if matches!(told.fact, Fact::Ended(_)) {
                        self.since = self.child.output(Stream::Stderr).end();
                    }
                    match &told.fact {
                        // What comes behind that may be a turn that it begins by itself.
                        Fact::Ended(_) | Fact::Ready(_) => self.begin(),
                        Fact::Item { id, item } if self.ends_tools(id, item) => self.mark(),
                        _ => (),
                    }
                    self.tell(told).await?;
                }
            }
        }
        Ok(())
    }

    fn say(&self, value: &Value) {
        let mut line = value.to_string().into_bytes();
        line.push(b'\n');
        // Where nobody writes any more the program has ended, and that is told by itself.
        let _ = self.lines.send(line);
    }

    async fn tell(&self, told: Told) -> Result<(), Unheard> {
        self.told.send(told).await.map_err(|_| Unheard)
    }

    async fn end(self, exit: Result<Exit, Failure>) -> Option<Problem> {
        let stderr_tail = stderr::tail(&self.child.output(Stream::Stderr), self.since, self.secrets);
        let (exit_code, signal) = exit.as_ref().map_or((None, None), |exit| (exit.code, exit.signal));
        let last = stderr::last(&stderr_tail).map(str::to_owned);
        let exited = ProcessEvent::Exited { exit_code, signal, stderr_tail };
        // Nobody has to know any more where nobody listens.
        let _ = self.tell(Fact::Process(exited).into()).await;
        match self.going {
            Going::On => (),
            Going::Stopping => {
                if exit.as_ref().is_ok_and(|exit| exit.signal == Some(9)) {
                    tracing::warn!(agent = self.child.name(), "it did not end when it was asked to, and was killed");
                }
                return None;
            }
            Going::Killed => return None,
        }
        let how = exit.map_or_else(|failure| failure.to_string(), |exit| format!("its program {exit}"));
        let text = last.map_or_else(|| how.clone(), |last| format!("{how}: {last}"));
        Some(Problem::new(ProblemKind::Crashed, text))
    }
}

/// Writes beside the one who reads, so that neither waits for the other.
async fn write(mut stdin: ChildStdin, mut lines: mpsc::UnboundedReceiver<Vec<u8>>) {
    while let Some(line) = lines.recv().await {
        if stdin.write_all(&line).await.is_err() {
            return;
        }
    }
}
