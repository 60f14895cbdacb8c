//! Reads JSON into a program's own types, in fewer steps than `serde_json` takes and with no word about what is wrong:
//! whoever gets nothing asks `serde_json`, which has the last word on what a text means. What is unusual (escapes,
//! fractions, enums, raw values) is passed to it one value at a time.

use std::cell::Cell;

use serde::de::{self, DeserializeSeed, Visitor};
use serde::{Deserialize, Deserializer, forward_to_deserialize_any};
use serde_json::de::StrRead;

use crate::frame::scan;
use crate::writer::VERBATIM;

/// The value that `text` holds; `None` where it is not read so, which says nothing about whether it can be.
pub(crate) fn read<'de, T: Deserialize<'de>>(text: &'de str) -> Option<T> {
    let mut reader = Reader { text, at: 0, depth: scan::MAX_DEPTH };
    let outer = FAILED.replace(false);
    let value = T::deserialize(&mut reader).ok();
    // A type that goes on after a failure would go on at another place than with `serde_json`.
    let failed = FAILED.replace(outer);
    value.filter(|_| !failed && scan::space(text.as_bytes(), reader.at) == text.len())
}

struct Reader<'de> {
    text: &'de str,
    at: usize,
    /// The levels still allowed.
    depth: u32,
}

/// Why nothing was read, which nobody is told.
#[derive(Debug, thiserror::Error)]
#[error("not read")]
struct NotRead;

thread_local! {
    /// Whether anything was not read since the reading began, though a type may have made do without it.
    static FAILED: Cell<bool> = const { Cell::new(false) };
}

impl Drop for NotRead {
    fn drop(&mut self) {
        FAILED.set(true);
    }
}

impl de::Error for NotRead {
    fn custom<T: std::fmt::Display>(_: T) -> NotRead {
        NotRead
    }
}

impl From<serde_json::Error> for NotRead {
    fn from(_: serde_json::Error) -> NotRead {
        NotRead
    }
}

impl From<scan::ScanError> for NotRead {
    fn from(_: scan::ScanError) -> NotRead {
        NotRead
    }
}

impl<'de> Reader<'de> {
    /// The next byte that is not white space, at which the reader then stands.
    #[inline]
    fn peek(&mut self) -> Result<u8, NotRead> {
        match self.text.as_bytes().get(self.at) {
            Some(byte) if *byte > b' ' => Ok(*byte),
            Some(_) | None => {
                self.at = scan::space(self.text.as_bytes(), self.at);
                self.text.as_bytes().get(self.at).copied().ok_or_else(|| NotRead)
            }
        }
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Result<(), NotRead> {
        let found = self.peek()? == byte;
        self.at += 1;
        if found { Ok(()) } else { Err(NotRead) }
    }

    fn literal(&mut self, word: &str) -> Result<(), NotRead> {
        let found = self.text.as_bytes()[self.at..].starts_with(word.as_bytes());
        self.at += word.len();
        if found { Ok(()) } else { Err(NotRead) }
    }

    /// The text of the string whose quote stands here, which it passes over; `None` where it has escapes.
    #[inline]
    fn quoted(&mut self) -> Result<Option<&'de str>, NotRead> {
        let start = self.at + 1;
        let end = scan::stop(self.text.as_bytes(), start).ok_or_else(|| NotRead)?;
        if self.text.as_bytes()[end] != b'"' {
            return Ok(None);
        }
        self.at = end + 1;
        Ok(Some(self.text.get(start..end).ok_or_else(|| NotRead)?))
    }

    #[inline]
    fn text<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, NotRead> {
        if self.peek()? != b'"' {
            return Err(NotRead);
        }
        match self.quoted()? {
            Some(text) => visitor.visit_borrowed_str(text),
            None => self.by_serde_json(|json| json.deserialize_str(visitor)),
        }
    }

    /// A number, of which most are whole and short.
    #[inline]
    fn whole<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, NotRead> {
        self.peek()?;
        let rest = &self.text.as_bytes()[self.at..];
        let (mut number, mut digits) = (0u64, 0);
        for byte in rest {
            if !byte.is_ascii_digit() {
                break;
            }
            number = number.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
            digits += 1;
        }
        let whole = !matches!(rest.get(digits), Some(b'.' | b'e' | b'E'));
        if whole && (1..20).contains(&digits) && (rest[0] != b'0' || digits == 1) {
            self.at += digits;
            return visitor.visit_u64(number);
        }
        self.by_serde_json(|json| json.deserialize_any(visitor))
    }

