//! What is hard to find, or cannot be ended at all.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{
    Pid, Resource, Rlimit, Signal, WaitOptions, geteuid, getrlimit, setrlimit, test_kill_process, waitpid,
};
use sixframe_supervisor::{Child, ChildConfig, Failure, Input, Supervisor, SupervisorConfig};

use crate::sandbox::{Sandbox, alone, alone_under, guard, is_alive, numbers, send, state, supervisor, until};
use crate::shape::Shape;
use crate::survivors::{heartbeat_goes, heartbeat_has_stopped};

/// Nobody's user and group.
const NOBODY: u32 = 65534;

fn number(pid: u32) -> Pid {
    Pid::from_raw(pid.cast_signed()).unwrap()
}

/// Whether there is a process of this number, for which no descriptor and no `/proc` is needed.
fn is_there(pid: u32) -> bool {
    test_kill_process(number(pid)) != Err(rustix::io::Errno::SRCH)
}

/// Whether something can be started like this here, and as root; it is said where it cannot.
fn is_allowed(starter: &[&str]) -> bool {
    let is_allowed = geteuid().is_root() && Command::new(starter[0]).args(&starter[1..]).status().unwrap().success();
    if !is_allowed {
        eprintln!("SKIPPED: not root, or {starter:?} is not allowed here");
    }
    is_allowed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn without_descriptors_nothing_is_taken_for_gone_and_with_some_it_is_ended() {
    if !alone("left::without_descriptors_nothing_is_taken_for_gone_and_with_some_it_is_ended") {
        return;
    }
    let (sandbox, ledger) = (Sandbox::new(), tempfile::tempdir().unwrap());
    let written = || {
        let file = fs::read_dir(ledger.path()).unwrap().next().unwrap().unwrap().path();
        fs::read_to_string(file).unwrap()
    };
    let config = SupervisorConfig { ledger: Some(ledger.path().to_owned()), ..SupervisorConfig::new(guard()) };
    let supervisor = Supervisor::new(config).unwrap();
    let child = supervisor.spawn(Shape::DaemonStays.config(sandbox.path())).unwrap();
    let program = child.started().await.unwrap().pid;
    let daemon =
        until("the daemon runs", || numbers(&sandbox.path().join("pids")).into_iter().find(|pid| *pid != program));
    until("the guardian has told of it", || written().contains(&format!("\"pid\":{daemon},")).then_some(()));
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(3), ..limit }).unwrap();
    send(child.guardian().unwrap().pid, Signal::KILL);
    let failure = child.stopped().await.unwrap_err();
    // It has come to this process, which has not waited for it.
    let lives = matches!(waitpid(Some(number(daemon)), WaitOptions::NOHANG), Ok(None));
    setrlimit(Resource::Nofile, limit).unwrap();
    assert!(lives && matches!(&failure, Failure::Left { pids, .. } if pids.contains(&daemon)), "{failure}");
    assert!(!written().contains("ended"), "the next one is to know of it");
    until("it is ended", || (!is_alive(daemon)).then_some(()));
    until("that is in the ledger", || written().contains("ended").then_some(()));
}

/// A seccomp profile, begun by Python since a test may not: calls about descriptors of processes fail with the number that is
/// the first argument.
const PROFILE: &str = r"
import ctypes, os, struct, sys
PIDFD_SEND_SIGNAL, PIDFD_OPEN = 424, 434
steps = [
    (0x20, 0, 0, 0),
    (0x15, 2, 0, PIDFD_OPEN),
    (0x15, 1, 0, PIDFD_SEND_SIGNAL),
    (0x06, 0, 0, 0x7FFF0000),
    (0x06, 0, 0, 0x00050000 | int(sys.argv[1])),
]
code = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *step) for step in steps))
class Filter(ctypes.Structure):
    _fields_ = [('length', ctypes.c_ushort), ('code', ctypes.c_void_p)]
prctl = ctypes.CDLL(None).prctl
assert prctl(38, 1, 0, 0, 0) == 0
assert prctl(22, 2, ctypes.byref(Filter(len(steps), ctypes.addressof(code)))) == 0
os.execv(sys.argv[2], sys.argv[2:])
";

