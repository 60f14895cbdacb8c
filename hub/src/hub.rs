//! The hub: one state, one writer at a time, a version for every commit. Knows nothing of methods, frames and transports.
//!
//! Three locks, always taken in this order and never while foreign code runs (checks, listeners, wakers): `writer` gives
//! commits their order, `live` is what subscribers read, `listening` is who is delivering. Readers of the state take none.

mod commit;
mod declared;
mod listening;

use std::any::TypeId;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwap;
use serde::de::DeserializeOwned;
use serde_json::json;
use smol_str::SmolStr;

use crate::api::{CommitParams, Snapshot, Version, WatchParams};
use crate::error::CommitError;
use crate::json::Json;
use crate::log::Log;
use crate::mutations::Mutations;
use crate::op::Op;
use crate::pointer::Pointer;
use crate::slice::{Check, Durability, SliceConfig};
use crate::store::{Begun, OpenError, Recovery, Store};
use crate::topics::Topics;
use crate::typed::Slice;
use crate::watch::Watch;
pub(crate) use commit::{Author, synced};
use declared::{Declared, Slices, check_name, fits};
use listening::Listening;
pub use listening::{Commit, Listener};

/// How a hub is set up.
#[derive(Clone, Debug)]
pub struct HubConfig {
    /// The slices that there are from the start; by default `global` and `sessions`, which `hub.watchGlobal` and
    /// `hub.watchSession` follow.
    pub slices: Vec<SliceConfig>,
    /// Whether callers may add slices of their own, which may hold anything. On by default.
    pub open: bool,
    /// What a crash may take from such slices. Default [`Durability::Written`].
    pub durability: Durability,
    /// Bytes of commits that are kept so that subscribers get patches. Default 4 MiB.
    pub log_bytes: usize,
    /// Bytes of the state as JSON, nearly; a commit that would exceed them is refused. Default 8 MiB: a snapshot must fit
    /// into a message.
    pub state_bytes: usize,
}

impl Default for HubConfig {
    fn default() -> Self {
        HubConfig {
            slices: vec![global(), sessions()],
            open: true,
            durability: Durability::Written,
            log_bytes: 4 << 20,
            state_bytes: 8 << 20,
        }
    }
}

/// The state, shared by everyone who holds a clone of the handle.
#[derive(Clone, Debug)]
pub struct Hub(pub(crate) Arc<Shared>);

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) head: ArcSwap<Head>,
    pub(crate) slices: ArcSwap<Slices>,
    writer: Mutex<Writer>,
    pub(crate) live: Mutex<Live>,
    listening: Mutex<Listening>,
    open: bool,
    durability: Durability,
    state_bytes: usize,
}

/// The newest state.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) epoch: SmolStr,
    pub(crate) revision: u64,
    pub(crate) state: Json,
    bytes: usize,
}

/// What only the writer needs.
#[derive(Debug)]
struct Writer {
    mutations: Mutations,
    store: Option<Store>,
}

/// What subscribers read under the lock: all of one revision.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) head: Arc<Head>,
    pub(crate) log: Log,
    pub(crate) topics: Topics,
    told: Told,
}

/// When everybody was told of a revision, whatever they follow.
#[derive(Debug)]
struct Told {
    passed: u64,
    at: Instant,
}

