//! Writes a program's own types as JSON, byte for byte as `serde_json` does, in fewer steps: strings are looked at by
//! blocks and copied whole. Knows nothing of frames.

use serde::Serialize;
use serde::ser::{self, Error as _};
use serde_json::Error;

use crate::frame::write_string;

/// Appends `value` to `out` as JSON, without white space.
///
/// # Errors
/// What `value`'s `Serialize` says, and a map's key that is neither a string nor a number. `out` then ends somewhere within
/// the value.
pub(crate) fn write<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) -> Result<(), Error> {
    value.serialize(Writer { out, strings: Strings::Quoted })
}

struct Writer<'a> {
    out: &'a mut Vec<u8>,
    strings: Strings,
}

/// How strings are written: as strings, or as the JSON that they hold.
#[derive(PartialEq)]
enum Strings {
    Quoted,
    /// As strings, where nothing else may stand: in the place of a map's key.
    Key,
    Verbatim,
}

/// What `serde_json` names the structs by which it hands over text that is JSON already: raw values, and numbers of any
/// precision.
pub(crate) const VERBATIM: &str = "$serde_json::private::";

/// The elements or members of a value that is being written.
struct Parts<'a> {
    out: &'a mut Vec<u8>,
    /// What stands behind the last one; nothing where the only member is the value's JSON itself.
    end: &'static [u8],
    first: bool,
}

impl<'a> Writer<'a> {
    fn text(self, text: &str) -> Result<(), Error> {
        match self.strings {
            Strings::Quoted | Strings::Key => write_string(self.out, text),
            Strings::Verbatim => self.out.extend_from_slice(text.as_bytes()),
        }
        Ok(())
    }

    fn literal(self, text: &[u8]) -> Result<(), Error> {
        self.out.extend_from_slice(text);
        Ok(())
    }

    fn integer(self, integer: impl itoa::Integer) -> Result<(), Error> {
        self.literal(itoa::Buffer::new().format(integer).as_bytes())
    }

    /// A number that JSON has not is null, but no key.
    fn check_finite(&self, finite: bool) -> Result<(), Error> {
        if finite || self.strings != Strings::Key {
            return Ok(());
        }
        Err(Error::custom("float key must be finite (got NaN or +/-inf)"))
    }

    fn open(self, start: &[u8], end: &'static [u8]) -> Result<Parts<'a>, Error> {
        if self.strings == Strings::Key {
            return Err(no_key());
        }
        self.out.extend_from_slice(start);
        Ok(Parts { out: self.out, end, first: true })
    }

    /// `{"name":` and what follows, which `end` ends.
    fn open_variant(self, name: &str, start: u8, end: &'static [u8]) -> Result<Parts<'a>, Error> {
        self.out.push(b'{');
        write_string(self.out, name);
        self.open(&[b':', start], end)
    }
}

impl Parts<'_> {
    fn separate(&mut self) {
        if !std::mem::replace(&mut self.first, false) {
            self.out.push(b',');
        }
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.separate();
        write(self.out, value)
    }

    fn member<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Error> {
        if self.end.is_empty() {
            return value.serialize(Writer { out: self.out, strings: Strings::Verbatim });
        }
        self.separate();
        write_string(self.out, name);
        self.out.push(b':');
        write(self.out, value)
    }

    /// A key is written as a value is, and put between quotes where that is a number or a truth.
    fn key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.separate();
        let start = self.out.len();
        key.serialize(Writer { out: self.out, strings: Strings::Key })?;
        match self.out.get(start) {
            Some(b'"') => Ok(()),
            Some(b'-' | b'0'..=b'9' | b't' | b'f') => {
                self.out.insert(start, b'"');
                self.out.push(b'"');
                Ok(())
            }
            Some(_) | None => Err(no_key()),
        }
    }

    fn close(self) -> Result<(), Error> {
        self.out.extend_from_slice(self.end);
        Ok(())
    }
}

/// Methods that pass their argument on.
macro_rules! pass {
    ($to:ident: $($method:ident($type:ty)),+) => {
        $(fn $method(self, value: $type) -> Result<(), Error> {
            self.$to(value)
        })+
    };
}

impl<'a> ser::Serializer for Writer<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Parts<'a>;
    type SerializeTuple = Parts<'a>;
    type SerializeTupleStruct = Parts<'a>;
    type SerializeTupleVariant = Parts<'a>;
    type SerializeMap = Parts<'a>;
    type SerializeStruct = Parts<'a>;
    type SerializeStructVariant = Parts<'a>;

    pass!(integer: serialize_i8(i8), serialize_i16(i16), serialize_i32(i32), serialize_i64(i64), serialize_i128(i128));
    pass!(integer: serialize_u8(u8), serialize_u16(u16), serialize_u32(u32), serialize_u64(u64), serialize_u128(u128));
    pass!(text: serialize_str(&str));

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.literal(if value { b"true" } else { b"false" })
    }

    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        self.check_finite(value.is_finite())?;
        serde_json::to_writer(self.out, &value)
    }

    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        self.check_finite(value.is_finite())?;
        serde_json::to_writer(self.out, &value)
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.text(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        serde_json::to_writer(self.out, value)
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.literal(b"null")
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.literal(b"null")
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.literal(b"null")
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Error> {
        self.text(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        let mut parts = self.open(b"{", b"}")?;
        parts.member(variant, value)?;
        parts.close()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts<'a>, Error> {
        self.open(b"[", b"]")
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts<'a>, Error> {
        self.open(b"[", b"]")
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Parts<'a>, Error> {
        self.open(b"[", b"]")
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'a>, Error> {
        self.open_variant(variant, b'[', b"]}")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Parts<'a>, Error> {
        self.open(b"{", b"}")
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Parts<'a>, Error> {
        if name.starts_with(VERBATIM) { self.open(b"", b"") } else { self.open(b"{", b"}") }
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'a>, Error> {
        self.open_variant(variant, b'{', b"}}")
    }
}

fn no_key() -> Error {
    Error::custom("key must be a string")
}

/// The kinds of sequences, which are written alike.
macro_rules! elements {
    ($($trait:ident::$method:ident),+) => {
        $(impl ser::$trait for Parts<'_> {
            type Ok = ();
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.element(value)
            }

            fn end(self) -> Result<(), Error> {
                self.close()
            }
        })+
    };
}

elements!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

/// The kinds of structs, which are written alike.
macro_rules! members {
    ($($trait:ident),+) => {
        $(impl ser::$trait for Parts<'_> {
            type Ok = ();
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
                self.member(name, value)
            }

            fn end(self) -> Result<(), Error> {
                self.close()
            }
        })+
    };
}

members!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for Parts<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.out.push(b':');
        write(self.out, value)
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}

#[cfg(test)]
mod tests;
