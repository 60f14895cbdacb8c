//! What others have of a session that lives.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use sixframe_core::Owner;
use tokio::sync::{mpsc, oneshot, watch};

use super::super::agent::{Agent, Answers, Prompt};
use super::super::api::Metadata;
use super::super::event::{Delivery, Mode};
use super::super::item::{Content, FileChange};
use super::super::joints::Joints;
use super::super::log::{Follow, Log, Reading};
use super::super::permission::Decider;
use super::super::secrets::Secrets;
use super::super::session::{Choice, NotNow, Refused, Session, SessionView, Unanswered, Undecided};
use super::super::undo::NotUndone;
use super::arriving::Arrival;
use super::footing::Footing;
use super::{Live, Owners, Share, Surroundings, parted};

/// What is wished of a session.
pub(super) enum Wish {
    Prompt(Arrival),
    Decide(String, Choice, Decider, oneshot::Sender<Result<(), Undecided>>),
    Answer(String, Answers, Decider, oneshot::Sender<Result<(), Unanswered>>),
    CancelPrompt(String, oneshot::Sender<bool>),
    EditPrompt(String, Vec<Content>, Option<u64>, oneshot::Sender<Result<bool, Refused>>),
    Interrupt { keeps_queue: bool, told: oneshot::Sender<bool> },
    Abandon(String),
    SetMode(Mode, oneshot::Sender<()>),
    SetModel(String, oneshot::Sender<()>),
    Succeed(Arc<dyn Agent>, Option<String>, oneshot::Sender<Result<(), NotNow>>),
    Undo { turn: String, is_forced: bool, told: oneshot::Sender<Result<Vec<FileChange>, NotUndone>> },
    Wake(oneshot::Sender<()>),
    Metadata(oneshot::Sender<(Metadata, Arc<Secrets>)>),
    Show,
    Close,
    Halt,
}

/// A session, for whoever wishes something of it. Cheap to clone. Dropping the last one halts it.
#[derive(Clone, Debug)]
pub(in super::super) struct Handle {
    wishes: mpsc::UnboundedSender<Wish>,
    log: Reading,
    view: watch::Receiver<SessionView>,
    epoch: String,
}

/// The session's task has ended, because it was closed or its log cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session has ended; agent.resume opens it again")]
pub(in super::super) struct Over;

impl Handle {
    /// Brings a session to life, with what it says first in the log.
    ///
    /// # Errors
    /// That cannot be written, and nothing comes of the session.
    pub(in super::super) fn spawn(
        mut session: Session,
        mut log: Log,
        surroundings: Surroundings,
    ) -> io::Result<Handle> {
        let (events, deeds) = parted(session.outputs());
        let lines = log.append(&events, &surroundings.secrets)?;
        let epoch = session.epoch().to_owned();
        let (wishes, wished) = mpsc::unbounded_channel();
        let (written, following) = watch::channel(log.written());
        let (view, viewing) = watch::channel(session.view());
        let (path, share) = (log.path().to_owned(), Share::of(surroundings.room.clone()));
        let mut live = Live {
            session,
            log: Some(log),
            surroundings,
            written,
            view,
            running: None,
            begun_for: Footing::default(),
            guard: None,
            held: None,
            asking: None,
            late: None,
            arrivals: VecDeque::new(),
            owners: Owners::default(),
            share,
            said_no_undo: false,
            watching: None,
            said_unwatched: false,
            is_done: false,
            is_lost: false,
            joints: Joints::default(),
            replies: Vec::new(),
        };
        live.wrote(&events, &lines);
        tokio::spawn(live.run(deeds, wished));
        Ok(Handle { wishes, log: Reading::new(path, following), view: viewing, epoch })
    }

    pub(in super::super) fn view(&self) -> SessionView {
        self.view.borrow().clone()
    }

    pub(in super::super) fn epoch(&self) -> &str {
        &self.epoch
    }

    pub(in super::super) fn reading(&self) -> Reading {
        self.log.clone()
    }

    pub(in super::super) fn follow(&self, after: u64) -> Follow {
        self.log.follow(after)
    }

    /// Shows it, though nothing has happened.
    pub(in super::super) fn show(&self) {
        self.wish(Wish::Show);
    }

    /// Gives the number of the last event before the prompt's own. What the agent begins by itself behind it is the owner's too.
    pub(in super::super) async fn prompt(
        &self,
        prompt: Prompt,
        delivery: Delivery,
        timeout: Duration,
        owner: Option<Owner>,
    ) -> Result<Result<u64, Refused>, Over> {
        let id = prompt.id.clone();
        let (make, made) = oneshot::channel();
        // The other end is here.
        let _ = make.send(prompt);
        self.give(id, made, delivery, timeout, owner).await
    }

