//! The rows of the table. A contender is one file that implements [`Peer`](crate::peer::Peer), and one line here.

mod floor;
mod raw;

use anyhow::{Result, bail};

use crate::peer::Contender;

/// The contender to which every ratio refers.
pub const BASELINE: &str = <floor::Floor as crate::peer::Peer>::NAME;

pub const ALL: &[Contender] = &[Contender::of::<raw::Raw>(), Contender::of::<floor::Floor>()];

pub fn find(name: &str) -> Result<&'static Contender> {
    match ALL.iter().find(|contender| contender.name == name) {
        Some(contender) => Ok(contender),
        None => bail!("no contender {name:?}: write one of {}", names().join(", ")),
    }
}

pub fn names() -> Vec<&'static str> {
    ALL.iter().map(|contender| contender.name).collect()
}
