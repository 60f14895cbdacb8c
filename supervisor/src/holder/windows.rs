//! A child held by a job: no guardian is needed, since the system itself closes the job of a host that is gone. Type-checked,
//! and not run.

use std::io;
use std::os::windows::io::OwnedHandle;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::{Ends, pipes};
use crate::guard_program::GuardProgram;
use crate::lease::{Order, Report};
use crate::mark::VARIABLE;
use crate::windows::{Event, Job, Process, break_group, resolve, start};
use crate::{ChildConfig, Lifetime, ProcessId, SpawnError};

/// Silence after which a job is looked at: what it tells may get lost.
const LOOK: Duration = Duration::from_millis(500);

/// What a process that is below this child is in: the job.
#[derive(Clone, Debug)]
pub(crate) struct Root(pub(crate) Arc<Job>);

impl Root {
    /// There is none.
    pub(crate) fn guardian(&self) -> Option<ProcessId> {
        None
    }

    /// Whether nothing lives inside, as far as that can be seen.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What lives inside.
    pub(crate) fn below(&self) -> Vec<ProcessId> {
        self.0.processes()
    }
}

/// A job with a child in it. Dropping it kills the child's tree.
pub(crate) struct Holder {
    job: Arc<Job>,
    reports: mpsc::UnboundedReceiver<Report>,
    leader: u32,
    /// What is done when the program ends before the rest.
    rest: Option<Order>,
    /// When everything that is left is killed.
    kill_at: Option<Instant>,
}

impl Holder {
    /// Starts the program inside a new job.
    pub(crate) fn start(
        config: &ChildConfig,
        _: &GuardProgram,
        _: Option<u64>,
        mark: &str,
    ) -> Result<(Holder, Ends), SpawnError> {
        let program = || config.program.to_string_lossy().into_owned();
        let no_pipes = |source| SpawnError::Pipes { program: program(), source };
        let (ends, theirs) = pipes(config).map_err(no_pipes)?;
        let job = Arc::new(Job::new().map_err(no_pipes)?);
        let (sender, reports) = mpsc::unbounded_channel();
        let path = config.env.iter().rev().find(|(name, _)| name.eq_ignore_ascii_case("PATH"));
        let path = path.map_or_else(|| std::env::var_os("PATH"), |(_, value)| value.clone());
        let leader = match resolve(&config.program, path.as_deref()) {
            Err(crate::windows::Unresolved::Batch) => return Err(SpawnError::Batch { program: program() }),
            Err(crate::windows::Unresolved::NotFound) => {
                let _ = sender.send(Report::NotStarted(NOT_FOUND));
                0
            }
            Ok(resolved) => match start(&resolved, config, (VARIABLE, mark), &theirs, &job) {
                Err(error) => {
                    let _ = sender.send(Report::NotStarted(error.raw_os_error().unwrap_or_default()));
                    0
                }
                Ok(process) => {
                    let leader = process.id.pid;
                    let _ = sender.send(Report::Started(process.id));
                    watch(process, Arc::clone(&job), sender).map_err(no_pipes)?;
                    leader
                }
            },
        };
        close(theirs);
        let stop = Order::Stop { signal: config.stop.signal, grace: config.stop.signal_for };
        let rest = (config.lifetime == Lifetime::Program).then_some(stop);
        Ok((Holder { job, reports, leader, rest, kill_at: None }, ends))
    }

    /// What everything of the child is in.
    pub(crate) fn root(&self) -> Root {
        Root(Arc::clone(&self.job))
    }

    /// What lives in it.
    pub(crate) fn below(&self) -> Vec<ProcessId> {
        self.job.processes()
    }

    /// It has started already.
    pub(crate) async fn launch(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// The next report. May be dropped and called again at any time.
    pub(crate) async fn next(&mut self) -> Option<Report> {
        loop {
            let kill_at = self.kill_at;
            tokio::select! {
                biased;
                report = self.reports.recv() => {
                    if matches!(report, Some(Report::Exited(_)))
                        && let Some(stop) = self.rest.take()
                    {
                        self.order(&stop).await;
                    }
                    return report;
                }
                () = sleep_until(kill_at.unwrap_or_else(Instant::now)), if kill_at.is_some() => {
                    self.kill_at = None;
                    self.job.kill();
                }
            }
        }
    }

    /// Does what a guardian would do.
    pub(crate) async fn order(&mut self, order: &Order) {
        match order {
            Order::Stop { grace, .. } => {
                break_group(self.leader);
                let at = Instant::now() + *grace;
                self.kill_at = Some(self.kill_at.map_or(at, |before| before.min(at)));
            }
            Order::Signal(_) | Order::Launch(_) => (),
            Order::Kill => self.job.kill(),
        }
    }

    /// There is no guardian to wait for, and none that could have been ended.
    pub(crate) async fn ended(&mut self) -> bool {
        true
    }

    /// The last that can be done.
    pub(crate) fn give_up(&mut self) {
        self.job.kill();
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // The thread that watches keeps the job open until it is empty.
        self.job.kill();
    }
}

/// The error number of a file that is not there.
const NOT_FOUND: i32 = windows_sys::Win32::Foundation::ERROR_FILE_NOT_FOUND.cast_signed();

/// Reports the program's end and then the job's, on a thread of its own.
fn watch(process: Process, job: Arc<Job>, reports: mpsc::UnboundedSender<Report>) -> io::Result<()> {
    let watching = move || {
        let code = process.wait().unwrap_or_default();
        let _ = reports.send(Report::Exited(code.cast_signed()));
        while !job.is_empty() && job.wait(LOOK) != Event::Empty {}
        let _ = reports.send(Report::Empty);
    };
    std::thread::Builder::new().name("child".to_owned()).spawn(watching).map(drop)
}

/// Ours would keep the child's pipes open.
fn close(theirs: [OwnedHandle; 3]) {
    drop(theirs);
}
