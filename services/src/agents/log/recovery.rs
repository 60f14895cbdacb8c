//! A log as an earlier daemon has left it: what is known of its session, and what was open when that ended.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::{self, BufRead as _, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use memchr::memchr_iter;
use serde::Deserialize;

use super::super::event::{Envelope, Event, SessionCreated, SessionUpdate, Source, StateChange};
use super::super::item::{ItemKind, ItemStatus};
use super::super::moment::{Moment, wall_ms};
use super::super::session::UsedIds;
use super::super::state::{Reducer, State};
use super::super::summary::BEFORE;
use super::super::transcript::title_of;
use super::super::usage::UsageUpdate;

/// What a log tells of its session.
#[derive(Debug)]
pub(crate) struct Remembered {
    pub(crate) session_id: String,
    pub(crate) epoch: String,
    pub(crate) seq: u64,
    pub(crate) created: SessionCreated,
    /// What was told of it since, put together.
    pub(crate) known: SessionUpdate,
    /// The model that was asked for last.
    pub(crate) asked_model: Option<String>,
    /// What was asked first, as a title.
    pub(crate) asked_first: Option<String>,
    /// When it began, in milliseconds since 1970.
    pub(crate) created_at_ms: u64,
    /// The ids that its items have.
    pub(crate) used: UsedIds,
    /// How many turns it had.
    pub(crate) turns: u64,
    /// Whether it tells of what was before it.
    pub(crate) has_history: bool,
    /// What was used so far.
    pub(crate) usage: UsageUpdate,
    /// What it is doing, by what was told.
    pub(crate) reducer: Reducer,
    /// What it is doing, as that was told last.
    state: State,
    /// The turn that was open.
    pub(crate) turn: Option<String>,
    /// The items of that turn that were not done.
    pub(crate) items: BTreeMap<String, ItemKind>,
    /// Permissions that nobody had answered, and the item of each.
    pub(crate) permissions: BTreeMap<String, Option<String>>,
    /// Questions that nobody had answered, likewise.
    pub(crate) questions: BTreeMap<String, Option<String>>,
    /// Prompts that waited.
    pub(crate) prompts: BTreeSet<String>,
    pub(crate) is_closed: bool,
    /// Bytes that were torn off its end.
    pub(crate) torn: u64,
}

/// What every event has, whatever it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    epoch: String,
    seq: u64,
    session_id: String,
    ts: String,
    #[serde(default)]
    turn_id: Option<String>,
    #[serde(default)]
    item_id: Option<String>,
    #[serde(default)]
    src: By,
}

/// Who tells of an event.
#[derive(Default, Deserialize)]
#[serde(default)]
struct By {
    provider: String,
}

/// Reads a log and takes away what was torn: what follows its last whole event, which is kept beside it
/// with the ending `torn`. None where it has no event that begins a
/// session.
pub(crate) fn recover(path: &Path) -> io::Result<Option<Remembered>> {
    let text = fs::read(path)?;
    let (remembered, good) = remember(&text);
    let Some(remembered) = remembered else { return Ok(None) };
    if remembered.torn > 0 {
        // It may be more than the end of one write, so it is kept.
        super::write_private(&path.with_extension("torn"), &text[good..])?;
        let file = OpenOptions::new().write(true).open(path)?;
        file.set_len(good as u64)?;
        file.sync_all()?;
    }
    Ok(Some(remembered))
}

/// Reads a log that somebody may be writing. None where it has no event that begins a session.
pub(crate) fn read(path: &Path) -> io::Result<Option<Remembered>> {
    Ok(remember(&fs::read(path)?).0)
}

/// What a log tells, and the length of what could be read of it.
fn remember(text: &[u8]) -> (Option<Remembered>, usize) {
    let mut remembered: Option<Remembered> = None;
    let mut good = 0;
    for end in memchr_iter(b'\n', text) {
        let line = &text[good..end];
        let Ok(head) = serde_json::from_slice::<Head>(line) else { break };
        // Events that another version of us has written are passed over, and counted.
        let event = serde_json::from_slice::<Event>(line).ok();
        match (&mut remembered, event) {
            (Some(remembered), event) if head.seq == remembered.seq + 1 => remembered.take(head, event),
            (None, Some(Event::SessionCreated(created))) if head.seq == 1 => remembered = Some(of(head, created)),
            (Some(_) | None, _) => break,
        }
        good = end + 1;
    }
    if let Some(remembered) = &mut remembered {
        remembered.torn = (text.len() - good) as u64;
    }
    (remembered, good)
}

/// How much of the end of a log is looked at, in bytes.
const END: u64 = 4 << 10;

/// Whether the last event of a log says that its session is closed. Reads its end alone.
pub(crate) fn is_closed(path: &Path) -> io::Result<bool> {
    let mut file = fs::File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(END)))?;
    let mut end = Vec::new();
    file.read_to_end(&mut end)?;
    let last = end.strip_suffix(b"\n").and_then(|end| end.rsplit(|byte| *byte == b'\n').next());
    let event = last.and_then(|last| serde_json::from_slice::<Event>(last).ok());
    Ok(matches!(event, Some(Event::SessionClosed(_))))
}

/// Whether a log begins with a session that goes with whoever began it. Reads its first line alone.
pub(crate) fn is_tied(path: &Path) -> io::Result<bool> {
    let mut first = String::new();
    io::BufReader::new(fs::File::open(path)?).read_line(&mut first)?;
    let created = serde_json::from_str::<Event>(&first);
    Ok(matches!(created, Ok(Event::SessionCreated(SessionCreated { tied: true, .. }))))
}

