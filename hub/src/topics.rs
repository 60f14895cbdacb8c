//! Who waits for what: topics by selection, found by a tree of keys, so that a commit costs nothing for those whom it does
//! not concern. A subscriber that has not asked for more since it was woken costs nothing either.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use sixframe_core::Payload;

use crate::json::unescape;
use crate::selection::Selection;

/// Items that are kept for other subscribers of the same selection.
const SHARED: usize = 4;

/// All topics.
#[derive(Debug, Default)]
pub(crate) struct Topics {
    by_selection: HashMap<Arc<Selection>, usize>,
    topics: Vec<Option<Topic>>,
    free: Vec<usize>,
    index: Node,
    subscribers: u64,
}

#[derive(Debug)]
struct Topic {
    card: Arc<Card>,
    /// The last revision that changed what is selected.
    touched: u64,
    /// The last revision of which everybody was to know.
    progress: u64,
    waiting: HashMap<u64, Waker>,
}

#[derive(Debug, Default)]
struct Node {
    topics: Vec<usize>,
    below: HashMap<String, Node>,
}

/// What the subscribers of one selection share.
#[derive(Debug)]
pub(crate) struct Card {
    pub(crate) selection: Arc<Selection>,
    subscribers: AtomicUsize,
    written: Mutex<VecDeque<(Made, Payload)>>,
}

/// What an item was made of: its kind, from which revision, to which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Made {
    Patch(u64, u64),
    State(u64),
    Plain(u64),
}

impl Made {
    fn revision(self) -> u64 {
        match self {
            Made::Patch(_, revision) | Made::State(revision) | Made::Plain(revision) => revision,
        }
    }
}

/// What there is to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// Something that is selected was changed.
    Change,
    /// Nothing that is selected was, but much else: it is time to say so.
    Progress,
    /// Nothing.
    None,
}

/// A subscriber's hold on its topic.
#[derive(Debug)]
pub(crate) struct Seat {
    topic: usize,
    subscriber: u64,
    pub(crate) card: Arc<Card>,
}

/// What a subscriber leaves behind, to be dropped without a lock.
#[derive(Debug, Default)]
#[expect(dead_code, reason = "it is there to be dropped")]
pub(crate) struct Left {
    waker: Option<Waker>,
    items: VecDeque<(Made, Payload)>,
    card: Option<Arc<Card>>,
}

impl Card {
    /// An item that another subscriber had made before.
    pub(crate) fn find(&self, made: Made) -> Option<Payload> {
        self.lock().iter().find(|(kept, _)| *kept == made).map(|(_, payload)| payload.clone())
    }

    /// Keeps an item for the other subscribers, if there are any. Of older revisions nobody makes items any more.
    pub(crate) fn keep(&self, made: Made, payload: &Payload) {
        if self.subscribers.load(Ordering::Relaxed) < 2 {
            return;
        }
        let mut written = self.lock();
        let kept = std::mem::take(&mut *written);
        let (mut kept, mut dropped): (VecDeque<_>, VecDeque<_>) =
            kept.into_iter().partition(|(kept, _)| kept.revision() >= made.revision());
        if kept.len() == SHARED {
            dropped.extend(kept.pop_front());
        }
        kept.push_back((made, payload.clone()));
        *written = kept;
        drop(written);
        drop(dropped);
    }

