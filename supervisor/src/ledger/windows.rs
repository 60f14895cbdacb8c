//! Nothing is written: the system closes the jobs of a host that is gone, whatever ended it.

use std::path::Path;
use std::time::Duration;

use tokio::sync::watch;

use crate::ProcessId;
use crate::mark::Instance;

/// No ledger.
pub(crate) struct Ledger;

impl Ledger {
    pub(crate) fn open(_folder: &Path, _instance: &Instance) -> (Ledger, watch::Receiver<()>) {
        (Ledger, watch::channel(()).1)
    }

    pub(crate) fn guards(&self, _generation: u64, _process: ProcessId, _grace: Duration) {}

    pub(crate) fn runs(&self, _generation: u64, _process: ProcessId) {}

    pub(crate) fn members(&self, _generation: u64, _members: &[ProcessId]) {}

    pub(crate) fn end(&self, _generation: u64) {}
}
