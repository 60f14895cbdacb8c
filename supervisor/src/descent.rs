//! Whether a process is below one of ours: by its parents up to a guardian, and by its mark where a guardian is missing.

use std::collections::HashSet;

use crate::mark::{Instance, VARIABLE};
use crate::{process, tree};

/// More parents than any process has.
const LONGEST: usize = 4096;

/// Where a process comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Descent {
    /// It is below one of the supervisor's children, or guards one.
    Ours,
    /// It is not.
    NotOurs,
    /// It has ended already, so that nobody can tell.
    Unknown,
}

/// Whether a process below one of these does not show what it has open.
pub(crate) fn hides(guardians: &HashSet<u32>) -> bool {
    let below = guardians.iter().flat_map(|guardian| tree::below(*guardian));
    below.into_iter().any(|id| process::hides_descriptors(id.pid))
}

/// Follows the parents of `pid`.
pub(crate) fn of(pid: u32, guardians: &HashSet<u32>, instance: &Instance) -> Descent {
    let mut pid = pid;
    for _ in 0..LONGEST {
        if guardians.contains(&pid) {
            return Descent::Ours;
        }
        // One that ended under our eyes has handed its children on: whose they are now was not seen.
        let Some(process) = process::process(pid).filter(|process| !process.is_dead) else { return Descent::Unknown };
        if process::variable(pid, VARIABLE).is_some_and(|value| instance.is_in(&value, None)) {
            return Descent::Ours;
        }
        if process.parent <= 1 {
            return Descent::NotOurs;
        }
        pid = process.parent;
    }
    Descent::Unknown
}
