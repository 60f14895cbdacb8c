//! A child's environment, as the block that Windows takes.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::windows::ffi::OsStrExt as _;

use crate::ChildConfig;

/// The variables of a child by their names in upper case, which is how Windows compares and sorts them.
pub(super) fn variables(config: &ChildConfig, mark: (&str, &str)) -> BTreeMap<OsString, (OsString, OsString)> {
    let ours = std::env::vars_os().filter(|_| !config.clear_env);
    let mut variables: BTreeMap<OsString, (OsString, OsString)> =
        ours.map(|(name, value)| (name.to_ascii_uppercase(), (name, value))).collect();
    for (name, value) in &config.env {
        let key = name.to_ascii_uppercase();
        match value {
            Some(value) => drop(variables.insert(key, (name.clone(), value.clone()))),
            None => drop(variables.remove(&key)),
        }
    }
    let (name, value) = mark;
    variables.insert(name.into(), (name.into(), value.into()));
    variables
}

/// `NAME=value`, each with a zero behind it, and one more zero.
pub(super) fn block(variables: &BTreeMap<OsString, (OsString, OsString)>) -> Vec<u16> {
    let wide = |text: &OsStr| text.encode_wide().filter(|unit| *unit != 0).collect::<Vec<u16>>();
    let mut block = Vec::new();
    for (name, value) in variables.values() {
        block.extend(wide(name));
        block.push(u16::from(b'='));
        block.extend(wide(value));
        block.push(0);
    }
    if block.is_empty() {
        block.push(0);
    }
    block.push(0);
    block
}
