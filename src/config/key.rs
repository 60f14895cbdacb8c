//! One setting each: its name, its words, how it is read from TOML or from text, and how it is written back. Knows no file,
//! no variable and no flag; `load` brings those.

use std::path::{Path, PathBuf};

use toml::Value;

/// What the path settings need to know: where relative paths start, and where `~/` leads.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) home: Option<&'a Path>,
}

/// A type that a key can have.
pub(crate) trait Setting: Sized {
    /// The type in words, to follow "must be": "a whole number".
    const EXPECTED: &'static str;

    /// The type of a list of these, likewise.
    const LIST: &'static str = "a list";

    /// Reads a TOML value. The error says what is wrong with it, to follow the key's name; `None` is "not of this type".
    fn from_toml(value: &Value, place: Place<'_>) -> Result<Self, Option<String>>;

    /// The value that a variable or a `--set` flag means, typed as well as the text allows.
    fn value_of_text(text: &str) -> Value {
        Value::String(text.to_owned())
    }

    fn to_toml(&self) -> Value;
}

/// One key of the configuration, made by [`settings`] from its line in `config.rs`.
pub(crate) struct Key<C> {
    /// The dotted name: `limits.message_bytes`.
    pub(crate) name: &'static str,
    /// The table's index, and nothing for the keys above all tables.
    pub(crate) table: Option<&'static str>,
    pub(crate) doc: &'static [&'static str],
    pub(crate) expected: &'static str,
    pub(crate) value_of_text: fn(&str) -> Value,
    pub(crate) set: fn(&mut C, &Value, Place<'_>) -> Result<(), Option<String>>,
    pub(crate) get: fn(&C) -> Value,
}

impl<C> Key<C> {
    /// The variable that sets this key: `SIXFRAME_LIMITS_MESSAGE_BYTES`.
    pub(crate) fn variable(&self) -> String {
        format!("SIXFRAME_{}", self.name.replace('.', "_").to_uppercase())
    }

    /// The name inside its table: `message_bytes`.
    pub(crate) fn short_name(&self) -> &'static str {
        self.name.rsplit('.').next().unwrap_or(self.name)
    }

    /// Reads `value` into `config`; the error is a sentence that names the key.
    pub(crate) fn apply(&self, config: &mut C, value: &Value, place: Place<'_>) -> Result<(), String> {
        (self.set)(config, value, place).map_err(|why| match why {
            Some(why) => format!("{}: {why}", self.name),
            None => format!("{} must be {}, not {}", self.name, self.expected, described(value)),
        })
    }
}

/// A table of the configuration: its name and its words.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) doc: &'static [&'static str],
}

fn described(value: &Value) -> String {
    match value {
        Value::String(text) => format!("the string {text:?}"),
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) => format!("{value}"),
        Value::Datetime(_) => "a date".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Table(_) => "a table".to_owned(),
    }
}

