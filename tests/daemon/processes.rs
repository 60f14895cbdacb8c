//! process.run: what a program writes, and that nothing of it is left.

use std::os::unix::fs::PermissionsExt as _;

use rustix::process::Signal;
use serde_json::{Value, json};
use sixframe::{Code, RpcEndpoint};

use crate::sandbox::{Sandbox, eventually, is_alive, line_of, send};

/// A program with a child that ignores SIGTERM, one in a session of its own, and one whose parent is gone.
const FAMILY: &str = "\
sh -c 'trap \"\" TERM HUP; echo $$ >> pids; while :; do sleep 1; done' &
setsid sh -c 'trap \"\" TERM HUP; echo $$ >> pids; while :; do sleep 1; done' &
(setsid sh -c 'echo $$ >> pids; while :; do sleep 1; done' &)
echo $$ >> pids
while [ $(wc -l < pids) -lt 4 ]; do sleep 0.01; done
echo done > all
while :; do sleep 1; done";

/// The processes of a program, killed when the test ends whatever it found.
struct Family(Vec<u32>);

impl Family {
    fn lives(&self) -> bool {
        self.0.iter().any(|pid| is_alive(*pid))
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        self.0.iter().filter(|pid| is_alive(**pid)).for_each(|pid| send(*pid, Signal::KILL));
    }
}

async fn family(peer: &RpcEndpoint, sandbox: &Sandbox) -> (sixframe::Items<Value>, Family) {
    let items = peer.stream_raw("process.run", json!({"program": "sh", "args": ["-c", FAMILY]}));
    line_of(&sandbox.work().join("all")).await;
    let pids = std::fs::read_to_string(sandbox.work().join("pids")).unwrap();
    let pids: Vec<u32> = pids.lines().map(|pid| pid.parse().unwrap()).collect();
    assert!(pids.len() == 4 && pids.iter().all(|pid| is_alive(*pid)), "{pids:?}");
    (items, Family(pids))
}

#[tokio::test]
async fn cancelling_kills_the_whole_tree() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&["--allow", "process.run"]);
    let peer = daemon.connect().await;
    let (items, family) = family(&peer, &sandbox).await;
    drop(items);
    eventually("the tree is gone", || !family.lives()).await;
}

#[tokio::test]
async fn closing_the_connection_kills_the_whole_tree() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&["--allow", "process.run"]);
    for scheme in ["unix:", "ws:"] {
        let work = sandbox.work();
        let peer = daemon.connect_to(&daemon.address(scheme)).await;
        let (items, family) = family(&peer, &sandbox).await;
        peer.close(std::time::Duration::ZERO);
        eventually("the tree is gone", || !family.lives()).await;
        drop(items);
        std::fs::remove_file(work.join("all")).unwrap();
        std::fs::remove_file(work.join("pids")).unwrap();
    }
}

#[tokio::test]
async fn a_daemon_killed_by_kill_9_leaves_nothing_of_the_tree() {
    let sandbox = Sandbox::new();
    let mut daemon = sandbox.serve(&["--allow", "process.run"]);
    let peer = daemon.connect().await;
    let (_items, family) = family(&peer, &sandbox).await;
    daemon.signal(Signal::KILL);
    daemon.wait();
    eventually("the tree is gone", || !family.lives()).await;
}

#[tokio::test]
async fn output_comes_as_it_was_written_and_the_exit_last() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&["--allow", "process.run"]);
    let peer = daemon.connect().await;
    let script = r#"printf 'out \303\244 \377'; printf "$WORD" >&2; sleep 100 & exit 7"#;
    let run = json!({"program": "sh", "args": ["-c", script], "env": {"WORD": "err"}, "cwd": sandbox.work()});
    let mut items = peer.stream_raw::<_, Value>("process.run", run);
    let mut told = Vec::new();
    while let Some(item) = items.next().await {
        told.push(item.unwrap().data);
    }
    let exit = told.pop().unwrap();
    assert_eq!(exit, json!({"exit": {"code": 7, "signal": null}}), "though a child holds the pipes open");
    let of = |stream: &str| told.iter().filter(|item| item["stream"] == stream).cloned().collect::<Vec<_>>();
    assert_eq!(of("stderr"), [json!({"stream": "stderr", "data": "err", "encoding": "utf8"})]);
    assert_eq!(of("stdout"), [json!({"stream": "stdout", "data": "b3V0IMOkIP8=", "encoding": "base64"})]);
}

