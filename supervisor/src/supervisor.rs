//! The supervisor: starts children, knows which processes are theirs, and stops them all.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::child::{Known, Wish};
use crate::guard_program::GuardProgram;
use crate::holder::{Ends, Holder, Root};
use crate::keeper::{Keeper, Seen};
use crate::ledger::Ledger;
use crate::mark::Instance;
use crate::output::{KeptOutput, Reader, Stream, trace};
use crate::pipe::ChildPipe;
use crate::stdin::ChildStdin;
use crate::{Child, ChildConfig, Descent, Output, ProcessId, SpawnError, Status, descent};

/// The first pause before it is tried again to end what could not be ended, and the longest.
#[cfg(unix)]
const LATER: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(30));

/// The first child's generation.
const FIRST: u64 = 1;

/// How children are held.
#[derive(Clone, Debug)]
pub struct SupervisorConfig {
    /// What guards each child, on Unix.
    pub guard: GuardProgram,
    /// A folder for the ledgers: what a host and its guardians leave behind when all of them are killed is found there, and
    /// ended, by the next supervisor that is given the same folder. Made with the first child. None keeps none.
    pub ledger: Option<PathBuf>,
    /// How many descriptors a child may open, as the soft limit that it begins with: for a host that has raised its own, which
    /// programs that use `select` cannot live with. None gives them ours. Without effect on Windows.
    pub open_files: Option<u64>,
    /// Whether this process becomes a child subreaper, on Linux: what a program has below it comes to this process when its
    /// guardian is killed, where it is known to be ours, and ended. For a host that starts programs by supervisors alone: it
    /// takes in the orphans of all its descendants, and those that are in another session than its own end with the next
    /// guardian that is killed, but for the sessions of what was below it before. To a process 1 all
    /// orphans come: there they are taken for ours, and left alone; of those that have ended it takes notice; in its own
    /// session after 2 s, in which whoever has started one can do that.
    ///
    /// In another process, and in a process 1, who has left its session and its parents is known by a mark in its variables alone.
    /// There, whoever was given a copy of these, as a manager of services may be, ends with the child if its guardian is killed.
    pub child_subreaper: bool,
}

impl SupervisorConfig {
    /// Guarded by `guard`, without a ledger, in a process that adopts nobody.
    pub fn new(guard: GuardProgram) -> SupervisorConfig {
        SupervisorConfig { guard, ledger: None, open_files: None, child_subreaper: false }
    }
}

/// Starts children that never outlive this process. Cheap to clone; dropping it stops nobody, dropping a [`Child`] does.
#[derive(Clone)]
pub struct Supervisor {
    shared: Arc<Shared>,
    /// The children that this handle and its clones tell of; none for all of them.
    family: Option<Family>,
}

/// Children that are told apart from the others, and whether there ever was one.
#[derive(Clone, Default)]
struct Family(Arc<AtomicBool>);

impl Family {
    fn is(&self, other: Option<&Family>) -> bool {
        other.is_some_and(|other| Arc::ptr_eq(&self.0, &other.0))
    }
}

struct Shared {
    guard: GuardProgram,
    open_files: Option<u64>,
    instance: Instance,
    generations: AtomicU64,
    ledger: Option<Ledger>,
    /// Closed when the ledgers of earlier supervisors are settled.
    settled: watch::Receiver<()>,
    live: Mutex<HashMap<u64, Live>>,
    #[cfg(unix)]
    standstill: crate::standstill::Standstill,
}

/// A child as the supervisor remembers it.
struct Live {
    root: Root,
    family: Option<Family>,
    wishes: mpsc::UnboundedSender<Wish>,
    status: watch::Receiver<Status>,
}