/// Writes the configuration's structs, their defaults and the table of keys from one list, so that a key is one entry: its
/// words, its name, its type, its default.
macro_rules! settings {
    (|$at:ident| $(#[doc = $about:literal])+ struct $Config:ident {
        $( $(#[doc = $doc:literal])+ $key:ident: $type:ty = $default:expr; )*
    } $( $(#[doc = $table_doc:literal])+ $table:ident: struct $Table:ident {
        $( $(#[doc = $inner_doc:literal])+ $inner:ident: $inner_type:ty = $inner_default:expr; )*
    } )*) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug, PartialEq)]
        pub(crate) struct $Config {
            /// The file that it is read from, whether it is there or not.
            pub(crate) file: PathBuf,
            /// The folder of that file, if it was there and has been read.
            pub(crate) folder: Option<PathBuf>,
            $( $(#[doc = $doc])+ pub(crate) $key: $type, )*
            $( $(#[doc = $table_doc])+ pub(crate) $table: $Table, )*
        }

        $( $(#[doc = $table_doc])+
        #[derive(Clone, Debug, PartialEq)]
        pub(crate) struct $Table {
            $( $(#[doc = $inner_doc])+ pub(crate) $inner: $inner_type, )*
        } )*

        impl $Config {
            /// Every key at its default, for a process in these surroundings.
            pub(crate) fn defaults($at: &Surroundings) -> $Config {
                $Config { file: $at.config_file.clone(), folder: None, $( $key: $default, )* $( $table: $Table { $( $inner: $inner_default, )* }, )* }
            }
        }

        /// The keys in the order of the example file.
        pub(crate) const KEYS: &[$crate::config::key::Key<$Config>] = &[
            $( settings!(@key $Config, None, stringify!($key), [$($doc),+], $type, $key), )*
            $( $( settings!(@key $Config, Some(stringify!($table)),
                concat!(stringify!($table), ".", stringify!($inner)), [$($inner_doc),+], $inner_type, $table.$inner), )* )*
        ];

        /// The tables in the order of the example file.
        pub(crate) const TABLES: &[$crate::config::key::Table] = &[
            $( $crate::config::key::Table { name: stringify!($table), doc: &[$($table_doc),+] }, )*
        ];
    };
    (@key $Config:ident, $table:expr, $name:expr, [$($doc:literal),+], $type:ty, $($path:ident).+) => {
        $crate::config::key::Key {
            name: $name,
            table: $table,
            doc: &[$($doc),+],
            expected: <$type as $crate::config::key::Setting>::EXPECTED,
            value_of_text: <$type as $crate::config::key::Setting>::value_of_text,
            set: |config: &mut $Config, value, place| {
                config.$($path).+ = $crate::config::key::Setting::from_toml(value, place)?;
                Ok(())
            },
            get: |config: &$Config| $crate::config::key::Setting::to_toml(&config.$($path).+),
        }
    };
}
pub(crate) use settings;

impl Setting for bool {
    const EXPECTED: &'static str = "true or false";

    fn from_toml(value: &Value, _: Place<'_>) -> Result<bool, Option<String>> {
        value.as_bool().ok_or(None)
    }

    fn value_of_text(text: &str) -> Value {
        text.parse().map_or_else(|_| Value::String(text.to_owned()), Value::Boolean)
    }

    fn to_toml(&self) -> Value {
        Value::Boolean(*self)
    }
}

/// A whole number from 0 to `i64::MAX`, which is all that TOML can carry.
impl Setting for u64 {
    const EXPECTED: &'static str = "a whole number";

    fn from_toml(value: &Value, _: Place<'_>) -> Result<u64, Option<String>> {
        let number = value.as_integer().ok_or(None)?;
        u64::try_from(number).map_err(|_| Some(format!("{number} is below zero; use 0 or more")))
    }

    fn value_of_text(text: &str) -> Value {
        text.parse().map_or_else(|_| Value::String(text.to_owned()), Value::Integer)
    }

    fn to_toml(&self) -> Value {
        Value::Integer(i64::try_from(*self).unwrap_or(i64::MAX))
    }
}

impl Setting for u32 {
    const EXPECTED: &'static str = u64::EXPECTED;

    fn from_toml(value: &Value, place: Place<'_>) -> Result<u32, Option<String>> {
        let number = u64::from_toml(value, place)?;
        u32::try_from(number).map_err(|_| Some(format!("{number} is too large; use {} or less", u32::MAX)))
    }

    fn value_of_text(text: &str) -> Value {
        u64::value_of_text(text)
    }

    fn to_toml(&self) -> Value {
        Value::Integer(i64::from(*self))
    }
}

impl Setting for u16 {
    const EXPECTED: &'static str = u64::EXPECTED;

    fn from_toml(value: &Value, place: Place<'_>) -> Result<u16, Option<String>> {
        let number = u64::from_toml(value, place)?;
        u16::try_from(number).map_err(|_| Some(format!("{number} is too large; use {} or less", u16::MAX)))
    }

    fn value_of_text(text: &str) -> Value {
        u64::value_of_text(text)
    }

    fn to_toml(&self) -> Value {
        Value::Integer(i64::from(*self))
    }
}

/// A path: `~/` is the home folder, and a relative path starts at the file's folder, or at the working directory for a
/// variable or a flag.
impl Setting for PathBuf {
    const EXPECTED: &'static str = "a path";

    fn from_toml(value: &Value, place: Place<'_>) -> Result<PathBuf, Option<String>> {
        let text = value.as_str().ok_or(None)?;
        match (text.strip_prefix("~/"), place.home) {
            _ if text.is_empty() => Err(Some("the path is empty; leave the key out for its default".to_owned())),
            (Some(rest), Some(home)) => Ok(home.join(rest)),
            (Some(_), None) => Err(Some("there is no home folder for ~/; write the path in full".to_owned())),
            (None, _) => Ok(place.folder.join(text)),
        }
    }

    fn to_toml(&self) -> Value {
        Value::String(self.to_string_lossy().into_owned())
    }
}

impl Setting for String {
    const EXPECTED: &'static str = "a string";

    fn from_toml(value: &Value, _: Place<'_>) -> Result<String, Option<String>> {
        value.as_str().map(str::to_owned).ok_or(None)
    }

    fn to_toml(&self) -> Value {
        Value::String(self.clone())
    }
}

/// A list; as text, its elements separated by commas, or a TOML list in brackets.
impl<T: Setting> Setting for Vec<T> {
    const EXPECTED: &'static str = T::LIST;

    fn from_toml(value: &Value, place: Place<'_>) -> Result<Vec<T>, Option<String>> {
        let element = |value| {
            T::from_toml(value, place).map_err(|why| {
                Some(why.unwrap_or_else(|| format!("an element must be {}, not {}", T::EXPECTED, described(value))))
            })
        };
        value.as_array().ok_or(None)?.iter().map(element).collect()
    }

    fn value_of_text(text: &str) -> Value {
        if text.trim_start().starts_with('[') {
            return text.parse().unwrap_or_else(|_| Value::String(text.to_owned()));
        }
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        Value::Array(parts.map(T::value_of_text).collect())
    }

    fn to_toml(&self) -> Value {
        Value::Array(self.iter().map(T::to_toml).collect())
    }
}
