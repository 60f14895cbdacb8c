//! A JSON value that shares its structure: cloning costs one reference, changing a leaf copies the path to it. Object
//! members are sorted by key. Knows nothing of versions.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{DeserializeOwned, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Number, Value};

use crate::tree::Tree;

/// A JSON value. Cheap to clone, however large it is.
#[derive(Clone, Debug, Default)]
pub struct Json(Kind);

/// What a value is.
#[derive(Clone, Debug, Default)]
pub(crate) enum Kind {
    #[default]
    Null,
    Bool(bool),
    Number(Number),
    String(Arc<str>),
    Array(Tree<Json>),
    Object(Tree<Member>),
}

/// One member of an object.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) key: Arc<str>,
    pub(crate) value: Json,
}

impl Json {
    /// `null`.
    pub const NULL: Json = Json(Kind::Null);

    /// An object without members.
    pub fn object() -> Json {
        Json(Kind::Object(Tree::default()))
    }

    /// What `value` is as JSON.
    ///
    /// # Errors
    /// What `value`'s `Serialize` says: a map with keys that are no strings, say.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Json, serde_json::Error> {
        serde_json::to_value(value).map(Json::from)
    }

    /// Reads the value as `T`.
    ///
    /// # Errors
    /// Where it does not fit `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_value(self.to_value())
    }

    /// The member of an object.
    pub fn member(&self, key: &str) -> Option<&Json> {
        let members = self.as_object()?;
        members.get(position(members, key).ok()?).map(|member| &member.value)
    }

    /// What a pointer leads to (RFC 6901); the empty one to the value itself.
    pub fn at(&self, pointer: &str) -> Option<&Json> {
        if pointer.is_empty() {
            return Some(self);
        }
        pointer.strip_prefix('/')?.split('/').try_fold(self, |json, token| json.child(&unescape(token)))
    }

    /// The value of a string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.0 {
            Kind::String(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a whole number that is not below zero.
    pub fn as_u64(&self) -> Option<u64> {
        match &self.0 {
            Kind::Number(number) => number.as_u64(),
            _ => None,
        }
    }

    /// The members of an object with their keys, sorted by key; nothing of any other value.
    pub fn members(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.as_object().into_iter().flat_map(Tree::iter).map(|member| (&*member.key, &member.value))
    }

    /// The elements of an array; nothing of any other value.
    pub fn elements(&self) -> impl Iterator<Item = &Json> {
        self.as_array().into_iter().flat_map(Tree::iter)
    }

    /// Whether it is an object.
    pub fn is_object(&self) -> bool {
        matches!(self.0, Kind::Object(_))
    }

    /// The same value as a plain tree; costs time and memory in proportion to its size.
    pub fn to_value(&self) -> Value {
        match &self.0 {
            Kind::Null => Value::Null,
            Kind::Bool(value) => Value::Bool(*value),
            Kind::Number(value) => Value::Number(value.clone()),
            Kind::String(value) => Value::String((**value).to_owned()),
            Kind::Array(elements) => elements.iter().map(Json::to_value).collect(),
            Kind::Object(members) => {
                Value::Object(members.iter().map(|member| (member.key.to_string(), member.value.to_value())).collect())
            }
        }
    }

    /// The same value with the member `key` of an object set, or added.
    pub(crate) fn set(&mut self, key: &str, value: Json) -> Option<Json> {
        let members = self.as_object_mut()?;
        match position(members, key) {
            Ok(at) => members.get_mut(at).map(|member| std::mem::replace(&mut member.value, value)),
            Err(at) => {
                members.insert(at, Member { key: key.into(), value });
                None
            }
        }
    }

    pub(crate) fn child(&self, token: &str) -> Option<&Json> {
        match &self.0 {
            Kind::Object(_) => self.member(token),
            Kind::Array(elements) => elements.get(index(token)?),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::String(_) => None,
        }
    }

    pub(crate) fn child_mut(&mut self, token: &str) -> Option<&mut Json> {
        match &mut self.0 {
            Kind::Object(members) => {
                let at = position(members, token).ok()?;
                members.get_mut(at).map(|member| &mut member.value)
            }
            Kind::Array(elements) => elements.get_mut(index(token)?),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::String(_) => None,
        }
    }

    pub(crate) fn as_array(&self) -> Option<&Tree<Json>> {
        match &self.0 {
            Kind::Array(elements) => Some(elements),
            _ => None,
        }
    }

    pub(crate) fn as_array_mut(&mut self) -> Option<&mut Tree<Json>> {
        match &mut self.0 {
            Kind::Array(elements) => Some(elements),
            _ => None,
        }
    }

    pub(crate) fn as_object(&self) -> Option<&Tree<Member>> {
        match &self.0 {
            Kind::Object(members) => Some(members),
            _ => None,
        }
    }

    pub(crate) fn as_object_mut(&mut self) -> Option<&mut Tree<Member>> {
        match &mut self.0 {
            Kind::Object(members) => Some(members),
            _ => None,
        }
    }

    /// Whether both are one value in memory, so that neither needs a look to know that they are equal.
    pub(crate) fn is_same(&self, other: &Json) -> bool {
        match (&self.0, &other.0) {
            (Kind::Array(one), Kind::Array(other)) => one.is_same(other),
            (Kind::Object(one), Kind::Object(other)) => one.is_same(other),
            (Kind::String(one), Kind::String(other)) => Arc::ptr_eq(one, other),
            (Kind::Null, Kind::Null) => true,
            (Kind::Bool(one), Kind::Bool(other)) => one == other,
            (Kind::Number(one), Kind::Number(other)) => one == other,
            _ => false,
        }
    }

    /// Bytes of it as JSON text, at least nearly: keys count without their escapes.
    pub(crate) fn size(&self) -> usize {
        match &self.0 {
            Kind::Null | Kind::Bool(_) => 4,
            Kind::Number(number) => digits(number),
            Kind::String(text) => text.len() + 2 + escapes(text),
            Kind::Array(elements) => 2 + elements.iter().map(|element| element.size() + 1).sum::<usize>(),
            Kind::Object(members) => {
                2 + members.iter().map(|member| member.key.len() + 4 + member.value.size()).sum::<usize>()
            }
        }
    }

    /// How deep arrays and objects are nested in it: 0 for a scalar.
    pub(crate) fn depth(&self) -> usize {
        let inner = match &self.0 {
            Kind::Array(elements) => elements.iter().map(Json::depth).max(),
            Kind::Object(members) => members.iter().map(|member| member.value.depth()).max(),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::String(_) => return 0,
        };
        inner.unwrap_or(0) + 1
    }
}

