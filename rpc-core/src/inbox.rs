//! Items that wait for their consumer. Short ones stand one behind the other in one buffer, which is handed over whole:
//! an item costs no allocation of its own.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

use crate::{Item, Message, Received, scratch};

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
    items: VecDeque<Item<Received>>,
    /// What the short items will find their text in once they are handed over.
    batch: Option<Arc<Batch>>,
    text: String,
    /// How much of `text` belongs to items that were dropped.
    dead: usize,
    /// How long the text and how many the items were that were handed over lately: the last ones, or half of what it was
    /// before them.
    lately: (usize, usize),
}

/// The text of a batch of short items, which is there once the batch was handed over.
#[derive(Debug, Default)]
pub(crate) struct Batch(OnceLock<String>);

impl Batch {
    pub(crate) fn text(&self) -> &str {
        self.0.get().map_or("", String::as_str)
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        scratch::keep_batch(self.0.take().unwrap_or_default());
    }
}

/// A text from this length on keeps its message's memory instead of being copied.
const OWN: usize = 4 << 10;

/// Texts of batches from this length on are written into buffers that are used again.
const BUSY: usize = 16 << 10;

impl Inbox {
    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(crate) fn push(&mut self, arrival: Arrival<'_>, item: Item<()>) {
        let Arrival { message, text, checked } = arrival;
        let received = if text.len() >= OWN {
            Received::within(message, text, checked)
        } else {
            if self.text.capacity() == 0 && self.lately.0 >= BUSY {
                self.text = scratch::batch();
            }
            let start = self.text.len();
            self.text.push_str(text);
            Received::part(self.batch.get_or_insert_default().clone(), start, self.text.len(), checked)
        };
        self.items.push_back(item.map(|()| received));
    }

    /// Hands over everything, in exchange for a queue that was emptied.
    pub(crate) fn take(&mut self, into: &mut VecDeque<Item<Received>>) {
        self.lately = (self.text.len().max(self.lately.0 / 2), self.items.len().max(self.lately.1 / 2));
        self.dead = 0;
        if let Some(batch) = self.batch.take() {
            // Nobody else fills it.
            let _ = batch.0.set(std::mem::take(&mut self.text));
        }
        if into.is_empty() {
            if into.capacity() > KEPT_ITEMS.max(4 * self.lately.1) {
                *into = VecDeque::new();
            }
            std::mem::swap(into, &mut self.items);
        } else {
            into.append(&mut self.items);
        }
    }

    /// Drops the oldest item.
    pub(crate) fn drop_oldest(&mut self) -> Option<Dropped> {
        let Item { data, epoch, skipped, reset, .. } = self.items.pop_front()?;
        if let Some((_, end)) = data.place() {
            self.dead = end;
        }
        if self.items.is_empty() {
            self.text.clear();
            self.dead = 0;
        } else if self.dead > self.text.len() / 2 {
            self.compact();
        }
        let kept = data.kept_bytes() + epoch.as_ref().map_or(0, |epoch| epoch.len());
        Some(Dropped { length: data.len(), kept, skipped, reset })
    }

    /// What the oldest item says of those that are not there any more: how many were dropped before it, and whether its
    /// source started over.
    pub(crate) fn oldest(&mut self) -> Option<(&mut u64, &mut bool)> {
        self.items.front_mut().map(|item| (&mut item.skipped, &mut item.reset))
    }

    fn compact(&mut self) {
        self.text.drain(..self.dead);
        let dead = std::mem::take(&mut self.dead);
        self.items.iter_mut().for_each(|item| item.data.move_forward(dead));
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
