//! What was said in a session, as far as it is sent again. The newest is kept; files and trees that were sent with a prompt are
//! not sent a second time.

use std::collections::VecDeque;

use serde_json::{Value, json};

/// A conversation.
#[derive(Debug)]
pub(super) struct History {
    system: Option<String>,
    /// What was asked, and what was answered.
    exchanges: VecDeque<(String, String)>,
    most: usize,
}

impl History {
    pub(super) fn new(system: Option<String>, most: usize) -> History {
        History { system, exchanges: VecDeque::new(), most }
    }

    /// The messages with a new one behind, and how many are forgotten for it, from now on.
    pub(super) fn with(&mut self, asked: String) -> (Vec<Value>, usize) {
        let length = |text: &str| text.chars().count();
        let fixed = length(&asked) + self.system.as_deref().map_or(0, length);
        let sum = |exchanges: &VecDeque<(String, String)>| {
            exchanges.iter().map(|(asked, said)| length(asked) + length(said)).sum::<usize>()
        };
        let mut forgotten = 0;
        while !self.exchanges.is_empty() && fixed + sum(&self.exchanges) > self.most {
            self.exchanges.pop_front();
            forgotten += 2;
        }
        let message = |role: &str, text: &str| json!({"role": role, "content": text});
        let system = self.system.iter().map(|text| message("system", text));
        let said = self.exchanges.iter().flat_map(|(asked, said)| [message("user", asked), message("assistant", said)]);
        let last = message("user", &asked);
        (system.chain(said).chain([last]).collect(), forgotten)
    }

    /// Something was asked and answered.
    pub(super) fn push(&mut self, asked: String, said: String) {
        self.exchanges.push_back((asked, said));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten_first_and_what_is_asked_never() {
        let mut history = History::new(Some("sys".into()), 20);
        history.push("one".into(), "1234".into());
        history.push("two".into(), "5678".into());
        let (messages, forgotten) = history.with("abc".into());
        assert_eq!((messages.len(), forgotten), (6, 0));
        let (messages, forgotten) = history.with("abcd".into());
        let texts: Vec<&str> = messages.iter().filter_map(|message| message["content"].as_str()).collect();
        assert_eq!((texts, forgotten), (vec!["sys", "two", "5678", "abcd"], 2));
        let (messages, _) = history.with("x".repeat(100));
        assert_eq!(messages.len(), 2);
    }
}
