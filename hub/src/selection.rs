//! What a subscriber wants to see of the state: a set of pointers. Prunes a state to it. Knows nothing of subscribers.

use std::collections::BTreeMap;

use crate::json::{Json, unescape};
use crate::pointer::{Pointer, holds, overlap};

/// A set of places in the state, none of which holds another.
///
/// The state pruned to it has the shape of the state: objects on the way to a place hold only what leads to places, and what
/// is no object on the way (an array, say) is there as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Selection {
    paths: Vec<Pointer>,
}

impl Selection {
    /// The whole state.
    pub(crate) fn all() -> Selection {
        Selection { paths: vec![Pointer::root()] }
    }

    /// These places; none at all selects nothing.
    pub(crate) fn of(paths: impl IntoIterator<Item = Pointer>) -> Selection {
        let mut paths: Vec<Pointer> = paths.into_iter().collect();
        paths.sort();
        paths.dedup();
        let outermost =
            |path: &Pointer| !paths.iter().any(|other| other != path && holds(other.as_str(), path.as_str()));
        Selection { paths: paths.iter().filter(|path| outermost(path)).cloned().collect() }
    }

    /// The places, sorted.
    pub(crate) fn paths(&self) -> &[Pointer] {
        &self.paths
    }

    /// Whether what happens at `place` can be seen.
    pub(crate) fn sees(&self, place: &str) -> bool {
        self.paths.iter().any(|path| overlap(path.as_str(), place))
    }

    /// What can be seen of `state`.
    pub(crate) fn prune(&self, state: &Json) -> Json {
        Wanted::of(self).prune(state)
    }
}

/// A selection as a tree of keys.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    whole: bool,
    below: BTreeMap<String, Wanted>,
}

impl Wanted {
    pub(crate) fn of(selection: &Selection) -> Wanted {
        let mut wanted = Wanted::default();
        for path in &selection.paths {
            let last = path.tokens().fold(&mut wanted, |node, token| node.below.entry(token.into_owned()).or_default());
            last.whole = true;
        }
        wanted
    }

    /// What can be seen of `json`, which is what this tree is about.
    pub(crate) fn prune(&self, json: &Json) -> Json {
        if self.whole || !json.is_object() {
            return json.clone();
        }
        let seen = self.below.iter().filter_map(|(key, wanted)| Some((key.clone(), wanted.prune(json.member(key)?))));
        seen.collect()
    }

    /// What can be seen of `json`, which stands at `place`.
    pub(crate) fn prune_at(&self, place: &str, json: &Json) -> Json {
        let mut wanted = self;
        for token in place.split('/').skip(1).map(unescape) {
            match wanted.below.get(&*token).filter(|_| !wanted.whole) {
                Some(below) => wanted = below,
                None => return json.clone(),
            }
        }
        wanted.prune(json)
    }
}
