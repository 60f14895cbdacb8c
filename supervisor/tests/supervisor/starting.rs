//! How children begin: what is run, with which environment, signals and descriptors, and what cannot be.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::time::{Duration, Instant};

use sixframe_supervisor::{
    ChildConfig, Failure, From, GuardProgram, Input, Line, SpawnError, Stream, Supervisor, SupervisorConfig,
};
use tokio::io::AsyncWriteExt as _;

use crate::sandbox::{Sandbox, alone, alone_under, supervisor};
use crate::stopping::{first_line, shell};

/// The signals 32 and 33, which programs cannot use.
const OF_THE_C_LIBRARY: u64 = 0x1_8000_0000;

#[tokio::test]
async fn a_program_that_ended_at_once_has_started_too() {
    let (sandbox, supervisor) = (Sandbox::new(), supervisor());
    let child = supervisor.spawn(shell(&sandbox, "exit 6")).unwrap();
    assert_eq!(child.stopped().await.unwrap().code, Some(6));
    let program = child.started().await.unwrap();
    assert!(program.pid > 1 && program.started > 0);
    let stopped = supervisor.spawn(shell(&sandbox, "sleep 1000")).unwrap();
    assert_eq!(stopped.kill().await.unwrap().signal, Some(9), "though it may not have run yet when this was wished");
}

#[tokio::test]
async fn what_cannot_be_started_is_told_with_its_reason() {
    let (sandbox, supervisor) = (Sandbox::new(), supervisor());
    let plain = sandbox.path().join("plain");
    std::fs::write(&plain, "no program").unwrap();
    let mut elsewhere = shell(&sandbox, "true");
    elsewhere.cwd = Some("/no/such/folder".into());
    let configs = [
        (ChildConfig::new("no-such-program"), ErrorKind::NotFound),
        (ChildConfig::new(&plain), ErrorKind::PermissionDenied),
        (elsewhere, ErrorKind::NotFound),
    ];
    for (config, expected) in configs {
        let child = supervisor.spawn(config).unwrap();
        for failure in [child.started().await.unwrap_err(), child.exited().await.unwrap_err()] {
            assert!(matches!(&failure, Failure::NotStarted { kind, .. } if *kind == expected), "{failure}");
        }
        assert!(child.stop().await.is_err());
    }
}

#[tokio::test]
async fn a_host_that_holds_signals_back_starts_programs_that_hear_them() {
    let test = "starting::a_host_that_holds_signals_back_starts_programs_that_hear_them";
    if !alone_under(&["env", "--block-signal=TERM", "--block-signal=CHLD"], test) {
        return;
    }
    let (sandbox, supervisor) = (Sandbox::new(), supervisor());
    let child = supervisor.spawn(shell(&sandbox, "exec grep SigBlk /proc/self/status")).unwrap();
    assert_eq!(first_line(&child).await, "SigBlk:\t0000000000000000");
    child.stopped().await.unwrap();
}

#[tokio::test]
async fn no_shell_reads_what_is_no_program() {
    let (sandbox, supervisor) = (Sandbox::new(), supervisor());
    let (told, noexec) = (sandbox.path().join("told"), rustix::io::Errno::NOEXEC.raw_os_error());
    let line = format!("\necho a shell > {}\n", told.display());
    for beginning in ["", "\u{7f}ELF"] {
        let file = sandbox.path().join("file");
        // By another process: what one of our threads has open for writing, a guardian begun by another holds for a moment.
        let script = ["-c", "printf %s \"$1\" > file && chmod 755 file", "sh", &format!("{beginning}{line}")];
        assert!(std::process::Command::new("sh").args(script).current_dir(sandbox.path()).status().unwrap().success());
        let mut by_name = ChildConfig::new("file");
        by_name.env.push(("PATH".into(), Some(sandbox.path().as_os_str().to_owned())));
        for config in [ChildConfig::new(&file), by_name] {
            let failure = supervisor.spawn(config).unwrap().exited().await.unwrap_err();
            let expected = std::io::Error::from_raw_os_error(noexec).to_string();
            assert!(matches!(&failure, Failure::NotStarted { reason, .. } if *reason == expected), "{failure}");
        }
    }
    assert!(!told.exists());
}

