//! What Codex is to change in files: told before leave is asked for it, and maybe told anew while that waits.

use serde_json::Value;

use super::super::agent::{Fact, Step};
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
