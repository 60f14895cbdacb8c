//! Whatever ends the host: nothing that it started is left.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use sixframe_supervisor::{Descent, Failure, Status, Supervisor, SupervisorConfig};

use crate::host::{End, Host};
use crate::sandbox::{Sandbox, alone, guard, is_alive, numbers, reap, send, state, until};
use crate::shape::Shape;

/// Time for a tree that is killed to be gone, on a machine that does other things too.
const SOON: Duration = Duration::from_secs(5);

/// Nothing lives, nothing is left to be waited for, and what hops has no heartbeat any more.
pub(crate) fn nothing_is_left(sandbox: &Sandbox, guardians: &[u32], shapes: &[Shape], grace: u64) {
    let begun = Instant::now();
    until("every process is gone", || sandbox.processes().is_empty().then_some(()));
    let longest = Duration::from_millis(grace) + SOON;
    assert!(begun.elapsed() < longest, "gone after {:?}", begun.elapsed());
    for guardian in guardians {
        // It has come to us, unless its host has lived to see its end.
        reap(*guardian);
        assert_eq!(state(*guardian), None, "guardian {guardian} is gone and was waited for");
    }
    for (at, shape) in shapes.iter().enumerate() {
        let folder = sandbox.path().join(format!("{at}-{shape:?}"));
        for pid in numbers(&folder.join("pids")) {
            assert_eq!(state(pid), None, "{shape:?}: {pid} is gone and was waited for");
        }
        if matches!(shape, Shape::Hop | Shape::Swarm) {
            heartbeat_has_stopped(&folder);
        }
    }
}

/// A scan misses what hops: the heartbeat of a living one would be longer after many of its hops' time.
pub(crate) fn heartbeat_has_stopped(folder: &Path) {
    let beats = || std::fs::metadata(folder.join("heartbeat")).unwrap().len();
    let before = beats();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(300) {
        assert_eq!(beats(), before, "it hops no more");
        std::thread::yield_now();
    }
}

pub(crate) fn heartbeat_goes(folder: &Path) {
    let beats = || std::fs::metadata(folder.join("heartbeat")).map_or(0, |file| file.len());
    let before = beats();
    until("it hops", || (beats() > before + 4).then_some(()));
}

fn kill_9_leaves_nothing_of(shape: Shape) {
    let grace = 300;
    let sandbox = Sandbox::new();
    let mut host = Host::start(&sandbox, &[shape], End::Killed, grace, None);
    let folder = sandbox.path().join(format!("0-{shape:?}"));
    match shape {
        Shape::Hop => heartbeat_goes(&folder),
        _ => {
            assert!(numbers(&folder.join("pids")).into_iter().all(is_alive), "all of them live before");
            assert!(sandbox.processes().len() >= 2 + shape.processes(), "the host, its guardian, and {shape:?}");
        }
    }
    let begun = Instant::now();
    host.kill();
    until("every process is gone", || sandbox.processes().is_empty().then_some(()));
    eprintln!("{shape:?}: nothing left {:.1} ms after kill -9", begun.elapsed().as_secs_f64() * 1e3);
    nothing_is_left(&sandbox, &host.guardians, &[shape], grace);
}

macro_rules! kill_9 {
    ($($name:ident: $shape:ident,)*) => {
        $(
            #[test]
            fn $name() {
                kill_9_leaves_nothing_of(Shape::$shape);
            }
        )*
    };
}

kill_9! {
    kill_9_leaves_nothing_of_one_process: Plain,
    kill_9_leaves_nothing_of_a_launcher_and_its_child: Launcher,
    kill_9_leaves_nothing_of_what_ignores_signals: TermProof,
    kill_9_leaves_nothing_of_a_child_in_another_session: Setsid,
    kill_9_leaves_nothing_of_a_double_fork: Daemon,
    kill_9_leaves_nothing_of_a_double_fork_whose_launcher_stays: DaemonStays,
    kill_9_leaves_nothing_of_what_starts_itself_again_and_again: Hop,
}

#[test]
fn kill_9_leaves_nothing_of_what_starts_others_without_end_and_needs_no_grace() {
    for _ in 0..5 {
        let sandbox = Sandbox::new();
        let mut host = Host::start(&sandbox, &[Shape::Swarm], End::Killed, 15_000, None);
        heartbeat_goes(&sandbox.path().join("0-Swarm"));
        host.kill();
        nothing_is_left(&sandbox, &host.guardians, &[Shape::Swarm], 0);
    }
}

