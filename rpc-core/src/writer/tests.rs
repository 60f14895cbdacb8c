//! The writer beside `serde_json`, whose output and refusals it must match.

use std::collections::BTreeMap;

use fastrand::Rng;
use serde::ser::{SerializeMap as _, SerializeSeq as _, SerializeStruct as _, SerializeStructVariant as _};
use serde::ser::{SerializeTupleVariant as _, Serializer};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::*;

#[derive(Serialize)]
enum Shape {
    Unit,
    Newtype(u8),
    Tuple(i8, char),
    Struct { a: (), b: Option<&'static str> },
}

#[derive(Serialize)]
struct Tuple(f32, f64);

#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct Name(&'static str);

fn check(value: impl Serialize) {
    let mut ours = Vec::new();
    let written = write(&mut ours, &value).map(|()| String::from_utf8(ours).expect("JSON is UTF-8"));
    match serde_json::to_string(&value) {
        Ok(theirs) => assert_eq!(written.ok(), Some(theirs)),
        Err(theirs) => assert_eq!(written.map_err(|error| error.to_string()), Err(theirs.to_string())),
    }
}

#[test]
fn every_type_is_written_as_serde_json_writes_it() {
    check((true, false, (), None::<u8>, Some(1), 'a', '"', "\u{1}\n\\\"é한", ""));
    check((i8::MIN, i16::MIN, i32::MIN, i64::MIN, i128::MIN, u8::MAX, u16::MAX, u32::MAX, u64::MAX, u128::MAX));
    check([Tuple(1.5, -0.0), Tuple(f32::NAN, 1e300), Tuple(0.1, f64::INFINITY), Tuple(3.0, f64::MIN_POSITIVE)]);
    check([Shape::Unit, Shape::Newtype(7), Shape::Tuple(-1, '\u{1f600}'), Shape::Struct { a: (), b: Some("c") }]);
    check((Name("n"), [(); 0], Vec::<Value>::new(), BTreeMap::<String, u8>::new()));
    check(json!({"a": [1, 2.5, {"b": null}], "long": "x".repeat(100), "escaped \" key": "\u{7f}\u{2028}"}));
}

#[test]
fn raw_values_are_written_as_they_are() {
    let raw = RawValue::from_string(r#"{"a" :  ["\u0041", 1.0]}"#.to_owned()).unwrap();
    check((&raw, BTreeMap::from([("k", &raw)])));
    check(&raw);
}

#[test]
fn keys_become_strings_or_errors_as_in_serde_json() {
    check(BTreeMap::from([(1u8, true), (200, false)]));
    check(BTreeMap::from([(-5i64, ())]));
    check(BTreeMap::from([(true, ()), (false, ())]));
    check(BTreeMap::from([('"', ()), ('x', ())]));
    check(BTreeMap::from([(Name("a"), 1), (Name("b\n"), 2)]));
    check(BTreeMap::from([(Some("a"), 1)]));
    check(BTreeMap::from([((1, 2), 1)]));
    check(BTreeMap::from([(None::<u8>, 1)]));
    check(BTreeMap::from([((), 1)]));
    check(BTreeMap::from([(vec![b'a'], 1)]));
}

/// A value of any kind that serde knows.
#[derive(Debug)]
enum Any {
    Bool(bool),
    Integer(i64),
    Unsigned(u128),
    Single(f32),
    Double(f64),
    Char(char),
    Text(String),
    Bytes(Vec<u8>),
    Missing,
    Unit,
    UnitVariant,
    Raw(Box<RawValue>),
    Some(Box<Any>),
    Newtype(Box<Any>),
    NewtypeVariant(Box<Any>),
    Sequence(Vec<Any>),
    TupleVariant(Vec<Any>),
    Map(Vec<(Any, Any)>),
    Struct(Box<Any>),
    StructVariant(Box<Any>),
}

impl Any {
    fn leaf(rng: &mut Rng) -> Any {
        match rng.u8(..13) {
            0 => Any::Bool(rng.bool()),
            1 => Any::Integer(rng.i64(..)),
            2 => Any::Unsigned(rng.u128(..)),
            3 => Any::Single(f32::from_bits(rng.u32(..))),
            4 => Any::Double(f64::from_bits(rng.u64(..))),
            5 => Any::Double(*rng.choice(&[f64::NAN, f64::INFINITY, -0.0, 1e16, 1.0]).unwrap()),
            6 => Any::Char(rng.char(..)),
            7 => Any::Text((0..rng.usize(..20)).map(|_| rng.char(..)).collect()),
            8 => Any::Bytes((0..rng.usize(..5)).map(|_| rng.u8(..)).collect()),
            9 => Any::Missing,
            10 => Any::Unit,
            11 => Any::UnitVariant,
            _ => {
                let text = *rng.choice(&["\"raw\"", "12", "-1.5", "true", "null", "[1, 2]", "{ \"a\":1 }"]).unwrap();
                Any::Raw(RawValue::from_string(text.to_owned()).unwrap())
            }
        }
    }

    fn random(rng: &mut Rng, depth: u32) -> Any {
        if depth == 0 {
            return Any::leaf(rng);
        }
        let child = |rng: &mut Rng| Any::random(rng, depth - 1);
        let children = |rng: &mut Rng| (0..rng.usize(..4)).map(|_| child(rng)).collect();
        match rng.u8(..12) {
            0 => Any::Some(Box::new(child(rng))),
            1 => Any::Newtype(Box::new(child(rng))),
            2 => Any::NewtypeVariant(Box::new(child(rng))),
            3 | 4 => Any::Sequence(children(rng)),
            5 => Any::TupleVariant(children(rng)),
            6..=8 => Any::Map((0..rng.usize(..3)).map(|_| (Any::key(rng), child(rng))).collect()),
            9 => Any::Struct(Box::new(child(rng))),
            10 => Any::StructVariant(Box::new(child(rng))),
            _ => Any::leaf(rng),
        }
    }

    /// Mostly one that may be a key.
    fn key(rng: &mut Rng) -> Any {
        match rng.u8(..12) {
            0 => Any::random(rng, 1),
            1 => Any::leaf(rng),
            2 => Any::Some(Box::new(Any::leaf(rng))),
            3 => Any::Newtype(Box::new(Any::leaf(rng))),
            4 => Any::Integer(rng.i64(..)),
            _ => Any::Text(rng.char(..).to_string()),
        }
    }
}

impl Serialize for Any {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Any::Bool(value) => to.serialize_bool(*value),
            Any::Integer(value) => to.serialize_i64(*value),
            Any::Unsigned(value) => to.serialize_u128(*value),
            Any::Single(value) => to.serialize_f32(*value),
            Any::Double(value) => to.serialize_f64(*value),
            Any::Char(value) => to.serialize_char(*value),
            Any::Text(value) => to.serialize_str(value),
            Any::Bytes(value) => to.serialize_bytes(value),
            Any::Missing => to.serialize_none(),
            Any::Unit => to.serialize_unit_struct("Unit"),
            Any::UnitVariant => to.serialize_unit_variant("Any", 0, "Unit\"Variant"),
            Any::Raw(raw) => raw.serialize(to),
            Any::Some(value) => to.serialize_some(value),
            Any::Newtype(value) => to.serialize_newtype_struct("Newtype", value),
            Any::NewtypeVariant(value) => to.serialize_newtype_variant("Any", 0, "Newtype", value),
            Any::Sequence(values) => {
                let mut parts = to.serialize_seq(None)?;
                values.iter().try_for_each(|value| parts.serialize_element(value))?;
                parts.end()
            }
            Any::TupleVariant(values) => {
                let mut parts = to.serialize_tuple_variant("Any", 0, "Tuple", values.len())?;
                values.iter().try_for_each(|value| parts.serialize_field(value))?;
                parts.end()
            }
            Any::Map(members) => {
                let mut parts = to.serialize_map(Some(members.len()))?;
                members.iter().try_for_each(|(key, value)| parts.serialize_entry(key, value))?;
                parts.end()
            }
            Any::Struct(value) => {
                let mut parts = to.serialize_struct("Struct", 2)?;
                parts.serialize_field("a", value)?;
                parts.serialize_field("b", &1)?;
                parts.end()
            }
            Any::StructVariant(value) => {
                let mut parts = to.serialize_struct_variant("Any", 0, "Struct", 1)?;
                parts.serialize_field("a", value)?;
                parts.end()
            }
        }
    }
}

#[test]
fn whatever_serde_json_writes_or_refuses_is_written_alike_or_refused() {
    let mut rng = Rng::with_seed(11);
    for _ in 0..20_000 {
        check(Any::random(&mut rng, 4));
    }
}

#[test]
fn text_that_is_json_already_is_no_key() {
    let raw = |text: &str| Any::Raw(RawValue::from_string(text.to_owned()).unwrap());
    for text in ["\"quoted\"", "12", "-1", "true", "null", "{}"] {
        check(Any::Map(vec![(raw(text), Any::Unit)]));
        check(Any::Map(vec![(Any::Some(Box::new(raw(text))), Any::Unit)]));
    }
    check(Any::Map(vec![(Any::Double(f64::NAN), Any::Unit)]));
    check(Any::Map(vec![(Any::Single(f32::INFINITY), Any::Unit)]));
}