#[tokio::test]
async fn without_leave_nothing_is_started_and_the_error_names_the_flag() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&[]);
    let peer = daemon.connect().await;
    let run = json!({"program": "touch", "args": [sandbox.work().join("started")]});
    let refused = peer.stream_raw::<_, Value>("process.run", run).next().await.unwrap().unwrap_err();
    assert_eq!(refused.code(), Code::FORBIDDEN);
    assert!(refused.to_string().contains("--allow process.run"), "{refused}");
    assert!(!sandbox.work().join("started").exists());
}

#[tokio::test]
async fn what_cannot_be_started_is_told_by_its_reason() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&["--allow", "process.run"]);
    let peer = daemon.connect().await;
    let plain = sandbox.work().join("plain");
    std::fs::write(&plain, "no program").unwrap();
    std::fs::set_permissions(&plain, std::fs::Permissions::from_mode(0o644)).unwrap();
    for (run, code) in [
        (json!({"program": "no-such-program"}), Code::NOT_FOUND),
        (json!({"program": plain}), Code::FORBIDDEN),
        (json!({"program": "true", "cwd": "/no/such/folder"}), Code::NOT_FOUND),
    ] {
        let refused = peer.stream_raw::<_, Value>("process.run", &run).next().await.unwrap().unwrap_err();
        assert_eq!(refused.code(), code, "{run}");
    }
}

#[tokio::test]
async fn a_program_waits_for_a_caller_that_does_not_read() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&["--allow", "process.run"]);
    let peer = daemon.connect().await;
    // Each round is a page of output; the count of rounds stands in a file.
    let script = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); printf '%4096d' $i; echo $i > rounds; done";
    let items = peer.stream_raw::<_, Value>("process.run", json!({"program": "sh", "args": ["-c", script]}));
    let rounds = || -> u64 {
        let text = std::fs::read_to_string(sandbox.work().join("rounds")).unwrap_or_default();
        text.trim().parse().unwrap_or(0)
    };
    eventually("the program writes", || rounds() > 0).await;
    let mut before = u64::MAX;
    while rounds() != before {
        before = rounds();
        for _ in 0..300 {
            peer.request_raw::<_, Value>("rpc.ping", ()).await.unwrap();
        }
    }
    assert!(before < 10_000, "{before} pages were taken from it");
    drop(items);
}

#[tokio::test]
async fn a_program_that_connects_back_is_not_its_user() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&["--allow", "process.run"]);
    let peer = daemon.connect().await;
    peer.request_raw::<_, Value>("rpc.metrics", ()).await.unwrap();
    let program = env!("CARGO_BIN_EXE_sixframe");
    let token = daemon.ready["tokenFile"].as_str().unwrap();
    for scheme in ["unix:", "ws:"] {
        let call = |method: &str| {
            let address = daemon.address(scheme);
            format!("{program} call --token-file {} {address} {method}", token)
        };
        // The second goes by a process that has left its parent and its session.
        let script = format!(
            "{}; echo $?; setsid sh -c '{}; echo $? > left' & wait; {}",
            call("rpc.metrics"),
            call("rpc.metrics"),
            call("rpc.ping")
        );
        let run = json!({"program": "sh", "args": ["-c", script], "cwd": sandbox.work()});
        let mut items = peer.stream_raw::<_, Value>("process.run", run);
        let (mut stdout, mut stderr) = (String::new(), String::new());
        while let Some(item) = items.next().await {
            let item = item.unwrap().data;
            match item["stream"].as_str() {
                Some("stdout") => stdout.push_str(item["data"].as_str().unwrap()),
                Some(_) => stderr.push_str(item["data"].as_str().unwrap()),
                None => assert_eq!(item["exit"]["code"], json!(0), "a plain call is answered: {stderr}"),
            }
        }
        assert!(stdout.starts_with("1\n") && stderr.contains("FORBIDDEN"), "{scheme} {stdout} {stderr}");
        assert_eq!(std::fs::read_to_string(sandbox.work().join("left")).unwrap(), "1\n");
    }
}
