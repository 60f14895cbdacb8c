//! `run.*`, served. A run and its members' sessions are one stream, and whoever drops it does not want the run any more.

use futures_util::stream::{BoxStream, SelectAll};
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use serde::Deserialize;
use serde_json::json;
use sixframe_core::{Code, Context, Fault, Item, Payload, Router, Scope};
use tokio::sync::{mpsc, watch};

use super::super::api::{
    Done, RUN_APPLY, RUN_CANCEL, RUN_DIFF, RUN_DISCARD, RUN_LIST, RUN_START, RunApply, RunChanges, RunMemberRef,
    RunRef, RunStartParams, RunsListed,
};
use super::super::log::{Follow, Reading};
use super::super::runs::{Begun, Changed, NotRun};
use super::super::sessions::Agents;
use super::leash::Leash;
use super::{done, lost_log, unread};

/// The methods `run.*` over the runs.
pub(super) fn router(agents: &Agents) -> Router {
    let each = || agents.clone();
    let (starting, list, cancelling, diff, applying, discarding) = (each(), each(), each(), each(), each(), each());
    Router::new()
        .written(RUN_START, move |context, params| start(starting.clone(), context, params))
        .function(RUN_LIST, move |_, _| {
            let runs = list.runs().views(list.secrets());
            runs.map(|runs| RunsListed { runs }).map_err(|error| unread("runs", &error))
        })
        .function(RUN_CANCEL, move |_, RunRef { run_id }| {
            cancelling.runs().run(&run_id).map(|run| run.cancel()).map(done).map_err(Fault::from)
        })
        .method(RUN_DIFF, move |_, RunMemberRef { run_id, member }| {
            let agents = diff.clone();
            async move { Ok::<_, Fault>(changes(agents.runs().run(&run_id)?.changes(&member).await?)) }
        })
        .method(RUN_APPLY, move |_, RunApply { run_id, member, sha256 }| {
            let agents = applying.clone();
            // Whoever is gone in the midst of it must not leave half of it undone.
            let applied = tokio::spawn(async move { agents.apply_run(&run_id, &member, sha256.as_deref()).await });
            async move { Ok::<_, Fault>(changes(applied.await.map_err(lost)??)) }
        })
        .method(RUN_DISCARD, move |_, RunRef { run_id }| {
            let agents = discarding.clone();
            async move {
                agents.runs().discard(&run_id).await?;
                Ok::<_, Fault>(Done { ok: true })
            }
        })
}

fn changes(Changed { files, sha256 }: Changed) -> RunChanges {
    RunChanges { files, sha256 }
}

fn lost(error: tokio::task::JoinError) -> Fault {
    Fault::new(Code::INTERNAL, error.to_string())
}

fn start(
    agents: Agents,
    context: Context,
    params: RunStartParams,
) -> impl Stream<Item = Result<Item<Payload>, Fault>> + Send {
    let opened = async move {
        let telling = Telling::begin(agents, context, params).await?;
        Ok::<_, Fault>(stream::try_unfold(telling, Telling::next))
    };
    stream::once(opened).try_flatten()
}

/// A run that is told of to whoever asked for it.
struct Telling {
    /// Logs that are to be told of, too.
    sources: mpsc::UnboundedReceiver<Reading>,
    lines: SelectAll<BoxStream<'static, Result<String, Fault>>>,
    /// Whether something was told.
    has_begun: bool,
    /// Whether the run is over, so that its sessions are told of to where they are, and no further.
    over: watch::Sender<bool>,
    /// That it has ended, which is told last.
    end: Option<Payload>,
    leash: Option<Leash>,
}

#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "type")]
    kind: String,
}