    /// Hands the value that stands here to `serde_json`.
    fn by_serde_json<T>(
        &mut self,
        read: impl FnOnce(&mut serde_json::Deserializer<StrRead<'de>>) -> Result<T, serde_json::Error>,
    ) -> Result<T, NotRead> {
        self.peek()?;
        let end = scan::value(self.text.as_bytes(), self.at, self.depth)?;
        let text = self.text.get(self.at..end).ok_or_else(|| NotRead)?;
        self.at = end;
        let mut json = serde_json::Deserializer::from_str(text);
        let value = read(&mut json)?;
        json.end()?;
        Ok(value)
    }

    #[inline]
    fn elements<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, NotRead> {
        self.within(b'[', b']', |parts| visitor.visit_seq(parts))
    }

    #[inline]
    fn members<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, NotRead> {
        self.within(b'{', b'}', |parts| visitor.visit_map(parts))
    }

    #[inline]
    fn within<T>(
        &mut self,
        start: u8,
        end: u8,
        visit: impl FnOnce(Parts<'_, 'de>) -> Result<T, NotRead>,
    ) -> Result<T, NotRead> {
        self.expect(start)?;
        self.depth = self.depth.checked_sub(1).ok_or_else(|| NotRead)?;
        let value = visit(Parts { reader: self, end, first: true })?;
        self.expect(end)?;
        self.depth += 1;
        Ok(value)
    }
}

/// The elements or members of a value that is being read.
struct Parts<'a, 'de> {
    reader: &'a mut Reader<'de>,
    end: u8,
    first: bool,
}

impl Parts<'_, '_> {
    /// Whether there is another one, before which the reader then stands.
    #[inline]
    fn advance(&mut self) -> Result<bool, NotRead> {
        let next = self.reader.peek()?;
        if next == self.end {
            return Ok(false);
        }
        if !std::mem::replace(&mut self.first, false) {
            self.reader.expect(b',')?;
        }
        Ok(true)
    }
}

impl<'de> de::SeqAccess<'de> for Parts<'_, 'de> {
    type Error = NotRead;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, NotRead> {
        if self.advance()? { seed.deserialize(&mut *self.reader).map(Some) } else { Ok(None) }
    }
}

impl<'de> de::MapAccess<'de> for Parts<'_, 'de> {
    type Error = NotRead;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, NotRead> {
        if self.advance()? { seed.deserialize(Key(self.reader)).map(Some) } else { Ok(None) }
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, NotRead> {
        self.reader.expect(b':')?;
        seed.deserialize(&mut *self.reader)
    }
}

/// Methods that read alike.
macro_rules! alike {
    ($to:ident: $($method:ident),+) => {
        $(#[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotRead> {
            self.$to(visitor)
        })+
    };
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = NotRead;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotRead> {
        match self.peek()? {
            b'"' => self.text(visitor),
            b'{' => self.members(visitor),
            b'[' => self.elements(visitor),
            b't' | b'f' => self.deserialize_bool(visitor),
            b'n' => self.deserialize_unit(visitor),
            _ => self.whole(visitor),
        }
    }

    alike!(
        whole: deserialize_i8, deserialize_i16, deserialize_i32, deserialize_i64, deserialize_u8, deserialize_u16,
        deserialize_u32, deserialize_u64, deserialize_f64
    );
    alike!(text: deserialize_char, deserialize_str, deserialize_string, deserialize_identifier);
    alike!(elements: deserialize_seq);
    alike!(members: deserialize_map);

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotRead> {
        let truth = self.peek()? == b't';
        self.literal(if truth { "true" } else { "false" })?;
        visitor.visit_bool(truth)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotRead> {
        self.by_serde_json(|json| json.deserialize_f32(visitor))
    }

    fn deserialize_i128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotRead> {
        self.by_serde_json(|json| json.deserialize_i128(visitor))
    }

    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotRead> {
        self.by_serde_json(|json| json.deserialize_u128(visitor))
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotRead> {
        self.by_serde_json(|json| json.deserialize_bytes(visitor))
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotRead> {
        self.by_serde_json(|json| json.deserialize_byte_buf(visitor))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotRead> {
        if self.peek()? != b'n' {
            return visitor.visit_some(self);
        }
        self.literal("null")?;
        visitor.visit_none()
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotRead> {
        self.peek()?;
        self.literal("null")?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, NotRead> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, NotRead> {
        if name.starts_with(VERBATIM) {
            return self.by_serde_json(|json| json.deserialize_newtype_struct(name, visitor));
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, NotRead> {
        self.elements(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, NotRead> {
        self.elements(visitor)
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NotRead> {
        if self.peek()? == b'[' { self.elements(visitor) } else { self.members(visitor) }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NotRead> {
        self.by_serde_json(|json| json.deserialize_enum(name, variants, visitor))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotRead> {
        self.peek()?;
        self.at = scan::value(self.text.as_bytes(), self.at, self.depth)?;
        visitor.visit_unit()
    }
}

/// A member's key, which is a string on the wire whatever it is to the program.
struct Key<'a, 'de>(&'a mut Reader<'de>);

impl<'de> Key<'_, 'de> {
    /// A number within the quotes.
    fn whole<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotRead> {
        if self.0.peek()? != b'"' {
            return Err(NotRead);
        }
        let text = self.0.quoted()?.ok_or_else(|| NotRead)?;
        let mut inner = Reader { text, at: 0, depth: 0 };
        let solid = |byte: Option<&u8>| byte.is_some_and(|byte| *byte > b' ');
        if !(solid(text.as_bytes().first()) && solid(text.as_bytes().last())) {
            return Err(NotRead);
        }
        let value = inner.whole(visitor)?;
        if inner.at == text.len() { Ok(value) } else { Err(NotRead) }
    }
}

impl<'de> Deserializer<'de> for Key<'_, 'de> {
    type Error = NotRead;

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotRead> {
        self.0.text(visitor)
    }

    alike!(
        whole: deserialize_i8, deserialize_i16, deserialize_i32, deserialize_i64, deserialize_u8, deserialize_u16,
        deserialize_u32, deserialize_u64
    );

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotRead> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, NotRead> {
        if name.starts_with(VERBATIM) { Err(NotRead) } else { visitor.visit_newtype_struct(self) }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NotRead> {
        self.0.by_serde_json(|json| json.deserialize_enum(name, variants, visitor))
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, _: V) -> Result<V::Value, NotRead> {
        Err(NotRead)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, _: V) -> Result<V::Value, NotRead> {
        Err(NotRead)
    }

    forward_to_deserialize_any! {
        bool i128 u128 f32 f64 char str string unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests;