fn of(head: Head, created: SessionCreated) -> Remembered {
    Remembered {
        session_id: head.session_id,
        epoch: head.epoch,
        seq: head.seq,
        asked_model: created.model.clone(),
        asked_first: None,
        created_at_ms: wall_ms(&head.ts).unwrap_or_default(),
        used: UsedIds::default(),
        turns: 0,
        has_history: false,
        usage: UsageUpdate::default(),
        created,
        known: SessionUpdate::default(),
        reducer: Reducer::default(),
        state: State::default(),
        turn: None,
        items: BTreeMap::new(),
        permissions: BTreeMap::new(),
        questions: BTreeMap::new(),
        prompts: BTreeSet::new(),
        is_closed: false,
        torn: 0,
    }
}

impl Remembered {
    /// What is told of the session next.
    pub(crate) fn next(&mut self, now: Moment, event: Event, turn_id: Option<String>) -> Envelope {
        self.seq += 1;
        Envelope {
            v: 1,
            epoch: self.epoch.clone(),
            seq: self.seq,
            ts: now.rfc3339(),
            session_id: self.session_id.clone(),
            turn_id,
            item_id: None,
            event,
            src: Source::sixframe(),
            ext: None,
        }
    }

    /// Something is told of the session next, and what it is doing by that, where that is another thing.
    pub(crate) fn tell(
        &mut self,
        now: Moment,
        event: Event,
        turn_id: Option<String>,
        item_id: Option<String>,
    ) -> Vec<Envelope> {
        self.reducer.apply(&event, item_id.as_deref());
        let told = Envelope { item_id, ..self.next(now, event, turn_id.clone()) };
        [told].into_iter().chain(self.tell_state(now, turn_id)).collect()
    }

    /// What it is doing, unless that was told.
    pub(crate) fn tell_state(&mut self, now: Moment, turn_id: Option<String>) -> Option<Envelope> {
        let state = self.reducer.state();
        let prev = std::mem::replace(&mut self.state, state);
        (prev != state).then(|| self.next(now, Event::StateChanged(StateChange { state, prev }), turn_id))
    }

    fn take(&mut self, head: Head, event: Option<Event>) {
        self.seq = head.seq;
        if let Some(event) = &event {
            self.reducer.apply(event, head.item_id.as_deref());
        }
        head.item_id.iter().for_each(|id| self.used.insert(id));
        // What follows the end of a session says that it was opened again, and then by somebody who keeps it.
        self.created.tied &= !self.is_closed;
        self.is_closed = matches!(event, Some(Event::SessionClosed(_)));
        match event {
            Some(Event::StateChanged(change)) => self.state = change.state,
            Some(Event::SessionUpdated(update)) => self.update(update, head.src.provider == "sixframe"),
            Some(Event::TurnStarted(_)) => self.turn = head.turn_id,
            Some(Event::TurnEnded(_)) => {
                self.turn = None;
                self.items.clear();
                self.turns += 1;
            }
            Some(Event::ItemUpserted(item)) => self.item(head.item_id.unwrap_or_default(), item.kind, item.status),
            Some(Event::UsageUpdated(usage)) => self.usage.take(usage),
            Some(Event::PermissionRequested(request)) => {
                self.permissions.insert(request.permission_id, head.item_id);
            }
            Some(Event::PermissionResolved(resolved)) => drop(self.permissions.remove(&resolved.permission_id)),
            Some(Event::QuestionRequested(request)) => {
                self.questions.insert(request.question_id, head.item_id);
            }
            Some(Event::QuestionResolved(resolved)) => drop(self.questions.remove(&resolved.question_id)),
            Some(Event::PromptQueued(queued)) => {
                if self.asked_first.is_none() {
                    self.asked_first = title_of(&queued.content);
                }
                self.prompts.insert(queued.prompt_id);
            }
            Some(Event::PromptStarted(prompt) | Event::PromptCancelled(prompt) | Event::PromptSteered(prompt)) => {
                self.prompts.remove(&prompt.prompt_id);
            }
            Some(_) | None => (),
        }
    }

    fn item(&mut self, id: String, kind: ItemKind, status: Option<ItemStatus>) {
        self.has_history |= id.starts_with(BEFORE);
        match status {
            Some(status) if status.is_final() => drop(self.items.remove(&id)),
            _ if self.turn.is_some() => drop(self.items.insert(id, kind)),
            _ => (),
        }
    }

    fn update(&mut self, update: SessionUpdate, is_ours: bool) {
        let mut known = std::mem::take(&mut self.known);
        if let Some(provider) = &update.provider {
            // What the one before told of itself is not the next one's.
            self.created.provider.clone_from(provider);
            self.created.env.clear();
            self.asked_model = None;
            self.usage.hand_over();
            known = SessionUpdate { title: known.title, mode: known.mode, ..SessionUpdate::default() };
        }
        if is_ours && update.model.is_some() {
            self.asked_model.clone_from(&update.model);
        }
        self.known = SessionUpdate {
            provider: update.provider.or(known.provider),
            native_session_id: update.native_session_id.or(known.native_session_id),
            title: update.title.or(known.title),
            model: update.model.or(known.model),
            mode: update.mode.or(known.mode),
            agent_version: update.agent_version.or(known.agent_version),
            tools: update.tools.or(known.tools),
            commands: update.commands.or(known.commands),
            models: update.models.or(known.models),
            mcp_servers: update.mcp_servers.or(known.mcp_servers),
        };
    }
}
