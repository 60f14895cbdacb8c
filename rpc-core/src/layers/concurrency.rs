//! How many requests of a service run at once, over all its connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::stream::{self, StreamExt};
use futures_util::{FutureExt, Stream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::watch::{Observer, Watch};
use crate::{Code, Fault, Item, Payload, Reply, Request, Service};

/// The bounds of [`concurrency_limit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concurrency {
    /// Requests that run at once. A stream runs until it is dropped. Default 64.
    pub running: usize,
    /// Requests that wait for those to end, first come first served; one more is refused. Default 0.
    pub waiting: usize,
    /// What raises `running`, as the error names it. Default `concurrency.running`.
    pub setting: &'static str,
}

impl Default for Concurrency {
    fn default() -> Self {
        Concurrency { running: 64, waiting: 0, setting: "concurrency.running" }
    }
}

/// Lets at most `limit.running` requests of the service run at once. Others wait as `limit.waiting` allows, else they
/// are refused with `RESOURCE_EXHAUSTED`, which names the limit. A request that is cancelled while it waits leaves its
/// place. Methods that the router does not know never wait: they run or are refused.
pub fn concurrency_limit(limit: Concurrency) -> impl FnOnce(Arc<dyn Service>) -> Arc<dyn Service> {
    move |next| {
        let gate = Arc::new(Gate {
            limit,
            running: Arc::new(Semaphore::new(limit.running)),
            waiting: AtomicUsize::new(0),
            next,
        });
        Arc::new(move |request: Request| gate.clone().call(request))
    }
}

struct Gate {
    limit: Concurrency,
    running: Arc<Semaphore>,
    waiting: AtomicUsize,
    next: Arc<dyn Service>,
}

impl Gate {
    fn call(self: Arc<Self>, request: Request) -> Reply {
        if let Ok(permit) = self.running.clone().try_acquire_owned() {
            return self.run(request, permit);
        }
        match (request.info().copied(), Place::take(&self)) {
            (Some(info), Some(place)) if info.shape.has_down() => {
                Reply::Stream(info.delivery(), Box::pin(place.turn(request).map(into_stream).flatten_stream()))
            }
            (Some(_), Some(place)) => Reply::Future(Box::pin(place.turn(request).then(into_answer))),
            (None, _) | (Some(_), None) => {
                let Concurrency { running, setting, .. } = self.limit;
                Reply::fault(Fault::limit("requests running at once", running as u64, setting))
            }
        }
    }

    fn run(&self, request: Request, permit: OwnedSemaphorePermit) -> Reply {
        let watch = Watch::new(request.context.clone(), Holds { _permit: Some(permit) });
        watch.over(self.next.call(request))
    }
}

/// Keeps a permit until its request is over.
struct Holds {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Observer for Holds {
    fn passed(&mut self, _: usize) {}

    fn ended(&mut self, _: Option<&str>) {
        self._permit = None;
    }
}

/// A place among those that wait.
struct Place(Arc<Gate>);

impl Place {
    fn take(gate: &Arc<Gate>) -> Option<Place> {
        let more = |waiting| (waiting < gate.limit.waiting).then_some(waiting + 1);
        gate.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Place(gate.clone()))
    }

    async fn turn(self, request: Request) -> Reply {
        let permit = self.0.running.clone().acquire_owned().await;
        let gate = self.0.clone();
        drop(self);
        gate.run(request, permit.expect("the semaphore is never closed"))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

fn into_stream(reply: Reply) -> impl Stream<Item = Result<Item<Payload>, Fault>> + Send {
    let item = |answer: Result<Payload, Fault>| answer.map(Item::from);
    match reply {
        Reply::Ready(answer) => stream::iter([item(answer)]).boxed(),
        Reply::Future(answer) => answer.map(item).into_stream().boxed(),
        Reply::Stream(_, source) => source,
    }
}

async fn into_answer(reply: Reply) -> Result<Payload, Fault> {
    match reply {
        Reply::Ready(answer) => answer,
        Reply::Future(answer) => answer.await,
        Reply::Stream(..) => Err(Fault::new(Code::INTERNAL, "a method that is described as unary answered a stream")),
    }
}