#[tokio::test]
async fn a_program_is_found_by_the_path_that_it_is_given() {
    let (sandbox, supervisor) = (Sandbox::new(), supervisor());
    let folder = sandbox.folder("bin");
    std::os::unix::fs::symlink("/bin/sh", folder.join("the-shell")).unwrap();
    let mut config = shell(&sandbox, "echo $0 $WHO");
    config.program = "the-shell".into();
    config.clear_env = true;
    config.env.push(("PATH".into(), Some(format!("/no/such/folder:{}:/bin:/usr/bin", folder.display()).into())));
    config.env.push(("WHO".into(), Some("me".into())));
    let child = supervisor.spawn(config).unwrap();
    assert_eq!(first_line(&child).await, "the-shell me");
    assert_eq!(child.stopped().await.unwrap().code, Some(0));
}

#[tokio::test]
async fn what_no_system_could_start_is_refused() {
    let supervisor = supervisor();
    let mut with =
        [ChildConfig::new("e\0cho"), ChildConfig::new("echo"), ChildConfig::new("echo"), ChildConfig::new("echo")];
    with[1].args.push("a\0".into());
    with[2].env.push(("A=B".into(), None));
    with[3].cwd = Some("\0".into());
    for config in with {
        assert!(matches!(supervisor.spawn(config), Err(SpawnError::Malformed { .. })));
    }
    assert!(supervisor.is_empty());
}

#[tokio::test]
async fn a_program_that_is_no_guardian_is_named_and_runs_nothing() {
    let supervisor = Supervisor::new(SupervisorConfig::new(GuardProgram::at("/bin/true"))).unwrap();
    let child = supervisor.spawn(ChildConfig::new("sh")).unwrap();
    assert!(matches!(child.started().await, Err(Failure::NotNow { .. })));
    let absent = Supervisor::new(SupervisorConfig::new(GuardProgram::at("/no/guardian"))).unwrap();
    let refused = absent.spawn(ChildConfig::new("sh")).unwrap_err();
    assert!(refused.to_string().contains("/no/guardian"), "{refused}");
    assert!(GuardProgram::this_program().is_err(), "these tests do not stand guard");
}

#[tokio::test]
async fn a_program_starts_with_clean_signals_in_a_session_of_its_own_and_hides_its_secrets() {
    let (sandbox, supervisor) = (Sandbox::new(), supervisor());
    let script = "grep -E '^Sig(Blk|Ign)' /proc/self/status; read stat < /proc/$$/stat; echo $stat; echo $SECRET; cat";
    let mut config = shell(&sandbox, script);
    config.env.push(("SECRET".into(), Some("a-secret-word".into())));
    let child = supervisor.spawn(config).unwrap();
    let id = child.started().await.unwrap();
    let mut lines = child.output(Stream::Stdout).subscribe(From::Start).lines();
    let mut next = async || match lines.next().await {
        Some(Line::Text { text, .. }) => text,
        other => panic!("a line, not {other:?}"),
    };
    for _ in 0..2 {
        let line = next().await;
        let mask = u64::from_str_radix(line.split('\t').next_back().unwrap(), 16).unwrap();
        assert_eq!(mask & !OF_THE_C_LIBRARY, 0, "{line}");
    }
    let stat: Vec<String> = next().await.split(' ').map(str::to_owned).collect();
    let pid = id.pid.to_string();
    assert_eq!([&stat[0], &stat[4], &stat[5]], [&pid, &pid, &pid], "it leads its group and its session");
    assert_eq!(next().await, "a-secret-word");
    let guardian: u32 = stat[3].parse().unwrap();
    assert_eq!(child.guardian().unwrap().pid, guardian);
    let told = std::fs::read_to_string(format!("/proc/{guardian}/cmdline")).unwrap();
    assert!(!told.contains("secret") && !told.contains("grep"), "{told}");
    child.kill().await.unwrap();
}

