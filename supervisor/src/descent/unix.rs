//! By its parents up to a guardian, and by its mark where a guardian is missing.

use std::collections::HashSet;

use crate::holder::Root;
use crate::mark::{Instance, VARIABLE};
use crate::{Descent, orphans, process};

/// More parents than any process has.
const LONGEST: usize = 4096;

/// Whether whoever holds a socket, and was not seen to, may be below one of these.
pub(crate) fn may_be_unseen(uid: Option<u32>, roots: &[Root]) -> bool {
    if process::may_pass_sockets(uid) {
        return true;
    }
    let below = roots.iter().flat_map(Root::below);
    below.into_iter().any(|id| process::hides_descriptors(id.pid))
}

/// Follows the parents of `pid`. A mark of one of the `others`, which live, says nothing.
pub(crate) fn of(pid: u32, roots: &[Root], others: &[u64], instance: &Instance) -> Descent {
    let guardians: HashSet<u32> = roots.iter().map(|root| root.0.pid).collect();
    let mut pid = pid;
    for _ in 0..LONGEST {
        if guardians.contains(&pid) {
            return Descent::Ours;
        }
        // One that ended under our eyes has handed its children on: whose they are now was not seen.
        let Some(process) = process::process(pid).filter(|process| !process.is_dead) else { return Descent::Unknown };
        let is_of_others = |value: &[u8]| others.iter().any(|generation| instance.is_in(value, Some(*generation)));
        let is_marked = |value: Vec<u8>| instance.is_in(&value, None) && !is_of_others(&value);
        let Ok(variable) = process::variable(pid, VARIABLE) else { return Descent::Unknown };
        // Whose orphan it is nobody knows any more.
        if orphans::is_one(&process) || variable.is_some_and(is_marked) {
            return Descent::Ours;
        }
        if process.parent <= 1 {
            return Descent::NotOurs;
        }
        pid = process.parent;
    }
    Descent::Unknown
}
