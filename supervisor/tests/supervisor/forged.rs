//! What the keeper makes of reports that are not its guardian's own: by a program in the guardian's place, which says what
//! somebody who has taken the lease would say.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use sixframe_supervisor::{
    Child, ChildConfig, Failure, GuardProgram, Input, Signal, Status, Supervisor, SupervisorConfig,
};
use tokio::time::timeout;

use crate::left::Ended;
use crate::sandbox::{PATIENCE, Sandbox, is_alive, numbers, until};

/// Starts a program and a process in a session of its own, tells the latter's number, and does what it is asked to.
const GUARDIAN: &str = r#"#!/usr/bin/env python3
import json, os, signal, socket, subprocess, time
lease = socket.socket(fileno=os.dup(0))
def tell(report):
    body = json.dumps(report).encode()
    lease.sendall(len(body).to_bytes(4, "little") + body)
def read(size):
    left = size
    while left:
        part = lease.recv(left)
        left -= len(part) or os._exit(1)
        yield part
def start(**how):
    return subprocess.Popen(["sleep", "1000"], stdin=subprocess.DEVNULL, **how).pid
def started():
    with open(f"/proc/{program}/stat") as stat:
        begun = int(stat.read().rsplit(")", 1)[1].split()[19])
    tell({"Started": {"pid": program, "started": begun}})
def end():
    os.kill(os.getpid(), signal.SIGKILL)
def hide():
    # Nothing shows whose it is but the process above it.
    hidden = start(start_new_session=True, env={})
    with open(FOLDER + "/hidden", "w") as told:
        told.write(f"{hidden}\n")
program, daughter = start(), start(start_new_session=True)
with open(FOLDER + "/daughter", "w") as told:
    told.write(f"{daughter}\n")
# What a guardian is told to start comes first, and is all that this one hears.
launch = b"".join(read(int.from_bytes(b"".join(read(4)), "little")))
DOES
time.sleep(1000)
"#;

/// A child behind a guardian that does this, and the process that is in a session of its own.
fn begun(sandbox: &Sandbox, does: &str) -> (Supervisor, Child, u32) {
    let guardian = sandbox.path().join("guardian");
    let script = GUARDIAN.replace("DOES", does).replace("FOLDER", &format!("{:?}", sandbox.path()));
    std::fs::write(&guardian, script).unwrap();
    std::fs::set_permissions(&guardian, std::fs::Permissions::from_mode(0o755)).unwrap();
    let supervisor = Supervisor::new(SupervisorConfig::new(GuardProgram::at(guardian))).unwrap();
    let mut config = ChildConfig::new("program");
    (config.stdin, config.stop.signal_for) = (Input::Null, Duration::ZERO);
    let child = supervisor.spawn(config).unwrap();
    let told = sandbox.path().join("daughter");
    let daughter = until("it is started", || numbers(&told).first().copied());
    (supervisor, child, daughter)
}

/// How a child ends whose guardian does this, and that nothing is left of it.
async fn end_of(does: &str) -> Failure {
    let sandbox = Sandbox::new();
    let (supervisor, child, daughter) = begun(&sandbox, does);
    let stopped = timeout(PATIENCE, child.stopped()).await.expect("its end is seen");
    assert!(!is_alive(daughter), "{does}: {stopped:?}, and a process lives on");
    assert!(supervisor.is_empty());
    stopped.expect_err("its guardian has not ended as guardians do")
}

#[tokio::test]
async fn what_has_started_cannot_be_not_started() {
    let failure = end_of("started(); tell({'NotStarted': 2})").await;
    assert!(matches!(failure, Failure::GuardianStuck { .. }), "{failure:?}");
}

#[tokio::test]
async fn who_says_that_nothing_was_started_and_stays_is_ended_with_all_that_it_has_started() {
    let failure = end_of("tell({'NotStarted': 2})").await;
    assert!(matches!(failure, Failure::NotStarted { .. }), "what it has said is told: {failure:?}");
}

