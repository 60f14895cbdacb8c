//! Whether a process is below one of ours.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::{may_be_unseen, of};
#[cfg(windows)]
pub(crate) use windows::{may_be_unseen, of};

/// Where a process comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Descent {
    /// It is below one of the supervisor's children, or guards one.
    Ours,
    /// It is not.
    NotOurs,
    /// It has ended already, or the system does not tell, so that nobody knows.
    Unknown,
}
