//! A child as its user holds it.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::sync::{mpsc, watch};

use crate::holder::Root;
use crate::output::{KeptOutput, Stream};
use crate::pipe::ChildPipe;
use crate::stdin::ChildStdin;
use crate::{Exit, Failure, ProcessId, Signal, Status, process};

/// What is wished of a child.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wish {
    Stop,
    Kill,
    Signal(Signal),
}

/// What child and keeper share.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) name: String,
    pub(crate) generation: u64,
    pub(crate) root: Root,
    /// Set before the status tells of it.
    pub(crate) program: OnceLock<ProcessId>,
    pub(crate) status: watch::Sender<Status>,
    pub(crate) exit: watch::Sender<Option<Result<Exit, Failure>>>,
    pub(crate) stdin: ChildStdin,
    pub(crate) kept: [Option<KeptOutput>; 2],
}

/// A child and everything that it starts. Dropping it stops the whole tree in the background, by its
/// [`StopLadder`](crate::StopLadder).
#[derive(Debug)]
pub struct Child {
    pub(crate) known: Arc<Known>,
    pub(crate) wishes: mpsc::UnboundedSender<Wish>,
    pub(crate) pipes: Mutex<[Option<ChildPipe>; 2]>,
}

impl Child {
    /// What it is called.
    pub fn name(&self) -> &str {
        &self.known.name
    }

    /// A number that no other child of this supervisor has, and a later one has a greater one.
    pub fn generation(&self) -> u64 {
        self.known.generation
    }

    /// The process that guards it; none on Windows.
    pub fn guardian(&self) -> Option<ProcessId> {
        self.known.root.guardian()
    }

    /// The processes of its tree that live at this moment, its program among them and its guardian not.
    pub fn processes(&self) -> Vec<ProcessId> {
        match self.known.status.borrow().is_final() {
            // Its guardian's number may be another's by now.
            true => Vec::new(),
            false => self.known.root.below(),
        }
    }

    /// How far it is.
    pub fn status(&self) -> Status {
        self.known.status.borrow().clone()
    }

    /// How far it is, and every change of it. Ends with the child's last status.
    pub fn watch(&self) -> watch::Receiver<Status> {
        self.known.status.subscribe()
    }

    /// What writes to its input. Closed from the start where the child has [`Input::Null`](crate::Input::Null).
    pub fn stdin(&self) -> ChildStdin {
        self.known.stdin.clone()
    }

    /// What it writes, where that is kept; empty and ended where it is not.
    pub fn output(&self, stream: Stream) -> KeptOutput {
        self.known.kept[stream as usize].clone().unwrap_or_else(|| {
            let none = KeptOutput::new(1);
            none.finish();
            none
        })
    }

    /// The pipe that it writes to, with [`Output::Piped`](crate::Output::Piped); once.
    pub fn take_pipe(&self, stream: Stream) -> Option<ChildPipe> {
        self.pipes.lock().unwrap_or_else(PoisonError::into_inner)[stream as usize].take()
    }

    /// Waits until its program runs, or has run: its process. Errors: it never did, and why.
    pub async fn started(&self) -> Result<ProcessId, Failure> {
        let mut status = self.watch();
        let has_run = |status: &Status| self.known.program.get().is_some() || status.is_final();
        let reached = status.wait_for(has_run).await.map(|status| status.clone());
        // One that has ended by now has run all the same.
        match (self.known.program.get(), reached) {
            (Some(program), _) => Ok(*program),
            (None, Ok(Status::Failed(failure))) => Err(failure),
            (None, Ok(_) | Err(_)) => Err(self.never_ran()),
        }
    }

    /// Waits until its program ends, and tells how, though others of its tree may live on or hold its output open. Errors:
    /// nobody knows.
    pub async fn exited(&self) -> Result<Exit, Failure> {
        let mut exit = self.known.exit.subscribe();
        let told = exit.wait_for(Option::is_some).await.map(|exit| exit.clone());
        told.ok().flatten().unwrap_or_else(|| Err(self.never_ran()))
    }

    /// Waits until nothing of its tree is left, and tells how its program ended.
    pub async fn stopped(&self) -> Result<Exit, Failure> {
        let mut status = self.watch();
        let last = status.wait_for(Status::is_final).await.map(|status| status.clone());
        match last {
            Ok(Status::Stopped(exit)) => Ok(exit),
            Ok(Status::Failed(failure)) => Err(failure),
            Ok(_) | Err(_) => Err(self.never_ran()),
        }
    }

    /// Stops it by its ladder and waits until nothing of its tree is left. Asking again changes nothing, and dropping the
    /// future does not take the wish back.
    pub async fn stop(&self) -> Result<Exit, Failure> {
        self.wish(Wish::Stop);
        self.stopped().await
    }

    /// Kills its whole tree at once and waits until nothing of it is left.
    pub async fn kill(&self) -> Result<Exit, Failure> {
        self.wish(Wish::Kill);
        self.stopped().await
    }

    /// Sends a signal to every process of its tree. Nothing follows from it here, and where its guardian does
    /// not listen, as one that stands still, those that it has no room for are lost. Without effect on Windows.
    pub fn signal(&self, signal: Signal) {
        self.wish(Wish::Signal(signal));
    }

    /// Stops those of its [`processes`](Child::processes) where they stand: they do nothing more until they are ended, which
    /// [`kill`](Child::kill) does as ever. Gives whether all stand still, or are gone; some do not where they are in a long call
    /// of the system, or belong to another user, and none does on Windows.
    pub async fn hold(&self, processes: &[ProcessId]) -> bool {
        process::hold(processes).await
    }

    fn wish(&self, wish: Wish) {
        // Nobody listens any more where nothing is left.
        let _ = self.wishes.send(wish);
    }

    fn never_ran(&self) -> Failure {
        let reason = "it was stopped before it ran".to_owned();
        Failure::NotStarted { program: self.known.name.clone(), reason, kind: std::io::ErrorKind::Interrupted }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.wish(Wish::Stop);
    }
}
