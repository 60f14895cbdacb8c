//! A subscriber: a cursor, and a place among those who wait. What it is told is made when it asks, from the log and the
//! state, and shared with others who follow the same. It keeps no queue.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use serde::Serialize;
use sixframe_core::{Item, Payload};
use smol_str::SmolStr;
use tokio::time::{Instant, Sleep};

use crate::api::{Mode, Version, WatchParams};
use crate::hub::{Head, Shared};
use crate::json::Json;
use crate::log::Since;
use crate::patch::{Written, fold};
use crate::pointer::Pointer;
use crate::selection::Selection;
use crate::topics::{Made, News, Seat};

/// The longest interval that a subscriber may ask for.
const LONGEST_INTERVAL: Duration = Duration::from_secs(60);

/// More commits than this are not folded: the state is told instead.
const MOST_COMMITS: u64 = 1 << 16;

/// A stream of items, each made when it is polled. It never ends by itself; dropping it costs nothing to anyone else.
#[derive(Debug)]
pub struct Watch {
    hub: Arc<Shared>,
    seat: Seat,
    form: Form,
    /// What the consumer has; nothing before the first item.
    cursor: Option<u64>,
    /// Where the consumer wants to go on, and whether that is after a break.
    since: Option<(Version, bool)>,
    pace: Option<Box<Pace>>,
}

/// What the items are.
#[derive(Debug)]
enum Form {
    Patches,
    States,
    /// The value at one place alone.
    Plain(Pointer),
}

