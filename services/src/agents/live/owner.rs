//! Whose a turn is that the agent begins by itself: theirs who gave the session its last prompt. When they are gone it is stopped, as
//! a turn of their prompt is; what was asked with `detach` outlives them, and so does what the agent begins behind it.

use std::collections::HashMap;
use std::future::pending;

use sixframe_core::Owner;

use super::super::session::Session;

/// Who stands behind prompts.
#[derive(Debug, Default)]
pub(super) struct Owners {
    /// Of prompts that wait.
    waiting: HashMap<String, Owner>,
    /// The last prompt of which a turn was opened.
    prompt: Option<String>,
    /// Its owner; nobody where it was to outlive them.
    owner: Option<Owner>,
}

impl Owners {
    /// Somebody is about to give the session a prompt.
    pub(super) fn asks(&mut self, session: &Session, prompt_id: &str, owner: Option<Owner>) {
        self.waiting.retain(|id, _| session.waits(id));
        self.waiting.extend(owner.map(|owner| (prompt_id.to_owned(), owner)));
    }

    /// Something has happened in the session.
    pub(super) fn attend(&mut self, session: &Session) {
        let Some(prompt) = session.open_prompt().filter(|prompt| self.prompt.as_deref() != Some(prompt)) else {
            return;
        };
        (self.owner, self.prompt) = (self.waiting.remove(prompt), Some(prompt.to_owned()));
    }
}

/// Ends when nobody is there any more for what the agent does by itself.
pub(super) async fn gone(owners: &Owners, works_by_itself: bool) {
    match &owners.owner {
        Some(owner) if works_by_itself => owner.ended().await,
        _ => pending().await,
    }
}
