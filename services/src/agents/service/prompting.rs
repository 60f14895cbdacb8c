//! `agent.prompt`: a prompt and its turn, as a stream. Whoever drops the stream does not want the turn any more; a connection
//! that is lost may come back.

use futures_util::{Stream, TryStreamExt, stream};
use serde::Deserialize;
use sixframe_core::{Code, Context, Fault, Item, Payload};

use super::super::agent::Prompt;
use super::super::api::PromptParams;
use super::super::identifier::identifier;
use super::super::log::Follow;
use super::super::sessions::Agents;
use super::leash::Leash;

/// The longest that a turn may be given: a day.
pub(in super::super) const LONGEST_MS: u64 = 86_400_000;

pub(super) fn prompt(
    agents: Agents,
    context: Context,
    params: PromptParams,
) -> impl Stream<Item = Result<Item<Payload>, Fault>> + Send {
    let opened = async move {
        let prompting = Prompting::begin(&agents, context, params).await?;
        Ok::<_, Fault>(stream::try_unfold(prompting, Prompting::next))
    };
    stream::once(opened).try_flatten()
}

/// A prompt that is followed.
struct Prompting {
    follow: Follow,
    prompt_id: String,
    /// The turn that works on it.
    turn_id: Option<String>,
    leash: Option<Leash>,
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
    async fn begin(agents: &Agents, context: Context, params: PromptParams) -> Result<Prompting, Fault> {
        let PromptParams { session_id, content, delivery, timeout_ms, detach } = params;
        if content.is_empty() {
            let details = serde_json::json!({"path": "content", "expected": "at least one part"});
            return Err(Fault::new(Code::INVALID_PAYLOAD, "a prompt says something").details(details));
        }
        let session = super::session(agents, &session_id)?;
        let prompt = Prompt { id: identifier("prompt"), content };
        let prompt_id = prompt.id.clone();
        // Held from before it is given: whoever goes meanwhile takes it along.
        let (held, id) = (session.clone(), prompt_id.clone());
        let leash = Leash::new(context, move || held.abandon(id));
        let timeout = std::time::Duration::from_millis(timeout_ms.clamp(1, LONGEST_MS));
        let after = session.prompt(prompt, delivery, timeout).await??;
        let leash = match detach {
            true => {
                leash.let_go();
                None
            }
            false => Some(leash),
        };
        Ok(Prompting { follow: session.follow(after), prompt_id, turn_id: None, leash, is_over: false })
    }

    async fn next(mut self) -> Result<Option<(Item<Payload>, Prompting)>, Fault> {
        while !self.is_over {
            let unreadable = |error: std::io::Error| Fault::new(Code::INTERNAL, format!("the log is lost: {error}"));
            let Some((_, line)) = self.follow.next().await.map_err(unreadable)? else { break };
            let payload = Payload::from_json(line).map_err(|error| Fault::new(Code::INTERNAL, error.to_string()))?;
            let Ok(head) = payload.parse::<Head>() else { continue };
            if self.takes(head) {
                return Ok(Some((Item::from(payload), self)));
            }
        }
        self.leash.into_iter().for_each(Leash::let_go);
        Ok(None)
    }

    /// Whether an event is of this prompt.
    fn takes(&mut self, head: Head) -> bool {
        let is_ours = head.data.prompt_id.as_deref() == Some(&self.prompt_id);
        match (head.kind.as_str(), is_ours) {
            ("turn.started" | "prompt.steered", true) => self.turn_id = head.turn_id.clone(),
            ("prompt.cancelled", true) => self.is_over = true,
            _ => (),
        }
        let is_of_turn = self.turn_id.is_some() && head.turn_id == self.turn_id;
        self.is_over |= is_of_turn && head.kind == "turn.ended";
        is_ours || is_of_turn
    }
}
