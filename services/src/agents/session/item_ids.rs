//! The ids of items, each of which is that of one item in all of a session. Agents keep to that within a turn at best: some count
//! anew in each turn, or with each process.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::super::agent::Fact;
use super::super::identifier::identifier;
use super::super::item::{ItemKind, ItemStatus};

/// How many of the items are remembered that were given another name.
const REMEMBERED: usize = 1024;

/// The ids that items of a session have. It keeps a number for each, by which two are the same once in a great while: then an
/// item is given another name, and that is all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsedIds(HashSet<u64>);

impl UsedIds {
    /// An item has this id.
    pub fn insert(&mut self, id: &str) {
        self.0.insert(number(id));
    }

    fn has(&self, id: &str) -> bool {
        self.0.contains(&number(id))
    }
}

fn number(id: &str) -> u64 {
    // It is the same in all processes of a version, and kept in none.
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

/// What the items are called that an agent tells of.
#[derive(Debug, Default)]
pub(super) struct ItemIds {
    /// By what the agent calls them, since the last turn began.
    known: HashMap<String, String>,
    /// The newest that were given another name, with what the agent calls them: what belongs to one may be told in a later turn.
    renamed: VecDeque<(String, String)>,
    used: UsedIds,
}

impl ItemIds {
    pub(super) fn new(used: UsedIds) -> ItemIds {
        ItemIds { used, ..ItemIds::default() }
    }

    /// A turn begins: what is told from here on is of other items, whatever it is called.
    pub(super) fn forget(&mut self) {
        self.known.clear();
    }

    /// The item of an earlier turn that this is the end of: of what is at work in this turn more is known than how it ended.
    pub(super) fn late(&self, fact: &Fact) -> Option<String> {
        let Fact::Item { id, item } = fact else { return None };
        let names_nothing =
            item.tool.as_ref().is_none_or(|tool| tool.name.is_none() && tool.title.is_none() && tool.input.is_none());
        let is_end = item.kind == ItemKind::ToolCall && item.status.is_some_and(ItemStatus::is_final) && names_nothing;
        let is_earlier = !self.known.contains_key(id) && self.used.has(id);
        (is_end && is_earlier).then(|| self.parent(id))
    }

    /// Puts our ids in the place of the agent's.
    pub(super) fn rename(&mut self, fact: &mut Fact) {
        match fact {
            Fact::Item { id, item } => {
                *id = self.ours(id);
                item.parent.iter_mut().for_each(|parent| *parent = self.parent(parent));
            }
            Fact::Grew { id, .. } => *id = self.ours(id),
            Fact::Asked(ask) => ask.item.iter_mut().for_each(|id| *id = self.ours(id)),
            Fact::Inquired(inquiry) => inquiry.item.iter_mut().for_each(|id| *id = self.ours(id)),
            Fact::Process(_)
            | Fact::Ready(_)
            | Fact::Session(_)
            | Fact::Withdrew { .. }
            | Fact::Diff(_)
            | Fact::Plan(_)
            | Fact::Usage(_)
            | Fact::Limits(_)
            | Fact::Retry(_)
            | Fact::Problem(_)
            | Fact::Unparsed(_)
            | Fact::Native
            | Fact::Alive
            | Fact::Muted
            | Fact::Untaken(_)
            | Fact::Unsteered(_)
            | Fact::Left(_)
            | Fact::Began { .. }
            | Fact::Lost { .. }
            | Fact::Ended(_)
            | Fact::Gone { .. } => (),
        }
    }

    fn ours(&mut self, id: &str) -> String {
        if let Some(known) = self.known.get(id) {
            return known.clone();
        }
        let ours = if self.used.has(id) { self.another(id) } else { id.to_owned() };
        self.used.insert(&ours);
        self.known.insert(id.to_owned(), ours.clone());
        ours
    }

    fn another(&mut self, id: &str) -> String {
        let ours = identifier("item");
        if self.renamed.len() >= REMEMBERED {
            self.renamed.pop_front();
        }
        self.renamed.push_back((id.to_owned(), ours.clone()));
        ours
    }

    /// What something belongs to is an item that was told of, in an earlier turn maybe. It is given no new name.
    fn parent(&self, id: &str) -> String {
        let earlier = || self.renamed.iter().rev().find(|(theirs, _)| theirs == id).map(|(_, ours)| ours);
        self.known.get(id).or_else(earlier).map_or_else(|| id.to_owned(), String::clone)
    }
}
