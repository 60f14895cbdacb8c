//! The guardian: a process between the host and one child, of one thread, which adopts whatever the child's family leaves
//! behind and ends all of it when it is told to, or when the host is gone. Knows of the host only its lease and its number.

mod again;
mod exec;
mod family;
mod host;
mod line;
#[cfg(target_os = "macos")]
mod queue;
mod wakeups;

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitOptions, getppid};

use crate::lease::{Launch, Order, Report};
use crate::{Lifetime, ProcessId, Signal, process, tree};
use again::Again;
use family::Family;
use line::Line;
use wakeups::Wakeups;

/// The first pause between two looks at what is below, and the longest.
const LOOK: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// What the guardian does, from its first moment to its last. It is for the program that
/// [`GuardProgram`](crate::GuardProgram) names; started by anything else it ends at once. It never returns: the process ends with it.
pub fn stand_guard() -> ! {
    let kept = Watch::begin().and_then(Watch::keep);
    std::process::exit(i32::from(kept.is_err()))
}

/// A guardian at its work.
struct Watch {
    line: Line,
    wakeups: Wakeups,
    /// What was asked for; nothing yet while the launch is awaited.
    launch: Option<Launch>,
    family: Family,
    /// The program, until it has ended.
    program: Option<Pid>,
    stage: Stage,
    /// Who was asked to end: a second time would mean "at once" to some.
    asked: HashSet<ProcessId>,
    members: Members,
    again: Again,
}

/// How far the end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Running,
    /// Everything was asked to end.
    Asked {
        until: Instant,
    },
    Killing,
}

impl Watch {
    fn begin() -> io::Result<Watch> {
        // Out of the host's group: what a terminal sends to that is not for us. It fails where we lead one already.
        let _ = rustix::process::setsid();
        exec::unblock_signals()?;
        let line = Line::take()?;
        let family = Family::new()?;
        let wakeups = Wakeups::new()?;
        let members = Members::new();
        Ok(Watch {
            line,
            wakeups,
            launch: None,
            family,
            program: None,
            stage: Stage::Running,
            asked: HashSet::new(),
            members,
            again: Again::new(),
        })
    }

    fn keep(mut self) -> io::Result<()> {
        loop {
            if self.launch.is_some() && self.is_empty() {
                return self.line.report(&Report::Empty);
            }
            self.end_what_is_due();
            self.tell_members();
            let waited = self.wakeups.wait([self.line.socket(), self.family.as_fd()], self.until_next());
            let happened = match waited {
                Ok(happened) => happened,
                Err(error) if self.launch.is_none() => return Err(error),
                // Whoever cannot watch over a family any more ends it.
                Err(_) => {
                    self.stage = Stage::Killing;
                    std::thread::sleep(self.again.pause());
                    continue;
                }
            };
            if happened.family {
                self.family.has_changed();
            }
            if happened.host_died {
                self.host_is_gone()?;
            } else if happened.line {
                self.obey()?;
            }
        }
    }

