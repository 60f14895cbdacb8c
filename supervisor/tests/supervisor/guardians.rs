//! What becomes of a guardian: what its program does to it, and what the system does not let it do.

use std::process;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal, prlimit};
use sixframe_supervisor::{Child, ChildConfig, Failure, Input, Supervisor};
use tokio::time::timeout;

use crate::host::{End, Host};
use crate::sandbox::{PATIENCE, Sandbox, is_alive, send, state, supervisor, until};
use crate::shape::Shape;
use crate::survivors::{nothing_is_left, sockets};

/// Holds what its guardian has open, traces it, or both. It ignores the polite signal.
const BESIDE: &str = "
import ctypes, os, signal, sys, time
PIDFD_OPEN, PIDFD_GETFD, ATTACH, ALL_THREADS = 434, 438, 16, 0x40000000
signal.signal(signal.SIGTERM, signal.SIG_IGN)
libc, guardian, doing, is_done = ctypes.CDLL(None), int(sys.argv[1]), sys.argv[2:], True
if 'hold' in doing:
    descriptor = libc.syscall(PIDFD_OPEN, guardian, 0)
    is_done = max(libc.syscall(PIDFD_GETFD, descriptor, number, 0) for number in range(64)) >= 0
if 'trace' in doing and is_done:
    is_done = libc.ptrace(ATTACH, guardian, None, None) == 0
    if is_done:
        os.waitpid(guardian, ALL_THREADS)
open('done', 'w').write(f'{os.getpid()}\\n' if is_done else 'not allowed\\n')
time.sleep(1000)
";

/// A child with such a process in a session of its own, and that one's number; none where the system does not let it do that.
async fn beside(supervisor: &Supervisor, sandbox: &Sandbox, doing: &str) -> Option<(Child, u32)> {
    let done = sandbox.path().join("done");
    std::fs::write(sandbox.path().join("beside.py"), BESIDE).unwrap();
    let mut config = ChildConfig::new("sh");
    config.args = ["-c".into(), format!("setsid python3 beside.py $PPID {doing} & exec sleep 1000").into()].into();
    config.cwd = Some(sandbox.path().to_owned());
    config.env.push((sandbox.tag().0.into(), Some(sandbox.tag().1.into())));
    config.stdin = Input::Null;
    config.stop.signal_for = Duration::ZERO;
    let child = supervisor.spawn(config).unwrap();
    child.started().await.unwrap();
    let told = until("it is done", || std::fs::read_to_string(&done).ok().filter(|told| told.ends_with('\n')));
    let Ok(pid) = told.trim().parse() else {
        eprintln!("SKIPPED: {doing} is not allowed here");
        child.kill().await.unwrap();
        return None;
    };
    Some((child, pid))
}

#[tokio::test]
async fn a_program_that_traces_its_guardian_is_ended_with_it() {
    for doing in ["trace", "hold trace"] {
        let (sandbox, supervisor) = (Sandbox::new(), supervisor());
        let Some((child, tracer)) = beside(&supervisor, &sandbox, doing).await else { continue };
        let stopped =
            timeout(PATIENCE, child.stop()).await.expect("its end is told to its tracer first, which is ended");
        assert!(matches!(stopped, Err(Failure::GuardianStuck { .. })), "{doing}: {stopped:?}");
        assert!(!is_alive(tracer) && sandbox.processes().is_empty());
        assert_eq!(state(child.guardian().unwrap().pid), None, "it was taken notice of");
    }
}

#[tokio::test]
async fn the_end_of_a_guardian_is_seen_though_somebody_holds_its_lease() {
    let (sandbox, supervisor) = (Sandbox::new(), supervisor());
    let Some((child, holder)) = beside(&supervisor, &sandbox, "hold").await else { return };
    send(child.guardian().unwrap().pid, Signal::KILL);
    let stopped = timeout(PATIENCE, child.stopped()).await.expect("its end is seen");
    assert!(matches!(stopped, Err(Failure::GuardianLost { .. })), "{stopped:?}");
    assert!(!is_alive(holder) && sandbox.processes().is_empty());
}

/// A process that is ended with this.
struct Beside(process::Child);

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_end_of_a_host_is_seen_though_somebody_holds_its_end_of_the_leases() {
    let (sandbox, shapes) = (Sandbox::new(), [Shape::Plain, Shape::Setsid]);
    let mut host = Host::start(&sandbox, &shapes, End::Killed, 100, None);
    let holding = ["-c".to_owned(), BESIDE.to_owned(), host.pid().to_string(), "hold".to_owned()];
    let holder = process::Command::new("python3").args(holding).current_dir(sandbox.path()).spawn().unwrap();
    let holder = Beside(holder);
    let done = sandbox.path().join("done");
    let told = until("it is done", || std::fs::read_to_string(&done).ok().filter(|told| told.ends_with('\n')));
    if told.trim() != holder.0.id().to_string() {
        eprintln!("SKIPPED: to hold what another process has open is not allowed here");
        return host.kill();
    }
    let [leases, held] = [host.pid(), holder.0.id()].map(sockets);
    assert!(leases.len() >= shapes.len() && leases.is_subset(&held), "{leases:?} are not all among {held:?}");
    host.kill();
    nothing_is_left(&sandbox, &host.guardians, &shapes, 100);
}

#[test]
fn a_guardian_that_can_open_nothing_ends_what_is_below_it() {
    let (sandbox, shapes) = (Sandbox::new(), [Shape::Setsid, Shape::TermProof, Shape::Hop]);
    let mut host = Host::start(&sandbox, &shapes, End::Killed, 100, None);
    for guardian in &host.guardians {
        let none = Rlimit { current: Some(0), maximum: Some(0) };
        prlimit(Pid::from_raw(guardian.cast_signed()), Resource::Nofile, none).unwrap();
    }
    host.kill();
    nothing_is_left(&sandbox, &host.guardians, &shapes, 100);
}