impl Supervisor {
    /// Ends what earlier supervisors have left behind, as far as the ledger tells and every mark agrees, which can take a
    /// moment; then it is ready. Where guardians still give their children the time that these were promised, that happens
    /// afterwards ([`settled`](Supervisor::settled)).
    ///
    /// Errors: the system has no random numbers, or does not let this process be a subreaper. A ledger that cannot be written is logged, and children start all the same.
    pub fn new(config: SupervisorConfig) -> std::io::Result<Supervisor> {
        let instance = Instance::new().map_err(std::io::Error::other)?;
        #[cfg(unix)]
        if config.child_subreaper {
            crate::orphans::adopt()?;
        }
        let (ledger, settled) = match config.ledger {
            Some(folder) => {
                let (ledger, settled) = Ledger::open(&folder, &instance);
                (Some(ledger), settled)
            }
            None => (None, watch::channel(()).1),
        };
        let shared = Shared {
            guard: config.guard,
            open_files: config.open_files,
            instance,
            generations: AtomicU64::new(FIRST),
            ledger,
            settled,
            live: Mutex::default(),
            #[cfg(unix)]
            standstill: crate::standstill::Standstill::default(),
        };
        Ok(Supervisor { shared: Arc::new(shared), family: None })
    }

    /// Another handle on the same children, by which those that it and its clones start are told apart: of it,
    /// [`Supervisor::owns`], [`Supervisor::descent`] and [`Supervisor::may_own_unseen`] know these alone. Those of the handle
    /// that it comes of know all.
    #[must_use]
    pub fn apart(&self) -> Supervisor {
        Supervisor { shared: Arc::clone(&self.shared), family: Some(Family::default()) }
    }

    /// Starts a child, within a tokio runtime with its I/O and its clock enabled. It returns when the guardian was started,
    /// and whatever comes later, such as a program that is not there, is told by the child's status.
    ///
    /// Errors: a text holds a NUL, or a variable's name a `=`; the system has no descriptors left; the guardian cannot be started; on Windows, the program is a batch file.
    pub fn spawn(&self, config: ChildConfig) -> Result<Child, SpawnError> {
        config.check()?;
        let config = ChildConfig { stop: config.stop.clone().bounded(), ..config };
        // Before it runs: whoever asks about it finds it.
        self.family.iter().for_each(|family| family.0.store(true, Ordering::Relaxed));
        let generation = self.shared.generations.fetch_add(1, Ordering::Relaxed);
        let mark = self.shared.instance.mark(generation);
        #[cfg(unix)]
        self.watch_guardians();
        let (holder, ends) = Holder::start(&config, &self.shared.guard, self.shared.open_files, &mark)?;
        let no_pipes = |source| SpawnError::Pipes { program: config.name.clone(), source };
        let outputs = Outputs::of(&config, ends).map_err(no_pipes)?;
        let known = Arc::new(Known {
            name: config.name.clone(),
            generation,
            root: holder.root(),
            program: OnceLock::new(),
            status: watch::Sender::new(Status::Starting),
            exit: watch::Sender::new(None),
            stdin: outputs.stdin,
            kept: outputs.kept,
        });
        let (wishes, wished) = mpsc::unbounded_channel();
        let (root, family) = (holder.root(), self.family.clone());
        let live = Live { root, family, wishes: wishes.clone(), status: known.status.subscribe() };
        let held = Held::new(self.shared.clone(), generation, live, config.stop.signal_for);
        let keeper = Keeper {
            program: config.program.to_string_lossy().into_owned(),
            known: Arc::clone(&known),
            holder,
            wishes: wished,
            readers: outputs.readers,
            stop: config.stop,
            lifetime: config.lifetime,
            held,
            seen: Seen::default(),
            is_given_up: false,
        };
        tokio::spawn(keeper.keep());
        Ok(Child { known, wishes, pipes: Mutex::new(outputs.handed) })
    }

    #[cfg(unix)]
    fn watch_guardians(&self) {
        let shared = Arc::downgrade(&self.shared);
        self.shared.standstill.watch(move || shared.upgrade().map(|shared| shared.guardians()).unwrap_or_default());
    }

    /// Waits until nothing is left of the children of earlier supervisors that the ledger tells of, at the longest for 5 s
    /// more than they were promised when they were started. For what needs a port or a file that one of them may have.
    pub async fn settled(&self) {
        let mut settled = self.shared.settled.clone();
        while settled.changed().await.is_ok() {}
    }

