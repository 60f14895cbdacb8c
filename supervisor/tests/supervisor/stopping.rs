//! How children end while their host lives.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal as Number;
use sixframe_supervisor::{
    Ask, Child, ChildConfig, Failure, From, Input, Lifetime, Line, Signal, Status, StopLadder, Stream, Supervisor,
    SupervisorConfig,
};

use crate::sandbox::{Sandbox, guard, is_alive, numbers, send, state, supervisor, until};
use crate::shape::Shape;
use crate::survivors::{heartbeat_goes, heartbeat_has_stopped};

/// A child of `shape` that runs, and its processes.
async fn running(
    supervisor: &Supervisor,
    sandbox: &Sandbox,
    shape: Shape,
    adapt: impl FnOnce(&mut ChildConfig),
) -> (Child, Vec<u32>) {
    let folder = sandbox.folder(&format!("{shape:?}"));
    let mut config = tagged(sandbox, shape.config(&folder));
    adapt(&mut config);
    let child = supervisor.spawn(config).unwrap();
    child.started().await.unwrap();
    let pids = folder.join("pids");
    until("the shape is complete", || (numbers(&pids).len() >= shape.processes()).then_some(()));
    (child, numbers(&pids))
}

fn tagged(sandbox: &Sandbox, mut config: ChildConfig) -> ChildConfig {
    let (name, value) = sandbox.tag();
    config.env.push((name.into(), Some(value.into())));
    config
}

pub(crate) fn shell(sandbox: &Sandbox, script: &str) -> ChildConfig {
    let mut config = tagged(sandbox, ChildConfig::new("sh"));
    config.args = ["-c".into(), script.into()].into();
    config.cwd = Some(sandbox.path().to_owned());
    config
}

pub(crate) async fn first_line(child: &Child) -> String {
    let mut lines = child.output(Stream::Stdout).subscribe(From::Start).lines();
    match lines.next().await {
        Some(Line::Text { text, .. }) => text,
        other => panic!("a line, not {other:?}"),
    }
}

#[tokio::test]
async fn closing_the_input_is_asked_first_and_is_enough_for_those_who_heed_it() {
    let (sandbox, supervisor) = (Sandbox::new(), supervisor());
    let child = supervisor.spawn(shell(&sandbox, "trap 'exit 9' TERM; echo up; read line; exit 4")).unwrap();
    assert_eq!(first_line(&child).await, "up");
    let exit = child.stop().await.unwrap();
    assert_eq!((exit.code, exit.signal, exit.stdout), (Some(4), None, 3));
    assert_eq!(child.status(), Status::Stopped(exit));
    assert!(supervisor.is_empty());
}

#[tokio::test]
async fn what_does_not_heed_the_input_is_sent_the_signal_after_its_time() {
    let (sandbox, supervisor) = (Sandbox::new(), supervisor());
    let mut config = shell(&sandbox, "trap 'exit 9' USR1; echo up; while :; do sleep 0.01; done");
    config.stop =
        StopLadder { close_stdin_for: Duration::from_millis(100), signal: Signal::User1, ..StopLadder::default() };
    let child = supervisor.spawn(config).unwrap();
    assert_eq!(first_line(&child).await, "up");
    let begun = Instant::now();
    assert_eq!(child.stop().await.unwrap().code, Some(9));
    assert!(begun.elapsed() >= Duration::from_millis(100));
}

#[tokio::test]
async fn what_ignores_everything_is_killed_after_the_grace() {
    let (sandbox, supervisor) = (Sandbox::new(), supervisor());
    let (child, pids) = running(&supervisor, &sandbox, Shape::TermProof, |config| {
        config.stdin = Input::Null;
        config.stop.signal_for = Duration::from_millis(200);
    })
    .await;
    let begun = Instant::now();
    let exit = child.stop().await.unwrap();
    assert_eq!((exit.code, exit.signal), (None, Some(9)));
    assert!(begun.elapsed() >= Duration::from_millis(200) && begun.elapsed() < Duration::from_secs(2));
    assert_eq!(state(pids[0]), None);
}

#[tokio::test]
async fn a_time_without_end_is_a_long_one() {
    for without_end in 0..3 {
        let (sandbox, supervisor) = (Sandbox::new(), supervisor());
        let mut config = shell(&sandbox, "trap 'exit 9' TERM; echo up; read line; while :; do sleep 0.01; done");
        config.stop.ask = (without_end == 0).then(|| Ask::new(|| async {}));
        config.stop.close_stdin_for = Duration::ZERO;
        let times = [&mut config.stop.ask_for, &mut config.stop.close_stdin_for, &mut config.stop.signal_for];
        *times.into_iter().nth(without_end).unwrap() = Duration::MAX;
        let child = supervisor.spawn(config).unwrap();
        assert_eq!(first_line(&child).await, "up");
        if without_end == 2 {
            assert_eq!(child.stop().await.unwrap().code, Some(9), "the signal is enough");
            continue;
        }
        assert!(tokio::time::timeout(Duration::from_millis(50), child.stop()).await.is_err(), "nothing follows yet");
        assert_eq!(child.kill().await.unwrap().signal, Some(9));
    }
}