/// Bytes of a number as text, at the most.
fn digits(number: &Number) -> usize {
    match (number.as_u64(), number.as_i64()) {
        (Some(number), _) => number.checked_ilog10().unwrap_or(0) as usize + 1,
        (None, Some(number)) => number.unsigned_abs().ilog10() as usize + 2,
        (None, None) => 24,
    }
}

/// Bytes that the escapes of a text add to it.
fn escapes(text: &str) -> usize {
    let added = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 8 | 12 => 1,
        0..32 => 5,
        _ => 0,
    };
    text.bytes().map(added).sum()
}

/// Whether two numbers are one: 1 and 1.0 are, as RFC 6902 has it; whole ones are compared exactly.
fn is_one(one: &Number, other: &Number) -> bool {
    one == other || (one.is_f64() || other.is_f64()) && one.as_f64() == other.as_f64()
}

/// Where a member is, or would have to stand.
pub(crate) fn position(members: &Tree<Member>, key: &str) -> Result<usize, usize> {
    members.search(|member| (*member.key).cmp(key))
}

/// The place in an array that a pointer's token names: digits without a leading zero.
pub(crate) fn index(token: &str) -> Option<usize> {
    let plain = token == "0" || (!token.starts_with('0') && token.bytes().all(|byte| byte.is_ascii_digit()));
    if plain { token.parse().ok() } else { None }
}

/// A pointer's token without its escapes.
pub(crate) fn unescape(token: &str) -> Cow<'_, str> {
    if token.contains('~') { token.replace("~1", "/").replace("~0", "~").into() } else { token.into() }
}

impl PartialEq for Json {
    fn eq(&self, other: &Json) -> bool {
        if self.is_same(other) {
            return true;
        }
        match (&self.0, &other.0) {
            (Kind::Array(one), Kind::Array(other)) => one.len() == other.len() && one.iter().eq(other.iter()),
            (Kind::Object(one), Kind::Object(other)) => one.len() == other.len() && one.iter().eq(other.iter()),
            (Kind::String(one), Kind::String(other)) => one == other,
            (Kind::Number(one), Kind::Number(other)) => is_one(one, other),
            _ => false,
        }
    }
}

