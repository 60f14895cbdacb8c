//! Operation ids: a call that is repeated after a break gets the outcome of the first, and does not run twice.

use std::collections::{HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{self, BoxFuture, Shared};
use serde_json::json;
use smol_str::SmolStr;
use tokio::time::Instant;

use crate::{Code, Context, Fault, Owner, Payload, Reply, Request, Service};

/// What [`operations`] remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operations {
    /// Operations that are remembered, running ones included. Default 4096.
    pub entries: usize,
    /// Bytes of ids and outcomes that are remembered. Default 16 MiB.
    pub bytes: usize,
    /// How long an outcome is remembered. Default 10 minutes.
    pub age: Duration,
}

impl Default for Operations {
    fn default() -> Self {
        Operations { entries: 4096, bytes: 16 << 20, age: Duration::from_secs(600) }
    }
}

/// The longest operation id, in bytes.
const MAX_OP: usize = 128;

/// Answers a request whose `meta.op` the same owner has sent before with the first one's outcome, waiting for it while
/// the first still runs (spec: `close.5`). Failures are outcomes too.
///
/// An operation whose connection breaks runs on until it is done or its owner ends; one that is cancelled is forgotten,
/// unless a repetition waits for it. The oldest outcomes are forgotten first. Streams, uploads and methods that the
/// router does not know pass unchanged. An `op` that was used for another method is a `CONFLICT`.
pub fn operations(limits: Operations) -> impl FnOnce(Arc<dyn Service>) -> Arc<dyn Service> {
    move |next| {
        let memory = Arc::new(Memory { limits, kept: Mutex::default() });
        Arc::new(move |request: Request| {
            let is_unary = request.info().is_some_and(|info| info.shape == crate::Shape::Unary);
            match operation(&request.context).filter(|_| is_unary) {
                Some(op) => memory.clone().answer(op, request, next.clone()),
                None => next.call(request),
            }
        })
    }
}

fn operation(context: &Context) -> Option<String> {
    memchr::memmem::find(context.meta_json().as_bytes(), b"\"op\"")?;
    context.meta("op")
}

type Outcome = Result<Payload, Fault>;
type Running = Shared<BoxFuture<'static, Outcome>>;

/// Owner and operation.
type Name = (Arc<str>, Arc<str>);

struct Memory {
    limits: Operations,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    operations: HashMap<Name, Operation>,
    /// The finished ones, oldest first, with when they finished.
    finished: VecDeque<(Instant, u64, Name)>,
    bytes: usize,
    count: u64,
}

struct Operation {
    method: SmolStr,
    running: Running,
    /// Tells an operation from a later one of the same name.
    number: u64,
    bytes: usize,
}

impl Memory {
    fn answer(self: Arc<Self>, op: String, request: Request, next: Arc<dyn Service>) -> Reply {
        if op.len() > MAX_OP {
            return Reply::fault(Fault::new(Code::INVALID_PAYLOAD, format!("meta.op is longer than {MAX_OP} bytes")));
        }
        let (context, method) = (request.context.clone(), request.method.clone());
        let owner = context.owner();
        let name: Name = (owner.id().into(), op.into());
        let running = async move { run(next, request).await }.boxed().shared();
        match self.enter(&name, &method, running) {
            Ok((running, None)) => Reply::Future(Box::pin(running)),
            Ok((running, Some(number))) => {
                let pending = Some(running.clone());
                let mut first = First { memory: self, name, number, context, owner, pending };
                Reply::Future(Box::pin(async move {
                    let outcome = running.await;
                    first.finish(&outcome);
                    outcome
                }))
            }
            Err(fault) => Reply::fault(fault),
        }
    }

