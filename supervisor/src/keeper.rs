//! The task that keeps one child: takes its holder's reports, walks down the ladder when it is to stop, and tells its
//! status. There is one for each child, and it ends with it.

mod ladder;

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use crate::child::{Known, Wish};
use crate::holder::Holder;
use crate::lease::{Order, Report};
use crate::output::Reader;
use crate::supervisor::Held;
use crate::{Exit, Failure, Lifetime, ProcessId, Status, StopLadder};
use ladder::{Ladder, Step};

/// How long a guardian may take until its program runs.
const START: Duration = Duration::from_secs(30);

/// How long an end of a guardian that was seen may be told to somebody else first: to its tracer.
const NOTICE: Duration = Duration::from_secs(1);

/// How long a guardian may take to end that has said its last word, and to take what it is told.
const END: Duration = Duration::from_secs(5);

/// A child's keeper.
pub(crate) struct Keeper {
    pub(crate) program: String,
    pub(crate) known: Arc<Known>,
    pub(crate) holder: Holder,
    pub(crate) wishes: mpsc::UnboundedReceiver<Wish>,
    pub(crate) readers: [Option<Reader>; 2],
    pub(crate) stop: StopLadder,
    pub(crate) lifetime: Lifetime,
    pub(crate) held: Held,
    pub(crate) seen: Seen,
    /// Whether we have ended the guardian ourselves.
    pub(crate) is_given_up: bool,
}

/// What the holder has told.
#[derive(Default)]
pub(crate) struct Seen {
    members: Vec<ProcessId>,
    exit: Option<Exit>,
}

/// The most reports that are heard before it is looked whether something else is due: who tells faster than is heard holds up nothing.
const AT_ONCE: u32 = 64;

impl Keeper {
    /// Keeps the child until nothing of it is left.
    pub(crate) async fn keep(mut self) {
        let last = self.follow().await;
        if let Status::Failed(failure) = &last {
            self.known.exit.send_if_modified(|exit| {
                let is_new = exit.is_none();
                exit.get_or_insert_with(|| Err(failure.clone()));
                is_new
            });
        }
        self.known.stdin.close();
        self.held.is_over();
        self.known.status.send_replace(last);
    }

    /// The child's last status, once it is true.
    async fn follow(&mut self) -> Status {
        let mut ladder = Ladder::new(&self.stop, Instant::now() + START);
        // A program that is no guardian may never read what it is told, which may be more than the lease holds.
        match timeout(START, self.holder.launch()).await {
            Ok(Ok(())) => (),
            Ok(Err(_)) => return self.guardian_is_lost().await,
            Err(_) => {
                self.give_up();
                return self.guardian_is_lost().await;
            }
        }
        let mut heard = 0;
        loop {
            let is_flooded = heard >= AT_ONCE;
            heard = if is_flooded { 0 } else { heard + 1 };
            tokio::select! {
                biased;
                report = self.holder.next(), if !is_flooded => match report {
                    Some(Report::Empty) => return self.is_empty().await,
                    Some(Report::NotStarted(error)) => return self.is_not_started(error).await,
                    Some(report) => self.take(report, &mut ladder).await,
                    None => return self.guardian_is_lost().await,
                },
                Some(wish) = self.wishes.recv() => self.obey(wish, &mut ladder).await,
                step = ladder.next() => match step {
                    Step::Leave => return self.guardian_is_lost().await,
                    step => self.take_step(step, &mut ladder).await,
                },
                () = ready(()), if is_flooded => (),
            }
        }
    }

    async fn take(&mut self, report: Report, ladder: &mut Ladder) {
        match report {
            Report::Started(program) => {
                ladder.has_started();
                let _ = self.known.program.set(program);
                self.held.has_started(program);
                // One that is to stop already does not go back.
                self.known.status.send_modify(|status| {
                    if *status == Status::Starting {
                        *status = Status::Running { program };
                    }
                });
            }
            Report::Exited(status) => self.program_has_ended(status, ladder).await,
            Report::Members(members) => {
                self.held.has_members(&members);
                // Given up, it was looked at later than this was told.
                if !self.is_given_up {
                    self.seen.members = members;
                }
            }
            Report::NotStarted(_) | Report::Empty => (),
        }
    }

    async fn program_has_ended(&mut self, status: i32, ladder: &mut Ladder) {
        let [stdout, stderr] = &self.readers;
        let exit = Exit { stdout: end_so_far(stdout).await, stderr: end_so_far(stderr).await, ..exit_of(status) };
        self.seen.exit = Some(exit);
        self.known.exit.send_replace(Some(Ok(exit)));
        if self.lifetime == Lifetime::Program {
            ladder.has_ended();
            self.known.status.send_replace(Status::Stopping);
        }
    }

    async fn obey(&mut self, wish: Wish, ladder: &mut Ladder) {
        match wish {
            Wish::Signal(signal) => self.order(&Order::Signal(signal), ladder).await,
            Wish::Stop => {
                self.known.status.send_replace(Status::Stopping);
                ladder.begin(self.known.stdin.is_open());
            }
            Wish::Kill => {
                self.known.status.send_replace(Status::Stopping);
                ladder.kill();
            }
        }
    }

