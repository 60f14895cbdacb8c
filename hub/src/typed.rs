//! A slice as its service sees it: read as a type, written by operations that are recorded where they are made. It is never
//! compared with an older value to find out what changed.

use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::api::{CommitParams, Expect, Version};
use crate::error::CommitError;
use crate::hub::{Author, Hub};
use crate::json::Json;
use crate::op::Op;
use crate::pointer::Pointer;
use crate::state::Violation;

/// A handle on one slice of the state. Dropping the handle of a slice that it owns gives the slice free; its value stays.
///
/// Changes are written by pointers below the slice, and what they make of it must still be a `T`, or the commit is refused.
/// That costs time in proportion to the slice. A slice that is a large map is better checked member by member: give it a
/// `BTreeMap<String, Entry>` as `T` and [`Check::members_of::<Entry>`](crate::Check::members_of) as its check.
#[derive(Debug)]
pub struct Slice<T> {
    hub: Hub,
    name: String,
    place: Pointer,
    owner: Option<u64>,
    value: PhantomData<fn() -> T>,
}

impl<T> Slice<T> {
    pub(crate) fn of(hub: Hub, name: &str, owner: Option<u64>) -> Slice<T> {
        Slice { hub, name: name.to_owned(), place: Pointer::root().join(name), owner, value: PhantomData }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its value as JSON. Takes no lock and copies nothing.
    pub fn json(&self) -> Json {
        self.hub.0.head.load().state.member(&self.name).cloned().unwrap_or_default()
    }

    /// Its value, read as `T`; costs time in proportion to the slice.
    ///
    /// # Errors
    /// Where it is no `T`: only if it was given a check of its own that allows more.
    pub fn read(&self) -> Result<T, serde_json::Error>
    where
        T: DeserializeOwned,
    {
        self.json().read()
    }

    /// Commits what `write` writes, all or nothing. Writing nothing commits nothing.
    ///
    /// # Errors
    /// See [`CommitError`]; then nothing was changed.
    pub fn commit(&self, write: impl FnOnce(&mut Write)) -> Result<Version, CommitError> {
        self.commit_ops(write, None)
    }

    /// As [`Slice::commit`], if nobody changed the slice behind `version`.
    ///
    /// # Errors
    /// [`CommitError::Conflict`] where somebody did, and others.
    pub fn commit_if(&self, version: &Version, write: impl FnOnce(&mut Write)) -> Result<Version, CommitError> {
        let Version { epoch, revision } = version.clone();
        self.commit_ops(write, Some(Expect { epoch: Some(epoch), revision, paths: vec![self.place.clone()] }))
    }

    /// Sets the slice as a whole.
    ///
    /// # Errors
    /// See [`CommitError`]; then nothing was changed.
    pub fn replace(&self, value: &T) -> Result<Version, CommitError>
    where
        T: Serialize,
    {
        self.commit(|write| write.set("", value))
    }

    fn commit_ops(&self, write: impl FnOnce(&mut Write), expect: Option<Expect>) -> Result<Version, CommitError> {
        let mut recorder = Write { place: self.place.clone(), ops: Vec::new(), wrong: Vec::new() };
        write(&mut recorder);
        if !recorder.wrong.is_empty() {
            return Err(CommitError::Invalid(recorder.wrong));
        }
        self.hub.0.commit(&CommitParams { ops: recorder.ops, expect, mutation: None }, Author::of(self.owner))
    }
}

impl<T> Drop for Slice<T> {
    fn drop(&mut self) {
        if self.owner.is_some() {
            self.hub.0.release(&self.name);
        }
    }
}

/// Records the operations of one commit. Paths are JSON pointers that begin at the slice; what is wrong with one is told when
/// all are committed.
#[derive(Debug)]
pub struct Write {
    place: Pointer,
    ops: Vec<Op>,
    wrong: Vec<Violation>,
}

impl Write {
    /// Sets a member of an object, whether it is there or not; the empty path is the slice. In an array this would insert:
    /// there, use [`Write::replace`].
    pub fn set(&mut self, path: &str, value: impl Serialize) {
        self.write(path, value, |path, value| Op::Add { path, value });
    }

    /// Sets what is there already: a member of an object, or an element of an array by its index.
    pub fn replace(&mut self, path: &str, value: impl Serialize) {
        self.write(path, value, |path, value| Op::Replace { path, value });
    }

    /// Puts an element into an array, in front of the one at the index; `-` is the end.
    pub fn insert(&mut self, path: &str, value: impl Serialize) {
        self.write(path, value, |path, value| Op::Add { path, value });
    }

    /// Merges into an object as RFC 7396 has it.
    pub fn merge(&mut self, path: &str, value: impl Serialize) {
        self.write(path, value, |path, value| Op::Merge { path, value });
    }

    /// Takes away what is there.
    pub fn remove(&mut self, path: &str) {
        self.push(path, |path| Op::Remove { path });
    }

    /// Puts an element into an array of objects, in the place of the one whose member `by` is the same, else at the end.
    pub fn put(&mut self, path: &str, by: &str, value: impl Serialize) {
        self.write(path, value, |path, value| Op::Put { path, by: by.to_owned(), value, before: None });
    }

    /// Takes the element whose member `by` is `key` out of an array of objects.
    pub fn drop_element(&mut self, path: &str, by: &str, key: impl Serialize) {
        self.write(path, key, |path, key| Op::Drop { path, by: by.to_owned(), key });
    }

    /// Adds an operation as it is; its path begins at the slice.
    pub fn op(&mut self, op: Op) {
        let path = op.path().as_str().to_owned();
        self.push(&path, |path| op.with_path(path));
    }

    fn write(&mut self, path: &str, value: impl Serialize, op: impl FnOnce(Pointer, Json) -> Op) {
        match Json::of(&value) {
            Ok(value) => self.push(path, |path| op(path, value)),
            Err(error) => self.wrong.push(Violation::new(format!("{}{path}", self.place), error.to_string())),
        }
    }

    fn push(&mut self, path: &str, op: impl FnOnce(Pointer) -> Op) {
        match path.parse::<Pointer>() {
            Ok(path) => self.ops.push(op(self.place.append(&path))),
            Err(error) => self.wrong.push(Violation::new(path, error.to_string())),
        }
    }
}
