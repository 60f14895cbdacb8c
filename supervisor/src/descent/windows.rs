//! By the jobs, which no process leaves. Type-checked, and not run.

use crate::Descent;
use crate::holder::Root;
use crate::mark::Instance;

/// Whether a process may hide which pipe it holds: the system tells the process of each connection of a named pipe.
pub(crate) fn may_be_unseen(_uid: Option<u32>, _roots: &[Root]) -> bool {
    false
}

/// Asks each job.
pub(crate) fn of(pid: u32, roots: &[Root], _others: &[u64], _instance: &Instance) -> Descent {
    match roots.iter().map(|root| root.0.holds(pid)).collect::<Option<Vec<bool>>>() {
        Some(found) if found.contains(&true) => Descent::Ours,
        Some(_) => Descent::NotOurs,
        None => Descent::Unknown,
    }
}
