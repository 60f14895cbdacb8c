//! What a host and its guardians leave behind when all of them are killed, and who finds it.

use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use rustix::process::Signal;
use sixframe_supervisor::{ChildConfig, Lifetime, Supervisor, SupervisorConfig};

use crate::host::{End, Host};
use crate::sandbox::{PATIENCE, Sandbox, guard, is_alive, numbers, reap, send, until};
use crate::shape::Shape;

fn supervisor(ledger: &Path) -> Supervisor {
    Supervisor::new(SupervisorConfig { ledger: Some(ledger.to_owned()), ..SupervisorConfig::new(guard()) }).unwrap()
}

fn ledgers(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[test]
fn what_survives_a_host_and_its_guardians_is_ended_by_the_next() {
    let sandbox = Sandbox::new();
    let ledger = sandbox.path().join("ledger");
    let shapes = [Shape::Setsid, Shape::DaemonStays];
    let mut host = Host::start(&sandbox, &shapes, End::Killed, 100, Some(ledger.clone()));
    let pids = ["0-Setsid/pids", "1-DaemonStays/pids"].map(|pids| numbers(&sandbox.path().join(pids))).concat();
    until("the ledger has them all", || {
        let file = std::fs::read_dir(&ledger).unwrap().next().unwrap().unwrap().path();
        let text = std::fs::read_to_string(file).unwrap();
        pids.iter().all(|pid| text.contains(&format!("\"pid\":{pid},"))).then_some(())
    });
    // It stands still, so that it cannot clean up after its guardians.
    send(host.pid(), Signal::STOP);
    until("the host stands still", || crate::sandbox::state(host.pid()).filter(|(state, _)| state == "T"));
    for guardian in &host.guardians {
        send(*guardian, Signal::KILL);
    }
    until("the guardians are gone", || host.guardians.iter().all(|pid| !is_alive(*pid)).then_some(()));
    let running = supervisor(&ledger);
    assert_eq!(ledgers(&ledger), 1, "a host that lives keeps its own");
    drop(running);
    host.kill();
    let left = sandbox.processes();
    assert!(left.len() >= 2, "the daemons have survived: {left:?}");
    let next = supervisor(&ledger);
    assert!(sandbox.processes().into_iter().all(|pid| !is_alive(pid)));
    for pid in host.guardians.iter().chain(&numbers(&sandbox.path().join("0-Setsid/pids"))) {
        reap(*pid);
    }
    drop(next);
    assert_eq!(ledgers(&ledger), 0, "nothing lives that would have to be found");
}

#[tokio::test]
async fn what_a_launcher_leaves_to_run_is_in_the_ledger_though_it_begins_when_the_launcher_has_ended() {
    let sandbox = Sandbox::new();
    let ledger = sandbox.path().join("ledger");
    let supervisor = supervisor(&ledger);
    let mut config = ChildConfig::new("sh");
    let real = "while ! [ -e go ]; do sleep 0.01; done; sh -c 'echo $$ > pids; exec sleep 1000'; :";
    std::fs::write(sandbox.path().join("real"), real).unwrap();
    config.args = ["-c", "setsid sh ./real &"].map(Into::into).into();
    config.cwd = Some(sandbox.path().to_owned());
    config.lifetime = Lifetime::Tree;
    let child = supervisor.spawn(config).unwrap();
    child.exited().await.unwrap();
    std::fs::write(sandbox.path().join("go"), "").unwrap();
    let pid = until("the real one runs", || numbers(&sandbox.path().join("pids")).first().copied());
    let written = || {
        let file = std::fs::read_dir(&ledger).unwrap().next().unwrap().unwrap().path();
        std::fs::read_to_string(file).unwrap()
    };
    let is_told = async {
        while !written().contains(&format!("\"pid\":{pid},")) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, is_told).await.expect("the guardian tells of it");
    child.kill().await.unwrap();
}

#[test]
fn what_was_begun_and_never_became_a_ledger_is_removed() {
    let sandbox = Sandbox::new();
    let ledger = sandbox.folder("ledger");
    let file = |name: &str, text: &str, age: Duration| {
        std::fs::write(ledger.join(name), text).unwrap();
        let file = std::fs::File::options().append(true).open(ledger.join(name)).unwrap();
        file.set_modified(std::time::SystemTime::now() - age).unwrap();
    };
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let head = |started: u64| {
        let (pid, boot) = (std::process::id(), boot.trim());
        format!(r#"{{"host":{{"instance":"cafe","boot":"{boot}","host":{{"pid":{pid},"started":{started}}}}}}}"#)
    };
    let (old, own) = (Duration::from_secs(7200), started(std::process::id()));
    file("a.new", &head(1), Duration::ZERO);
    file("b.new", "", old);
    file("c.ledger", "{\"hos", old);
    file("d.new", "{\"hos", Duration::ZERO);
    file("e.new", &head(own), old);
    file("f.txt", "", old);
    drop(supervisor(&ledger));
    let mut left: Vec<_> = std::fs::read_dir(&ledger).unwrap().map(|file| file.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["d.new", "e.new", "f.txt"], "the first may just be written, the second's host lives");
}

#[tokio::test]
async fn guardians_of_a_host_that_is_gone_are_left_to_give_the_time_that_they_have_promised() {
    let sandbox = Sandbox::new();
    let ledger = sandbox.path().join("ledger");
    let folder = sandbox.folder("0-Careful");
    let mut host = Host::start(&sandbox, &[Shape::Careful], End::Killed, 600_000, Some(ledger.clone()));
    host.kill();
    until("it is asked to end", || folder.join("asked").exists().then_some(()));
    let next = supervisor(&ledger);
    let at_once = tokio::time::timeout(Duration::ZERO, next.settled()).await;
    assert!(at_once.is_err(), "the careful one is not done");
    std::fs::write(folder.join("go"), "").unwrap();
    next.settled().await;
    assert!(folder.join("done").exists(), "it was let end");
    assert!(sandbox.processes().into_iter().all(|pid| !is_alive(pid)));
    assert_eq!(ledgers(&ledger), 0);
    host.guardians.iter().for_each(|guardian| reap(*guardian));
}

#[test]
fn what_outlives_the_runtime_of_its_host_stays_in_the_ledger() {
    let sandbox = Sandbox::new();
    let (ledger, folder) = (sandbox.path().join("ledger"), sandbox.folder("careful"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let supervisor = supervisor(&ledger);
    let mut config = Shape::Careful.config(&folder);
    config.stop.signal_for = Duration::from_secs(600);
    let child = runtime.block_on(async {
        let child = supervisor.spawn(config).unwrap();
        child.started().await.unwrap();
        child
    });
    let pid = until("it runs", || numbers(&folder.join("pids")).first().copied());
    runtime.shutdown_timeout(Duration::from_secs(20));
    drop((child, supervisor));
    until("its guardian asks it to end", || folder.join("asked").exists().then_some(()));
    let told = std::fs::read_dir(&ledger).unwrap().map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    let told: Vec<String> = told.collect();
    assert!(told.len() == 1 && told[0].contains(&format!("\"pid\":{pid},")) && !told[0].contains("ended"), "{told:?}");
    std::fs::write(folder.join("go"), "").unwrap();
    until("it has ended", || (!is_alive(pid)).then_some(()));
}

/// A process that is none of ours, and when it was started.
fn stranger(mark: Option<&str>) -> (Child, u64) {
    let mut command = Command::new("sleep");
    command.arg("1000");
    if let Some(mark) = mark {
        command.env("_SIXFRAME_TREE", mark);
    }
    let child = command.spawn().unwrap();
    let started = started(child.id());
    (child, started)
}

fn started(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit_once(')').unwrap().1.split_ascii_whitespace().nth(19).unwrap().parse().unwrap()
}

/// The line of a host that is gone.
fn head(instance: &str, boot: &str) -> String {
    let pid = std::process::id();
    format!(r#"{{"host":{{"instance":"{instance}","boot":"{boot}","host":{{"pid":{pid},"started":1}}}}}}"#)
}

/// The line of a program.
fn line(generation: u64, pid: u32, started: u64) -> String {
    format!(r#"{{"process":{{"generation":{generation},"process":{{"pid":{pid},"started":{started}}}}}}}"#)
}

#[test]
fn what_another_start_of_the_system_had_is_neither_waited_for_nor_ended() {
    let sandbox = Sandbox::new();
    let ledger = sandbox.folder("ledger");
    let (mut marked, started) = stranger(Some("cafe.3"));
    let id = format!(r#"{{"pid":{},"started":{started}}}"#, marked.id());
    let guardian = format!(r#"{{"guardian":{{"generation":3,"process":{id},"grace":{{"secs":600,"nanos":0}}}}}}"#);
    let lines = [head("cafe", "another-boot"), guardian, line(3, marked.id(), started)];
    std::fs::write(ledger.join("cafe.ledger"), lines.join("\n")).unwrap();
    let next = supervisor(&ledger);
    assert_eq!(ledgers(&ledger), 0, "nothing that it tells of can be there");
    assert!(is_alive(marked.id()), "its number and its mark mean nothing");
    drop(next);
    marked.kill().unwrap();
    marked.wait().unwrap();
}

#[test]
fn a_number_that_another_process_has_now_is_left_alone() {
    let sandbox = Sandbox::new();
    let ledger = sandbox.folder("ledger");
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let (reused, other_start) = stranger(None);
    let (unmarked, its_start) = stranger(None);
    let (mut ours, our_start) = stranger(Some("outer.7/cafe.3"));
    let (mut member, member_start) = stranger(Some("cafe.4"));
    // As a service has it whose manager was given our variables.
    let (copied, _) = stranger(Some("cafe.3"));
    let (of_another_child, another_start) = stranger(Some("cafe.5"));
    let lines = [
        head("cafe", boot.trim()),
        line(1, reused.id(), other_start + 1),
        line(2, unmarked.id(), its_start),
        line(3, ours.id(), our_start),
        line(6, of_another_child.id(), another_start),
        format!(r#"{{"members":{{"generation":4,"members":[{{"pid":{},"started":1}}]}}}}"#, copied.id()),
        format!(r#"{{"members":{{"generation":4,"members":[{{"pid":{},"started":{member_start}}}]}}}}"#, member.id()),
        r#"{"process":{"gener"#.to_owned(),
    ];
    std::fs::write(ledger.join("cafe.ledger"), lines.join("\n")).unwrap();
    drop(supervisor(&ledger));
    assert!(!is_alive(ours.id()), "it carries the mark and was started then");
    assert!(!is_alive(member.id()), "and so does what was told of it last");
    ours.wait().unwrap();
    member.wait().unwrap();
    for mut other in [reused, unmarked, copied, of_another_child] {
        assert!(is_alive(other.id()));
        other.kill().unwrap();
        other.wait().unwrap();
    }
    assert_eq!(ledgers(&ledger), 0);
}