/// Keeps items apart in time.
#[derive(Debug)]
struct Pace {
    interval: Duration,
    next: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Watch {
    pub(crate) fn changes(hub: Arc<Shared>, params: WatchParams) -> Watch {
        let WatchParams { paths, session, since, min_interval_ms, mode } = params;
        let selection = match (paths, session) {
            (None, None) => Selection::all(),
            (paths, session) => {
                let session = session.map(|id| Pointer::root().join("sessions").join(&id));
                Selection::of(paths.into_iter().flatten().chain(session))
            }
        };
        let form = match mode {
            Mode::Patch => Form::Patches,
            Mode::State => Form::States,
        };
        let interval = Duration::from_millis(min_interval_ms.unwrap_or(0)).min(LONGEST_INTERVAL);
        let pace = (!interval.is_zero()).then(|| Box::new(Pace { interval, next: None, sleep: None }));
        let mut watch = Watch::of(hub, selection, form);
        (watch.pace, watch.since) = (pace, since.map(|since| (since, false)));
        watch
    }

    /// The value at `place`, and then each other value that it has; null while there is none.
    pub(crate) fn plain(hub: Arc<Shared>, place: Pointer) -> Watch {
        Watch::of(hub, Selection::of([place.clone()]), Form::Plain(place))
    }

    fn of(hub: Arc<Shared>, selection: Selection, form: Form) -> Watch {
        let seat = hub.live().topics.subscribe(selection);
        Watch { hub, seat, form, cursor: None, since: None, pace: None }
    }

    /// The same stream, going on behind what its consumer received before its connection broke.
    #[must_use]
    pub fn resume(mut self, epoch: &str, after: u64) -> Watch {
        self.since = Some((Version { epoch: epoch.to_owned(), revision: after }, true));
        self
    }

    /// The first item: where the consumer wants to go on, if that can be, else what the state is.
    fn first(&mut self) -> Item<Payload> {
        let since = self.since.take();
        let (head, log) = {
            let live = self.hub.live();
            let known = |version: &Version| version.epoch == live.head.epoch && version.revision <= live.head.revision;
            let log = since.as_ref().filter(|(version, _)| known(version));
            let log = log.and_then(|(version, _)| Some((version.revision, live.log.since(version.revision)?)));
            (live.head.clone(), log)
        };
        self.cursor = Some(head.revision);
        let reset = log.is_none() && since.is_some_and(|(_, resumed)| resumed);
        let (from, log) = log.unzip();
        let item = Item::at(self.make(from, log, &head), head.revision, head.epoch.clone());
        if reset { item.reset() } else { item }
    }

    /// What changed since the last item, if anything did. The waker is kept where nothing did.
    fn poll_change(&mut self, cursor: u64, cx: &mut Context<'_>) -> Poll<Item<Payload>> {
        let mut waker = Some(cx.waker().clone());
        let news = self.hub.live().topics.news(&self.seat, cursor, &mut waker);
        if news == News::None || (news == News::Progress && !self.tells_of_progress(cursor, cx)) {
            return Poll::Pending;
        }
        if let Some(pace) = &mut self.pace {
            ready!(pace.poll(cx));
        }
        let (head, log) = {
            let live = self.hub.live();
            (live.head.clone(), live.log.since(cursor))
        };
        self.cursor = Some(head.revision);
        self.wait_a_while();
        let data = self.make(Some(cursor), log, &head);
        Poll::Ready(Item { data, pos: Some(head.revision), epoch: None, skipped: 0, reset: false })
    }

    /// Only patches say how far a consumer is: a value that is the same again is not told again.
    fn tells_of_progress(&mut self, cursor: u64, cx: &Context<'_>) -> bool {
        if matches!(self.form, Form::Patches) {
            return true;
        }
        let mut waker = Some(cx.waker().clone());
        let mut live = self.hub.live();
        if live.topics.news(&self.seat, cursor, &mut None) == News::Change {
            return true;
        }
        self.cursor = Some(live.head.revision);
        let head = live.head.revision;
        live.topics.news(&self.seat, head, &mut waker) == News::Change
    }

    /// The next item is not told before the interval is over.
    fn wait_a_while(&mut self) {
        if let Some(pace) = &mut self.pace {
            pace.next = Some(Instant::now() + pace.interval);
        }
    }

    /// The item that leads from `from` to `head`. Patches need the log; without it, the state is told.
    fn make(&self, from: Option<u64>, log: Option<Since>, head: &Head) -> Payload {
        let made = match (&self.form, from, &log) {
            (Form::Plain(_), _, _) => Made::Plain(head.revision),
            (Form::Patches, Some(from), Some(_)) if head.revision - from <= MOST_COMMITS => {
                Made::Patch(from, head.revision)
            }
            (Form::Patches | Form::States, _, _) => Made::State(head.revision),
        };
        if let Some(payload) = self.seat.card.find(made) {
            return payload;
        }
        let payload = match (&self.form, made, log) {
            (Form::Plain(place), _, _) => written(head.state.at(place.as_str()).unwrap_or(&Json::NULL)),
            (_, Made::Patch(from, _), Some(log)) => self.patch(from, &log, head),
            (_, _, _) => self.state(head),
        };
        self.seat.card.keep(made, &payload);
        payload
    }

    fn patch(&self, from: u64, log: &Since, head: &Head) -> Payload {
        let selection = &self.seat.card.selection;
        let ops = fold(log.records(), &head.state, selection);
        let mut acks: BTreeMap<&str, u64> = BTreeMap::new();
        for mutation in log.entries().filter_map(|entry| entry.mutation.as_ref()) {
            let highest = acks.entry(&mutation.client).or_default();
            *highest = mutation.id.max(*highest);
        }
        let patch = written(&Written { from, to: head.revision, ops: &ops, acks: &acks });
        let large = patch.as_bytes().len();
        // Acknowledgements travel with patches alone, so a patch that has some is sent though a snapshot were shorter.
        if ops.len() > 1 && acks.is_empty() && crate::patch::is_smaller(&selection.prune(&head.state), large) {
            return self.state(head);
        }
        patch
    }

    fn state(&self, head: &Head) -> Payload {
        #[derive(Serialize)]
        struct State<'a> {
            epoch: &'a SmolStr,
            revision: u64,
            value: Json,
        }
        let value = self.seat.card.selection.prune(&head.state);
        written(&State { epoch: &head.epoch, revision: head.revision, value })
    }
}

impl Stream for Watch {
    type Item = Item<Payload>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Item<Payload>>> {
        match self.cursor {
            None => {
                self.wait_a_while();
                Poll::Ready(Some(self.first()))
            }
            Some(cursor) => self.poll_change(cursor, cx).map(Some),
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let left = self.hub.live().topics.unsubscribe(&self.seat);
        drop(left);
    }
}

impl Pace {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(next) = self.next else { return Poll::Ready(()) };
        if next <= Instant::now() {
            self.sleep = None;
            return Poll::Ready(());
        }
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(next)));
        if sleep.deadline() != next {
            sleep.as_mut().reset(next);
        }
        sleep.as_mut().poll(cx)
    }
}

fn written(value: &impl Serialize) -> Payload {
    Payload::of(value).expect("keys of JSON values are strings")
}