impl Telling {
    async fn begin(agents: Agents, context: Context, params: RunStartParams) -> Result<Telling, Fault> {
        let modes = params.members.iter().map(|member| member.mode).chain(params.merger.iter().map(|of| of.mode));
        if modes.into_iter().any(|mode| mode.consents()) && !context.identity().scopes.contains(Scope::Approve) {
            let message = "members that consent by themselves need the scope approve; give them the mode ask";
            return Err(Fault::new(Code::FORBIDDEN, message).details(json!({"scope": "approve"})));
        }
        let (cancel, cancelled) = watch::channel(false);
        // Held from before it begins: whoever goes meanwhile takes it along.
        let leash = Leash::new(context, move || {
            cancel.send_replace(true);
        });
        let leash = match params.detach {
            true => {
                leash.let_go();
                None
            }
            false => Some(leash),
        };
        // What has begun to make worktrees must come to where they are taken away.
        let beginning = tokio::spawn(async move { agents.begin_run(params, cancelled).await });
        let Begun { sources, .. } = beginning.await.map_err(lost)??;
        let (lines, over) = (SelectAll::new(), watch::Sender::new(false));
        Ok(Telling { sources, lines, has_begun: false, over, end: None, leash })
    }

    async fn next(mut self) -> Result<Option<(Item<Payload>, Telling)>, Fault> {
        loop {
            let line = tokio::select! {
                biased;
                // The run's own log comes first, and its beginning before anything else.
                Some(reading) = self.sources.recv(), if self.has_begun || self.lines.is_empty() => {
                    self.lines.push(told(reading, self.over.subscribe()));
                    continue;
                }
                Some(line) = self.lines.next(), if !self.lines.is_empty() => line?,
                else => {
                    self.leash.take().into_iter().for_each(Leash::let_go);
                    let end = self.end.take();
                    return Ok(end.map(|end| (Item::from(end), self)));
                }
            };
            let payload = Payload::from_json(line).map_err(|error| Fault::new(Code::INTERNAL, error.to_string()))?;
            if payload.parse::<Kind>().is_ok_and(|of| of.kind == "run.ended") {
                self.end = Some(payload);
                self.over.send_replace(true);
                continue;
            }
            self.has_begun = true;
            return Ok(Some((Item::from(payload), self)));
        }
    }
}

/// The lines of a log, until the run is over.
fn told(reading: Reading, over: watch::Receiver<bool>) -> BoxStream<'static, Result<String, Fault>> {
    let source = Source { follow: reading.follow(0), reading, over, at: 0, most: u64::MAX };
    stream::try_unfold(source, Source::next).boxed()
}

struct Source {
    follow: Follow,
    reading: Reading,
    over: watch::Receiver<bool>,
    /// The number of the event that was told last, and of the last that is to be.
    at: u64,
    most: u64,
}

impl Source {
    async fn next(mut self) -> Result<Option<(String, Source)>, Fault> {
        while self.at < self.most {
            let is_open = self.most == u64::MAX;
            let next = tokio::select! {
                biased;
                () = until(&mut self.over), if is_open => {
                    self.most = self.reading.seq();
                    continue;
                }
                next = self.follow.next() => next,
            };
            let Some((seq, line)) = next.map_err(|error| lost_log(&error))? else { break };
            self.at = seq;
            return Ok(Some((line, self)));
        }
        Ok(None)
    }
}

async fn until(over: &mut watch::Receiver<bool>) {
    // Where nobody can say so any more, nobody listens either.
    let _ = over.wait_for(|over| *over).await;
}

impl From<NotRun> for Fault {
    fn from(error: NotRun) -> Fault {
        let message = error.to_string();
        match error {
            NotRun::Session(error) => error.into(),
            NotRun::Malformed { path, .. } => Fault::new(Code::INVALID_PAYLOAD, message).details(json!({"path": path})),
            NotRun::NoWorktrees(_) => Fault::new(Code::INVALID_PAYLOAD, message).details(json!({"path": "worktrees"})),
            NotRun::Git(_) => Fault::new(Code::INTERNAL, message),
            NotRun::NoRun(run_id) => Fault::new(Code::NOT_FOUND, message).details(json!({"runId": run_id})),
            NotRun::NoMember(member) => Fault::new(Code::NOT_FOUND, message).details(json!({"member": member})),
            NotRun::AtWork => Fault::new(Code::CONFLICT, message),
            NotRun::OtherChanges { sha256 } => {
                Fault::new(Code::CONFLICT, message).details(json!({"current": {"sha256": sha256}}))
            }
            NotRun::Conflict { files } => Fault::new(Code::CONFLICT, message).details(json!({"files": files})),
        }
    }
}
