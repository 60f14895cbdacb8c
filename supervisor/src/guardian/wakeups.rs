//! What wakes a guardian: its lease, the end of a process below, the end of the host.

use std::io::{self, Read as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use signal_hook::consts::{SIGALRM, SIGCHLD, SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::low_level::pipe;

use super::host::Host;

/// What is meant for the host's family and not for the guardian: it ends when nothing is left to guard. They are caught
/// and not ignored, since a program started here would inherit that.
const NOT_FOR_US: [i32; 8] = [SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGALRM, SIGUSR1, SIGUSR2];

/// The longest wait, behind which it is looked how much is left: a system may take no more milliseconds than fit into 31 bits.
const LONGEST: Duration = Duration::from_secs(3600);

/// The sources of wakeups.
pub(super) struct Wakeups {
    signals: UnixStream,
    host: Option<Host>,
}

/// What has happened; nothing where a process below has ended or the time is over.
#[derive(Default)]
pub(super) struct Happened {
    pub(super) line: bool,
    pub(super) family: bool,
    pub(super) host_died: bool,
}

impl Wakeups {
    pub(super) fn new() -> io::Result<Wakeups> {
        let (signals, writer) = UnixStream::pair()?;
        signals.set_nonblocking(true)?;
        for signal in NOT_FOR_US.into_iter().chain([SIGCHLD]) {
            pipe::register(signal, writer.try_clone()?)?;
        }
        Ok(Wakeups { signals, host: None })
    }

    /// Watches the host itself too, should somebody else hold its end of the lease. Whether it lives.
    pub(super) fn watch_host(&mut self, pid: u32) -> io::Result<bool> {
        self.host = Host::watch(pid)?;
        Ok(self.host.is_some())
    }

    /// It has ended, and would be reported for ever.
    pub(super) fn forget_host(&mut self) {
        self.host = None;
    }

    /// Waits until something happens, at most for `longest`.
    pub(super) fn wait(
        &mut self,
        [line, family]: [Option<BorrowedFd<'_>>; 2],
        longest: Option<Duration>,
    ) -> io::Result<Happened> {
        let mut sources = vec![PollFd::from_borrowed_fd(self.signals.as_fd(), PollFlags::IN)];
        let host = self.host.as_ref().and_then(Host::as_fd);
        let line_at = line.map(|line| append(&mut sources, line));
        let family_at = family.map(|family| append(&mut sources, family));
        let host_at = host.map(|host| append(&mut sources, host));
        let timeout = longest.and_then(until_looking);
        match poll(&mut sources, timeout.as_ref()) {
            Ok(_) => (),
            Err(Errno::INTR) => return Ok(Happened::default()),
            Err(error) => return Err(error.into()),
        }
        let is_ready = |at: Option<usize>| at.is_some_and(|at| !sources[at].revents().is_empty());
        let happened = Happened { line: is_ready(line_at), family: is_ready(family_at), host_died: is_ready(host_at) };
        let woken = !sources[0].revents().is_empty();
        drop(sources);
        if woken {
            self.forget_signals();
        }
        Ok(happened)
    }

    fn forget_signals(&mut self) {
        let mut bytes = [0; 256];
        while matches!(self.signals.read(&mut bytes), Ok(read) if read == bytes.len()) {}
    }
}

fn until_looking(longest: Duration) -> Option<Timespec> {
    Timespec::try_from(longest.min(LONGEST)).ok()
}

fn append<'fd>(sources: &mut Vec<PollFd<'fd>>, source: BorrowedFd<'fd>) -> usize {
    sources.push(PollFd::from_borrowed_fd(source, PollFlags::IN));
    sources.len() - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_wait_is_longer_than_every_system_takes() {
        for longest in [Duration::from_millis(1 << 31), Duration::from_secs(1 << 40), Duration::MAX] {
            let waits = until_looking(longest).expect("every wait has an end");
            assert!(waits.tv_sec < i64::from(i32::MAX / 1000), "{longest:?}");
        }
        let short = until_looking(Duration::from_millis(1500)).expect("every wait has an end");
        assert_eq!((short.tv_sec, short.tv_nsec), (1, 500_000_000));
    }
}