impl PartialEq for Member {
    fn eq(&self, other: &Member) -> bool {
        self.key == other.key && self.value == other.value
    }
}

impl From<Value> for Json {
    fn from(value: Value) -> Json {
        Json(match value {
            Value::Null => Kind::Null,
            Value::Bool(value) => Kind::Bool(value),
            Value::Number(value) => Kind::Number(value),
            Value::String(value) => Kind::String(value.into()),
            Value::Array(elements) => Kind::Array(elements.into_iter().map(Json::from).collect()),
            Value::Object(members) => {
                return members.into_iter().map(|(key, value)| (key, Json::from(value))).collect();
            }
        })
    }
}

impl FromIterator<Json> for Json {
    fn from_iter<I: IntoIterator<Item = Json>>(elements: I) -> Json {
        Json(Kind::Array(elements.into_iter().collect()))
    }
}

/// Of two members with one key the last one counts.
impl FromIterator<(String, Json)> for Json {
    fn from_iter<I: IntoIterator<Item = (String, Json)>>(members: I) -> Json {
        let mut members: Vec<(String, Json)> = members.into_iter().collect();
        let sorted = members.windows(2).all(|pair| pair[0].0 < pair[1].0);
        if !sorted {
            members.reverse();
            members.sort_by(|one, other| one.0.cmp(&other.0));
            members.dedup_by(|later, first| later.0 == first.0);
        }
        let members = members.into_iter().map(|(key, value)| Member { key: key.into(), value });
        Json(Kind::Object(members.collect()))
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Json {
        Json(Kind::String(text.into()))
    }
}

impl From<u64> for Json {
    fn from(number: u64) -> Json {
        Json(Kind::Number(number.into()))
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Kind::Null => serializer.serialize_unit(),
            Kind::Bool(value) => serializer.serialize_bool(*value),
            Kind::Number(value) => value.serialize(serializer),
            Kind::String(value) => serializer.serialize_str(value),
            Kind::Array(elements) => {
                let mut array = serializer.serialize_seq(Some(elements.len()))?;
                elements.iter().try_for_each(|element| array.serialize_element(element))?;
                array.end()
            }
            Kind::Object(members) => {
                let mut object = serializer.serialize_map(Some(members.len()))?;
                members.iter().try_for_each(|member| object.serialize_entry(&*member.key, &member.value))?;
                object.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::NULL)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json(Kind::Bool(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json(Kind::Number(value.into())))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json(Kind::Number(value.into())))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json(Number::from_f64(value).map_or(Kind::Null, Kind::Number)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::from(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut elements: Vec<Json> = Vec::new();
        while let Some(element) = access.next_element()? {
            elements.push(element);
        }
        Ok(elements.into_iter().collect())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut members: Vec<(String, Json)> = Vec::new();
        while let Some(member) = access.next_entry()? {
            members.push(member);
        }
        Ok(members.into_iter().collect())
    }
}

impl JsonSchema for Json {
    fn schema_name() -> Cow<'static, str> {
        "Json".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        true.into()
    }

    fn inline_schema() -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_the_same_in_every_form() {
        let value = json!({"b": [1, -2, 2.5, "x", null, true, {"~/": {}}], "a": {"z": [], "a": "\u{e4}"}});
        let json = Json::from(value.clone());
        assert_eq!(json.to_value(), value);
        assert_eq!(json.to_string(), value.to_string());
        assert_eq!(serde_json::from_str::<Json>(&value.to_string()).unwrap(), json);
        assert_eq!(json.at("/b/6/~0~1"), Some(&Json::object()));
        assert_eq!((json.at("/b/06/~0~1"), json.at("/b/7"), json.at("b")), (None, None, None));
        assert_eq!((json.depth(), Json::NULL.depth()), (4, 0));
    }

    #[test]
    fn the_last_of_two_equal_keys_counts() {
        assert_eq!(serde_json::from_str::<Json>(r#"{"b":1,"a":2,"b":3}"#).unwrap(), json!({"a": 2, "b": 3}).into());
    }
}