    /// Stops all children by their ladders, all at once, and waits until nothing of them is left.
    pub async fn stop_all(&self) {
        let stopping: Vec<watch::Receiver<Status>> = {
            let live = self.shared.live();
            for child in live.values() {
                // One that has ended meanwhile hears nothing.
                let _ = child.wishes.send(Wish::Stop);
            }
            live.values().map(|child| child.status.clone()).collect()
        };
        for mut status in stopping {
            let _ = status.wait_for(Status::is_final).await;
        }
    }

    /// Whether a process is below one of the children, or cannot be shown not to be: what asks for more than a supervised
    /// program may have is to be refused in both cases. It costs a look at each of the process's parents.
    pub fn owns(&self, pid: u32) -> bool {
        self.descent(pid) != Descent::NotOurs
    }

    /// Where a process comes from; [`Descent::Unknown`] when it has ended, unless there was never a child to come from.
    pub fn descent(&self, pid: u32) -> Descent {
        match self.has_started_any() {
            true => descent::of(pid, &self.roots(), &self.others(), &self.shared.instance),
            false => Descent::NotOurs,
        }
    }

    fn has_started_any(&self) -> bool {
        match &self.family {
            Some(family) => family.0.load(Ordering::Relaxed),
            None => self.shared.generations.load(Ordering::Relaxed) != FIRST,
        }
    }

    fn tells_of(&self, child: &Live) -> bool {
        self.family.as_ref().is_none_or(|family| family.is(child.family.as_ref()))
    }

    fn roots(&self) -> Vec<Root> {
        let live = self.shared.live();
        live.values().filter(|child| self.tells_of(child)).map(|child| child.root.clone()).collect()
    }

    /// The children that this handle does not tell of.
    fn others(&self) -> Vec<u64> {
        let live = self.shared.live();
        live.iter().filter(|(_, child)| !self.tells_of(child)).map(|(generation, _)| *generation).collect()
    }

    /// Whether a peer on a socket that no process was seen to hold, of the user `uid` where that is known, may be below one of
    /// the children. Where sockets are looked for (Linux), anybody of our own user may: it can have closed the socket behind
    /// what it has written, have ended, or have the socket on its way to itself. One of another user may if a process below a
    /// child does not show us what it has open.
    pub fn may_own_unseen(&self, uid: Option<u32>) -> bool {
        self.has_started_any() && descent::may_be_unseen(uid, &self.roots())
    }

    /// How many children are not stopped yet.
    pub fn len(&self) -> usize {
        self.shared.live().len()
    }

    /// Whether every child is stopped.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Shared {
    #[cfg(unix)]
    fn guardians(&self) -> Vec<ProcessId> {
        self.live().values().filter_map(|child| child.root.guardian()).collect()
    }

    fn live(&self) -> MutexGuard<'_, HashMap<u64, Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A child's place among the live ones. Dropping it gives that up.
pub(crate) struct Held {
    shared: Arc<Shared>,
    generation: u64,
    /// Some of what it had lives on, or could not be looked for.
    is_left: bool,
    /// Nothing of it is left.
    is_over: bool,
}

impl Held {
    fn new(shared: Arc<Shared>, generation: u64, live: Live, grace: Duration) -> Held {
        if let (Some(ledger), Some(guardian)) = (&shared.ledger, live.root.guardian()) {
            ledger.guards(generation, guardian, grace);
        }
        shared.live().insert(generation, live);
        Held { shared, generation, is_left: false, is_over: false }
    }

    pub(crate) fn has_started(&self, program: ProcessId) {
        if let Some(ledger) = &self.shared.ledger {
            ledger.runs(self.generation, program);
        }
    }

    /// This lives of it now, its program among them.
    pub(crate) fn has_members(&self, members: &[ProcessId]) {
        if let Some(ledger) = &self.shared.ledger {
            ledger.members(self.generation, members);
        }
    }

