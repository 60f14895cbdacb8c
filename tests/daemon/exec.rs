//! `sixframe exec` and `sixframe smoke`, with a daemon that runs and without one.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::sandbox::{LONG, Sandbox, eventually, is_alive};

/// Commands that say what they are asked, fail, and go on for ever.
const COMMANDS: &str = "\
[agent.command.echo]
program = \"/bin/cat\"
[agent.command.fails]
program = \"/bin/sh\"
args = [\"-c\", \"echo begun; echo 'no model' >&2; exit 3\"]
[agent.command.endless]
program = \"/bin/sh\"
args = [\"-c\", \"echo $$; exec sleep 600\"]
[agent.command.endless-words]
program = \"/bin/sh\"
args = [\"-c\", \"echo $$ > pid; exec yes words words words words words words words words words words\"]
";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let folder = sandbox.folder.path().join(".config/sixframe");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("sixframe.toml"), COMMANDS).unwrap();
    sandbox
}

#[test]
fn what_an_agent_says_is_on_stdout_and_what_was_not_allowed_on_stderr() {
    let sandbox = sandbox();
    let (code, stdout, stderr) = sandbox.run(&["exec", "--provider", "command:echo", "hello"]);
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (0, "hello\n", ""));
    let (code, stdout, stderr) = sandbox.run(&["exec", "--provider", "builtin", "write made.txt\nhello"]);
    assert_eq!((code, stdout.as_str()), (0, "You did not allow that, so I stop here.\n"));
    assert!(stderr.contains("not allowed: write made.txt (nobody is here"), "{stderr}");
    assert!(!sandbox.work().join("made.txt").exists());
    let edits = ["exec", "--provider", "builtin", "--mode", "acceptEdits", "write made.txt\nhello"];
    assert_eq!(sandbox.run(&edits).0, 0);
    assert_eq!(std::fs::read_to_string(sandbox.work().join("made.txt")).unwrap(), "hello\n");
    let file = ["exec", "--provider", "command:echo", "--current-file", "made.txt", "look"];
    let (_, stdout, _) = sandbox.run(&file);
    assert!(stdout.contains("`made.txt`:") && stdout.ends_with("\n\nlook\n"), "{stdout}");
}

#[test]
fn what_was_not_allowed_is_told_with_what_denied_it() {
    let sandbox = sandbox();
    let asked = |mode: &str, prompt: &str| {
        let (code, _, stderr) = sandbox.run(&["exec", "--provider", "builtin", "--mode", mode, prompt]);
        assert_eq!(code, 0, "{stderr}");
        stderr
    };
    let ruled = asked("auto", "run sudo true");
    assert!(ruled.contains("not allowed: run sudo true (the rule other_user forbids this"), "{ruled}");
    assert!(!ruled.contains("nobody is here"), "{ruled}");
    let planned = asked("plan", "run touch made.txt");
    assert!(planned.contains("(rule plan: nothing is changed while planning)"), "{planned}");
    let alone = asked("auto", "run python3 x.py");
    assert!(alone.contains("(nobody is here to be asked; see --mode)"), "{alone}");
}

#[test]
fn where_the_agent_says_nothing_what_its_last_tool_answered_is_on_stdout() {
    let sandbox = sandbox();
    for name in ["one.txt", "two.txt"] {
        std::fs::write(sandbox.work().join(name), format!("in {name}\n")).unwrap();
    }
    let said = |args: &[&str]| {
        let (code, stdout, stderr) = sandbox.run(&[&["exec", "--provider", "builtin"], args].concat());
        assert_eq!((code, stderr.as_str()), (0, ""), "{stdout}");
        stdout
    };
    assert_eq!(said(&["list"]), "one.txt\ntwo.txt\n");
    assert_eq!(said(&["list\nread two.txt"]), "in two.txt\n", "it is the last one's");
    assert_eq!(said(&["--mode", "auto", "run echo"]), "\n");
    let events = said(&["--json", "list"]);
    assert!(events.lines().all(|line| line.starts_with("{\"v\":1,")), "{events}");
    let (_, stdout, _) = sandbox.run(&["exec", "--provider", "builtin", "list\nread nothing.txt"]);
    assert!(
        stdout.starts_with("That did not work") && !stdout.contains("one.txt"),
        "what it says is the answer: {stdout}"
    );
}

#[test]
fn how_it_ends_is_the_exit_code() {
    let sandbox = sandbox();
    let (code, stdout, stderr) = sandbox.run(&["exec", "--provider", "command:fails", "hello"]);
    assert_eq!((code, stdout.as_str()), (1, "begun\n"));
    assert!(stderr.contains("no model"), "{stderr}");
    let late = ["exec", "--provider", "command:endless", "--timeout-ms", "200", "hello"];
    assert_eq!(sandbox.run(&late).0, 4);
    for wrong in [["--mode", "everything", "hello"].as_slice(), &["--provider", "command:echo", " "]] {
        assert_eq!(sandbox.run(&[&["exec"], wrong].concat()).0, 2, "{wrong:?}");
    }
    assert_eq!(sandbox.run(&["exec", "--provider", "nobody", "hello"]).0, 1);
    assert_eq!(sandbox.run(&["exec", "--addr", "unix:/nowhere/at/all", "hello"]).0, 3);
}

#[test]
fn a_prompt_comes_from_stdin_and_events_are_lines_of_json() {
    let sandbox = sandbox();
    let mut command = sandbox.sixframe(&["exec", "--provider", "command:echo", "--json", "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"from a pipe").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events[0]["data"]["content"][0]["text"], "from a pipe");
    assert_eq!(events.last().unwrap()["type"], "turn.ended");
    assert!(text.starts_with("{\"v\":1,\"epoch\":"), "as they stand in the log");
}

#[tokio::test]
async fn an_interrupt_ends_the_agent_and_what_it_has_started() {
    for with_daemon in [false, true] {
        let sandbox = sandbox();
        let daemon = with_daemon.then(|| sandbox.serve(&[]));
        let mut command = sandbox.sixframe(&["exec", "--provider", "command:endless", "hello"]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let pid = line.trim().parse().unwrap();
        assert!(is_alive(pid));
        kill_process(Pid::from_child(&child), Signal::INT).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(130));
        eventually("what the agent started is gone", || !is_alive(pid)).await;
        drop(daemon);
    }
}

#[tokio::test]
async fn an_agent_that_nobody_reads_any_more_is_stopped_though_it_says_nothing() {
    let sandbox = sandbox();
    let mut command = sandbox.sixframe(&["exec", "--provider", "command:endless", "hello"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    drop(stdout);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let pid = line.trim().parse().unwrap();
    eventually("what the agent started is gone", || !is_alive(pid)).await;
}

/// Asks a command where no file may be longer than so many blocks, as on a disk that is full. Gives the exit code and stderr.
fn with_room_for(blocks: u32, sandbox: &Sandbox) -> (Option<i32>, String) {
    let plain = sandbox.sixframe(&["exec", "--provider", "command:endless-words", "hello"]);
    let mut limited = std::process::Command::new("/bin/sh");
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    limited.args(["-c", &script]).arg(plain.get_program()).args(plain.get_args());
    limited.env_clear().envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = limited.current_dir(sandbox.work()).stdin(Stdio::null()).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// The files in the folder of the logs.
fn left(sandbox: &Sandbox) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(sandbox.folder.path().join("run/agents")).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect()
}

#[test]
fn where_no_log_can_be_begun_no_session_is_and_nothing_is_left() {
    let sandbox = sandbox();
    let (code, stderr) = with_room_for(0, &sandbox);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("RESOURCE_EXHAUSTED") && stderr.contains("log cannot be read or written"), "{stderr}");
    assert!(!sandbox.work().join("pid").exists(), "the agent was started");
    assert_eq!(left(&sandbox), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn where_the_log_can_hold_no_more_it_fails_and_says_so_and_the_agent_is_gone() {
    let sandbox = sandbox();
    let (code, stderr) = with_room_for(100, &sandbox);
    assert!(code == Some(1) && stderr.contains("log cannot be written"), "{stderr}");
    let pid = std::fs::read_to_string(sandbox.work().join("pid")).unwrap().trim().parse().unwrap();
    eventually("what the agent started is gone", || !is_alive(pid)).await;
}

#[tokio::test]
async fn however_it_is_ended_its_session_is_closed() {
    let sandbox = sandbox();
    let daemon = sandbox.serve(&[]);
    let peer = daemon.connect().await;
    let mut events = peer.stream_raw::<_, Value>("agent.events", json!({"types": ["session."]}));
    let mut until = async |kind: &str| {
        let found = async { while events.next().await.unwrap().unwrap().data["type"] != kind {} };
        tokio::time::timeout(LONG, found).await.unwrap_or_else(|_| panic!("no {kind}"));
    };
    // When one is heard of, all are.
    let ours =
        peer.request_raw::<_, Value>("agent.createSession", json!({"provider": "builtin", "cwd": sandbox.work()}));
    let (ours, ()) = tokio::join!(ours, until("session.created"));
    for (signal, code) in [(Signal::TERM, Some(143)), (Signal::HUP, None), (Signal::KILL, None)] {
        let mut command = sandbox.sixframe(&["exec", "--provider", "command:endless", "hello"]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let pid = line.trim().parse().unwrap();
        kill_process(Pid::from_child(&child), signal).unwrap();
        assert_eq!(child.wait().unwrap().code(), code);
        until("session.closed").await;
        eventually("what the agent started is gone", || !is_alive(pid)).await;
    }
    let known: Value = peer.request_raw("agent.getMetadata", ours.unwrap()).await.unwrap();
    assert_eq!(known["isClosed"], false, "what others began stays");
}

#[tokio::test]
async fn the_session_of_one_that_was_killed_is_closed_at_the_next_look() {
    for with_daemon in [false, true] {
        let sandbox = sandbox();
        let mut command = sandbox.sixframe(&["exec", "--provider", "command:endless", "hello"]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        // Held: where nobody reads it any more, it ends by itself.
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let pid = line.trim().parse().unwrap();
        eventually("what the agent started is gone", || !is_alive(pid)).await;
        let log = left(&sandbox).into_iter().find(|path| path.extension().unwrap() == "jsonl").unwrap();
        let daemon = with_daemon.then(|| sandbox.serve(&[]));
        if daemon.is_none() {
            assert_eq!(sandbox.run(&["exec", "--provider", "command:echo", "hello"]).0, 0);
        }
        let text = std::fs::read_to_string(&log).unwrap();
        let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let ended = events.iter().find(|event| event["type"] == "turn.ended").unwrap();
        assert_eq!(ended["data"]["error"]["kind"], "crashed");
        assert_eq!(events.last().unwrap()["type"], "session.closed");
        let Some(daemon) = daemon else { continue };
        let peer = daemon.connect().await;
        let state: Value = peer.request_raw("hub.getSnapshot", json!({})).await.unwrap();
        assert_eq!(state["agents"], json!({}), "nobody is there whose it was");
        let session = json!({"sessionId": log.file_stem().unwrap().to_str()});
        peer.request_raw::<_, Value>("agent.resume", &session).await.unwrap();
        let known: Value = peer.request_raw("agent.getMetadata", &session).await.unwrap();
        assert_eq!(known["isClosed"], false);
        drop(daemon);
        // Somebody has opened it, and so it is theirs.
        let daemon = sandbox.serve(&[]);
        let known: Value = daemon.connect().await.request_raw("agent.getMetadata", &session).await.unwrap();
        assert_eq!(known["isClosed"], false);
    }
}

#[tokio::test]
async fn a_daemon_that_runs_is_used_and_its_session_is_closed() {
    let sandbox = sandbox();
    let daemon = sandbox.serve(&[]);
    let peer = daemon.connect().await;
    let mut events = peer.stream_raw::<_, Value>("agent.events", json!({"types": ["session."]}));
    let running = sandbox.sixframe(&["exec", "--provider", "command:echo", "hello"]).stdout(Stdio::piped()).spawn();
    let mut seen = Vec::new();
    while seen.last().is_none_or(|kind| kind != "session.closed") {
        seen.push(events.next().await.unwrap().unwrap().data["type"].as_str().unwrap().to_owned());
    }
    assert_eq!(seen.first().map(String::as_str), Some("session.created"), "{seen:?}");
    assert_eq!(running.unwrap().wait_with_output().unwrap().stdout, b"hello\n");
}

#[test]
fn a_smoke_test_tells_each_step_and_stops_where_it_fails() {
    let sandbox = sandbox();
    let (code, stdout, stderr) = sandbox.run(&["smoke", "--provider", "command:echo"]);
    assert_eq!(code, 0, "{stdout}{stderr}");
    let steps: Vec<&str> = stdout.lines().map(|line| line[..12].trim()).collect();
    assert_eq!(steps, ["found", "version", "logged in", "started", "first event", "text", "ended"]);
    assert!(stderr.contains("costs a few tokens"), "{stderr}");

    let (code, stdout, stderr) = sandbox.run(&["smoke", "--provider", "command:fails"]);
    assert!(code == 1 && stderr.contains("no model") && !stdout.contains("ended"), "{stdout}{stderr}");
    let (code, stdout, stderr) = sandbox.run(&["smoke", "--provider", "local"]);
    assert!(code == 1 && stdout.is_empty() && stderr.contains("agent.local.url"), "{stdout}{stderr}");
}

/// What speaks as Codex does, and cannot reach its service: it asks again, and gives up.
const CUT_OFF: &str = r#"
[agent.codex]
program = "/bin/sh"
args = ["-c", '''
case "$*" in
  *--version*) echo codex-cli 0.169.0; exit ;;
  *login*) echo "Logged in using ChatGPT"; exit ;;
esac
read initialize; echo '{"id":1,"result":{}}'
read initialized; read start; echo '{"id":2,"result":{"thread":{"id":"t"}}}'
read turn; echo '{"id":3,"result":{"turn":{"id":"u"}}}'
error='"error":{"message":"error sending request","codexErrorInfo":"other"}'
echo '{"method":"error","params":{"threadId":"t","turnId":"u","willRetry":true,'$error'}}'
echo '{"method":"turn/completed","params":{"threadId":"t","turn":{"id":"u","status":"failed",'$error'}}}'
exec cat
''', "codex"]
"#;

#[test]
fn a_smoke_test_tells_each_time_that_the_service_is_asked_again() {
    let sandbox = Sandbox::new();
    let folder = sandbox.folder.path().join(".config/sixframe");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("sixframe.toml"), CUT_OFF).unwrap();
    let (code, stdout, stderr) = sandbox.run(&["smoke", "--provider", "codex"]);
    let retries: Vec<&str> = stdout.lines().filter(|line| line.starts_with("retry ")).collect();
    assert!(retries.len() == 1 && retries[0].ends_with("  error sending request"), "{stdout}{stderr}");
    assert!(code == 1 && stderr.contains("error sending request"), "{stdout}{stderr}");
}
