//! `agent.events`: one session's events from its log, which outlives the daemon; or those of many, as they come.

use std::pin::Pin;

use futures_util::{Stream, StreamExt, future, stream};
use serde::Deserialize;
use serde_json::json;
use sixframe_core::{Code, Context, Fault, Item, Payload};
use sixframe_hub::{Event, Place};

use super::super::api::{EventsParams, Since};
use super::super::log::Follow;
use super::super::sessions::Agents;
use super::lost_log;

type Items = Pin<Box<dyn Stream<Item = Result<Item<Payload>, Fault>> + Send>>;

/// The most sessions or types that may be named.
pub(super) const NAMED: usize = 256;

pub(super) fn watch(agents: Agents, context: &Context, params: EventsParams) -> Items {
    let resume = context.resume().map(|(epoch, position)| Since { epoch: epoch.to_owned(), position });
    let EventsParams { sessions, types, since } = params;
    let since = resume.or(since);
    if sessions.len().max(types.len()) > NAMED {
        let fault = Fault::limit("sessions or types of a watch", NAMED as u64, "fewer names, or none");
        return Box::pin(stream::once(future::ready(Err(fault))));
    }
    match sessions.as_slice() {
        [session] => one(&agents, session, types, since),
        _ => Box::pin(many(&agents, sessions, types, since)),
    }
}

/// Whether an event is of these types.
pub(super) fn fits(types: &[String], kind: &str) -> bool {
    let fits = |wanted: &String| kind == wanted || (wanted.ends_with('.') && kind.starts_with(&**wanted));
    types.is_empty() || types.iter().any(fits)
}

fn one(agents: &Agents, session: &str, types: Vec<String>, since: Option<Since>) -> Items {
    let Some((log, epoch)) = agents.log(session) else {
        let fault = Fault::new(Code::NOT_FOUND, format!("there is no session {session}"));
        return Box::pin(stream::once(future::ready(Err(fault.details(json!({"sessionId": session}))))));
    };
    let known = since.as_ref().filter(|since| since.epoch == epoch).map(|since| since.position);
    let reset = since.is_some() && known.is_none();
    let reset = reset.then(|| Item::at(Payload::NULL, 0, epoch.clone()).reset());
    let followed = Followed { follow: log.follow(known.unwrap_or(0)), epoch, types };
    let events = stream::try_unfold(followed, Followed::next);
    Box::pin(stream::iter(reset.map(Ok)).chain(events))
}

/// One session's events.
struct Followed {
    follow: Follow,
    epoch: String,
    types: Vec<String>,
}

#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "type")]
    kind: String,
}

impl Followed {
    async fn next(mut self) -> Result<Option<(Item<Payload>, Followed)>, Fault> {
        loop {
            let Some((seq, line)) = self.follow.next().await.map_err(|error| lost_log(&error))? else {
                return Ok(None);
            };
            let payload = Payload::from_json(line).map_err(|error| Fault::new(Code::INTERNAL, error.to_string()))?;
            let is_wanted =
                self.types.is_empty() || payload.parse::<Kind>().is_ok_and(|of| fits(&self.types, &of.kind));
            if is_wanted {
                return Ok(Some((Item::at(payload, seq, self.epoch.clone()), self)));
            }
        }
    }
}

/// The events of many sessions, from now on.
fn many(
    agents: &Agents,
    sessions: Vec<String>,
    types: Vec<String>,
    since: Option<Since>,
) -> impl Stream<Item = Result<Item<Payload>, Fault>> + Send + use<> {
    let since = since.map(|Since { epoch, position }| Place { epoch, position });
    let types = (!types.is_empty()).then_some(types);
    let events = agents.events().watch(sixframe_hub::EventsParams { types, since });
    let mut missed = 0;
    let mut epoch = None;
    events.filter_map(move |item| {
        // What is said once must not get lost with an event that is left out.
        missed += item.skipped;
        epoch = item.epoch.clone().or(epoch.take());
        let told = told(&item, &sessions).map(|data| {
            let data = data.map_err(|error| Fault::new(Code::INTERNAL, error.to_string()))?;
            Ok(Item { data, skipped: std::mem::take(&mut missed), epoch: epoch.take(), ..item })
        });
        future::ready(told)
    })
}

/// The envelope in an event, if it is of one of these sessions, or any where none is named.
fn told(item: &Item<Payload>, sessions: &[String]) -> Option<Result<Payload, serde_json::Error>> {
    if item.reset {
        return Some(Ok(Payload::NULL));
    }
    let event = item.data.parse::<Event>().ok()?;
    let session = event.payload.member("sessionId").and_then(|id| id.as_str());
    let is_wanted = sessions.is_empty() || session.is_some_and(|id| sessions.iter().any(|wanted| wanted == id));
    is_wanted.then(|| Payload::of(&event.payload))
}
