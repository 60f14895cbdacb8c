//! Tables that one word may stand for: everything else is then as by default.

use std::fmt;
use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use super::{Health, HealthKind, Ready, ReadyKind, Restart, RestartPolicy};

/// A table that one word may stand for.
#[derive(JsonSchema)]
#[schemars(untagged, rename = "{T}OrWord")]
#[allow(dead_code, reason = "only its schema is used")]
pub(super) enum WordOrTable<W, T> {
    /// The word, everything else by default.
    Word(W),
    /// The table.
    Table(T),
}

/// A table that one word may stand for.
pub(super) trait OfWord: for<'a> Deserialize<'a> {
    type Word: for<'a> Deserialize<'a> + Into<Self>;
    const EXPECTED: &'static str;
}

impl OfWord for Health {
    type Word = HealthKind;
    const EXPECTED: &'static str = "\"none\", \"http\", \"tcp\", \"exec\" or a table with kind";
}

impl OfWord for Ready {
    type Word = ReadyKind;
    const EXPECTED: &'static str =
        "\"started\", \"http\", \"tcp\", \"exec\", \"line\", \"handshake\" or a table with kind";
}

impl OfWord for Restart {
    type Word = RestartPolicy;
    const EXPECTED: &'static str = "\"never\", \"on-failure\", \"always\" or a table with policy";
}

pub(super) fn word_or_table<'de, T: OfWord, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(WordVisitor(PhantomData))
}

pub(super) fn maybe_word_or_table<'de, T: OfWord, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    deserializer.deserialize_any(MaybeVisitor(PhantomData))
}

struct WordVisitor<T>(PhantomData<fn() -> T>);

impl<'de, T: OfWord> Visitor<'de> for WordVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<T, E> {
        T::Word::deserialize(StrDeserializer::new(word)).map(Into::into)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

struct MaybeVisitor<T>(PhantomData<fn() -> T>);

impl<'de, T: OfWord> Visitor<'de> for MaybeVisitor<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_unit<E: Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_none<E: Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Option<T>, E> {
        WordVisitor(PhantomData).visit_str(word).map(Some)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Option<T>, A::Error> {
        WordVisitor(PhantomData).visit_map(map).map(Some)
    }
}
