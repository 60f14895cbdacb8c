//! The subcommands that call, as a script sees them: stdout, stderr, exit codes, signals.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::sandbox::{Daemon, Sandbox, eventually, is_alive, line_of, send};

#[test]
fn a_call_prints_one_line_of_json_over_every_transport() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&[]);
    let program = format!("exec:{} stdio", env!("CARGO_BIN_EXE_sixframe"));
    for address in [daemon.unix(), daemon.address("ws:"), program] {
        let (code, stdout, stderr) = sandbox.run(&["call", &address, "rpc.discover"]);
        assert_eq!((code, stderr.as_str()), (0, ""), "{address}");
        assert_eq!(stdout.lines().count(), 1);
        let document: Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!(document["openrpc"], "1.3.2");
    }
}

#[test]
fn exit_codes_tell_how_a_call_failed() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&["--allow", "process.run"]);
    let unix = daemon.unix();
    let (code, stdout, stderr) = sandbox.run(&["call", &unix, "no.such"]);
    let fault: Value = serde_json::from_str(&stderr).unwrap();
    assert_eq!((code, stdout.as_str(), &fault["code"]), (1, "", &json!("NO_HANDLER")));
    let (code, _, stderr) = sandbox.run(&["call", &unix, "rpc.ping", "{not json"]);
    assert!(code == 2 && stderr.contains("not JSON"), "{code} {stderr}");
    let (code, _, stderr) = sandbox.run(&["call", "nonsense", "rpc.ping"]);
    assert!(code == 2 && stderr.contains("exec:program args"), "{code} {stderr}");
    // With the feature the address is a good one, at which nobody listens.
    let encrypted =
        if cfg!(feature = "tls") { ("wss://", "a host follows") } else { ("wss://localhost", "feature tls") };
    for (unusable, instead) in [("unix:@x", "path of a file"), encrypted, ("pipe:x", "unix:/path")] {
        let (code, _, stderr) = sandbox.run(&["call", unusable, "rpc.ping"]);
        assert!(code == 2 && stderr.contains(instead), "{unusable}: {code} {stderr}");
    }
    let (code, _, stderr) = sandbox.run(&["call", "unix:/nonexistent/socket", "rpc.ping"]);
    assert!(code == 3 && stderr.contains("is the server running"), "{code} {stderr}");
    let mut tokenless = sandbox.sixframe(&["call", &daemon.address("ws:"), "rpc.ping"]);
    let output = tokenless.env("SIXFRAME_RUNTIME_DIR", sandbox.folder.path().join("none")).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(3) && stderr.contains("--token-file"), "{stderr}");
    let wrong = sandbox.folder.path().join("wrong");
    std::fs::write(&wrong, "x".repeat(43)).unwrap();
    std::fs::set_permissions(&wrong, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let args = ["call", &daemon.address("ws:"), "rpc.ping", "--token-file", wrong.to_str().unwrap()];
    let (code, _, stderr) = sandbox.run(&args);
    assert!(code == 3 && stderr.contains("401"), "{code} {stderr}");
    let (code, _, stderr) = sandbox.run(&["call", "exec:sleep 100", "rpc.ping", "--timeout-ms", "50"]);
    assert!(code == 4 && stderr.contains("RPC_TIMEOUT"), "{code} {stderr}");
    let (code, _, _) = sandbox.run(&["call", "exec:false", "rpc.ping"]);
    assert_eq!(code, 3);
}

#[test]
fn parameters_come_from_stdin_too() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&[]);
    let mut command = sandbox.sixframe(&["call", &daemon.unix(), "rpc.hello", "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"{\"session\": \"mine\"}\n").unwrap();
    let output = child.wait_with_output().unwrap();
    let welcome: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(welcome["serverId"].is_string(), "{welcome}");
}

#[tokio::test]
async fn an_interrupted_stream_is_cancelled_at_the_peer() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&["--allow", "process.run"]);
    let run = json!({"program": "sh", "args": ["-c", "echo $$; while :; do sleep 1; done"]}).to_string();
    let mut command = sandbox.sixframe(&["stream", &daemon.unix(), "process.run", &run]);
    let mut client = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(client.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    let item: Value = serde_json::from_str(&line).unwrap();
    let pid: u32 = item["data"].as_str().unwrap().trim().parse().unwrap();
    send(client.id(), Signal::INT);
    assert_eq!(client.wait().unwrap().code(), Some(130));
    eventually("the program is gone", || !is_alive(pid)).await;
}

#[tokio::test]
async fn killing_the_client_ends_what_it_started() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&["--allow", "process.run"]);
    let run = json!({"program": "sh", "args": ["-c", "echo $$ > pid; while :; do sleep 1; done"]}).to_string();
    for address in [daemon.unix(), daemon.address("ws:")] {
        let mut client = sandbox.sixframe(&["stream", &address, "process.run", &run]).spawn().unwrap();
        let pid: u32 = line_of(&sandbox.work().join("pid")).await.parse().unwrap();
        send(client.id(), Signal::KILL);
        client.wait().unwrap();
        eventually("the program is gone", || !is_alive(pid)).await;
        std::fs::remove_file(sandbox.work().join("pid")).unwrap();
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&["--allow", "process.run"]);
    let run = json!({"program": "yes"}).to_string();
    let mut command = sandbox.sixframe(&["stream", &daemon.unix(), "process.run", &run]);
    let mut client = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut byte = [0];
    client.stdout.as_mut().unwrap().read_exact(&mut byte).unwrap();
    drop(client.stdout.take());
    let output = client.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn a_reader_that_goes_away_ends_a_silent_stream_too() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&[]);
    std::fs::write(sandbox.work().join("log"), "").unwrap();
    let tail = json!({"path": "log"}).to_string();
    for args in [&["listen", &daemon.unix()][..], &["stream", &daemon.unix(), "fs.tail", &tail]] {
        let mut client = sandbox.sixframe(args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        drop(client.stdout.take());
        assert_eq!(client.wait().unwrap().code(), Some(0), "{args:?}");
    }
}

