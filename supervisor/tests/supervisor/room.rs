//! Guardians for which the system has no room.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use sixframe_supervisor::{ChildConfig, Failure, GuardProgram, Input, Output, Supervisor, SupervisorConfig};

use crate::sandbox::Sandbox;

/// A supervisor whose guardians live behind a limit.
fn limited(folder: &Path, limit: &str) -> Supervisor {
    let script = folder.join("limited-guardian");
    let guardian = env!("CARGO_BIN_EXE_sixframe-guardian");
    fs::write(&script, format!("#!/bin/sh\n{limit}\nexec {guardian}\n")).unwrap();
    fs::set_permissions(&script, Permissions::from_mode(0o755)).unwrap();
    Supervisor::new(SupervisorConfig::new(GuardProgram::at(script))).unwrap()
}

async fn started(supervisor: &Supervisor, program: &str) -> Result<(), Failure> {
    let mut config = ChildConfig::new(program);
    (config.stdin, config.stdout, config.stderr) = (Input::Null, Output::Null, Output::Null);
    let child = supervisor.spawn(config).unwrap();
    let started = child.started().await.map(drop);
    let _ = child.kill().await;
    started
}

#[tokio::test]
async fn a_guardian_that_may_not_open_enough_says_nothing_of_the_program() {
    let sandbox = Sandbox::new();
    let mut ends = [0, 0];
    for most in 3..32 {
        let supervisor = limited(sandbox.path(), &format!("ulimit -n {most}"));
        let started = started(&supervisor, "true").await;
        ends[usize::from(started.is_ok())] += 1;
        assert!(matches!(started, Ok(()) | Err(Failure::NotNow { .. })), "{most}: {started:?}");
    }
    assert!(ends[0] > 3 && ends[1] > 3, "there are limits of both kinds: {ends:?}");
}

#[tokio::test]
async fn a_guardian_that_may_start_no_process_says_nothing_of_the_program() {
    let sandbox = Sandbox::new();
    // The limit does not bind the user 0.
    let limit = format!(
        "[ \"$(id -u)\" = 0 ] && become='setpriv --reuid 65534 --clear-groups'\nexec $become prlimit --nproc=1 {}",
        env!("CARGO_BIN_EXE_sixframe-guardian")
    );
    let supervisor = limited(sandbox.path(), &limit);
    let failure = started(&supervisor, "true").await.unwrap_err();
    assert!(matches!(&failure, Failure::NotNow { reason, .. } if reason.contains("unavailable")), "{failure}");
}

#[tokio::test]
async fn a_program_whose_file_is_being_written_says_nothing_of_the_program() {
    let sandbox = Sandbox::new();
    let program = sandbox.path().join("program");
    fs::copy("/bin/true", &program).unwrap();
    let supervisor = limited(sandbox.path(), "");
    let writing = fs::File::options().append(true).open(&program).unwrap();
    let failure = started(&supervisor, program.to_str().unwrap()).await.unwrap_err();
    assert!(matches!(failure, Failure::NotNow { .. }), "{failure}");
    drop(writing);
    started(&supervisor, program.to_str().unwrap()).await.unwrap();
}

#[tokio::test]
async fn what_is_no_program_stays_so() {
    let sandbox = Sandbox::new();
    let supervisor = limited(sandbox.path(), "");
    let text = sandbox.path().join("text");
    fs::write(&text, "#!/nowhere/at/all").unwrap();
    for (mode, program) in [(0o755, text.as_path()), (0o644, &text), (0o644, Path::new("/"))] {
        fs::set_permissions(&text, Permissions::from_mode(mode)).unwrap();
        let failure = started(&supervisor, program.to_str().unwrap()).await.unwrap_err();
        assert!(matches!(failure, Failure::NotStarted { .. }), "{program:?}: {failure}");
    }
}
