//! The port of a sidecar, as it is written: a word or a number.

use std::fmt;

use schemars::JsonSchema;
use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// The port of a sidecar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Port {
    /// It has none.
    #[default]
    None,
    /// One that is free when it is started, or that it tells by its handshake.
    Auto,
    /// This one.
    Fixed(u16),
}

impl Port {
    pub(super) fn is_none(&self) -> bool {
        *self == Port::None
    }
}

impl Serialize for Port {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Port::None => serializer.serialize_str("none"),
            Port::Auto => serializer.serialize_str("auto"),
            Port::Fixed(port) => serializer.serialize_u16(*port),
        }
    }
}

impl<'de> Deserialize<'de> for Port {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Port, D::Error> {
        deserializer.deserialize_any(PortVisitor)
    }
}

struct PortVisitor;

impl Visitor<'_> for PortVisitor {
    type Value = Port;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"none\", \"auto\" or a number from 1 to 65535")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Port, E> {
        match word {
            "none" => Ok(Port::None),
            "auto" => Ok(Port::Auto),
            _ => match word.parse::<u16>() {
                Ok(port) => Err(E::custom(format!("write the port without quotes: {port}"))),
                Err(_) => Err(E::invalid_value(serde::de::Unexpected::Str(word), &self)),
            },
        }
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Port, E> {
        let port = u16::try_from(number).ok().filter(|port| *port > 0);
        port.map(Port::Fixed).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Unsigned(number), &self))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Port, E> {
        let unsigned = u64::try_from(number);
        let unsigned = unsigned.map_err(|_| E::invalid_value(serde::de::Unexpected::Signed(number), &self))?;
        self.visit_u64(unsigned)
    }
}

/// How a port is written.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[allow(dead_code, reason = "only its schema is used")]
#[schemars(rename = "SidecarPort")]
pub(super) enum PortSchema {
    /// None, or any free one.
    Word(PortWord),
    /// A number from 1 to 65535.
    Number(u16),
}

/// A port in a word.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[allow(dead_code, reason = "only its schema is used")]
#[schemars(rename = "SidecarPortWord")]
pub(super) enum PortWord {
    None,
    Auto,
}
