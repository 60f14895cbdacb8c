//! Items that wait for their consumer. Short ones stand one behind the other in one buffer, which is handed over whole:
//! an item costs no allocation of its own.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::{Item, Message, Received};

/// An item's text as it arrives: a part of its message, checked or not.
#[derive(Clone, Copy)]
pub(crate) struct Arrival<'a> {
    pub(crate) message: &'a Message,
    pub(crate) text: &'a str,
    pub(crate) checked: bool,
}

impl Arrival<'_> {
    /// How many bytes are kept for it: its text, or the whole message where that is not copied, and the `epoch` beside it.
    pub(crate) fn kept_bytes(&self, epoch: Option<&str>) -> usize {
        let length = self.text.len();
        epoch.map_or(0, str::len) + if length >= OWN { self.message.len() } else { length }
    }
}

/// What is known of an item that was dropped.
#[derive(Debug)]
pub(crate) struct Dropped {
    /// The bytes of its text.
    pub(crate) length: usize,
    /// The bytes that were kept for it.
    pub(crate) kept: usize,
    /// How many it said were dropped before it.
    pub(crate) skipped: u64,
    /// Whether its source started over with it.
    pub(crate) reset: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Inbox {
    items: VecDeque<Item<Place>>,
    text: String,
    /// How much of `text` belongs to items that were dropped.
    dead: usize,
}

/// Where an item's text is.
#[derive(Debug)]
enum Place {
    Text {
        start: usize,
        end: usize,
        checked: bool,
    },
    /// A long one, and how many bytes are kept with it.
    Own(Received, usize),
}

/// A text from this length on keeps its message's memory instead of being copied.
const OWN: usize = 4 << 10;

impl Inbox {
    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(crate) fn push(&mut self, arrival: Arrival<'_>, item: Item<()>) {
        let Arrival { message, text, checked } = arrival;
        let place = if text.len() >= OWN {
            Place::Own(Received::within(message, text, checked), message.len())
        } else {
            let start = self.text.len();
            self.text.push_str(text);
            Place::Text { start, end: self.text.len(), checked }
        };
        self.items.push_back(item.map(|()| place));
    }

    /// Hands over everything.
    pub(crate) fn take(&mut self, into: &mut VecDeque<Item<Received>>) {
        let batch = Arc::new(std::mem::take(&mut self.text));
        self.dead = 0;
        let received = |place| match place {
            Place::Text { start, end, checked } => Received::part(batch.clone(), start, end, checked),
            Place::Own(received, _) => received,
        };
        into.extend(self.items.drain(..).map(|item| item.map(received)));
        if self.items.capacity() > KEPT_ITEMS {
            self.items = VecDeque::new();
        }
    }

    /// Drops the oldest item.
    pub(crate) fn drop_oldest(&mut self) -> Option<Dropped> {
        let Item { data, epoch, skipped, reset, .. } = self.items.pop_front()?;
        let (length, kept) = match data {
            Place::Text { start, end, .. } => {
                self.dead = end;
                (end - start, end - start)
            }
            Place::Own(received, kept) => (received.len(), kept),
        };
        if self.items.is_empty() {
            self.text.clear();
            self.dead = 0;
        } else if self.dead > self.text.len() / 2 {
            self.compact();
        }
        let kept = kept + epoch.as_ref().map_or(0, |epoch| epoch.len());
        Some(Dropped { length, kept, skipped, reset })
    }

    /// What the oldest item says of those that are not there any more: how many were dropped before it, and whether its
    /// source started over.
    pub(crate) fn oldest(&mut self) -> Option<(&mut u64, &mut bool)> {
        self.items.front_mut().map(|item| (&mut item.skipped, &mut item.reset))
    }

    fn compact(&mut self) {
        self.text.drain(..self.dead);
        let dead = std::mem::take(&mut self.dead);
        for item in &mut self.items {
            if let Place::Text { start, end, .. } = &mut item.data {
                *start -= dead;
                *end -= dead;
            }
        }
    }
}

/// Places for items that an empty inbox keeps.
const KEPT_ITEMS: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn push(inbox: &mut Inbox, text: &str) {
        let message = Message::copy_from_slice(text.as_bytes());
        let text = std::str::from_utf8(&message).unwrap();
        inbox.push(Arrival { message: &message, text, checked: true }, Item::from(()));
    }

    fn taken(inbox: &mut Inbox) -> Vec<String> {
        let mut items = VecDeque::new();
        inbox.take(&mut items);
        items.into_iter().map(|item| item.data.into_payload().unwrap().as_str().to_owned()).collect()
    }

    #[test]
    fn items_come_out_as_they_went_in_whatever_was_dropped_before() {
        let mut inbox = Inbox::default();
        let long = format!("\"{}\"", "x".repeat(OWN));
        for (at, text) in ["1", "22", long.as_str(), "\"four\"", "5"].into_iter().enumerate() {
            push(&mut inbox, text);
            if at == 3 {
                assert_eq!([1, 2].map(|_| inbox.drop_oldest().unwrap().kept), [1, 2]);
            }
        }
        assert_eq!(taken(&mut inbox), [long.as_str(), "\"four\"", "5"]);
        assert!(inbox.is_empty() && inbox.text.is_empty());
    }

    #[test]
    fn dropping_for_ever_does_not_grow_the_buffer() {
        let mut inbox = Inbox::default();
        for number in 0..100_000 {
            push(&mut inbox, &number.to_string());
            while inbox.len() > 10 {
                inbox.drop_oldest();
            }
        }
        assert!(inbox.text.capacity() < 1000, "{}", inbox.text.capacity());
        assert_eq!(taken(&mut inbox).len(), 10);
    }
}
