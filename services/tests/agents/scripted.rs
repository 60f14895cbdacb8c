//! Agents that do what a test says.

use std::path::Path;
use std::sync::Arc;

use sixframe_services::agents::{
    Abilities, Agent, Command, Fact, Item, ItemKind, ItemStatus, Launch, Outcome, Problem, ProblemKind, Running,
    SessionUpdate, Told, TurnEnd,
};
use tokio::sync::mpsc;

/// What an agent does with a prompt.
pub(crate) enum Reply {
    Say(String),
    Fail(ProblemKind),
    /// Nothing, until it is interrupted.
    Hang,
    /// The turn ends, and it begins one by itself, until it is interrupted.
    Linger,
    /// Nothing, until it is interrupted; then this at once. What is gone by that begins anew.
    Burst(Vec<Fact>),
    /// This at once; the turn ends when something that was asked is answered.
    Tell(Vec<Fact>),
    /// The turn ends, it begins one by itself, and floods in that.
    Swarm,
    /// More than anybody can note, and nothing is heard meanwhile but the end.
    Flood,
}

type Script = Arc<dyn Fn(&str, &Path) -> Reply + Send + Sync>;

pub(crate) struct Scripted {
    provider: String,
    script: Script,
}

/// An agent that replies to a prompt in a folder by this.
pub(crate) fn scripted(
    provider: &str,
    script: impl Fn(&str, &Path) -> Reply + Send + Sync + 'static,
) -> Arc<dyn Agent> {
    Arc::new(Scripted { provider: provider.to_owned(), script: Arc::new(script) })
}

impl Agent for Scripted {
    fn provider(&self) -> &str {
        &self.provider
    }

    fn abilities(&self) -> Abilities {
        Abilities::default()
    }

    fn start(&self, launch: Launch) -> Running {
        let (commands, mut heard) = mpsc::unbounded_channel();
        let (told, facts) = mpsc::channel(64);
        let script = Arc::clone(&self.script);
        tokio::spawn(async move {
            let tell = async |fact: Fact| drop(told.send(fact.into()).await);
            tell(Fact::Ready(SessionUpdate::default())).await;
            let (mut is_deaf, mut burst) = (false, Vec::new());
            while let Some(command) = next(&mut heard, is_deaf.then_some(&told)).await {
                match command {
                    Command::Prompt(prompt) => match script(&prompt.text(), &launch.cwd) {
                        Reply::Say(text) => {
                            let item = Item::new(ItemKind::AgentMessage).status(ItemStatus::Completed).text(text);
                            tell(Fact::Item { id: format!("item_{}", prompt.id), item }).await;
                            tell(Fact::Ended(TurnEnd::new(Outcome::Completed))).await;
                        }
                        Reply::Fail(kind) => {
                            tell(Fact::Ended(TurnEnd::failed(Problem::new(kind, "as the test says")))).await;
                        }
                        Reply::Hang => (),
                        Reply::Linger => {
                            tell(Fact::Ended(TurnEnd::new(Outcome::Completed))).await;
                            tell(Fact::Began { reason: None }).await;
                        }
                        Reply::Burst(facts) => burst = facts,
                        Reply::Tell(facts) => {
                            for fact in facts {
                                tell(fact).await;
                            }
                        }
                        Reply::Swarm => {
                            tell(Fact::Ended(TurnEnd::new(Outcome::Completed))).await;
                            tell(Fact::Began { reason: None }).await;
                            is_deaf = true;
                        }
                        Reply::Flood => is_deaf = true,
                    },
                    Command::Interrupt if is_deaf => (),
                    Command::Interrupt if !burst.is_empty() => {
                        let is_gone = matches!(burst.last(), Some(Fact::Gone { .. }));
                        for fact in burst.drain(..) {
                            tell(fact).await;
                        }
                        if is_gone {
                            return;
                        }
                    }
                    Command::Decide { .. } => tell(Fact::Ended(TurnEnd::new(Outcome::Completed))).await,
                    Command::Interrupt => tell(Fact::Ended(TurnEnd::new(Outcome::Interrupted))).await,
                    Command::Stop => break,
                    _ => (),
                }
            }
            tell(Fact::Gone { problem: None }).await;
        });
        Running { commands, facts }
    }
}

/// The next command; until it comes, there is no end of what is told, if somebody is to hear it.
async fn next(heard: &mut mpsc::UnboundedReceiver<Command>, told: Option<&mpsc::Sender<Told>>) -> Option<Command> {
    let Some(told) = told else { return heard.recv().await };
    let flood = async {
        loop {
            let item = Item::new(ItemKind::AgentMessage).status(ItemStatus::InProgress).text("and so on ".repeat(200));
            if told.send(Fact::Item { id: "flood".to_owned(), item }.into()).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        biased;
        command = heard.recv() => command,
        () = flood => None,
    }
}