#[tokio::test]
async fn its_own_way_of_stopping_is_tried_before_the_input_is_closed() {
    let (sandbox, supervisor) = (Sandbox::new(), supervisor());
    let asked = Arc::new(AtomicUsize::new(0));
    let (count, file) = (Arc::clone(&asked), sandbox.path().join("asked"));
    let mut config = shell(&sandbox, "echo up; while [ ! -e asked ]; do sleep 0.01; done; exit 5");
    config.stop.ask = Some(Ask::new(move || {
        count.fetch_add(1, Ordering::Relaxed);
        std::fs::write(&file, "").unwrap();
        async {}
    }));
    let child = supervisor.spawn(config).unwrap();
    assert_eq!(first_line(&child).await, "up");
    let (first, second) = tokio::join!(child.stop(), child.stop());
    assert_eq!((first.unwrap().code, second.unwrap().code), (Some(5), Some(5)));
    assert_eq!(asked.load(Ordering::Relaxed), 1, "asking twice changes nothing");
}

#[tokio::test]
async fn stopped_means_that_the_whole_tree_is_gone() {
    for shape in Shape::ALL {
        let (sandbox, supervisor) = (Sandbox::new(), supervisor());
        let (child, pids) = running(&supervisor, &sandbox, shape, |config| {
            config.stdin = Input::Null;
            config.stop.signal_for = Duration::from_millis(50);
        })
        .await;
        child.stop().await.unwrap();
        assert!(sandbox.processes().is_empty(), "{shape:?}");
        assert!(pids.iter().all(|pid| state(*pid).is_none()), "{shape:?} was waited for too");
    }
}

#[tokio::test]
async fn a_leader_that_obeys_does_not_hide_a_member_that_does_not() {
    let (sandbox, supervisor) = (Sandbox::new(), supervisor());
    let script = "sh -c 'trap \"\" TERM; echo $$ > member; while :; do sleep 1; done' & \
        while [ ! -s member ]; do sleep 0.01; done; echo up; wait";
    let mut config = shell(&sandbox, script);
    config.stdin = Input::Null;
    config.stop.signal_for = Duration::from_millis(200);
    let child = supervisor.spawn(config).unwrap();
    assert_eq!(first_line(&child).await, "up");
    let member = numbers(&sandbox.path().join("member"))[0];
    let (exited, stopped) = tokio::join!(
        async {
            child.exited().await.unwrap();
            (is_alive(member), child.status())
        },
        child.stop()
    );
    assert_eq!(exited, (true, Status::Stopping), "the leader has ended, the child has not");
    assert_eq!(stopped.unwrap().signal, Some(15));
    assert!(!is_alive(member));
}

#[tokio::test]
async fn who_is_asked_to_end_is_asked_once_though_the_leader_ends_first() {
    let worker = "import os, signal\n\
        signal.signal(signal.SIGTERM, lambda *_: os.write(os.open('terms', os.O_CREAT | os.O_APPEND | os.O_WRONLY), b'.'))\n\
        print('up', flush=True)\nwhile True: signal.pause()\n";
    for _ in 0..3 {
        let (sandbox, supervisor) = (Sandbox::new(), supervisor());
        std::fs::write(sandbox.path().join("worker.py"), worker).unwrap();
        let mut config = shell(&sandbox, "python3 worker.py & wait");
        config.stdin = Input::Null;
        config.stop.signal_for = Duration::from_millis(300);
        let child = supervisor.spawn(config).unwrap();
        assert_eq!(first_line(&child).await, "up");
        assert_eq!(child.stop().await.unwrap().signal, Some(15));
        assert_eq!(std::fs::read_to_string(sandbox.path().join("terms")).unwrap(), ".");
    }
}

#[tokio::test]
async fn nobody_misses_the_signal_by_being_started_at_that_moment() {
    for _ in 0..5 {
        let (sandbox, supervisor) = (Sandbox::new(), supervisor());
        let (child, _) = running(&supervisor, &sandbox, Shape::Swarm, |config| {
            config.stdin = Input::Null;
            config.stop.signal_for = Duration::from_secs(20);
        })
        .await;
        let begun = Instant::now();
        assert_eq!(child.stop().await.unwrap().signal, Some(15));
        assert!(begun.elapsed() < Duration::from_secs(10), "nobody is left for the kill: {:?}", begun.elapsed());
        assert!(sandbox.processes().is_empty());
    }
}