#[test]
fn a_stream_ends_after_the_items_that_were_asked_for() {
    let sandbox = Sandbox::new();
    std::fs::write(sandbox.work().join("log"), "text\n").unwrap();
    let daemon = sandbox.serve(&[]);
    let tail = json!({"path": "log", "from": "start"}).to_string();
    let (code, stdout, stderr) = sandbox.run(&["stream", &daemon.unix(), "fs.tail", &tail, "--take", "2"]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    let lines = ["{\"data\":\"\",\"encoding\":\"utf8\"}", "{\"data\":\"text\\n\",\"encoding\":\"utf8\"}"];
    assert_eq!(stdout.lines().collect::<Vec<_>>(), lines);
}

/// `sixframe listen`, and the lines that it prints, from when it is known to see what passes.
fn listen(sandbox: &Sandbox, daemon: &Daemon) -> (Child, impl Iterator<Item = String> + use<>) {
    let mut command = sandbox.sixframe(&["listen", &daemon.unix(), "--json"]);
    let mut listener = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(listener.stdout.take().unwrap()).lines().map(Result::unwrap);
    let seen = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Until the tap is open nothing is seen, hence calls until something is.
        scope.spawn(|| {
            while !seen.load(Ordering::Relaxed) {
                sandbox.run(&["call", &daemon.unix(), "rpc.ping"]);
            }
        });
        let first: Value = serde_json::from_str(&lines.next().unwrap()).unwrap();
        assert!(first["transport"] == "unix" && first["frame"]["kind"].is_string(), "{first}");
        seen.store(true, Ordering::Relaxed);
    });
    (listener, lines)
}

#[test]
fn listeners_see_the_frames_of_others_without_their_secrets_and_not_what_listeners_see() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&[]);
    // Their ends of the pipes stay open until the end: a listener that nobody reads any more ends by itself.
    let (mut one, mut lines_of_one) = listen(&sandbox, &daemon);
    let (mut two, mut lines_of_two) = listen(&sandbox, &daemon);
    sandbox.run(&["call", &daemon.unix(), "rpc.hello", r#"{"session": "s3cr3t", "capabilities": ["last"]}"#]);
    for lines in [&mut lines_of_one, &mut lines_of_two] {
        let last = lines
            .inspect(|line| assert!(!line.contains(r#""kind":"nxt""#), "a listener sees a listener: {line}"))
            .find(|line| line.contains("\"last\""))
            .unwrap();
        assert!(!last.contains("s3cr3t") && last.contains("[redacted]"), "{last}");
    }
    for listener in [&mut one, &mut two] {
        send(listener.id(), Signal::INT);
        assert_eq!(listener.wait().unwrap().code(), Some(130));
    }
}

#[test]
fn methods_are_listed_and_measured() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&[]);
    let (code, stdout, _) = sandbox.run(&["methods", &daemon.unix()]);
    let tail = stdout.lines().find(|line| line.starts_with("fs.tail ")).unwrap();
    assert!(code == 0 && tail.contains("stream, resumable") && tail.contains("read"), "{stdout}");
    let (code, stdout, _) = sandbox.run(&["call", &daemon.unix(), "rpc.metrics"]);
    let counted: Value = serde_json::from_str(&stdout).unwrap();
    assert!(code == 0 && counted["methods"]["rpc.discover"]["requests"] == 1, "{stdout}");
    let (code, stdout, stderr) = sandbox.run(&["bench", &daemon.unix(), "--seconds", "1"]);
    let numbers: Value = serde_json::from_str(&stdout).unwrap();
    assert!(code == 0 && numbers["pipelined"]["callsPerSecond"].as_f64().unwrap() > 0.0, "{stdout}");
    assert!(stderr.contains("p99"), "{stderr}");
}

#[test]
fn a_program_on_a_pipe_answers_what_it_was_asked_before_its_input_ended() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.sixframe(&["stdio"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for cid in 0..100 {
        writeln!(stdin, r#"{{"kind":"req","cid":"{cid}","method":"rpc.discover"}}"#).unwrap();
    }
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 100);
}

#[test]
fn a_program_on_a_pipe_answers_what_came_before_bytes_that_it_cannot_read_and_names_them() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.sixframe(&["stdio", "--framing", "content-length"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let ping = r#"{"kind":"req","cid":"1","method":"rpc.ping"}"#;
    let mut stdin = child.stdin.take().unwrap();
    write!(stdin, "Content-Length: {}\r\n\r\n{ping}Content-Length: many\r\n\r\n", ping.len()).unwrap();
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && stderr.contains("--framing"), "{:?} {stderr}", output.status);
    assert!(String::from_utf8_lossy(&output.stdout).contains(r#""ok":true"#), "{:?}", output.stdout);
    drop(stdin);
}
