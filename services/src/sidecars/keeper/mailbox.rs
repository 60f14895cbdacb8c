//! What is wished of a sidecar, and who waits for it. Knows nothing of runs.

use tokio::sync::{mpsc, oneshot};

use crate::sidecars::api::{SidecarState, SidecarStatus};
use crate::sidecars::board::Board;

/// Wishes that wait for a keeper; it looks at them at any time, and forgets none.
const WAITING: usize = 64;

/// Who asked, to be told the state.
pub(crate) type Reply = oneshot::Sender<SidecarState>;

/// A wish.
#[derive(Debug)]
pub(crate) enum Command {
    /// To be answered when it is starting, or runs.
    Start(Reply),
    /// To be answered when it is at rest.
    Stop(Reply),
    /// To be answered when it is starting again.
    Restart(Reply),
}

/// The wishes of one sidecar.
pub(crate) struct Mailbox {
    commands: mpsc::Receiver<Command>,
    /// Whether it is to run.
    wanted: bool,
    starters: Vec<Reply>,
    stoppers: Vec<Reply>,
}

impl Mailbox {
    /// Where wishes are sent, and where they arrive.
    pub(crate) fn new() -> (mpsc::Sender<Command>, Mailbox) {
        let (sender, commands) = mpsc::channel(WAITING);
        (sender, Mailbox { commands, wanted: false, starters: Vec::new(), stoppers: Vec::new() })
    }

    /// At rest: waits until it is to run; false when nobody can wish that any more.
    pub(super) async fn summoned(&mut self, board: &Board, name: &str) -> bool {
        while !self.wanted {
            match self.commands.recv().await {
                Some(Command::Start(reply) | Command::Restart(reply)) => self.start(reply),
                Some(Command::Stop(reply)) => {
                    is_not_started(board, name);
                    tell(reply, board, name);
                }
                None => return false,
            }
        }
        true
    }

    /// While it runs: waits until the run is to end. May be dropped and called again at any time.
    pub(super) async fn turned(&mut self, board: &Board, name: &str) {
        loop {
            match self.commands.recv().await {
                Some(Command::Start(reply)) => tell(reply, board, name),
                Some(Command::Restart(reply)) => return self.start(reply),
                Some(Command::Stop(reply)) => return self.stop(reply),
                None => {
                    self.wanted = false;
                    return;
                }
            }
        }
    }

    /// While what a run has left behind is being ended: takes wishes for what comes behind it, until somebody wishes that it is
    /// at rest. May be dropped and called again at any time.
    pub(super) async fn hurried(&mut self) {
        loop {
            match self.commands.recv().await {
                Some(Command::Start(reply)) => self.start(reply),
                Some(Command::Restart(reply)) => return self.start(reply),
                Some(Command::Stop(reply)) => return self.stop(reply),
                None => {
                    self.wanted = false;
                    return;
                }
            }
        }
    }

    /// While a run ends anyway: takes wishes for what comes behind it, for ever. May be dropped at any time.
    pub(super) async fn collect(&mut self) -> std::convert::Infallible {
        loop {
            match self.commands.recv().await {
                Some(Command::Start(reply) | Command::Restart(reply)) => self.start(reply),
                Some(Command::Stop(reply)) => self.stop(reply),
                None => {
                    self.wanted = false;
                    std::future::pending::<()>().await;
                }
            }
        }
    }

    /// Whether somebody has wished anything that is not answered yet.
    pub(super) fn is_asked(&self) -> bool {
        !self.wanted || !self.starters.is_empty() || !self.stoppers.is_empty()
    }

    /// Whether it is to run, as the last wish has it.
    pub(super) fn goes_on(&self) -> bool {
        self.wanted
    }

    pub(super) fn has_stoppers(&self) -> bool {
        !self.stoppers.is_empty()
    }

    pub(super) fn answer_starters(&mut self, state: &SidecarState) {
        answer(&mut self.starters, state);
    }

    pub(super) fn answer_stoppers(&mut self, state: &SidecarState) {
        answer(&mut self.stoppers, state);
    }

    /// It is at rest, and everybody who waits is told.
    pub(super) fn rest(&mut self, state: &SidecarState) {
        self.wanted = false;
        answer(&mut self.starters, state);
        answer(&mut self.stoppers, state);
    }

    fn start(&mut self, reply: Reply) {
        self.wanted = true;
        self.starters.push(reply);
    }

    fn stop(&mut self, reply: Reply) {
        self.wanted = false;
        self.stoppers.push(reply);
    }
}

/// Nobody is told who does not wait any more.
fn answer(waiting: &mut Vec<Reply>, state: &SidecarState) {
    waiting.drain(..).for_each(|reply| _ = reply.send(state.clone()));
}

/// It was said to be starting, as something that starts with the daemon, and was stopped before.
fn is_not_started(board: &Board, name: &str) {
    if board.entry(name).is_some_and(|entry| entry.state.status == SidecarStatus::Starting) {
        board.change(name, |entry| entry.state.status = SidecarStatus::Stopped);
    }
}

fn tell(reply: Reply, board: &Board, name: &str) {
    if let Some(entry) = board.entry(name) {
        let _ = reply.send(entry.state);
    }
}