    async fn take_step(&mut self, step: Step, ladder: &mut Ladder) {
        match step {
            Step::CloseInput => self.known.stdin.close(),
            Step::Signal => {
                self.known.stdin.close();
                let order = Order::Stop { signal: self.stop.signal, grace: self.stop.signal_for };
                self.order(&order, ladder).await;
            }
            Step::Kill => self.order(&Order::Kill, ladder).await,
            Step::GiveUp => self.give_up(),
            Step::Leave => (),
        }
    }

    /// Tells the guardian; one that does not even take what it is told is given up.
    async fn order(&mut self, order: &Order, ladder: &mut Ladder) {
        if timeout(END, self.holder.order(order)).await.is_err() {
            self.give_up();
            ladder.is_given_up();
        }
    }

    fn give_up(&mut self) {
        self.is_given_up = true;
        self.end_guardian();
    }

    fn end_guardian(&mut self) {
        // It has not told of those that came last, and when it is gone nobody may know whose they are.
        self.seen.members.extend(self.holder.below());
        self.holder.give_up();
    }

    async fn is_empty(&mut self) -> Status {
        for reader in &mut self.readers {
            end_so_far(reader).await;
            *reader = None;
        }
        if !self.has_ended_by_itself().await {
            return self.guardian_is_lost().await;
        }
        let lost = || Status::Failed(Failure::GuardianLost { program: self.program.clone() });
        self.seen.exit.map_or_else(lost, Status::Stopped)
    }

    async fn is_not_started(&mut self, error: i32) -> Status {
        self.readers = [None, None];
        let failed = Status::Failed(Failure::of_start(self.program.clone(), error));
        if self.known.program.get().is_some() {
            // Somebody else has said that.
            self.give_up();
        } else if self.has_ended_by_itself().await {
            return failed;
        }
        match self.guardian_is_lost().await {
            // Nothing is known to have run, and nothing is left.
            Status::Failed(Failure::NotNow { .. }) => failed,
            lost => lost,
        }
    }

    /// Whether the guardian has ended as it does behind its last word. Who stands still, or was ended, may not have said that: what
    /// is below one may have taken its lease. One that stands still is given up.
    async fn has_ended_by_itself(&mut self) -> bool {
        let ended = timeout(END, self.holder.ended()).await;
        if ended.is_err() {
            self.give_up();
        }
        ended.unwrap_or(false)
    }

    /// The guardian was ended by somebody else, or by us, or cannot be understood, and is ended now: nobody but us is left to end
    /// what it has guarded.
    async fn guardian_is_lost(&mut self) -> Status {
        self.end_guardian();
        // Where what it has guarded traces it, its end is told to us only when that has ended too.
        let is_noticed = timeout(NOTICE, self.holder.ended()).await.is_ok();
        let program = self.known.program.get().copied();
        let swept = self.held.sweep(program, std::mem::take(&mut self.seen.members)).await;
        if swept.is_ok() && !is_noticed {
            let _ = timeout(NOTICE, self.holder.ended()).await;
        }
        if let Err(pids) = &swept {
            tracing::warn!(name = self.known.name, ?pids, "processes of a child cannot be ended");
        }
        let name = self.program.clone();
        match (swept, program, self.seen.exit) {
            (Err(pids), _, _) => Status::Failed(Failure::Left { program: name, pids }),
            (Ok(()), Some(_), Some(exit)) if self.is_given_up => Status::Stopped(exit),
            (Ok(()), Some(_), None) if self.is_given_up => Status::Failed(Failure::GuardianStuck { program: name }),
            (Ok(()), Some(_), _) => Status::Failed(Failure::GuardianLost { program: name }),
            (Ok(()), None, _) => {
                let reason = match self.is_given_up {
                    true => "its guardian did not start it in time",
                    false => "its guardian ended before it ran",
                };
                Status::Failed(Failure::NotNow { program: name, reason: reason.to_owned() })
            }
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // Where the runtime ends before the child, the lease closes here; nobody will see the rest.
        let program = &self.program;
        self.known.status.send_if_modified(|status| {
            let is_open = !status.is_final();
            if is_open {
                *status = Status::Failed(Failure::GuardianLost { program: program.clone() });
            }
            is_open
        });
    }
}

async fn end_so_far(reader: &Option<Reader>) -> u64 {
    match reader {
        Some(reader) => reader.end_so_far().await,
        None => 0,
    }
}

#[cfg(unix)]
fn exit_of(status: i32) -> Exit {
    use std::os::unix::process::ExitStatusExt as _;
    let status = std::process::ExitStatus::from_raw(status);
    Exit { code: status.code(), signal: status.signal(), stdout: 0, stderr: 0 }
}

#[cfg(windows)]
fn exit_of(status: i32) -> Exit {
    Exit { code: Some(status), signal: None, stdout: 0, stderr: 0 }
}