    /// Likewise, of a prompt that may still be made. It has its place before anything that is wished behind this call; nothing comes
    /// of it where its sender is dropped.
    pub(in super::super) fn give(
        &self,
        id: String,
        made: oneshot::Receiver<Prompt>,
        delivery: Delivery,
        timeout: Duration,
        owner: Option<Owner>,
    ) -> impl Future<Output = Result<Result<u64, Refused>, Over>> + Send + use<> {
        let (told, answer) = oneshot::channel();
        let arrival = Arrival { id, made, delivery, timeout, owner, told, is_unwanted: false };
        let wished = self.wishes.send(Wish::Prompt(arrival)).map_err(|_| Over);
        async move {
            wished?;
            answer.await.map_err(|_| Over)
        }
    }

    pub(in super::super) async fn decide(
        &self,
        id: String,
        choice: Choice,
        by: Decider,
    ) -> Result<Result<(), Undecided>, Over> {
        self.ask(|told| Wish::Decide(id, choice, by, told)).await
    }

    pub(in super::super) async fn answer(
        &self,
        id: String,
        answers: Answers,
        by: Decider,
    ) -> Result<Result<(), Unanswered>, Over> {
        self.ask(|told| Wish::Answer(id, answers, by, told)).await
    }

    pub(in super::super) async fn edit_prompt(
        &self,
        id: String,
        content: Vec<Content>,
        seq: Option<u64>,
    ) -> Result<Result<bool, Refused>, Over> {
        self.ask(|told| Wish::EditPrompt(id, content, seq, told)).await
    }

    pub(in super::super) async fn cancel_prompt(&self, id: String) -> Result<bool, Over> {
        self.ask(|told| Wish::CancelPrompt(id, told)).await
    }

    pub(in super::super) async fn interrupt(&self, keeps_queue: bool) -> Result<bool, Over> {
        self.ask(|told| Wish::Interrupt { keeps_queue, told }).await
    }

    pub(in super::super) fn abandon(&self, prompt_id: String) {
        self.wish(Wish::Abandon(prompt_id));
    }

    pub(in super::super) async fn set_mode(&self, mode: Mode) -> Result<(), Over> {
        self.ask(|told| Wish::SetMode(mode, told)).await
    }

    pub(in super::super) async fn set_model(&self, model: String) -> Result<(), Over> {
        self.ask(|told| Wish::SetModel(model, told)).await
    }

    /// Lets another agent answer from now on.
    pub(in super::super) async fn succeed(
        &self,
        agent: Arc<dyn Agent>,
        model: Option<String>,
    ) -> Result<Result<(), NotNow>, Over> {
        self.ask(|told| Wish::Succeed(agent, model, told)).await
    }

    /// Takes back what a turn did to the folder.
    pub(in super::super) async fn undo(
        &self,
        turn: String,
        is_forced: bool,
    ) -> Result<Result<Vec<FileChange>, NotUndone>, Over> {
        self.ask(|told| Wish::Undo { turn, is_forced, told }).await
    }

    /// Starts the agent, unless it is there. A session that is being closed is over for who comes behind that.
    pub(in super::super) async fn wake(&self) -> Result<(), Over> {
        self.ask(Wish::Wake).await
    }

    /// What is known of it, and what of that is not shown.
    pub(in super::super) async fn metadata(&self) -> Result<(Metadata, Arc<Secrets>), Over> {
        self.ask(Wish::Metadata).await
    }

    /// Whether both are of the same session, opened once.
    pub(in super::super) fn is(&self, other: &Handle) -> bool {
        self.wishes.same_channel(&other.wishes)
    }

    /// Whether nobody hears what is wished any more.
    pub(in super::super) fn is_over(&self) -> bool {
        self.wishes.is_closed()
    }

    /// Completes when it has ended. Does not keep it.
    pub(in super::super) fn over(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut view = self.view.clone();
        async move { while view.changed().await.is_ok() {} }
    }

    /// Closes it and waits until its agent is gone.
    pub(in super::super) async fn close(&self) {
        self.wish(Wish::Close);
        self.wishes.closed().await;
    }

    /// Ends what goes on and waits until its agent is gone. The session can be gone on with by another daemon.
    pub(in super::super) async fn halt(&self) {
        self.wish(Wish::Halt);
        self.wishes.closed().await;
    }

    async fn ask<T>(&self, wish: impl FnOnce(oneshot::Sender<T>) -> Wish) -> Result<T, Over> {
        let (told, answer) = oneshot::channel();
        self.wishes.send(wish(told)).map_err(|_| Over)?;
        answer.await.map_err(|_| Over)
    }

    fn wish(&self, wish: Wish) {
        // What has ended has nothing left to be changed.
        let _ = self.wishes.send(wish);
    }
}
