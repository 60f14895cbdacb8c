//! The threads of Codex's subagents. Each has turns of its own, and all of it is told on the connection of the session's own
//! thread, from which it is told apart by the thread's id alone.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

/// What gives a subagent work.
const GIVES_WORK: [&str; 5] = ["spawnAgent", "resumeAgent", "sendInput", "sendMessage", "followupTask"];

/// What has become of a subagent that does nothing any more.
const OVER: [&str; 5] = ["completed", "errored", "interrupted", "shutdown", "notFound"];

/// The threads that are not the session's own.
#[derive(Debug, Default)]
pub(super) struct Threads {
    each: HashMap<String, Thread>,
    /// The turn of the session's own thread that was told of last.
    root: Option<String>,
    /// Items of theirs that were told of with what they belong to.
    told: HashSet<String>,
}

#[derive(Debug, Default)]
struct Thread {
    /// The item by which it was given its work.
    parent: Option<String>,
    /// Whether it works because the session's last turn does, by what it says itself.
    is_of_turn: bool,
    work: Work,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Work {
    /// It was heard of, and has not begun.
    #[default]
    Untold,
    /// It was made, and is about to begin.
    Awaited,
    /// It works on a turn.
    Turn(String),
    Over,
}

impl Thread {
    /// Whether it is a subagent's. Codex has threads for other things, too, which are nobody's turn.
    fn is_subagents(&self) -> bool {
        self.parent.is_some() || self.is_of_turn
    }
}

impl Threads {
    /// The session's own thread is at a turn.
    pub(super) fn is_at(&mut self, turn: &str) {
        if self.root.as_deref() != Some(turn) {
            self.root = Some(turn.to_owned());
        }
    }

    /// Whether a turn is the session's last one. Those of earlier processes are not.
    pub(super) fn has_been_at(&self, turn: &str) -> bool {
        self.root.as_deref() == Some(turn)
    }

    /// An item is told that may be a call to subagents: which of them it gives work.
    pub(super) fn called(&mut self, own: Option<&str>, item: &str, native: &Value) {
        let (threads, makes, gives_work) = match native["type"].as_str() {
            Some("collabAgentToolCall") => {
                let tool = native["tool"].as_str().unwrap_or_default();
                let receivers = native["receiverThreadIds"].as_array().into_iter().flatten().filter_map(Value::as_str);
                let states =
                    native["agentsStates"].as_object().into_iter().flatten().map(|(thread, _)| thread.as_str());
                (receivers.chain(states).collect(), tool == "spawnAgent", GIVES_WORK.contains(&tool))
            }
            Some("subAgentActivity") => {
                let thread: Vec<&str> = native["agentThreadId"].as_str().into_iter().collect();
                (thread, native["kind"] == "started", matches!(native["kind"].as_str(), Some("started" | "interacted")))
            }
            _ => return,
        };
        for thread in threads.into_iter().filter(|thread| own != Some(*thread)) {
            let known = self.each.entry(thread.to_owned()).or_default();
            // What it does while it works is a part of what it was given before.
            if known.parent.is_none() || gives_work && !matches!(known.work, Work::Turn(_)) {
                known.parent = Some(item.to_owned());
            }
            let status = native["agentsStates"][thread]["status"].as_str().unwrap_or_default();
            match known.work {
                Work::Untold if makes && !OVER.contains(&status) => known.work = Work::Awaited,
                Work::Awaited if OVER.contains(&status) => known.work = Work::Over,
                _ => (),
            }
        }
    }

    /// Another prompt is given: what is told from here on is of other items.
    pub(super) fn forget_items(&mut self) {
        self.told.clear();
    }

    /// Whether an item was told of with what it belongs to.
    pub(super) fn was_told(&self, item: &str) -> bool {
        self.told.contains(item)
    }

    /// An item of a thread is told of: what it belongs to, where that is known.
    pub(super) fn tells(&mut self, thread: &str, item: Option<&str>) -> Option<String> {
        let parent = self.parent(thread)?.to_owned();
        self.told.extend(item.map(str::to_owned));
        Some(parent)
    }

    /// The item that a thread's items belong to.
    pub(super) fn parent(&self, thread: &str) -> Option<&str> {
        self.each.get(thread)?.parent.as_deref()
    }

    /// A thread has begun a turn.
    pub(super) fn begins(&mut self, thread: &str, turn: &Value) {
        let known = self.each.entry(thread.to_owned()).or_default();
        known.is_of_turn |= self.root.is_some() && turn["rootTurnId"].as_str() == self.root.as_deref();
        known.work = Work::Turn(turn["id"].as_str().unwrap_or_default().to_owned());
    }

    /// A thread has ended its turn, or will begin none.
    pub(super) fn ends(&mut self, thread: &str) {
        self.each.entry(thread.to_owned()).or_default().work = Work::Over;
    }

    /// Whether subagents are at work, or about to be.
    pub(super) fn are_at_work(&self) -> bool {
        let is_at_work = |thread: &Thread| matches!(thread.work, Work::Awaited | Work::Turn(_));
        self.each.values().any(|thread| thread.is_subagents() && is_at_work(thread))
    }

    /// The turns that subagents are at, each with its thread.
    pub(super) fn turns(&self) -> Vec<(String, String)> {
        let subagents = self.each.iter().filter(|(_, thread)| thread.is_subagents());
        let turn = |(id, thread): (&String, &Thread)| match &thread.work {
            Work::Turn(turn) => Some((id.clone(), turn.clone())),
            Work::Untold | Work::Awaited | Work::Over => None,
        };
        let mut turns: Vec<(String, String)> = subagents.filter_map(turn).collect();
        turns.sort_unstable();
        turns
    }
}
