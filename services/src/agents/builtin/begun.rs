//! What the work has begun and does not hold alone: a command that runs, a file that is being written by another thread. It outlives
//! the turn that is dropped, so that its end can be waited for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sixframe_supervisor::Child;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

/// What was begun last; there is one at a time.
#[derive(Debug, Default)]
pub(super) struct Begun {
    command: Mutex<Option<Arc<Child>>>,
    /// Held while a file is written.
    file: Arc<AsyncMutex<()>>,
}

impl Begun {
    /// A command runs.
    pub(super) fn running(&self, child: Child) -> Arc<Child> {
        let child = Arc::new(child);
        *self.command() = Some(Arc::clone(&child));
        child
    }

    /// A file is written for as long as somebody has this.
    pub(super) async fn writing(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.file).lock_owned().await
    }

    /// Stops what runs, and waits until nothing of it is left.
    pub(super) async fn end(&self) {
        let command = self.command().take();
        if let Some(child) = command {
            // How it ended matters to nobody any more.
            let _ = child.stop().await;
        }
        drop(self.file.lock().await);
    }

    fn command(&self) -> MutexGuard<'_, Option<Arc<Child>>> {
        self.command.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
