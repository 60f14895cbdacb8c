//! `agent.prompt`: a prompt and its turn, as a stream. Whoever drops the stream does not want the turn any more; a connection
//! that is lost may come back.

use std::time::Duration;

use futures_util::{Stream, TryStreamExt, stream};
use serde::Deserialize;
use sixframe_core::{Code, Context, Fault, Item, Payload};

use super::super::api::PromptParams;
use super::super::event::Delivery;
use super::super::live::Handle;
use super::super::log::Follow;
use super::super::prompt_builder::Additions;
use super::super::sessions::Agents;
use super::composing::{Making, compose};
use super::leash::Leash;
use super::watching::{NAMED, fits};
use super::{again, lost_log};

/// The longest that a turn may be given: a day.
pub(in super::super) const LONGEST_MS: u64 = 86_400_000;

pub(super) fn prompt(
    agents: Agents,
    context: Context,
    params: PromptParams,
) -> impl Stream<Item = Result<Item<Payload>, Fault>> + Send {
    // It has its place before the next call of its connection is looked at.
    let given = Prompting::begin(&agents, context, params);
    let opened = async move {
        let prompting = given?.await?;
        Ok::<_, Fault>(stream::try_unfold(prompting, Prompting::next))
    };
    stream::once(opened).try_flatten()
}

/// A prompt that is followed.
pub(super) struct Prompting {
    follow: Follow,
    prompt_id: String,
    /// The turn that works on it.
    turn_id: Option<String>,
    leash: Option<Leash>,
    /// Which events are wanted, where not all are.
    types: Vec<String>,
    is_over: bool,
}

/// What of an event says whose it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    turn_id: Option<String>,
    #[serde(default)]
    data: Data,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Data {
    prompt_id: Option<String>,
}

impl Prompting {
    fn begin(
        agents: &Agents,
        context: Context,
        params: PromptParams,
    ) -> Result<impl Future<Output = Result<Prompting, Fault>> + Send + use<>, Fault> {
        let session = super::session(agents, &params.session_id)?;
        if params.types.len() > NAMED {
            return Err(Fault::limit("types of a prompt's events", NAMED as u64, "fewer names, or none"));
        }
        let asked = params.again.as_ref().map(|prompt_id| again::asked(&session, prompt_id, &params)).transpose()?;
        let PromptParams { content, delivery, timeout_ms, detach, current_file, selection, template, types, .. } =
            params;
        let additions = Additions { current_file, selection, template, history: Vec::new() };
        let making = match asked {
            Some(making) => making,
            None => compose(agents, session.view().cwd.into(), content, additions)?,
        };
        let timeout = Duration::from_millis(timeout_ms.clamp(1, LONGEST_MS));
        let given = Prompting::of(session, context, making, delivery, timeout, detach);
        Ok(async move { Ok(Prompting { types, ..given.await? }) })
    }

    /// Gives a session a prompt, which has its place there from now on, and follows it.
    pub(super) fn of(
        session: Handle,
        context: Context,
        making: Making,
        delivery: Delivery,
        timeout: Duration,
        detach: bool,
    ) -> impl Future<Output = Result<Prompting, Fault>> + Send + use<> {
        let prompt_id = making.prompt_id.clone();
        let (made, worked) = making.parted();
        // Held from before it is given: whoever goes meanwhile takes it along.
        let (held, id) = (session.clone(), prompt_id.clone());
        let owner = (!detach).then(|| context.owner());
        let leash = (!detach).then(|| Leash::new(context, move || held.abandon(id)));
        let given = session.give(prompt_id.clone(), made, delivery, timeout, owner);
        async move {
            worked.await?;
            let after = given.await??;
            let follow = session.follow(after);
            Ok(Prompting { follow, prompt_id, turn_id: None, leash, types: Vec::new(), is_over: false })
        }
    }

    async fn next(mut self) -> Result<Option<(Item<Payload>, Prompting)>, Fault> {
        let payload = self.take().await?;
        Ok(payload.map(|payload| (Item::from(payload), self)))
    }

    /// The next event of the prompt and its turn; none at the end.
    pub(super) async fn take(&mut self) -> Result<Option<Payload>, Fault> {
        while !self.is_over {
            let Some((_, line)) = self.follow.next().await.map_err(|error| lost_log(&error))? else {
                // A session tells of the end of its turns before its own, unless its log takes no more.
                let message = "the session ended in the midst of this; agent.resume opens it again";
                return Err(Fault::new(Code::INTERNAL, message));
            };
            let payload = Payload::from_json(line).map_err(|error| Fault::new(Code::INTERNAL, error.to_string()))?;
            let Ok(head) = payload.parse::<Head>() else { continue };
            let is_wanted = fits(&self.types, &head.kind);
            if self.takes(head) && (is_wanted || self.is_over) {
                return Ok(Some(payload));
            }
        }
        self.leash.take().into_iter().for_each(Leash::let_go);
        Ok(None)
    }

    /// Whether an event is of this prompt.
    fn takes(&mut self, head: Head) -> bool {
        let is_ours = head.data.prompt_id.as_deref() == Some(&self.prompt_id);
        match (head.kind.as_str(), is_ours) {
            ("turn.started" | "prompt.steered", true) => self.turn_id = head.turn_id.clone(),
            // It did not join the turn that it was told to join.
            ("prompt.queued", true) => self.turn_id = None,
            ("prompt.cancelled", true) => self.is_over = true,
            _ => (),
        }
        let is_of_turn = self.turn_id.is_some() && head.turn_id == self.turn_id;
        self.is_over |= is_of_turn && head.kind == "turn.ended";
        is_ours || is_of_turn
    }
}
