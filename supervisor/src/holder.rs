//! What holds a child, as its system allows: a guardian on Unix, a job object on Windows. Reports what happens below and
//! takes orders; knows nothing of ladders and rings.

#[cfg(unix)]
mod unix;

#[cfg(unix)]
pub(crate) use unix::{Ends, Holder, handed};