#[tokio::test]
async fn a_program_has_three_descriptors_whatever_its_host_was_given_and_its_guardian_none_of_them() {
    let (sandbox, supervisor) = (Sandbox::new(), supervisor());
    // As something that our parent has left open.
    let given = rustix::io::dup(std::fs::File::open("/dev/null").unwrap()).unwrap();
    let child = supervisor.spawn(shell(&sandbox, "echo up; read line")).unwrap();
    assert_eq!(first_line(&child).await, "up");
    let open = |pid: u32| -> Vec<(String, std::path::PathBuf)> {
        let entries = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
        let of = |entry: std::fs::DirEntry| {
            Some((entry.file_name().into_string().ok()?, std::fs::read_link(entry.path()).ok()?))
        };
        entries.filter_map(of).collect()
    };
    let program = child.started().await.unwrap();
    let (theirs, guards) = (open(program.pid), open(child.guardian().unwrap().pid));
    let mut numbers: Vec<&str> = theirs.iter().map(|(number, _)| number.as_str()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, ["0", "1", "2"], "{theirs:?}");
    let shared = guards.iter().find(|(_, target)| theirs.iter().any(|(_, other)| other == target));
    assert_eq!(shared, None, "its output would not end with it");
    drop(given);
    child.stop().await.unwrap();
}

#[tokio::test]
async fn a_child_outlives_the_thread_that_started_it() {
    let (sandbox, supervisor) = (Sandbox::new(), supervisor());
    let runtime = tokio::runtime::Handle::current();
    let config = shell(&sandbox, "cat");
    let starting = supervisor.clone();
    let thread = std::thread::spawn(move || {
        let _entered = runtime.enter();
        starting.spawn(config).unwrap()
    });
    let child = thread.join().unwrap();
    child.started().await.unwrap();
    let (mut stdin, output) = (child.stdin(), child.output(Stream::Stdout));
    let mut lines = output.subscribe(From::Start).lines();
    for number in 0..100 {
        stdin.write_all(format!("{number}\n").as_bytes()).await.unwrap();
        assert!(matches!(lines.next().await, Some(Line::Text { text, .. }) if text == number.to_string()));
    }
    assert_eq!(child.stop().await.unwrap().code, Some(0));
}

#[tokio::test]
async fn starting_costs_a_host_of_a_gibibyte_no_more_than_a_small_one() {
    if !alone("starting::starting_costs_a_host_of_a_gibibyte_no_more_than_a_small_one") {
        return;
    }
    let sandbox = Sandbox::new();
    let supervisor = supervisor();
    let weight = vec![1_u8; 1 << 30];
    let mut times = Vec::new();
    for _ in 0..20 {
        let config = ChildConfig { stdin: Input::Null, ..shell(&sandbox, "true") };
        let begun = Instant::now();
        let child = supervisor.spawn(config).unwrap();
        times.push(begun.elapsed());
        child.stopped().await.unwrap();
    }
    times.sort();
    // The others had to share the processor with somebody.
    assert!(times[0] < Duration::from_millis(5), "a fork of this host takes 100 ms: {times:?}");
    assert_eq!(weight[weight.len() / 2], 1);
}

#[tokio::test]
async fn the_environment_can_be_emptied_changed_and_shortened() {
    let (sandbox, supervisor) = (Sandbox::new(), supervisor());
    let mut config = ChildConfig::new("/usr/bin/env");
    config.clear_env = true;
    config.env = vec![("ONE".into(), Some(OsString::from("1"))), ("HOME".into(), None)];
    let child = supervisor.spawn(config).unwrap();
    child.stopped().await.unwrap();
    let mut lines = child.output(Stream::Stdout).last_lines(10);
    lines.retain(|line| !line.starts_with("_SIXFRAME_TREE="));
    assert_eq!(lines, ["ONE=1"]);
    let mut config = shell(&sandbox, "echo ${HOME-none}");
    config.env.push(("HOME".into(), None));
    assert_eq!(first_line(&supervisor.spawn(config).unwrap()).await, "none");
}