    /// Takes the ends of all that has ended; whether nothing is left.
    fn is_empty(&mut self) -> bool {
        loop {
            match rustix::process::wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) => {
                    self.members.changed();
                    if self.program == Some(pid) {
                        self.program = None;
                        // The host may be gone; then nobody needs to know.
                        let _ = self.line.report(&Report::Exited(status.as_raw()));
                        self.program_has_ended();
                    }
                }
                Ok(None) | Err(rustix::io::Errno::INTR) => return false,
                Err(_) => return !self.family.has_strays(),
            }
        }
    }

    fn program_has_ended(&mut self) {
        if let Some(Launch { lifetime: Lifetime::Program, signal, grace, .. }) = self.launch {
            self.ask(signal, grace);
        }
    }

    fn obey(&mut self) -> io::Result<()> {
        let Ok(orders) = self.line.orders() else { return self.host_is_gone() };
        for order in orders {
            match order {
                Order::Launch(launch) => self.start(*launch)?,
                Order::Stop { signal, grace } => self.ask(signal, grace),
                Order::Signal(signal) => self.send(signal),
                Order::Kill => self.stage = Stage::Killing,
            }
        }
        Ok(())
    }

    fn start(&mut self, launch: Launch) -> io::Result<()> {
        let is_there = match self.wakeups.watch_host(launch.host) {
            Ok(lives) => lives && parent() == Some(launch.host),
            Err(error) => return self.cannot_start(error),
        };
        if !is_there {
            return Err(io::Error::other("the host is gone already"));
        }
        match exec::start(&launch, self.line.take_descriptors()) {
            Ok(id) => {
                self.family.begins(id, &launch.mark);
                self.program = Pid::from_raw(id.pid.cast_signed());
                self.launch = Some(launch);
                // A host that has just died is noticed soon: what was started is not to be left for that.
                let _ = self.line.report(&Report::Started(id));
                Ok(())
            }
            Err(error) => self.cannot_start(error),
        }
    }

    fn cannot_start(&mut self, error: io::Error) -> io::Result<()> {
        let number = error.raw_os_error().unwrap_or(rustix::io::Errno::INVAL.raw_os_error());
        self.line.report(&Report::NotStarted(number))?;
        Err(error)
    }

    /// Whatever the reason: everything below is to go. The input has closed with the host.
    fn host_is_gone(&mut self) -> io::Result<()> {
        self.line.is_cut();
        self.wakeups.forget_host();
        match self.launch {
            Some(Launch { signal, grace, .. }) => self.ask(signal, grace),
            None => return Err(io::ErrorKind::BrokenPipe.into()),
        }
        Ok(())
    }

    /// Asks everything below to end, each once; what was promised more time before has no more than `grace` from now on.
    fn ask(&mut self, signal: Signal, grace: Duration) {
        let until = Instant::now() + grace;
        match self.stage {
            Stage::Killing => return,
            Stage::Asked { until: before } => self.stage = Stage::Asked { until: before.min(until) },
            Stage::Running => self.stage = Stage::Asked { until },
        }
        let mut ended = HashSet::new();
        tree::ask(|| self.family.look(&mut ended), signal.number(), &mut self.asked);
    }

    fn send(&mut self, signal: Signal) {
        let below = self.family.living();
        below.iter().for_each(|id| process::signal(*id, signal.number()));
        // One that stands still hears nothing.
        below.iter().for_each(|id| process::signal(*id, rustix::process::Signal::CONT));
    }

    fn end_what_is_due(&mut self) {
        if matches!(self.stage, Stage::Asked { until } if until <= Instant::now()) {
            self.stage = Stage::Killing;
        }
        if self.stage == Stage::Killing {
            let mut met = HashSet::new();
            tree::end(|| {
                let living = self.family.living();
                met.extend(living.iter().copied());
                living
            });
            self.family.end_children();
            self.again.met(met);
        }
    }

    fn tell_members(&mut self) {
        // The program may have ended before those who are to be known.
        if self.launch.is_some()
            && let Some(members) = self.members.look(&mut self.family)
        {
            self.line.mention(&Report::Members(members));
        }
    }

    fn until_next(&self) -> Option<Duration> {
        match self.stage {
            Stage::Killing => Some(self.again.pause()),
            Stage::Asked { until } => Some(until.saturating_duration_since(Instant::now())),
            Stage::Running => self.launch.as_ref().map(|_| self.members.until_next()),
        }
    }
}

/// What is below, as the host was last told. The less it changes, the less often it is looked at.
struct Members {
    known: BTreeSet<ProcessId>,
    pause: Duration,
    next: Instant,
}

impl Members {
    fn new() -> Members {
        Members { known: BTreeSet::new(), pause: LOOK.0, next: Instant::now() + LOOK.0 }
    }

    /// Somebody has ended: a parent's end may have handed us others.
    fn changed(&mut self) {
        self.pause = LOOK.0;
        self.next = self.next.min(Instant::now() + LOOK.0);
    }

    /// What is below, if it is time to look and something is new.
    fn look(&mut self, family: &mut Family) -> Option<Vec<ProcessId>> {
        if Instant::now() < self.next {
            return None;
        }
        let found: BTreeSet<ProcessId> = family.living().into_iter().collect();
        let is_new = found != self.known;
        self.pause = if is_new { LOOK.0 } else { (self.pause * 2).min(LOOK.1) };
        self.next = Instant::now() + self.pause;
        self.known = found;
        is_new.then(|| self.known.iter().copied().collect())
    }

    fn until_next(&self) -> Duration {
        self.next.saturating_duration_since(Instant::now())
    }
}

fn parent() -> Option<u32> {
    getppid().map(|pid| pid.as_raw_pid().cast_unsigned())
}
