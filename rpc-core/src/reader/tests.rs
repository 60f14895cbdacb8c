use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

use super::*;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Everything<'a> {
    id: u64,
    small: i8,
    ratio: f64,
    single: f32,
    huge: Option<u128>,
    name: String,
    #[serde(borrow)]
    text: Cow<'a, str>,
    active: bool,
    letter: char,
    nothing: (),
    maybe: Option<Box<Everything<'a>>>,
    pair: (u8, String),
    shapes: Vec<Shape>,
    by_number: BTreeMap<i16, Shape>,
    by_shape: BTreeMap<Shape, u8>,
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Shape {
    Unit,
    Newtype(u8),
    Tuple(i8, i8),
    Struct { a: Option<u8> },
}

const EVERYTHING: &str = concat!(
    r#"{"id":12345678901234567890,"small":-7,"ratio":2.5,"single":0.1,"huge":340282366920938463463374607431768211455,"#,
    r#""name":"a name that is longer than one block","text":"plain","active":true,"letter":"x","nothing":null,"#,
    r#""maybe":null,"pair":[1,"two"],"shapes":["Unit",{"Newtype":1},{"Tuple":[1,-2]},{"Struct":{"a":null}}],"#,
    r#""by_number":{"-3":"Unit","40":{"Newtype":4}},"by_shape":{"Unit":1},"other":[{"x":[1,2.5,-3,"\u00e9"]}]}"#,
);

/// What is read is what `serde_json` reads.
fn check<'de, T: Deserialize<'de> + PartialEq + Debug>(text: &'de str) -> bool {
    let read = read::<T>(text);
    if let Some(value) = &read {
        assert_eq!(serde_json::from_str::<T>(text).ok().as_ref(), Some(value), "{text}");
    }
    read.is_some()
}

#[test]
fn a_value_of_every_type_is_read_as_serde_json_reads_it() {
    assert!(check::<Everything<'_>>(EVERYTHING));
    assert!(check::<Value>(EVERYTHING));
    for text in ["0", "-0", "18446744073709551615", "18446744073709551616", "1e3", "-1.5", r#""\n""#, "[ ]", " { } "] {
        assert!(check::<Value>(text), "{text}");
    }
    assert!(check::<Vec<Option<f64>>>("[1 , null,-2,0.5]"));
    assert!(check::<Vec<&str>>(r#"["a","b"]"#));
    assert!(check::<(i64, i64)>("[-9223372036854775808,9223372036854775807]"));
    assert!(check::<BTreeMap<u32, ()>>(r#"{"1":null}"#));
    assert!(read::<IgnoredAny>(EVERYTHING).is_some());
    let raw: &RawValue = read(EVERYTHING).unwrap();
    assert_eq!(raw.get(), EVERYTHING);
}

#[test]
fn nothing_is_read_that_serde_json_refuses() {
    let spaced = EVERYTHING.replace(',', " ,\n").replace(':', " : ");
    for (text, bytes) in [(EVERYTHING, " \"\\,:[]{}-.e0tn"), (&spaced, "\",x")] {
        for place in 0..text.len() {
            check::<Everything<'_>>(&text[..place]);
            for byte in bytes.chars() {
                let text = format!("{}{byte}{}", &text[..place], &text[place + 1..]);
                check::<Everything<'_>>(&text);
            }
        }
    }
}

#[test]
fn odd_numbers_and_keys_are_left_to_serde_json_or_agree_with_it() {
    for text in ["01", "1.", "+1", "--1", "1e", "-", "", " ", "256", "-129", "1.0", "99999999999999999999"] {
        check::<u8>(text);
        check::<i64>(text);
        check::<f64>(text);
        check::<Value>(text);
        check::<BTreeMap<i64, u8>>(&format!("{{\"{text}\":1}}"));
        check::<BTreeMap<i64, u8>>(&format!("{{\" {text} \":1}}"));
    }
    for text in ["nullx", "truex", "[1,]", "[,1]", "{,}", r#"{"a":1,}"#, "[1 2]", r#"{"a" 1}"#, "[1]]", "{1:2}"] {
        assert!(!check::<Value>(text), "{text}");
    }
}

#[test]
fn nesting_beyond_what_serde_json_follows_is_not_read() {
    for depth in [126, 127, 128, 100_000] {
        let text = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(check::<Value>(&text), depth < 128, "{depth}");
    }
}

/// A type that makes do with nothing where it cannot be read.
#[derive(Debug, PartialEq, Default)]
struct Lenient<T>(T);

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Lenient<T>, D::Error> {
        Ok(Lenient(T::deserialize(deserializer).unwrap_or_default()))
    }
}

#[test]
fn a_type_that_goes_on_after_a_failure_is_left_to_serde_json() {
    for text in ["[1,2,3]", "[[1],2]", r#"[",1,"]"#, "[true,0]", "[{},[]]", r#"["\n"]"#] {
        check::<Vec<Lenient<bool>>>(text);
        check::<Vec<Lenient<u8>>>(text);
        check::<Vec<Lenient<Vec<u8>>>>(text);
        check::<(Lenient<bool>,)>(text);
        check::<Vec<Lenient<String>>>(text);
    }
    assert!(check::<Vec<Lenient<bool>>>("[true,false]"));
}
