//! A consumer's copy of the state, kept by the items of `hub.watch`.

use crate::api::{Change, Version};
use crate::json::Json;
use crate::state::apply;

/// What a consumer has of the state. It follows one rule: a patch is applied only if it begins at the revision that the
/// consumer has, dropped if it ends at or before that, and shows a gap otherwise.
#[derive(Clone, Debug, Default)]
pub struct Replica {
    version: Option<Version>,
    value: Json,
}

/// What an item did to a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It led to another revision.
    Yes,
    /// The replica had it already.
    Before,
    /// Something is missing before it, or it does not fit: watch again, without `since`.
    Gap,
}

impl Replica {
    /// The version that it has; nothing before the first snapshot. To be passed as `since` when watching again.
    pub fn version(&self) -> Option<&Version> {
        self.version.as_ref()
    }

    /// The state, or the part of it that is followed.
    pub fn value(&self) -> &Json {
        &self.value
    }

    /// Takes an item.
    pub fn apply(&mut self, change: Change) -> Applied {
        match change {
            Change::Snapshot { epoch, revision, value } => {
                let same_life = self.version.as_ref().is_some_and(|version| version.epoch == epoch);
                if same_life && self.version.as_ref().is_some_and(|version| version.revision > revision) {
                    return Applied::Before;
                }
                (self.version, self.value) = (Some(Version { epoch, revision }), value);
                Applied::Yes
            }
            Change::Patch { from, to, ops, .. } => {
                let Some(version) = &mut self.version else { return Applied::Gap };
                if to <= version.revision && from < to {
                    return Applied::Before;
                }
                if from != version.revision {
                    return Applied::Gap;
                }
                let mut value = self.value.clone();
                if apply(&mut value, &ops).is_err() {
                    return Applied::Gap;
                }
                (version.revision, self.value) = (to, value);
                Applied::Yes
            }
        }
    }
}