#[test]
fn a_host_that_is_killed_at_any_moment_of_its_starts_leaves_nothing() {
    for processes in 1..=24 {
        let sandbox = Sandbox::new();
        Host::killed_at(&sandbox, &Shape::ALL, processes);
        until("every process is gone", || sandbox.processes().is_empty().then_some(()));
        let hops = sandbox.path().join("6-Hop");
        if hops.join("heartbeat").exists() {
            heartbeat_has_stopped(&hops);
        }
    }
}

#[test]
fn every_end_of_the_host_is_the_end_of_all_shapes() {
    for end in [End::Aborts, End::PanicsInATask, End::Exits, End::Returns, End::OutOfMemory] {
        let sandbox = Sandbox::new();
        let mut host = Host::start(&sandbox, &Shape::ALL, end, 100, None);
        heartbeat_goes(&sandbox.path().join("6-Hop"));
        host.release();
        nothing_is_left(&sandbox, &host.guardians, &Shape::ALL, 100);
    }
}

/// The sockets that a process has open.
pub(crate) fn sockets(pid: u32) -> HashSet<PathBuf> {
    let open = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let targets = open.filter_map(|descriptor| std::fs::read_link(descriptor.path()).ok());
    targets.filter(|target| target.to_string_lossy().starts_with("socket:")).collect()
}

#[tokio::test]
async fn who_kills_its_guardian_and_hides_is_known_to_a_subreaper_and_ended() {
    if !alone("survivors::who_kills_its_guardian_and_hides_is_known_to_a_subreaper_and_ended") {
        return;
    }
    let sandbox = Sandbox::new();
    let folder = sandbox.folder("fugitive");
    let mut stranger = std::process::Command::new("setsid");
    let mut stranger = stranger.args(["sleep", "1000"]).spawn().unwrap();
    until("a stranger has a session of its own", || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", stranger.id())).unwrap();
        let session = stat.rsplit_once(')').unwrap().1.split_ascii_whitespace().nth(3).unwrap().to_owned();
        (session == stranger.id().to_string()).then_some(())
    });
    let config = SupervisorConfig { child_subreaper: true, ..SupervisorConfig::new(guard()) };
    let supervisor = Supervisor::new(config).unwrap();
    let other = supervisor.spawn(Shape::Plain.config(&sandbox.folder("other"))).unwrap();
    other.started().await.unwrap();
    let child = supervisor.spawn(Shape::Fugitive.config(&folder)).unwrap();
    child.started().await.unwrap();
    std::fs::write(folder.join("go"), "").unwrap();
    // Nothing of the supervisor runs while this thread waits.
    let fugitive = until("it has come here", || {
        let fugitive = *numbers(&folder.join("pids")).first()?;
        (state(fugitive)?.1 == std::process::id()).then_some(fugitive)
    });
    assert_eq!(supervisor.descent(fugitive), Descent::Ours);
    assert!(matches!(child.stopped().await, Err(Failure::GuardianLost { .. })));
    assert_eq!(state(fugitive), None, "it is gone, and taken notice of");
    assert!(matches!(other.status(), Status::Running { .. }), "who has a guardian is not concerned");
    assert!(
        is_alive(stranger.id()) && supervisor.descent(stranger.id()) == Descent::NotOurs,
        "nor is who was there before"
    );
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    other.kill().await.unwrap();
}

#[test]
fn a_sibling_does_not_keep_the_lease_of_another() {
    let sandbox = Sandbox::new();
    let shapes = [Shape::Plain, Shape::TermProof];
    let mut host = Host::start(&sandbox, &shapes, End::Killed, 100, None);
    let everybody: Vec<u32> = sandbox.processes();
    assert!(everybody.len() >= 5, "the host, two guardians, two programs: {everybody:?}");
    for (at, one) in everybody.iter().enumerate() {
        for other in &everybody[at + 1..] {
            let shared: Vec<PathBuf> = sockets(*one).intersection(&sockets(*other)).cloned().collect();
            assert!(shared.is_empty(), "{one} and {other} both hold {shared:?}");
        }
    }
    // The second guardian stands still and could keep the first's lease open, had it got it. A host that stands still too does
    // not tell it to go on.
    for stopped in [host.pid(), host.guardians[1]] {
        send(stopped, Signal::STOP);
        until("it stands still", || state(stopped).filter(|(state, _)| state == "T"));
    }
    host.kill();
    let first = numbers(&sandbox.path().join("0-Plain/pids"))[0];
    until("the first is gone though the second's guardian stands still", || (!is_alive(first)).then_some(()));
    send(host.guardians[1], Signal::CONT);
    nothing_is_left(&sandbox, &host.guardians, &shapes, 100);
}
