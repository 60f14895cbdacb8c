//! What Codex's subagents tell: what they do belongs to the turn of the session's own thread, which ends for us when they are done
//! too. That they begin, end, fail or use something is theirs.

use serde_json::{Value, json};

use super::super::agent::{Fact, Step, Told};
use super::super::event::Outcome;
use super::super::item::{Item, ItemKind, ItemStatus};
use super::super::turn::TurnEnd;
use super::problems::problem;
use super::{Asked, Codex, or_alive};

impl Codex {
    /// The thread that tells or asks this, where that is not the session's own.
    pub(super) fn other_thread(&self, message: &Value) -> Option<String> {
        let own = self.thread.as_deref()?;
        message["params"]["threadId"].as_str().filter(|thread| *thread != own).map(str::to_owned)
    }

    /// Another thread tells something.
    pub(super) fn noted_elsewhere(&mut self, thread: &str, method: &str, message: &Value) -> Vec<Step> {
        let params = &message["params"];
        let steps = match method {
            "item/started" | "item/completed" | "warning" | "guardianWarning" => {
                match self.threads.tells(thread, params["item"]["id"].as_str()) {
                    Some(parent) => within(self.noted(method, message), &parent),
                    None => vec![Step::Tell(Told::unknown(method, message))],
                }
            }
            "item/agentMessage/delta"
            | "item/plan/delta"
            | "item/reasoning/summaryTextDelta"
            | "item/reasoning/textDelta"
            | "item/commandExecution/outputDelta" => {
                // What is not known to be a subagent's would pass for the agent's own words.
                let is_known = params["itemId"].as_str().is_some_and(|item| self.threads.was_told(item));
                if is_known { self.noted(method, message) } else { Vec::new() }
            }
            "item/fileChange/patchUpdated" | "serverRequest/resolved" => self.noted(method, message),
            "turn/started" => {
                self.threads.begins(thread, &params["turn"]);
                Vec::new()
            }
            "turn/completed" => {
                self.threads.ends(thread);
                self.is_cut_short |= self.stops && params["turn"]["status"] == "interrupted";
                self.failed_elsewhere(thread, method, &params["turn"])
            }
            "thread/closed" => {
                self.threads.ends(thread);
                Vec::new()
            }
            "error"
            | "mcpServer/startupStatus/updated"
            | "model/rerouted"
            | "thread/name/updated"
            | "thread/tokenUsage/updated"
            | "turn/diff/updated"
            | "turn/plan/updated"
            | "thread/started"
            | "thread/status/changed"
            | "item/reasoning/summaryPartAdded"
            | "item/mcpToolCall/progress" => Vec::new(),
            _ => vec![Step::Tell(Told::unknown(method, message))],
        };
        or_alive(method, steps.into_iter().chain(self.settled(method)).collect())
    }

    /// A turn elsewhere is over: what a person should know of that.
    fn failed_elsewhere(&mut self, thread: &str, method: &str, turn: &Value) -> Vec<Step> {
        let error = turn.get("error").filter(|error| turn["status"] == "failed" && !error.is_null());
        let (Some(error), Some(parent)) = (error.map(problem), self.threads.parent(thread)) else { return Vec::new() };
        let text = format!("the subagent failed: {}", error.message);
        let item = Item::new(ItemKind::Notice).status(ItemStatus::Failed).text(text);
        let item = Item { parent: Some(parent.to_owned()), ..item };
        vec![Step::tell(method, Fact::Item { id: self.names.next(), item })]
    }

    /// The turn of the session's own thread ends. Nobody hears of that while anything of it goes on.
    pub(super) fn ends(&mut self, method: &str, end: TurnEnd) -> Vec<Step> {
        let steps = self.steers.ends(end);
        steps.into_iter().chain(self.settled(method)).collect()
    }

    /// The end of the turn, where nothing of it goes on any more.
    pub(super) fn settled(&mut self, method: &str) -> Option<Step> {
        // Its own thread may have begun another turn with what has become of a subagent.
        if self.threads.are_at_work() || self.turn.is_some() {
            return None;
        }
        let mut end = self.steers.end()?;
        if self.is_cut_short && end.outcome == Outcome::Completed {
            // The session's own thread had come to an end.
            end.outcome = Outcome::Interrupted;
        }
        Some(Step::tell(method, Fact::Ended(end)))
    }

    pub(super) fn interrupt(&mut self) -> Vec<Step> {
        self.stops = true;
        self.late_interrupts()
    }

    /// Interrupts what is at work, has a name and was not interrupted yet, where that is wanted: the session's own thread first, as another one would begin
    /// with what has become of its subagents, and those, which go on without it.
    pub(super) fn late_interrupts(&mut self) -> Vec<Step> {
        if !self.stops {
            return Vec::new();
        }
        let own = self.turn.clone().map(|turn| (self.thread.clone(), turn));
        let others = self.threads.turns().into_iter().map(|(thread, turn)| (Some(thread), turn));
        let working: Vec<_> = own.into_iter().chain(others).collect();
        let mut said = Vec::new();
        for (thread, turn) in working {
            if self.stopped.insert(turn.clone()) {
                let params = json!({"threadId": thread, "turnId": turn});
                said.push(self.request(Asked::Interrupt(turn), "turn/interrupt", params));
            }
        }
        said
    }
}

/// The items of another thread are told apart from ours, whatever they are called.
pub(super) fn name_apart(message: &mut Value, thread: &str) {
    for place in ["/params/itemId", "/params/item/id"] {
        if let Some(id) = message.pointer_mut(place).filter(|id| id.is_string()) {
            *id = json!(format!("{thread}:{}", id.as_str().unwrap_or_default()));
        }
    }
}

/// What is told belongs to an item.
fn within(mut steps: Vec<Step>, parent: &str) -> Vec<Step> {
    for step in &mut steps {
        if let Step::Tell(Told { fact: Fact::Item { item, .. }, .. }) = step {
            item.parent = Some(parent.to_owned());
        }
    }
    steps
}