#[tokio::test]
async fn a_program_under_a_tracer_hears_the_signal() {
    let (sandbox, supervisor) = (Sandbox::new(), supervisor());
    let mut config = shell(&sandbox, "");
    config.program = "strace".into();
    config.args = ["-f", "-o", "/dev/null", "sh", "-c", "trap 'exit 7' TERM; echo up; while :; do sleep 0.01; done"]
        .map(OsString::from)
        .into();
    config.stdin = Input::Null;
    config.stop.signal_for = Duration::from_secs(20);
    let child = supervisor.spawn(config).unwrap();
    if matches!(child.started().await, Err(Failure::NotStarted { kind: ErrorKind::NotFound, .. })) {
        return;
    }
    assert_eq!(first_line(&child).await, "up");
    let begun = Instant::now();
    child.stop().await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn what_a_program_leaves_behind_is_stopped_when_it_ends() {
    let (sandbox, supervisor) = (Sandbox::new(), supervisor());
    let folder = sandbox.folder("left");
    let mut config = tagged(&sandbox, Shape::Daemon.config(&folder));
    config.lifetime = Lifetime::Program;
    let child = supervisor.spawn(config).unwrap();
    assert_eq!(child.stopped().await.unwrap().code, Some(0));
    assert!(numbers(&folder.join("pids")).into_iter().all(|pid| state(pid).is_none()));
    assert!(sandbox.processes().is_empty());
}

#[tokio::test]
async fn a_tree_lives_on_without_its_program_where_it_is_meant_to() {
    let (sandbox, supervisor) = (Sandbox::new(), supervisor());
    let (child, pids) = running(&supervisor, &sandbox, Shape::Daemon, |_| ()).await;
    assert_eq!(child.exited().await.unwrap().code, Some(0));
    assert!(is_alive(pids[0]) && matches!(child.status(), Status::Running { .. }));
    send(pids[0], Number::KILL);
    assert_eq!(child.stopped().await.unwrap().code, Some(0), "the last one's end is the child's");
}

#[tokio::test]
async fn dropping_a_child_stops_its_tree() {
    let (sandbox, supervisor) = (Sandbox::new(), supervisor());
    let (child, pids) = running(&supervisor, &sandbox, Shape::Setsid, |config| config.stdin = Input::Null).await;
    let mut status = child.watch();
    drop(child);
    status.wait_for(Status::is_final).await.unwrap();
    assert!(pids.into_iter().all(|pid| state(pid).is_none()));
}

#[tokio::test]
async fn a_stop_concerns_one_child_and_not_the_next_of_the_same_name() {
    let (sandbox, supervisor) = (Sandbox::new(), supervisor());
    let first = supervisor.spawn(shell(&sandbox, "read line; exit 1")).unwrap();
    let second = supervisor.spawn(shell(&sandbox, "read line; exit 2")).unwrap();
    assert!(first.generation() < second.generation());
    assert_eq!(first.stop().await.unwrap().code, Some(1));
    let _ = first.kill().await;
    second.started().await.unwrap();
    assert!(matches!(second.status(), Status::Running { .. }));
    supervisor.stop_all().await;
    assert_eq!(second.exited().await.unwrap().code, Some(2));
}

#[tokio::test]
async fn a_guardian_that_is_stopped_is_told_to_go_on() {
    let (sandbox, supervisor) = (Sandbox::new(), supervisor());
    let (child, pids) = running(&supervisor, &sandbox, Shape::Setsid, |_| ()).await;
    let guardian = child.guardian().unwrap().pid;
    for _ in 0..20 {
        send(guardian, Number::STOP);
        // It may have gone on before anybody sees it stand.
        while state(guardian).is_some_and(|(state, _)| state == "T") {
            tokio::task::yield_now().await;
        }
    }
    send(guardian, Number::STOP);
    let begun = Instant::now();
    assert_eq!(child.kill().await.unwrap().signal, Some(9));
    assert!(begun.elapsed() < Duration::from_secs(4), "nobody had to be given up: {:?}", begun.elapsed());
    assert!(sandbox.processes().is_empty() && pids.into_iter().all(|pid| !is_alive(pid)));
}

#[tokio::test]
async fn a_guardian_that_does_nothing_does_not_hold_up_a_kill() {
    let sandbox = Sandbox::new();
    let idle = sandbox.path().join("idle");
    std::fs::write(&idle, "#!/bin/sh\nexec sleep 1000\n").unwrap();
    std::fs::set_permissions(&idle, std::fs::Permissions::from_mode(0o755)).unwrap();
    let supervisor = Supervisor::new(SupervisorConfig::new(sixframe_supervisor::GuardProgram::at(idle))).unwrap();
    let child = supervisor.spawn(shell(&sandbox, "sleep 1000")).unwrap();
    let failure = child.kill().await.unwrap_err();
    assert!(matches!(failure, Failure::NotNow { .. }), "{failure}");
    assert!(sandbox.processes().is_empty() && supervisor.is_empty());
}

#[tokio::test]
async fn the_end_of_its_guardian_is_the_end_of_a_tree() {
    for shape in Shape::ALL.into_iter().chain([Shape::Hop, Shape::Hop, Shape::Hop]) {
        let (sandbox, supervisor) = (Sandbox::new(), supervisor());
        let (child, pids) = running(&supervisor, &sandbox, shape, |_| ()).await;
        if shape == Shape::Hop {
            heartbeat_goes(&sandbox.path().join("Hop"));
        }
        send(child.guardian().unwrap().pid, Number::KILL);
        let begun = Instant::now();
        let failure = child.stopped().await.unwrap_err();
        assert!(matches!(failure, Failure::GuardianLost { .. }), "{shape:?}: {failure}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{shape:?}: {:?}", begun.elapsed());
        assert!(sandbox.processes().is_empty() && pids.into_iter().all(|pid| !is_alive(pid)), "{shape:?}");
        if shape == Shape::Hop {
            heartbeat_has_stopped(&sandbox.path().join("Hop"));
        }
    }
}

#[tokio::test]
async fn what_a_handle_apart_has_started_is_told_from_the_rest() {
    let (sandbox, other) = (Sandbox::new(), Sandbox::new());
    let all = supervisor();
    let apart = all.apart();
    let (child, pids) = running(&all, &sandbox, Shape::DaemonStays, |_| ()).await;
    assert!(pids.iter().all(|pid| all.owns(*pid) && !apart.owns(*pid)), "nothing was started by it yet");
    let (its, its_pids) = running(&apart, &other, Shape::DaemonStays, |_| ()).await;
    assert!(its_pids.iter().all(|pid| all.owns(*pid) && apart.owns(*pid)), "the daemon too");
    assert!(pids.iter().all(|pid| !apart.owns(*pid)), "though all carry a mark of the same supervisor");
    assert_eq!((all.len(), apart.len()), (2, 2), "they are stopped together");
    its.kill().await.unwrap();
    child.kill().await.unwrap();
}

#[tokio::test]
async fn descendants_are_owned_and_others_are_not() {
    let (sandbox, supervisor) = (Sandbox::new(), supervisor());
    let (child, pids) = running(&supervisor, &sandbox, Shape::DaemonStays, |_| ()).await;
    assert!(pids.iter().all(|pid| supervisor.owns(*pid)), "the daemon too");
    let told: Vec<u32> = child.processes().into_iter().map(|id| id.pid).collect();
    assert!(pids.iter().all(|pid| told.contains(pid)) && !told.contains(&child.guardian().unwrap().pid), "{told:?}");
    let mut other = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
    assert!(!supervisor.owns(other.id()) && !supervisor.owns(std::process::id()) && !supervisor.owns(1));
    other.kill().unwrap();
    other.wait().unwrap();
    assert!(supervisor.owns(other.id()), "nobody knows any more whose it was");
    let elsewhere = crate::sandbox::supervisor();
    assert!(!elsewhere.owns(pids[0]));
    child.kill().await.unwrap();
    assert!(child.processes().is_empty());
    assert!(Supervisor::new(SupervisorConfig::new(guard())).unwrap().is_empty());
}

#[tokio::test]
async fn what_is_held_stands_still_until_it_is_killed_and_what_is_not_goes_on() {
    let (sandbox, supervisor) = (Sandbox::new(), supervisor());
    let other = "until [ -e go ]; do sleep 0.01; done; touch on";
    let script = &format!("sh -c '{other}' & while :; do echo x >> beats; sleep 0.01; done");
    let child = supervisor.spawn(shell(&sandbox, script)).unwrap();
    let program = child.started().await.unwrap();
    let beats = || std::fs::metadata(sandbox.path().join("beats")).map_or(0, |file| file.len());
    until("it is at work", || (beats() > 0).then_some(()));
    assert!(child.hold(&[program]).await);
    assert_eq!(state(program.pid).unwrap().0, "T");
    let before = beats();
    std::fs::write(sandbox.path().join("go"), "").unwrap();
    until("the other one goes on", || sandbox.path().join("on").exists().then_some(()));
    assert_eq!(beats(), before);
    assert_eq!(child.kill().await.unwrap().signal, Some(9));
    assert!(!is_alive(program.pid));
    let another = sixframe_supervisor::ProcessId { pid: std::process::id(), started: 1 };
    assert!(child.hold(&[program, another]).await, "numbers that are others' by now are left alone");
}