#[tokio::test]
async fn a_profile_that_refuses_descriptors_of_processes_keeps_nobody_alive() {
    let test = "left::a_profile_that_refuses_descriptors_of_processes_keeps_nobody_alive";
    // `EPERM` and `ENOSYS`.
    if !["1", "38"].map(|error| alone_under(&["python3", "-c", PROFILE, error], test)).contains(&true) {
        return;
    }
    let (sandbox, supervisor) = (Sandbox::new(), supervisor());
    let mut config = Shape::DaemonStays.config(sandbox.path());
    config.stdin = Input::Null;
    let child = supervisor.spawn(config).unwrap();
    child.started().await.unwrap();
    let pids =
        until("the shape is complete", || Some(numbers(&sandbox.path().join("pids"))).filter(|pids| pids.len() == 2));
    assert_eq!(child.stop().await.unwrap().signal, Some(15), "it is asked");
    assert!(pids.into_iter().all(|pid| state(pid).is_none()));
}

/// The processes that wrote their numbers to a file; they are ended with this.
pub(crate) struct Ended(pub(crate) PathBuf);

impl Drop for Ended {
    fn drop(&mut self) {
        numbers(&self.0).into_iter().for_each(|pid| send(pid, Signal::KILL));
    }
}

/// A folder of nobody's with copies of programs in it, as they may be for nobody.
fn programs_for_nobody(programs: &[&str], mode: u32) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for program in programs {
        let found = ["/bin", "/usr/bin"].map(|bin| Path::new(bin).join(program)).into_iter().find(|path| path.exists());
        let copy = folder.path().join(program);
        fs::copy(found.unwrap(), &copy).unwrap();
        fs::set_permissions(&copy, Permissions::from_mode(mode)).unwrap();
    }
    std::os::unix::fs::chown(folder.path(), None, Some(NOBODY)).unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o770)).unwrap();
    folder
}

const PROGRAMS: &str = "SIXFRAME_TEST_PROGRAMS";

fn programs() -> Option<PathBuf> {
    std::env::var_os(PROGRAMS).map(PathBuf::from)
}

const AS_NOBODY: [&str; 6] = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];

