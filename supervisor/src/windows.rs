//! What Windows needs said in C: jobs, and the start of a process inside one. Type-checked, and not run.

mod environment;
mod job;
mod program;
mod start;

pub(crate) use job::{Event, Job};
pub(crate) use program::{Unresolved, resolve};
pub(crate) use start::{Process, break_group, start};