#[tokio::test]
async fn the_last_word_of_a_guardian_that_was_killed_is_not_believed() {
    let failure = end_of("started(); tell({'Exited': 0}); tell('Empty'); end()").await;
    assert!(matches!(failure, Failure::GuardianLost { .. }), "{failure:?}");
    let failure = end_of("tell({'NotStarted': 2}); end()").await;
    assert!(matches!(failure, Failure::NotStarted { .. }), "{failure:?}");
}

#[tokio::test]
async fn signals_for_a_guardian_that_takes_none_hold_up_nothing() {
    let sandbox = Sandbox::new();
    let (supervisor, child, daughter) = begun(&sandbox, "started()");
    child.started().await.unwrap();
    let mut status = child.watch();
    // Many more than there is room for.
    (0..10_000).for_each(|_| child.signal(Signal::User1));
    let stopping = tokio::spawn(async move { child.stop().await });
    let told = timeout(PATIENCE, status.wait_for(|status| *status == Status::Stopping)).await;
    assert!(told.expect("what was wished behind them is taken").is_ok());
    let stopped = timeout(PATIENCE, stopping).await.expect("a guardian that takes nothing is given up").unwrap();
    assert!(matches!(stopped, Err(Failure::GuardianStuck { .. })), "{stopped:?}");
    assert!(!is_alive(daughter) && supervisor.is_empty());
}

#[tokio::test]
async fn who_never_stops_telling_holds_up_no_stop() {
    let sandbox = Sandbox::new();
    // Faster than it is heard.
    let flood = "started()\nbody = b'{\"Members\":[]}'\n\
                 many = (len(body).to_bytes(4, 'little') + body) * 100_000\nwhile True: lease.sendall(many)";
    let (supervisor, child, daughter) = begun(&sandbox, flood);
    child.started().await.unwrap();
    let stopped = timeout(PATIENCE, child.stop()).await.expect("it is heard, and what is due is done");
    assert!(matches!(stopped, Err(Failure::GuardianStuck { .. })), "{stopped:?}");
    assert!(!is_alive(daughter) && supervisor.is_empty());
}

#[tokio::test]
async fn what_is_below_a_guardian_that_cannot_be_understood_ends_with_it_though_nobody_was_told_of_it() {
    for does in ["tell({'Nonsense': 1})", "lease.close(); os.close(0)"] {
        let sandbox = Sandbox::new();
        let hidden = Ended(sandbox.path().join("hidden"));
        let (supervisor, child, daughter) = begun(&sandbox, &format!("hide(); started(); {does}"));
        let stopped = timeout(PATIENCE, child.stopped()).await.expect("its end is seen");
        assert!(matches!(stopped, Err(Failure::GuardianLost { .. })), "{does}: {stopped:?}");
        let pids = numbers(&hidden.0);
        assert!(pids.len() == 1 && !is_alive(pids[0]), "{does}: {pids:?} lives on");
        assert!(!is_alive(daughter) && supervisor.is_empty());
    }
}

#[tokio::test]
async fn what_was_seen_when_a_guardian_was_given_up_is_not_forgotten_for_what_it_had_told_before() {
    let sandbox = Sandbox::new();
    let hidden = Ended(sandbox.path().join("hidden"));
    let tells = "hide(); started()\nwhile True: tell({'Members': []}); time.sleep(0.01)";
    let (supervisor, child, _) = begun(&sandbox, tells);
    child.started().await.unwrap();
    // Many more than there is room for: while it waits for that, to tell it to stop, nobody hears what is told meanwhile.
    (0..10_000).for_each(|_| child.signal(Signal::User1));
    let stopped = timeout(PATIENCE, child.stop()).await.expect("a guardian that takes nothing is given up");
    assert!(matches!(stopped, Err(Failure::GuardianStuck { .. })), "{stopped:?}");
    let pids = numbers(&hidden.0);
    assert!(pids.len() == 1 && !is_alive(pids[0]), "{pids:?} lives on");
    assert!(supervisor.is_empty());
}
