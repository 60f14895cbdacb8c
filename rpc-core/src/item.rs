//! One item of a typed stream, with where it stands.

use smol_str::SmolStr;

/// One item of a stream. A handler's plain value becomes one by `From`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Item<T> {
    /// The value.
    pub data: T,
    /// Where the item stands in its source (a revision, an offset); every item of a resumable stream says it.
    pub pos: Option<u64>,
    /// The life of the source that `pos` counts in; the first item of a resumable stream says it.
    pub epoch: Option<SmolStr>,
    /// How many items were dropped before this one, by a policy that drops.
    pub skipped: u64,
    /// Whether the source starts over here: what the consumer knew is void (spec: `resume.5`).
    pub reset: bool,
}

impl<T> Item<T> {
    /// An item at `pos` of a source whose life is `epoch`.
    pub fn at(data: T, pos: u64, epoch: impl Into<SmolStr>) -> Item<T> {
        Item { data, pos: Some(pos), epoch: Some(epoch.into()), skipped: 0, reset: false }
    }

    /// The same item, marked as a new start.
    #[must_use]
    pub fn reset(self) -> Item<T> {
        Item { reset: true, ..self }
    }

    /// The same place with another value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Item<U> {
        Item { data: f(self.data), pos: self.pos, epoch: self.epoch, skipped: self.skipped, reset: self.reset }
    }
}

impl<T> From<T> for Item<T> {
    fn from(data: T) -> Item<T> {
        Item { data, pos: None, epoch: None, skipped: 0, reset: false }
    }
}