    /// The operation of that name: the one that there is, else the new one. The number is that of a new one.
    fn enter(&self, name: &Name, method: &SmolStr, running: Running) -> Result<(Running, Option<u64>), Fault> {
        // Declared before the lock, and so dropped after it.
        let _forgotten;
        let mut kept = self.kept();
        _forgotten = kept.expire(&self.limits);
        if let Some(first) = kept.operations.get(name) {
            return match first.method == *method {
                true => Ok((first.running.clone(), None)),
                false => Err(Fault::new(Code::CONFLICT, format!("meta.op was used for {}", first.method))
                    .details(json!({"current": {"method": first.method.as_str()}}))),
            };
        }
        if kept.operations.len() >= self.limits.entries {
            return Err(Fault::limit("operations", self.limits.entries as u64, "operations.entries"));
        }
        kept.count += 1;
        let (number, bytes) = (kept.count, name.0.len() + name.1.len() + size_of::<Operation>());
        kept.bytes += bytes;
        let operation = Operation { method: method.clone(), running: running.clone(), number, bytes };
        kept.operations.insert(name.clone(), operation);
        Ok((running, Some(number)))
    }

    fn finish(&self, name: &Name, number: u64, outcome: &Outcome) {
        let size = match outcome {
            Ok(payload) => payload.as_bytes().len(),
            Err(fault) => fault.message.len() + size_of::<Fault>(),
        };
        let mut kept = self.kept();
        let Some(operation) = kept.operations.get_mut(name).filter(|operation| operation.number == number) else {
            return;
        };
        operation.bytes += size;
        kept.bytes += size;
        kept.finished.push_back((Instant::now(), number, name.clone()));
        let forgotten = kept.expire(&self.limits);
        drop(kept);
        drop(forgotten);
    }

    fn forget(&self, name: &Name, number: u64) {
        let forgotten = self.kept().remove(name, number);
        drop(forgotten);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Makes room; what is forgotten is returned, to be dropped elsewhere.
    fn expire(&mut self, limits: &Operations) -> Vec<Operation> {
        let now = Instant::now();
        let mut forgotten = Vec::new();
        while let Some((at, ..)) = self.finished.front() {
            let crowded = self.bytes > limits.bytes || self.operations.len() >= limits.entries.max(1);
            if !crowded && now.duration_since(*at) < limits.age {
                break;
            }
            let (_, number, name) = self.finished.pop_front().expect("it was just seen");
            forgotten.extend(self.remove(&name, number));
        }
        forgotten
    }

    fn remove(&mut self, name: &Name, number: u64) -> Option<Operation> {
        self.operations.get(name).filter(|operation| operation.number == number)?;
        let operation = self.operations.remove(name)?;
        self.bytes -= operation.bytes;
        Some(operation)
    }
}

async fn run(next: Arc<dyn Service>, request: Request) -> Outcome {
    let answer = async move {
        match next.call(request) {
            Reply::Ready(answer) => answer,
            Reply::Future(answer) => answer.await,
            Reply::Stream(..) => Err(Fault::new(Code::NOT_UNARY, "an operation answers once; its handler streams")),
        }
    };
    AssertUnwindSafe(answer).catch_unwind().await.unwrap_or_else(|_| {
        tracing::error!("the handler of an operation panicked");
        Err(Fault::new(Code::INTERNAL, "the handler failed; its server's log says why"))
    })
}

/// The request that an operation runs for. What becomes of the operation when that is dropped depends on why it is.
struct First {
    memory: Arc<Memory>,
    name: Name,
    number: u64,
    context: Context,
    owner: Owner,
    pending: Option<Running>,
}

impl First {
    fn finish(&mut self, outcome: &Outcome) {
        self.pending = None;
        self.memory.finish(&self.name, self.number, outcome);
    }
}

impl Drop for First {
    fn drop(&mut self) {
        let Some(running) = self.pending.take() else { return };
        let runtime = tokio::runtime::Handle::try_current().ok().filter(|_| !self.context.is_connected());
        let (memory, name, number) = (self.memory.clone(), self.name.clone(), self.number);
        let Some(runtime) = runtime else { return memory.forget(&name, number) };
        let owner = self.owner.clone();
        runtime.spawn(async move {
            let ended = Box::pin(async move { owner.ended().await });
            match future::select(running, ended).await {
                future::Either::Left((outcome, _)) => memory.finish(&name, number, &outcome),
                future::Either::Right(_) => memory.forget(&name, number),
            }
        });
    }
}