/// Why a slice cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SliceError {
    /// Another service owns it.
    #[error("the slice `{0}` has an owner")]
    Owned(String),
    /// The name is one that snapshots use.
    #[error("a slice cannot be called `{0}`; snapshots use that name")]
    Reserved(String),
    /// Its present value does not fit.
    #[error("the slice `{name}` does not fit its check at `{path}`: {message}")]
    Unfit {
        /// The slice.
        name: String,
        /// A pointer to what does not fit.
        path: String,
        /// What is wrong.
        message: String,
    },
    /// It cannot be committed.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl Hub {
    /// A hub whose state is in memory alone.
    ///
    /// # Errors
    /// Where a slice's first value does not fit its check, or its name is taken.
    pub fn new(config: HubConfig) -> Result<Hub, SliceError> {
        let epoch = format!("{:016x}", fastrand::u64(..));
        let writer = Writer { mutations: Mutations::default(), store: None };
        Hub::begin(config, &epoch, 1, Json::object(), writer)
    }

    /// A hub whose state is kept in a folder, which no other process may use meanwhile. What a process wrote is there again,
    /// by the same epoch, when the next one opens the folder; if anything that was answered may be lost (the machine failed,
    /// a file is damaged), the epoch is another one. Revisions go on behind the last one, so that every subscriber gets a
    /// snapshot first: what is volatile is not there any more.
    ///
    /// # Errors
    /// Where the folder cannot be used, or what is in it does not fit the slices.
    pub fn open(config: HubConfig, folder: &Path) -> Result<(Hub, Recovery), OpenError> {
        let Begun { store, epoch, revision, state, mutations, report } = Store::open(folder)?;
        let writer = Writer { mutations, store: Some(store) };
        Ok((Hub::begin(config, &epoch, revision, state, writer)?, report))
    }

    fn begin(
        config: HubConfig,
        epoch: &str,
        mut revision: u64,
        mut state: Json,
        mut writer: Writer,
    ) -> Result<Hub, SliceError> {
        let mut slices = Slices::new();
        let mut first = Vec::new();
        for slice in config.slices {
            check_name(&slice.name)?;
            let (declared, found) = (Declared::of(&slice, None), state.member(&slice.name).cloned());
            let value = declared.first(&slice, found.as_ref());
            fits(&slice.name, &declared, &value)?;
            let (path, kept) = (Pointer::root().join(&slice.name), declared.retention.kept(&value));
            if kept != found {
                first.push(kept.map_or(Op::Remove { path: path.clone() }, |value| Op::Add { path, value }));
            }
            state.set(&slice.name, value);
            slices.insert(slice.name, declared);
        }
        // What is committed later is written as what it does to these.
        if let Some(store) = writer.store.as_mut().filter(|_| !first.is_empty()) {
            revision += 1;
            let written = store.commit(revision, first, None).and_then(|()| store.mark().sync());
            written.map_err(|error| CommitError::NotPersisted(error.to_string()))?;
        }
        let head = Arc::new(Head { epoch: epoch.into(), revision, bytes: state.size(), state });
        let live = Live {
            head: head.clone(),
            log: Log::new(revision, config.log_bytes),
            topics: Topics::default(),
            told: Told { passed: 0, at: Instant::now() },
        };
        Ok(Hub(Arc::new(Shared {
            head: ArcSwap::new(head),
            slices: ArcSwap::from_pointee(slices),
            writer: Mutex::new(writer),
            live: Mutex::new(live),
            listening: Mutex::default(),
            open: config.open,
            durability: config.durability,
            state_bytes: config.state_bytes,
        })))
    }

    /// The newest version. Takes no lock.
    pub fn version(&self) -> Version {
        self.0.head.load().version()
    }

    /// The newest state. Takes no lock and copies nothing; the value stays as it is while others commit.
    pub fn state(&self) -> Json {
        self.0.head.load().state.clone()
    }

    /// The newest state with its version, as `hub.getSnapshot` answers it.
    pub fn snapshot(&self) -> Snapshot {
        let head = self.0.head.load();
        let slices = head.state.members().map(|(name, value)| (name.to_owned(), value.clone())).collect();
        Snapshot { slices, version: head.revision, epoch: head.epoch.to_string(), revision: head.revision }
    }

    /// Carries out all operations or none, as `hub.commit` does. A commit that changes nothing makes no version, unless it
    /// is a mutation. Listeners are called before it returns, unless it is called by one or another thread is calling them.
    ///
    /// # Errors
    /// See [`CommitError`]; then nothing was changed.
    pub fn commit(&self, commit: CommitParams) -> Result<Version, CommitError> {
        self.0.commit(&commit, Author::Anyone)
    }

    /// Ends the writing to the disk in order: what was committed is made to last, and nothing more can be committed. Blocks.
    /// A hub in memory has nothing to close. Without it, what was committed is there again all the same, as after a crash.
    ///
    /// # Errors
    /// Where that cannot be written.
    pub fn close(&self) -> Result<(), CommitError> {
        let mut writer = self.0.writer();
        let revision = self.0.head.load().revision;
        let closed = writer.store.as_mut().map_or(Ok(()), |store| store.close(revision));
        closed.map_err(|error| CommitError::NotPersisted(error.to_string()))
    }

    /// Follows the state, as `hub.watch` does: a stream of items that hold a [`crate::Change`] each. It is made when it is
    /// polled, from what changed since the last item; a subscriber that does not poll costs nothing. Dropping it ends it. With
    /// `min_interval_ms` it needs tokio's timer.
    pub fn watch(&self, params: WatchParams) -> Watch {
        Watch::changes(self.0.clone(), params)
    }

    /// Calls `listener` with every commit from now on, in order, one at a time. It may commit: that commit has its version
    /// at once, and is told after the present one. A panic in it is logged and harms nobody else. Dropping the handle ends
    /// it.
    #[must_use = "dropping it ends the listening"]
    pub fn listen(&self, listener: impl FnMut(&Commit) + Send + 'static) -> Listener {
        listening::listen(&self.0, Box::new(listener))
    }

    /// A typed handle on a slice that everyone may write; it is made where it is not there. From now on nobody can commit to
    /// it what `T` cannot be read from, or what the configuration's own check refuses.
    ///
    /// # Errors
    /// Where it has an owner, or its present value does not fit.
    pub fn slice<T: DeserializeOwned + 'static>(&self, config: SliceConfig) -> Result<Slice<T>, SliceError> {
        let (name, check) = (config.name.clone(), typed::<T>(&config));
        self.0.declare(&SliceConfig { check, ..config }, None)?;
        Ok(Slice::of(self.clone(), &name, None))
    }

    /// As [`Hub::slice`], for a slice that the holder of the handle alone may write: everyone else is refused with
    /// `FORBIDDEN` until the handle is dropped.
    ///
    /// # Errors
    /// Where it has an owner already, or its present value does not fit.
    pub fn own<T: DeserializeOwned + 'static>(&self, config: SliceConfig) -> Result<Slice<T>, SliceError> {
        let (name, check, owner) = (config.name.clone(), typed::<T>(&config), fastrand::u64(..));
        self.0.declare(&SliceConfig { check, ..config }, Some(owner))?;
        Ok(Slice::of(self.clone(), &name, Some(owner)))
    }
}

