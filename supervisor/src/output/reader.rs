//! The one reader of a pipe. It waits for the child alone and for no subscriber.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::Reader;
#[cfg(windows)]
pub(crate) use windows::Reader;
