//! What a program leaves behind that has ended.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use sixframe_services::agents::{
    Agent as _, Command, Fact, Launch, ProblemKind, ProcessEvent, Program, ProgramAgent, Running,
};
use sixframe_supervisor::{GuardProgram, Supervisor, SupervisorConfig};
use tokio::time::Instant;

/// A guardian whose program has ended as soon as it was started, and whose tree is never empty.
const NEVER_EMPTY: &str = include_str!("../bin/never_empty.py");

#[tokio::test]
async fn who_stops_what_a_program_has_left_behind_waits_no_longer_than_for_a_program_that_runs() {
    let folder = tempfile::tempdir().unwrap();
    let (guard, text) = (folder.path().join("guard"), folder.path().join("guard.py"));
    std::fs::write(&text, NEVER_EMPTY).unwrap();
    std::fs::write(&guard, format!("#!/bin/sh\nexec python3 {}\n", text.display())).unwrap();
    std::fs::set_permissions(&guard, std::fs::Permissions::from_mode(0o755)).unwrap();
    let supervisor = Supervisor::new(SupervisorConfig::new(GuardProgram::at(guard))).unwrap();
    for is_dropped in [false, true] {
        let agent = ProgramAgent::claude(supervisor.clone(), Program::new("/bin/sh"));
        let launch = Launch { cwd: folder.path().to_owned(), ..Launch::default() };
        let Running { commands, mut facts } = agent.start(launch);
        loop {
            match facts.recv().await.unwrap().fact {
                Fact::Process(ProcessEvent::Spawned { .. }) => break,
                Fact::Gone { problem } => panic!("{problem:?}"),
                _ => (),
            }
        }
        // From here on, time goes as fast as nobody does anything: until its output is over and the rest is waited for.
        tokio::time::pause();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let begun = Instant::now();
        let open = (!is_dropped).then_some(commands);
        open.iter().for_each(|commands| commands.send(Command::Stop).unwrap());
        let problem = loop {
            if let Fact::Gone { problem } = facts.recv().await.unwrap().fact {
                break problem;
            }
        };
        let waited = begun.elapsed();
        tokio::time::resume();
        assert!(waited < Duration::from_secs(20), "{waited:?}, of the 32 s that it has where nobody waits");
        assert_eq!(problem.unwrap().kind, ProblemKind::Crashed, "it had ended before that was wished");
    }
}