impl Shared {
    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Head {
    pub(crate) fn version(&self) -> Version {
        Version { epoch: self.epoch.to_string(), revision: self.revision }
    }
}

/// The configuration's own check, or that of the type; any JSON is one of the type [`Json`].
fn typed<T: DeserializeOwned + 'static>(config: &SliceConfig) -> Check {
    match &config.check {
        Check::Free if TypeId::of::<T>() != TypeId::of::<Json>() => Check::of::<T>(),
        check => check.clone(),
    }
}

/// Settings of agents in general.
fn global() -> SliceConfig {
    let schema = json!({
        "type": "object",
        "properties": {
            "defaultModel": {"type": "string"},
            "temperature": {"type": "number"},
            "maxTokens": {"type": "integer", "minimum": 0},
        },
        "required": ["defaultModel", "temperature", "maxTokens"],
    });
    let initial = json!({"defaultModel": "gpt-4o-mini", "temperature": 0.7, "maxTokens": 8000});
    SliceConfig::new("global", initial).checked(Check::schema(&schema).expect("it is a schema"))
}

/// Sessions by id.
fn sessions() -> SliceConfig {
    let schema = json!({
        "type": "object",
        "properties": {"sessionId": {"type": "string"}, "title": {"type": "string"}},
        "required": ["sessionId"],
    });
    let check = Check::keyed_schema("sessionId", &schema).expect("it is a schema");
    SliceConfig::new("sessions", Json::object()).checked(check)
}

/// Names that stand beside the slices in a snapshot.
pub(crate) const RESERVED: [&str; 3] = ["version", "epoch", "revision"];