    /// What nobody needs any more.
    fn clear(&self) -> VecDeque<(Made, Payload)> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Made, Payload)>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Topics {
    pub(crate) fn is_empty(&self) -> bool {
        self.by_selection.is_empty()
    }

    pub(crate) fn subscribe(&mut self, selection: Selection) -> Seat {
        let known = self.by_selection.get(&selection).copied();
        let topic = known.unwrap_or_else(|| self.add(Arc::new(selection)));
        self.subscribers += 1;
        let Some(Some(entry)) = self.topics.get_mut(topic) else { unreachable!("it was found or added above") };
        entry.card.subscribers.fetch_add(1, Ordering::Relaxed);
        Seat { topic, subscriber: self.subscribers, card: entry.card.clone() }
    }

    /// Gives back what the subscriber left behind, to be dropped without a lock.
    pub(crate) fn unsubscribe(&mut self, seat: &Seat) -> Left {
        let Some(Some(topic)) = self.topics.get_mut(seat.topic) else { return Left::default() };
        let waker = topic.waiting.remove(&seat.subscriber);
        if topic.waiting.is_empty() {
            topic.waiting.shrink_to_fit();
        }
        let card = topic.card.clone();
        let before = card.subscribers.fetch_sub(1, Ordering::Relaxed);
        let items = if before <= 2 { card.clear() } else { VecDeque::new() };
        if before > 1 {
            return Left { waker, items, card: None };
        }
        self.topics[seat.topic] = None;
        self.free.push(seat.topic);
        self.by_selection.remove(&card.selection);
        for path in card.selection.paths() {
            self.index.remove(path.as_str(), seat.topic);
        }
        Left { waker, items, card: Some(card) }
    }

    /// What there is to tell somebody who has `cursor`. Where there is nothing, `waker` is kept until there is; what it
    /// replaces comes back.
    pub(crate) fn news(&mut self, seat: &Seat, cursor: u64, waker: &mut Option<Waker>) -> News {
        let Some(Some(topic)) = self.topics.get_mut(seat.topic) else { return News::None };
        if topic.touched > cursor {
            return News::Change;
        }
        if topic.progress > cursor {
            return News::Progress;
        }
        if let Some(new) = waker.take() {
            *waker = topic.waiting.insert(seat.subscriber, new);
        }
        News::None
    }

    /// A commit changed what is at `anchor`.
    pub(crate) fn touch(&mut self, anchor: &str, revision: u64, wakers: &mut Vec<Waker>) {
        let mut reached: Vec<&Node> = vec![&self.index];
        let mut along = Some(&self.index);
        for token in anchor.split('/').skip(1).map(unescape) {
            along = along.and_then(|node| node.below.get(&*token));
            reached.extend(along);
        }
        let mut pending: Vec<&Node> = along.into_iter().flat_map(|node| node.below.values()).collect();
        while let Some(node) = pending.pop() {
            pending.extend(node.below.values());
            reached.push(node);
        }
        for topic in reached.into_iter().flat_map(|node| &node.topics) {
            let Some(Some(topic)) = self.topics.get_mut(*topic) else { continue };
            topic.touched = revision;
            wakers.extend(topic.waiting.drain().map(|(_, waker)| waker));
        }
    }

    /// Everybody is to know of `revision`.
    pub(crate) fn tell_all(&mut self, revision: u64, wakers: &mut Vec<Waker>) {
        for topic in self.topics.iter_mut().flatten() {
            topic.progress = revision;
            wakers.extend(topic.waiting.drain().map(|(_, waker)| waker));
        }
    }

    fn add(&mut self, selection: Arc<Selection>) -> usize {
        let card = Arc::new(Card {
            selection: selection.clone(),
            subscribers: AtomicUsize::new(0),
            written: Mutex::default(),
        });
        let topic = Topic { card, touched: 0, progress: 0, waiting: HashMap::new() };
        let place = self.free.pop().unwrap_or(self.topics.len());
        match self.topics.get_mut(place) {
            Some(empty) => *empty = Some(topic),
            None => self.topics.push(Some(topic)),
        }
        for path in selection.paths() {
            self.index.at(path.as_str()).topics.push(place);
        }
        self.by_selection.insert(selection, place);
        place
    }
}

impl Node {
    fn at(&mut self, path: &str) -> &mut Node {
        let tokens = path.split('/').skip(1).map(unescape);
        tokens.fold(self, |node, token| node.below.entry(token.into_owned()).or_default())
    }

    /// Takes a topic out, and the branch with it where nothing else is left on it.
    fn remove(&mut self, path: &str, topic: usize) {
        match path.strip_prefix('/') {
            None => self.topics.retain(|other| *other != topic),
            Some(rest) => {
                let (token, rest) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
                let token = unescape(token);
                let Some(below) = self.below.get_mut(&*token) else { return };
                below.remove(rest, topic);
                if below.topics.is_empty() && below.below.is_empty() {
                    self.below.remove(&*token);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pointer::Pointer;

    fn selection(paths: &[&str]) -> Selection {
        Selection::of(paths.iter().map(|path| path.parse::<Pointer>().unwrap()))
    }

    #[test]
    fn a_change_reaches_those_who_look_at_it_above_it_or_below_it() {
        let mut topics = Topics::default();
        let wanted = [&["/a/b"][..], &["/a"], &[""], &["/a/b/c"], &["/x", "/y"], &["/ab"]];
        let seats: Vec<Seat> = wanted.iter().map(|paths| topics.subscribe(selection(paths))).collect();
        let mut reached = |anchor: &str, revision| {
            topics.touch(anchor, revision, &mut Vec::new());
            seats.iter().map(|seat| topics.news(seat, revision - 1, &mut None) == News::Change).collect::<Vec<_>>()
        };
        assert_eq!(reached("/a/b", 1), [true, true, true, true, false, false]);
        assert_eq!(reached("/a/b/z", 2), [true, true, true, false, false, false]);
        assert_eq!(reached("/a", 3), [true, true, true, true, false, false]);
        assert_eq!(reached("/y/1", 4), [false, false, true, false, true, false]);
        assert_eq!(reached("/q", 5), [false, false, true, false, false, false]);
        for seat in &seats {
            topics.unsubscribe(seat);
        }
        assert!(topics.is_empty() && topics.index.below.is_empty() && topics.index.topics.is_empty());
    }

    #[test]
    fn items_are_kept_for_others_alone_and_no_longer_than_they_are_new() {
        let mut topics = Topics::default();
        let one = topics.subscribe(selection(&["/a"]));
        one.card.keep(Made::State(1), &Payload::NULL);
        assert!(one.card.find(Made::State(1)).is_none(), "there is nobody else");
        let other = topics.subscribe(selection(&["/a"]));
        (1..=6).for_each(|from| one.card.keep(Made::Patch(from, 7), &Payload::NULL));
        assert!(other.card.find(Made::Patch(6, 7)).is_some() && other.card.find(Made::Patch(1, 7)).is_none());
        one.card.keep(Made::State(8), &Payload::NULL);
        assert_eq!(one.card.lock().len(), 1, "what led to older revisions is gone");
        drop(topics.unsubscribe(&other));
        assert!(one.card.find(Made::State(8)).is_none(), "there is nobody else any more");
    }
}
