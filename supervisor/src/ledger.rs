//! What a host has started, written where the next one finds it.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::Ledger;
#[cfg(windows)]
pub(crate) use windows::Ledger;
