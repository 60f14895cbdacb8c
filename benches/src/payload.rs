//! The data that every contender carries: one small typed record, and arrays of it for the large payloads.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A record of about a hundred bytes of JSON, decoded into this struct on both sides by every typed contender.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct User {
    pub id: u64,
    pub name: String,
    pub email: String,
    pub active: bool,
    pub tags: Vec<String>,
}

impl User {
    pub fn sample(id: u64) -> Self {
        Self {
            id,
            name: "Ada Lovelace".into(),
            email: "ada.lovelace@example.org".into(),
            active: true,
            tags: vec!["admin".into(), "ops".into()],
        }
    }
}

/// What one call carries.
#[derive(Clone, Copy)]
pub enum Load<'a> {
    /// One record, decoded on both sides.
    One(&'a User),
    /// An array of records, decoded on both sides.
    Many(&'a Vec<User>),
    /// JSON that neither side looks into.
    Opaque(&'a RawValue),
}

/// The payloads of a run, made once.
pub struct Payloads {
    pub one: User,
    pub kib16: Vec<User>,
    pub mib1: Vec<User>,
    pub opaque: Box<RawValue>,
    pub opaque_kib16: Box<RawValue>,
    pub opaque_mib1: Box<RawValue>,
}

impl Payloads {
    pub fn new() -> serde_json::Result<Self> {
        let one = User::sample(1_234_567);
        let (kib16, mib1) = (users(16 << 10)?, users(1 << 20)?);
        Ok(Self {
            opaque: serde_json::value::to_raw_value(&one)?,
            opaque_kib16: serde_json::value::to_raw_value(&kib16)?,
            opaque_mib1: serde_json::value::to_raw_value(&mib1)?,
            one,
            kib16,
            mib1,
        })
    }
}

fn users(bytes: usize) -> serde_json::Result<Vec<User>> {
    let one = serde_json::to_vec(&User::sample(1_000_000))?.len() + 1;
    Ok((0..(bytes / one) as u64).map(|n| User::sample(1_000_000 + n)).collect())
}