#[tokio::test]
async fn what_is_another_users_is_told_and_not_taken_for_gone() {
    let Some(programs) = programs() else {
        if is_allowed(&["true"]) {
            let folder = programs_for_nobody(&["setpriv"], 0o4755);
            let _ended = ["pids", "before"].map(|file| Ended(folder.path().join(file)));
            let programs = format!("{PROGRAMS}={}", folder.path().display());
            let starter = [&["env", &programs], AS_NOBODY.as_slice()].concat();
            alone_under(&starter, "left::what_is_another_users_is_told_and_not_taken_for_gone");
        }
        return;
    };
    let (sandbox, supervisor) = (Sandbox::new(), supervisor());
    let mut config = ChildConfig::new(programs.join("setpriv"));
    let script = "echo $$ > pids; exec sleep 1000";
    config.args = ["--reuid", "0", "--regid", "0", "--clear-groups", "sh", "-c", script].map(Into::into).into();
    config.cwd = Some(programs.clone());
    let child = supervisor.spawn(config).unwrap();
    child.started().await.unwrap();
    let pid = until("root's program runs", || numbers(&programs.join("pids")).first().copied());
    let failure = child.kill().await.unwrap_err();
    assert_eq!(failure, Failure::Left { program: programs.join("setpriv").display().to_string(), pids: vec![pid] });
    assert!(failure.to_string().contains(&pid.to_string()) && is_there(pid), "{failure}");
    drop(sandbox);

    // The same of a program that ends by itself and leaves it behind.
    fs::rename(programs.join("pids"), programs.join("before")).unwrap();
    let leaves = "./setpriv --reuid 0 --regid 0 --clear-groups sh -c 'echo $$ > pids; exec sleep 1000' & \
                  while [ ! -s pids ]; do sleep 0.01; done";
    let mut config = ChildConfig::new("sh");
    config.args = ["-c", leaves].map(Into::into).into();
    config.cwd = Some(programs.clone());
    config.stop.signal_for = Duration::from_millis(100);
    let child = supervisor.spawn(config).unwrap();
    child.exited().await.unwrap();
    let failure = child.stop().await.unwrap_err();
    let pids = numbers(&programs.join("pids"));
    assert!(matches!(&failure, Failure::Left { pids: left, .. } if *left == pids), "{failure}: {pids:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_process_1_ends_its_own_and_leaves_other_orphans_alone_until_they_have_ended() {
    let test = "left::a_process_1_ends_its_own_and_leaves_other_orphans_alone_until_they_have_ended";
    if std::process::id() != 1 {
        let starters =
            [["unshare", "-p", "-f", "--mount-proc"].as_slice(), &["unshare", "-r", "-p", "-f", "--mount-proc"]];
        let works = |starter: &&[&str]| Command::new("env").args(*starter).arg("true").status().unwrap().success();
        match starters.into_iter().find(works) {
            Some(starter) => assert!(!alone_under(starter, test)),
            None => eprintln!("SKIPPED: unshare is not allowed here"),
        }
        return;
    }
    let sandbox = Sandbox::new();
    let config = SupervisorConfig { child_subreaper: true, ..SupervisorConfig::new(guard()) };
    let supervisor = Supervisor::new(config).unwrap();
    let folder = sandbox.folder("ours");
    let child = supervisor.spawn(Shape::DaemonStays.config(&folder)).unwrap();
    child.started().await.unwrap();
    let ours = until("the shape is complete", || Some(numbers(&folder.join("pids"))).filter(|pids| pids.len() == 2));
    // As by a program that somebody runs in our container: the first stays in a session that our namespace does not show.
    let orphans = "sleep 1000 & echo $! > others; setsid sleep 1000 & echo $! >> others";
    let ran =
        Command::new("sh").args(["-c", orphans]).current_dir(sandbox.path()).stdout(Stdio::null()).status().unwrap();
    let others = numbers(&sandbox.path().join("others"));
    assert!(ran.success() && others.iter().all(|pid| state(*pid).is_some_and(|(_, parent)| parent == 1)), "{others:?}");
    send(child.guardian().unwrap().pid, Signal::KILL);
    let failure = child.stopped().await.unwrap_err();
    assert!(matches!(failure, Failure::GuardianLost { .. }), "{failure}");
    assert!(ours.into_iter().all(|pid| state(pid).is_none()) && others.iter().all(|pid| is_alive(*pid)));
    for other in others {
        send(other, Signal::KILL);
        until("an orphan that has ended is taken notice of", || state(other).is_none().then_some(()));
    }
}

#[tokio::test]
async fn what_hops_is_found_by_a_subreaper_too() {
    if !alone("left::what_hops_is_found_by_a_subreaper_too") {
        return;
    }
    let config = SupervisorConfig { child_subreaper: true, ..SupervisorConfig::new(guard()) };
    let supervisor = Supervisor::new(config).unwrap();
    for _ in 0..10 {
        let sandbox = Sandbox::new();
        let child = supervisor.spawn(Shape::Hop.config(sandbox.path())).unwrap();
        child.started().await.unwrap();
        heartbeat_goes(sandbox.path());
        send(child.guardian().unwrap().pid, Signal::KILL);
        assert!(matches!(child.stopped().await, Err(Failure::GuardianLost { .. })));
        heartbeat_has_stopped(sandbox.path());
    }
}

/// As pid 1, since a shell that ended at once would have the kernel end the rest.
const HIDING: &str = "mount -t proc -o hidepid=2 proc /proc && \"$@\"; exit $?";

#[tokio::test]
async fn what_proc_hides_is_ended_with_the_rest() {
    let starter = ["unshare", "-m", "-p", "-f", "sh", "-c", HIDING, "sh"];
    let Some(programs) = programs() else {
        if is_allowed(&[starter.as_slice(), &["true"]].concat()) {
            // Who may be started and not be read is hidden.
            let folder = programs_for_nobody(&["sh", "sleep"], 0o711);
            let programs = format!("{PROGRAMS}={}", folder.path().display());
            let starter = [starter.as_slice(), &["env", &programs], AS_NOBODY.as_slice()].concat();
            alone_under(&starter, "left::what_proc_hides_is_ended_with_the_rest");
        }
        return;
    };
    let supervisor =
        Supervisor::new(SupervisorConfig { child_subreaper: true, ..SupervisorConfig::new(guard()) }).unwrap();
    let (child, pids) = hidden(&supervisor, &programs).await;
    assert_eq!(child.kill().await.unwrap().signal, Some(9));
    assert!(!pids.into_iter().any(is_there), "the guardian has ended them");
    let (child, pids) = hidden(&supervisor, &programs).await;
    send(child.guardian().unwrap().pid, Signal::KILL);
    let failure = child.stopped().await.unwrap_err();
    assert!(matches!(failure, Failure::GuardianLost { .. }), "{failure}");
    assert!(!pids.into_iter().any(is_there), "they came here and were ended");
}

/// A program and another below it in a session of its own, which cannot be seen.
async fn hidden(supervisor: &Supervisor, programs: &Path) -> (Child, Vec<u32>) {
    let told = programs.join("pids");
    let _ = fs::remove_file(&told);
    let stay = "echo $$ >> pids; exec ./sleep 1000";
    let mut config = ChildConfig::new(programs.join("sh"));
    config.args = ["-c".into(), format!("setsid ./sh -c '{stay}' & {stay}").into()].into();
    config.cwd = Some(programs.to_owned());
    let child = supervisor.spawn(config).unwrap();
    child.started().await.unwrap();
    let pids = until("both run", || Some(numbers(&told)).filter(|pids| pids.len() == 2));
    assert!(pids.iter().all(|pid| state(*pid).is_none() && is_there(*pid)), "they are hidden");
    (child, pids)
}

#[tokio::test]
async fn a_stranger_with_a_copy_of_the_variables_is_left_alone_by_a_subreaper() {
    if !alone("left::a_stranger_with_a_copy_of_the_variables_is_left_alone_by_a_subreaper") {
        return;
    }
    // Its parent is not this process, as that of a service is the manager of services.
    let manager =
        "setsid sh -c 'echo $$ > stranger; read mark < mark; export _SIXFRAME_TREE=\"$mark\"; exec sleep 1000' & wait";
    let sandbox = Sandbox::new();
    let pipe = sandbox.path().join("mark");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let manager = Command::new("sh").args(["-c", manager]).current_dir(sandbox.path()).stdin(Stdio::null()).spawn();
    let mut manager = manager.unwrap();
    let stranger = until("a stranger runs", || numbers(&sandbox.path().join("stranger")).first().copied());
    let config = SupervisorConfig { child_subreaper: true, ..SupervisorConfig::new(guard()) };
    let supervisor = Supervisor::new(config).unwrap();
    let child = supervisor.spawn(Shape::Daemon.config(sandbox.path())).unwrap();
    child.started().await.unwrap();
    let daemon = until("its daemon runs", || numbers(&sandbox.path().join("pids")).first().copied());
    let environment = fs::read(format!("/proc/{daemon}/environ")).unwrap();
    let mark = environment.split(|byte| *byte == 0).find_map(|variable| variable.strip_prefix(b"_SIXFRAME_TREE="));
    fs::write(&pipe, [mark.unwrap(), b"\n"].concat()).unwrap();
    let has_mark = || {
        let environment = fs::read(format!("/proc/{stranger}/environ")).unwrap();
        environment.windows(mark.unwrap().len()).any(|bytes| bytes == mark.unwrap()).then_some(())
    };
    until("the stranger has the mark", has_mark);
    send(child.guardian().unwrap().pid, Signal::KILL);
    assert!(matches!(child.stopped().await, Err(Failure::GuardianLost { .. })));
    assert!(is_alive(stranger) && !is_alive(daemon));
    send(stranger, Signal::KILL);
    manager.wait().unwrap();
}
