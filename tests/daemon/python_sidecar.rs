//! The example `examples/sidecars/words` as its reader runs it: a Python service in a virtual environment, from nothing to
//! ready, read, and gone with its daemon.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use rustix::process::Signal;
use serde_json::{Value, json};
use sixframe::RpcEndpoint;
use tokio::time::timeout;

use crate::sandbox::{LONG, Sandbox, eventually, is_alive, send};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/sidecars/words");
/// Every process below the daemon inherits it.
const MARK: &str = "TEST_OF_SIXFRAME";

/// A copy of the example in the daemon's folder, with its virtual environment; false where there is no Python to make it
/// with, which only machines for tests must have.
fn words(sandbox: &Sandbox) -> bool {
    for name in ["server.py", "sixframe.toml"] {
        fs::copy(Path::new(EXAMPLE).join(name), sandbox.work().join(name)).unwrap();
    }
    let made =
        Command::new("python3").args(["-m", "venv", "--without-pip", ".venv"]).current_dir(sandbox.work()).status();
    if made.is_err() && std::env::var_os("CI").is_none() {
        eprintln!("NOT TESTED: python3 is missing; `apt-get install python3 python3-venv`");
        return false;
    }
    assert!(made.expect("python3 is missing: `apt-get install python3 python3-venv`").success());
    true
}

/// The processes with this mark in their environment that are more than zombies. Killed when the test ends.
struct Marked(String);

impl Marked {
    fn pids(&self) -> Vec<u32> {
        let marked = format!("{MARK}={}", self.0);
        let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        pids.filter(|pid: &u32| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable == marked.as_bytes()) && is_alive(*pid)
        })
        .collect()
    }
}

impl Drop for Marked {
    fn drop(&mut self) {
        self.pids().into_iter().for_each(|pid| send(pid, Signal::KILL));
    }
}

async fn ready(peer: &RpcEndpoint) -> Value {
    let wait =
        peer.request_raw::<_, Value>("sidecar.waitReady", json!({"name": "words", "timeoutMs": LONG.as_millis()}));
    timeout(LONG, wait).await.unwrap().unwrap()
}

/// What the service answers to a text.
fn count(port: &Value, text: &str) -> Value {
    let mut socket = TcpStream::connect(("127.0.0.1", u16::try_from(port.as_u64().unwrap()).unwrap())).unwrap();
    socket.set_read_timeout(Some(LONG)).unwrap();
    let head = format!("Host: 127.0.0.1\r\nConnection: close\r\nContent-Length: {}", text.len());
    write!(socket, "POST /count HTTP/1.1\r\n{head}\r\n\r\n{text}").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    serde_json::from_str(body).unwrap()
}

#[tokio::test]
async fn a_service_in_a_venv_becomes_ready_answers_is_read_and_leaves_nothing_when_its_daemon_is_killed() {
    let sandbox = Sandbox::new();
    if !words(&sandbox) {
        return;
    }
    let marked = Marked(sandbox.work().to_str().unwrap().to_owned());
    let mut daemon = sandbox.serve_with(&["--config", "sixframe.toml"], |command| {
        command.env(MARK, &marked.0);
    });
    let peer = daemon.connect().await;
    let state = ready(&peer).await;
    assert_eq!((&state["status"], &state["owner"]), (&json!("ready"), &json!("this")), "{state}");

    let counted = count(&state["port"], "one two three");
    assert_eq!((&counted["words"], &counted["characters"]), (&json!(3), &json!(13)));
    let worker = u32::try_from(counted["worker"].as_u64().unwrap()).unwrap();
    assert!(is_alive(worker) && json!(worker) != state["pid"], "it counts in a process of its own");

    let mut logs: sixframe::Items<Value> =
        peer.stream_raw("sidecar.logs", json!({"name": "words", "stream": "stdout"}));
    let mut seen = Vec::new();
    while !seen.iter().any(|text: &String| text.contains("POST /count")) {
        let item = timeout(LONG, logs.next()).await.unwrap_or_else(|_| panic!("no such line: {seen:?}"));
        seen.extend(item.unwrap().unwrap().data["text"].as_str().map(str::to_owned));
    }
    assert!(seen.iter().any(|text| text.starts_with("counting words on")), "{seen:?}");

    let before = marked.pids();
    assert!(before.len() >= 4 && before.contains(&worker), "the daemon, the service and what is below it: {before:?}");
    daemon.signal(Signal::KILL);
    daemon.wait();
    let killed = Instant::now();
    eventually("nothing of it is left", || marked.pids().is_empty()).await;
    eprintln!("{} processes gone {:?} after the kill", before.len(), killed.elapsed());
    assert!(TcpStream::connect(("127.0.0.1", u16::try_from(state["port"].as_u64().unwrap()).unwrap())).is_err());
}

#[tokio::test]
async fn its_log_is_read_on_the_command_line_and_a_stop_ends_its_whole_tree() {
    let sandbox = Sandbox::new();
    if !words(&sandbox) {
        return;
    }
    let marked = Marked(sandbox.work().to_str().unwrap().to_owned());
    let daemon = sandbox.serve_with(&["--config", "sixframe.toml"], |command| {
        command.env(MARK, &marked.0);
    });
    let peer = daemon.connect().await;
    let state = ready(&peer).await;
    let worker = u32::try_from(count(&state["port"], "")["worker"].as_u64().unwrap()).unwrap();
    let (code, stdout, stderr) = sandbox.run(&["sidecar", "logs", "words"]);
    assert!(code == 0 && stdout.contains("counting words on"), "{code} {stdout} {stderr}");

    let stopped: Value = peer.request_raw("sidecar.stop", json!({"name": "words"})).await.unwrap();
    assert_eq!(stopped["status"], "stopped");
    assert!(!is_alive(worker));
    assert_eq!(marked.pids(), [daemon.pid()], "nothing is left but the daemon");
    let again: Value = peer.request_raw("sidecar.start", json!({"name": "words"})).await.unwrap();
    assert_eq!(again["status"], "starting", "{again}");
    assert_eq!(ready(&peer).await["generation"], 2);
}