    /// Ends everything that belongs to the child, as far as it can be found without its guardian.
    /// Errors: the numbers of those that live on, as far as they are known.
    #[cfg(unix)]
    pub(crate) async fn sweep(&mut self, program: Option<ProcessId>, members: Vec<ProcessId>) -> Result<(), Vec<u32>> {
        let sweep = crate::sweep::Sweep {
            known: members.into_iter().chain(program).collect(),
            leaders: program.into_iter().collect(),
            marked: crate::sweep::Marked::All(self.shared.instance.clone(), self.generation),
        };
        // A runtime that is being shut down runs nothing any more; what is left, then or in spite of all, is for the ledger.
        let swept = tokio::task::spawn_blocking(move || (sweep.run(), sweep)).await;
        self.is_left = !matches!(swept, Ok((Ok(_), _)));
        match swept {
            Ok((Ok(_), _)) => Ok(()),
            Ok((Err(left), sweep)) => {
                tokio::spawn(sweep_later(Arc::downgrade(&self.shared), self.generation, sweep));
                Err(left.0)
            }
            Err(_) => Err(Vec::new()),
        }
    }

    /// Its last status is true.
    pub(crate) fn is_over(&mut self) {
        self.is_over = !self.is_left;
    }

    /// The job is the child's only holder, it is not lost while we live, and it was told to kill everything.
    /// Errors: the numbers of those that live on all the same, as far as they are known.
    #[cfg(windows)]
    pub(crate) async fn sweep(
        &mut self,
        _program: Option<ProcessId>,
        _members: Vec<ProcessId>,
    ) -> Result<(), Vec<u32>> {
        let root = self.shared.live().get(&self.generation).map(|live| live.root.clone());
        let root = root.filter(|root| !root.is_empty());
        self.is_left = root.is_some();
        root.map_or(Ok(()), |root| Err(root.below().iter().map(|id| id.pid).collect()))
    }
}

/// Tries again to end what is left of a child, less and less often, until that is done or nobody needs the supervisor any more.
#[cfg(unix)]
async fn sweep_later(shared: std::sync::Weak<Shared>, generation: u64, mut sweep: crate::sweep::Sweep) {
    let mut pause = LATER.0;
    loop {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LATER.1);
        if shared.strong_count() == 0 {
            return;
        }
        match tokio::task::spawn_blocking(move || (sweep.run_again(), sweep)).await {
            Ok((Ok(_), _)) => break,
            Ok((Err(_), again)) => sweep = again,
            Err(_) => return,
        }
    }
    tracing::info!(generation, "what was left of a child has ended");
    if let Some(ledger) = shared.upgrade().as_ref().and_then(|shared| shared.ledger.as_ref()) {
        ledger.end(generation);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let live = self.shared.live().remove(&self.generation);
        drop(live);
        // Where the runtime ends before the child, the guardian goes on, and the next supervisor is to know of it.
        if let Some(ledger) = self.shared.ledger.as_ref().filter(|_| self.is_over) {
            ledger.end(self.generation);
        }
    }
}

/// What becomes of a child's pipes here.
struct Outputs {
    stdin: ChildStdin,
    kept: [Option<KeptOutput>; 2],
    readers: [Option<Reader>; 2],
    handed: [Option<ChildPipe>; 2],
}

impl Outputs {
    fn of(config: &ChildConfig, ends: Ends) -> std::io::Result<Outputs> {
        let stdin = ChildStdin::new(ends.stdin);
        let mut outputs = Outputs { stdin, kept: [None, None], readers: [None, None], handed: [None, None] };
        let streams = [(Stream::Stdout, config.stdout), (Stream::Stderr, config.stderr)];
        for ((stream, output), pipe) in streams.into_iter().zip(ends.outputs) {
            let Some(pipe) = pipe else { continue };
            let at = stream as usize;
            if output == Output::Piped {
                outputs.handed[at] = Some(ChildPipe::new(pipe)?);
                continue;
            }
            let kept = KeptOutput::new(config.output_bytes);
            outputs.readers[at] = Some(Reader::start(pipe, kept.clone())?);
            if config.trace_output {
                tokio::spawn(trace(config.name.clone(), stream, kept.clone()));
            }
            outputs.kept[at] = Some(kept);
        }
        Ok(outputs)
    }
}
