//! What a program leaves behind that has ended.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use sixframe_services::agents::{
    Agent as _, Command, Content, Fact, Launch, ProblemKind, ProcessEvent, Program, ProgramAgent, Prompt, Running,
};
use sixframe_supervisor::{GuardProgram, Supervisor, SupervisorConfig};
use tokio::time::Instant;

use super::house::LONG;

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

/// Begins as Claude Code does, and ends. What it leaves behind holds its output, and is ended only by being killed.
const LEAVES: &str = r#"#!/bin/sh
read line
echo '{"type":"control_response","response":{"subtype":"success","request_id":"initialise","response":{}}}'
mkfifo held
(trap '' TERM; echo > left; read nothing <> held) &
read left < left
"#;

#[tokio::test]
async fn a_prompt_that_comes_behind_the_end_of_a_program_is_given_back_though_its_output_is_held_open() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("claude");
    std::fs::write(&program, LEAVES).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(folder.path().join("left")).status().unwrap().success());
    let guard = GuardProgram::at(env!("CARGO_BIN_EXE_sixframe-services-guardian"));
    let supervisor = Supervisor::new(SupervisorConfig::new(guard)).unwrap();
    let agent = ProgramAgent::claude(supervisor, Program::new(program));
    let Running { commands, mut facts } = agent.start(Launch { cwd: folder.path().to_owned(), ..Launch::default() });
    let mut next = async || {
        let told = tokio::time::timeout(LONG, facts.recv()).await;
        told.expect("it tells of more").expect("it tells of its end").fact
    };
    loop {
        match next().await {
            Fact::Muted => break,
            Fact::Gone { problem } => panic!("it is told to be ending before it is gone: {problem:?}"),
            _ => (),
        }
    }
    let prompt = Prompt::new("one", vec![Content::Text { text: "hello".into() }]);
    // Where all of it is gone by now, it stays with who says it.
    if commands.send(Command::Prompt(prompt.clone())).is_ok() {
        loop {
            match next().await {
                Fact::Untaken(back) => break assert_eq!(back, prompt),
                Fact::Gone { .. } => panic!("it is lost"),
                _ => (),
            }
        }
        let _ = commands.send(Command::Stop);
    }
    while !matches!(next().await, Fact::Gone { .. }) {}
}
