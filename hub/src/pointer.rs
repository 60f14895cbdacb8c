//! JSON pointers (RFC 6901) as text that is known to be one. Of two pointers one holds the other when it is its beginning.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::json::unescape;

/// A JSON pointer, `/sessions/s1/title`; the empty one means the whole. `~` and `/` in keys are written `~0` and `~1`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pointer(Arc<str>);

impl Pointer {
    /// The pointer to the whole.
    pub fn root() -> Pointer {
        Pointer("".into())
    }

    /// The pointer that is the beginning of another one, which is therefore one.
    pub(crate) fn of(beginning: &str) -> Pointer {
        Pointer(beginning.into())
    }

    /// The pointer to what `key` names below this one.
    #[must_use]
    pub fn join(&self, key: &str) -> Pointer {
        let escaped = if key.contains(['~', '/']) {
            key.replace('~', "~0").replace('/', "~1").into()
        } else {
            Cow::Borrowed(key)
        };
        Pointer(format!("{}/{escaped}", self.0).into())
    }

    /// The pointer to what `inner` leads to from here.
    pub(crate) fn append(&self, inner: &Pointer) -> Pointer {
        Pointer(format!("{self}{inner}").into())
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The keys that it goes along, without their escapes.
    pub fn tokens(&self) -> impl Iterator<Item = Cow<'_, str>> {
        tokens(&self.0)
    }

    /// Where it ends: the pointer to the parent, and the last key. `None` for the whole.
    pub(crate) fn split(&self) -> Option<(&str, Cow<'_, str>)> {
        let (parent, last) = self.0.rsplit_once('/')?;
        Some((parent, unescape(last)))
    }

    /// The first key, which names a slice.
    pub(crate) fn slice(&self) -> Option<Cow<'_, str>> {
        self.tokens().next()
    }
}

/// The keys of a pointer's text.
pub(crate) fn tokens(pointer: &str) -> impl Iterator<Item = Cow<'_, str>> {
    pointer.split('/').skip(1).map(unescape)
}

/// Whether `outer` is `inner`, or leads to something that holds it.
pub(crate) fn holds(outer: &str, inner: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether one of them holds the other.
pub(crate) fn overlap(one: &str, other: &str) -> bool {
    holds(one, other) || holds(other, one)
}

/// Many pointers, of which it is quickly found out whether one overlaps with another.
#[derive(Debug)]
pub(crate) struct Pointers<'a>(Vec<&'a str>);

impl<'a> Pointers<'a> {
    pub(crate) fn of(pointers: impl Iterator<Item = &'a Pointer>) -> Pointers<'a> {
        let mut sorted: Vec<&str> = pointers.map(Pointer::as_str).collect();
        sorted.sort_unstable();
        sorted.dedup();
        Pointers(sorted)
    }

    /// Whether one of them holds `place`, or is held by it.
    pub(crate) fn overlap(&self, place: &str) -> bool {
        let known = |outer: &str| self.0.binary_search(&outer).is_ok();
        let above = || place.match_indices('/').any(|(end, _)| known(&place[..end]));
        let below = || {
            let begins = format!("{place}/");
            let first = self.0.partition_point(|pointer| **pointer < *begins);
            self.0.get(first).is_some_and(|pointer| pointer.starts_with(&begins))
        };
        known(place) || above() || below()
    }
}

/// Keys of the longest pointer: the state is never nested so deep.
const KEYS: usize = 64;

/// Why a text is no pointer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPointer {
    /// It is not written as one.
    #[error("{0:?} is no JSON pointer: it is empty or begins with `/`, and `~` is written `~0`, `/` within a key `~1`")]
    Form(String),
    /// It leads deeper than any state.
    #[error("a pointer of more than {KEYS} keys leads nowhere")]
    Deep,
}

impl FromStr for Pointer {
    type Err = NoPointer;

    fn from_str(text: &str) -> Result<Pointer, NoPointer> {
        let begins = text.is_empty() || text.starts_with('/');
        let escaped = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
        if !begins || !escaped {
            return Err(NoPointer::Form(text.to_owned()));
        }
        if text.split('/').nth(KEYS + 1).is_some() {
            return Err(NoPointer::Deep);
        }
        Ok(Pointer(text.into()))
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Serialize for Pointer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Pointer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Pointer, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Pointer {
    fn schema_name() -> Cow<'static, str> {
        "Pointer".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({"type": "string", "format": "json-pointer"})
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pointers_are_read_joined_and_compared() {
        let pointer = Pointer::root().join("a/b").join("~").join("0");
        assert_eq!(pointer.as_str(), "/a~1b/~0/0");
        assert_eq!(pointer.tokens().collect::<Vec<_>>(), ["a/b", "~", "0"]);
        assert_eq!(pointer.split(), Some(("/a~1b/~0", "0".into())));
        assert!("/a".repeat(KEYS).parse::<Pointer>().is_ok());
        assert_eq!("/a".repeat(KEYS + 1).parse::<Pointer>(), Err(NoPointer::Deep));
        for wrong in ["a", "/~", "/~2", "/a~", "#/a"] {
            assert!(wrong.parse::<Pointer>().is_err(), "{wrong}");
        }
        assert!(holds("/a", "/a/b") && holds("", "/a") && holds("/a", "/a"));
        assert!(!holds("/a", "/ab") && !holds("/a/b", "/a") && overlap("/a/b", "/a") && !overlap("/a", "/b"));
    }

    proptest! {
        #[test]
        fn many_pointers_overlap_where_one_of_them_does(
            pointers in prop::collection::vec("(/[a-b!]{0,2}){0,4}", 0..8),
            place in "(/[a-b!]{0,2}){0,4}",
        ) {
            let pointers: Vec<Pointer> = pointers.iter().map(|text| text.parse().unwrap()).collect();
            let expected = pointers.iter().any(|pointer| overlap(pointer.as_str(), &place));
            prop_assert_eq!(Pointers::of(pointers.iter()).overlap(&place), expected);
        }
    }
}
