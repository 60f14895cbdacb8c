//! The connections that ask for files, bounded in number: the one that asked for nothing for longest gives way to a new one, so
//! that connections which say nothing, or too slowly, keep nobody out. Knows nothing of what is asked.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::task::{AbortHandle, Id, JoinSet};

/// The connections that there are. Dropping it ends them.
pub(super) struct Connections {
    most: usize,
    tasks: JoinSet<()>,
    seats: HashMap<Id, (AbortHandle, Asked)>,
    clock: Arc<AtomicU64>,
}

/// When a connection asked last, or came.
#[derive(Clone)]
pub(super) struct Asked {
    last: Arc<AtomicU64>,
    clock: Arc<AtomicU64>,
}

impl Connections {
    /// None, and never more than `most`.
    pub(super) fn new(most: usize) -> Connections {
        Connections { most, tasks: JoinSet::new(), seats: HashMap::new(), clock: Arc::default() }
    }

    /// Lets a connection in. It notes in what `serve` is given each request that came whole.
    pub(super) fn admit<F: Future<Output = ()> + Send + 'static>(&mut self, serve: impl FnOnce(Asked) -> F) {
        if self.seats.len() == self.most
            && let Some(silent) = self.seats.iter().min_by_key(|(_, (_, asked))| asked.last()).map(|(id, _)| *id)
            && let Some((task, _)) = self.seats.remove(&silent)
        {
            tracing::debug!("a connection to the console that asked for nothing gives way to a new one");
            task.abort();
        }
        let asked = Asked { last: Arc::default(), clock: Arc::clone(&self.clock) };
        asked.now();
        let task = self.tasks.spawn(serve(asked.clone()));
        self.seats.insert(task.id(), (task, asked));
    }

    /// Waits until one has ended; `None` where there is none.
    pub(super) async fn ended(&mut self) -> Option<()> {
        let id = match self.tasks.join_next_with_id().await? {
            Ok((id, ())) => id,
            Err(error) => error.id(),
        };
        self.seats.remove(&id);
        Some(())
    }
}

impl Asked {
    /// It asks for something, or was answered.
    pub(super) fn now(&self) {
        self.last.store(self.clock.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
    }

    fn last(&self) -> u64 {
        self.last.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test]
    async fn who_asked_for_nothing_for_longest_gives_way() {
        let mut connections = Connections::new(3);
        let (gone, mut goes) = tokio::sync::mpsc::unbounded_channel();
        let mut asked = Vec::new();
        for name in 0..5 {
            let held = Held(name, gone.clone());
            connections.admit(|seat| {
                asked.push(seat);
                async move {
                    let _held = held;
                    pending::<()>().await;
                }
            });
            match name {
                2 => asked[0].now(),
                3 => assert_eq!((connections.ended().await, goes.recv().await), (Some(()), Some(1))),
                4 => assert_eq!((connections.ended().await, goes.recv().await), (Some(()), Some(2))),
                _ => {}
            }
        }
        assert_eq!((connections.tasks.len(), connections.seats.len()), (3, 3));
    }

    struct Held(u32, tokio::sync::mpsc::UnboundedSender<u32>);

    impl Drop for Held {
        fn drop(&mut self) {
            let _ = self.1.send(self.0);
        }
    }
}
