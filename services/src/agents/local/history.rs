//! What was said in a session, as far as it is sent again. The newest is kept; files and trees that were sent with a prompt are
//! not sent a second time.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::super::summary;

/// A conversation.
#[derive(Debug)]
pub(super) struct History {
    system: Option<String>,
    /// What was said and done before the model came to it; it stands in front of what was asked first.
    record: Option<String>,
    /// What was asked, and what was answered.
    exchanges: VecDeque<(String, String)>,
    most: usize,
}

/// What is not sent any more, from now on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Forgotten {
    /// How many messages.
    pub(super) messages: usize,
    /// Whether the record of what was before them is, too.
    pub(super) record: bool,
}

impl History {
    /// Nothing yet but what the model is told about its task, and a record of what was said and done, which may take half of
    /// the room.
    pub(super) fn new(system: Option<String>, record: Option<&str>, most: usize) -> History {
        let record = record.and_then(|record| summary::within(record, most / 2));
        History { system, record, exchanges: VecDeque::new(), most }
    }

    /// The messages with a new one behind, and what is forgotten for it.
    pub(super) fn with(&mut self, asked: &str) -> (Vec<Value>, Forgotten) {
        let forgotten = self.make_room(length(asked));
        let message = |role: &str, text: &str| json!({"role": role, "content": text});
        let system = self.system.iter().map(|text| message("system", text));
        let said = self.exchanges.iter().flat_map(|(asked, said)| [("user", asked.as_str()), ("assistant", said)]);
        let mut record = self.record.as_deref();
        // Not a message of its own: many models take what is asked and what is answered by turns only.
        let rest = said.chain([("user", asked)]).map(|(role, text)| match record.take() {
            Some(record) => message(role, &format!("{record}\n{text}")),
            None => message(role, text),
        });
        (system.chain(rest).collect(), forgotten)
    }

    /// Forgets the oldest, as much as must be so that there is room for so many characters.
    fn make_room(&mut self, asked: usize) -> Forgotten {
        let room = self.most.saturating_sub(asked + self.system.as_deref().map_or(0, length));
        let mut forgotten = Forgotten::default();
        while self.taken() > room {
            match self.record.take() {
                Some(_) => forgotten.record = true,
                None if self.exchanges.pop_front().is_some() => forgotten.messages += 2,
                None => break,
            }
        }
        forgotten
    }

    fn taken(&self) -> usize {
        let said = self.exchanges.iter().map(|(asked, said)| length(asked) + length(said));
        self.record.as_deref().map_or(0, length) + said.sum::<usize>()
    }

    /// Something was asked and answered.
    pub(super) fn push(&mut self, asked: String, said: String) {
        self.exchanges.push_back((asked, said));
    }
}

fn length(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forgotten(messages: usize) -> Forgotten {
        Forgotten { messages, record: false }
    }

    #[test]
    fn the_oldest_is_forgotten_first_and_what_is_asked_never() {
        let mut history = History::new(Some("sys".into()), None, 20);
        history.push("one".into(), "1234".into());
        history.push("two".into(), "5678".into());
        let (messages, gone) = history.with("abc");
        assert_eq!((messages.len(), gone), (6, forgotten(0)));
        let (messages, gone) = history.with("abcd");
        let texts: Vec<&str> = messages.iter().filter_map(|message| message["content"].as_str()).collect();
        assert_eq!((texts, gone), (vec!["sys", "two", "5678", "abcd"], forgotten(2)));
        let (messages, _) = history.with(&"x".repeat(100));
        assert_eq!(messages.len(), 2);
    }

    #[test]
    fn a_record_stands_in_front_of_what_was_asked_first_and_goes_first() {
        let record = summary::fenced("Person: hello");
        let room = 2 * record.chars().count();
        let mut history = History::new(None, Some(&record), room);
        history.push("one".into(), "1".into());
        let (messages, gone) = history.with("two");
        assert_eq!((messages.len(), gone), (3, forgotten(0)));
        assert_eq!(messages[0]["content"], format!("{record}\none"));
        let (messages, gone) = history.with(&"x".repeat(room - 10));
        assert_eq!((messages.len(), gone), (3, Forgotten { messages: 0, record: true }));
        assert_eq!(messages[0]["content"], "one");
        let mut history = History::new(None, Some(&summary::fenced(&"long".repeat(1000))), 2000);
        let (messages, gone) = history.with("two");
        assert_eq!((messages.len(), gone), (1, forgotten(0)), "a record is cut to what it may take");
        assert!(messages[0]["content"].as_str().is_some_and(|text| text.contains("longlong") && text.len() < 1100));
    }
}
