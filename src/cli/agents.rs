//! A daemon that has agents, for subcommands that ask one: the one that runs, or one of this process.

use anyhow::Error;
use sixframe_core::{CallOptions, RpcEndpoint, Timeout};
use sixframe_services::agents::{
    ANSWER, AnswerParams, Envelope, Event, Outcome, Problem, ProblemKind, REJECT, RejectParams, TurnEnded,
};

use super::args::{ConfigArgs, DaemonArgs, PeerArgs};
use super::config::loaded;
use super::failure::Failure;
use super::open::nearest;
use super::peer::Peer;
use crate::server;

/// What an agent is told that asks leave.
pub(super) const NOBODY: &str = "nobody is here to be asked";

/// Does the work with the daemon that is named, or that runs, or, where none does, with one that ends with the work.
pub(super) async fn with_agents(
    args: &DaemonArgs,
    work: impl AsyncFnOnce(RpcEndpoint) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut settings = loaded(&ConfigArgs::default(), None)?;
    let address = match &args.addr {
        Some(address) => address.clone(),
        None => nearest(&settings.config)?,
    };
    match Peer::connect(&PeerArgs { address, reach: args.reach.clone() }).await {
        Ok(peer) => {
            let worked = work(patient(&peer.endpoint)).await;
            peer.close().await;
            worked
        }
        Err(error) if args.addr.is_some() => Err(error),
        // Only that none runs is no error; a token that is refused is one.
        Err(error) if matches!(error.downcast_ref(), Some(Failure::Connection(_))) => {
            if settings.is_given("log") {
                server::init_log(settings.config.log.targets());
            }
            // Of these many may run at once, as `sixframe stdio`, and a folder is for one.
            settings.config.hub.persist &= settings.is_given("hub.dir");
            settings.config.agent.resume &= settings.is_given("agent.dir");
            settings.config.sidecar.iter_mut().for_each(|entry| entry.config.auto_start = false);
            server::within(&settings.config, async |endpoint| work(patient(&endpoint)).await).await?
        }
        Err(error) => Err(error),
    }
}

/// Calls have limits of their own here.
fn patient(endpoint: &RpcEndpoint) -> RpcEndpoint {
    endpoint.with(CallOptions { timeout: Timeout::Never, ..CallOptions::default() })
}

/// Denies what an agent asks leave for, and declines what else it asks a person.
pub(super) async fn decline(endpoint: &RpcEndpoint, event: &Event) {
    // What is answered by now, by a rule or by another window, is not asked any more.
    match event {
        Event::PermissionRequested(request) => {
            let (permission_id, reason) = (request.permission_id.clone(), Some(NOBODY.to_owned()));
            let _ = endpoint.request(&REJECT, RejectParams { permission_id, reason }).await;
        }
        Event::QuestionRequested(request) => {
            let params = AnswerParams { question_id: request.question_id.clone(), answers: Default::default() };
            let _ = endpoint.request(&ANSWER, params).await;
        }
        _ => (),
    }
}

/// How a turn ended, as this program ends.
pub(super) fn judged(ended: TurnEnded) -> Result<(), Failure> {
    let of = |text: &str| Failure::Agent { text: text.to_owned(), is_late: false };
    match (ended.outcome, ended.error) {
        (Outcome::Completed, _) => Ok(()),
        (Outcome::Failed, Some(problem)) => Err(failed(problem)),
        (Outcome::Failed, None) => Err(of("the agent failed, and does not say why")),
        (Outcome::Interrupted, _) => Err(of("the turn was interrupted")),
        (Outcome::Refused, _) => Err(of("the model refused")),
        (Outcome::MaxTurns, _) => Err(of("the agent took more steps than it may")),
        (Outcome::MaxTokens, _) => Err(of("the answer reached its longest length")),
        (Outcome::Budget, _) => Err(of("it cost more than it may")),
    }
}

/// A problem with what to do about it.
pub(super) fn failed(problem: Problem) -> Failure {
    let Problem { kind, message, hint, .. } = problem;
    let text = hint.map_or_else(|| message.clone(), |hint| format!("{message}; {hint}"));
    Failure::Agent { text, is_late: kind == ProblemKind::Timeout }
}

/// What agents say, out of events: what of it is new.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// The messages of the agent itself, and how much of each was told, in bytes.
    messages: Vec<(String, usize)>,
}

impl Said {
    /// The text that an event brings.
    pub(super) fn take(&mut self, envelope: &Envelope) -> String {
        use sixframe_services::agents::{Content, DeltaField, ItemKind};
        let id = envelope.item_id.as_deref().unwrap_or_default();
        match &envelope.event {
            Event::ItemUpserted(item) if item.kind == ItemKind::AgentMessage && item.parent.is_none() => {
                let is_next = self.messages.last().is_some_and(|(_, told)| *told > 0);
                let at = self.place(id);
                let parts = item.content.iter().flatten().filter_map(|part| match part {
                    Content::Text { text } => Some(text.as_str()),
                    Content::Image { .. } | Content::ResourceLink { .. } | Content::Other { .. } => None,
                });
                let whole: String = parts.collect();
                let told = self.messages[at].1;
                // What is told in the end and differs from what came in pieces cannot be taken back.
                let rest = whole.get(told..).unwrap_or_default().to_owned();
                self.messages[at].1 = told.max(whole.len());
                if told == 0 && is_next && !rest.is_empty() { format!("\n\n{rest}") } else { rest }
            }
            Event::ItemDelta(delta) if delta.field == DeltaField::Text => {
                let Some(at) = self.messages.iter().position(|(known, _)| known == id) else { return String::new() };
                let is_next = at > 0 && self.messages[at].1 == 0;
                self.messages[at].1 += delta.delta.len();
                if is_next { format!("\n\n{}", delta.delta) } else { delta.delta.clone() }
            }
            _ => String::new(),
        }
    }

    fn place(&mut self, id: &str) -> usize {
        self.messages.iter().position(|(known, _)| known == id).unwrap_or_else(|| {
            self.messages.push((id.to_owned(), 0));
            self.messages.len() - 1
        })
    }
}
