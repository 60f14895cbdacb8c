//! What Codex is to change in files: told before leave is asked for it, and maybe told anew while that waits.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::super::agent::{Fact, Step};
use super::super::item::FileChange;
use super::asking::{CHANGE, change_ask};
use super::{Codex, alive};

impl Codex {
    /// It tells what is to be changed. Where something else was shown to a person, that is void, and it is asked for anew: by
    /// another key, so that an answer which is on its way allows nothing that was not shown.
    pub(super) fn patched(&mut self, method: &str, item: &str, changes: &Value) -> Vec<Step> {
        let before = self.changes.insert(item.to_owned(), changes.clone());
        let waits = |message: &Value| message["method"] == CHANGE && message["params"]["itemId"] == item;
        let waiting = self.asks.iter().find(|(_, message)| waits(message)).map(|(key, _)| key.clone());
        let Some(old) = waiting.filter(|_| before.as_ref() != Some(changes)) else { return alive(method) };
        let Some(message) = self.asks.remove(&old) else { return alive(method) };
        self.renewed += 1;
        let key = format!("{}~{}", message["id"], self.renewed);
        let ask = change_ask(&key, &message["params"], Some(changes));
        self.asks.insert(key, message);
        vec![Step::tell(method, Fact::Withdrew { key: old }), Step::tell(method, Fact::Asked(ask))]
    }

    /// The files of a diff, whose paths begin at the top of the repository, or wherever Codex has put that: by the whole paths by
    /// which they were told when it was about to change them.
    pub(super) fn placed(&self, mut files: Vec<FileChange>) -> Vec<FileChange> {
        let listed = self.changes.values().filter_map(Value::as_array).flatten();
        let known: BTreeSet<&Path> = listed
            .flat_map(|change| [change["path"].as_str(), change["kind"]["move_path"].as_str()])
            .flatten()
            .map(Path::new)
            .collect();
        // Of those that end so, the one nearest to the top is it: what lies deeper has more of its path told.
        let whole = |path: &str| {
            let found = known.iter().filter(|known| known.ends_with(path));
            let found = found.min_by_key(|known| known.components().count());
            found.map_or_else(|| path.to_owned(), |found| found.to_string_lossy().into_owned())
        };
        for file in &mut files {
            file.path = whole(&file.path);
            file.old_path = file.old_path.as_deref().map(whole);
        }
        files
    }

    /// It takes back a request that we have not answered.
    pub(super) fn taken_back(&mut self, method: &str, request: &Value) -> Vec<Step> {
        let key = self.asks.iter().find(|(_, message)| message["id"] == *request).map(|(key, _)| key.clone());
        match key {
            Some(key) => {
                self.asks.remove(&key);
                vec![Step::tell(method, Fact::Withdrew { key })]
            }
            None => alive(method),
        }
    }
}
