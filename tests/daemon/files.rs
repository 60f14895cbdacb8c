//! fs.watch and fs.tail, on real files.

use std::fs::{self, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::process::Signal;
use serde_json::{Value, json};
use sixframe::{Code, Items};
use tokio::time::timeout;

use crate::proxy::{CuttingProxy, next};
use crate::sandbox::{LONG, Sandbox, send};

/// The next change of `kind` to a path that ends with `name`.
async fn change(items: &mut Items<Value>, kind: &str, name: &str) -> Value {
    let found = async {
        loop {
            let change = items.next().await.unwrap().unwrap().data;
            if change["kind"] == kind && change["paths"][0].as_str().unwrap().ends_with(name) {
                return change;
            }
        }
    };
    timeout(LONG, found).await.unwrap_or_else(|_| panic!("no change {kind} {name}"))
}

#[tokio::test]
async fn every_change_of_a_watched_folder_is_told() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&[]);
    let peer = daemon.connect().await;
    fs::create_dir(sandbox.work().join("deep")).unwrap();
    let params = json!({"path": ".", "recursive": true});
    let mut items = peer.stream_raw::<_, Value>("fs.watch", params);
    change(&mut items, "watching", "work").await;
    fs::write(sandbox.work().join("deep/a"), "1").unwrap();
    change(&mut items, "created", "deep/a").await;
    change(&mut items, "modified", "deep/a").await;
    fs::rename(sandbox.work().join("deep/a"), sandbox.work().join("b")).unwrap();
    let from = change(&mut items, "removed", "deep/a").await;
    let to = change(&mut items, "created", "work/b").await;
    assert!(from["rename"].is_number() && from["rename"] == to["rename"], "{from} {to}");
    fs::remove_file(sandbox.work().join("b")).unwrap();
    change(&mut items, "removed", "work/b").await;
}

#[tokio::test]
async fn a_watched_folder_that_goes_away_ends_the_watch() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&[]);
    let peer = daemon.connect().await;
    let folder = sandbox.work().join("gone");
    fs::create_dir(&folder).unwrap();
    let mut items = peer.stream_raw::<_, Value>("fs.watch", json!({"path": "gone"}));
    change(&mut items, "watching", "gone").await;
    fs::remove_dir(&folder).unwrap();
    change(&mut items, "removed", "gone").await;
    let end = timeout(LONG, items.next()).await.unwrap().unwrap().unwrap_err();
    assert_eq!(end.code(), Code::NOT_FOUND);
}

#[tokio::test]
async fn wrong_parameters_are_told_with_what_to_write_instead() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&["--allow", "process.run"]);
    let peer = daemon.connect().await;
    for (method, params, told) in [
        ("fs.tail", json!({"path": "log", "from": "middle"}), "a byte offset, \"start\" or \"end\""),
        ("fs.tail", json!({"path": "log", "from": -1}), "a byte offset, \"start\" or \"end\""),
        ("fs.tail", json!({"path": "lo\0g"}), "NUL"),
        ("fs.watch", json!({"path": "\0"}), "NUL"),
        ("process.run", json!({"program": "ec\0ho"}), "NUL"),
        ("process.run", json!({"program": "echo", "args": ["\0"]}), "NUL"),
        ("process.run", json!({"program": "echo", "cwd": "\0"}), "NUL"),
        ("process.run", json!({"program": "echo", "env": {"A": "\0"}}), "NUL"),
        ("process.run", json!({"program": "echo", "env": {"A=B": "c"}}), "env"),
    ] {
        let refused = peer.stream_raw::<_, Value>(method, params.clone()).next().await.unwrap().unwrap_err();
        assert_eq!(refused.code(), Code::INVALID_PAYLOAD, "{method} {params}: {refused}");
        assert!(refused.to_string().contains(told), "{method} {params}: {refused}");
    }
}

#[tokio::test]
async fn nothing_outside_of_the_roots_can_be_seen() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.folder.path().join("secret"), "s").unwrap();
    std::os::unix::fs::symlink("../secret", sandbox.work().join("link")).unwrap();
    let daemon = sandbox.serve(&[]);
    let peer = daemon.connect().await;
    for method in ["fs.watch", "fs.tail"] {
        for path in ["/etc/passwd", "../secret", "link", "..", "/"] {
            let refused = peer.stream_raw::<_, Value>(method, json!({"path": path})).next().await.unwrap().unwrap_err();
            assert_eq!(refused.code(), Code::FORBIDDEN, "{method} {path}");
            assert!(refused.to_string().contains("fs.roots"), "{refused}");
        }
        let missing = peer.stream_raw::<_, Value>(method, json!({"path": "no"})).next().await.unwrap().unwrap_err();
        assert_eq!(missing.code(), Code::NOT_FOUND);
    }
}

/// What a client has read, one part for each life of the file.
#[derive(Default)]
struct Read {
    lives: Vec<Vec<u8>>,
}

impl Read {
    fn take(&mut self, line: &str) {
        let item: Value = serde_json::from_str(line).unwrap();
        if self.lives.is_empty() || item["reset"] == true {
            self.lives.push(Vec::new());
        }
        let text = item["data"]["data"].as_str().unwrap_or_default();
        let bytes = match item["data"]["encoding"].as_str() {
            Some("base64") => STANDARD.decode(text).unwrap(),
            _ => text.as_bytes().to_vec(),
        };
        self.lives.last_mut().unwrap().extend(bytes);
    }

    fn bytes_of(&self, life: usize) -> usize {
        self.lives.get(life).map_or(0, Vec::len)
    }
}

/// Appends what no encoding is safe from: text, characters of many bytes, and bytes that are no text.
fn append(path: &Path, pieces: u64, random: &mut u64) -> Vec<u8> {
    let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
    let mut written = Vec::new();
    for piece in 0..pieces {
        let mut bytes = format!("piece {piece} äöü € 𝄞\n").repeat(next(random) as usize % 60).into_bytes();
        if next(random).is_multiple_of(7) {
            bytes.extend([0xff, 0xfe, 0x00, 0xe2, 0x82]);
        }
        file.write_all(&bytes).unwrap();
        written.extend(bytes);
    }
    written
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_over_a_connection_that_is_cut_again_and_again_loses_no_byte_and_repeats_none() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&[]);
    let log: PathBuf = sandbox.work().join("log");
    let mut random = 42;
    let mut lives = vec![append(&log, 20, &mut random)];
    // The client asks first what it calls: whether that is resumable.
    let described = sandbox.run(&["call", &daemon.unix(), "rpc.discover"]).1.len() as u64;
    let proxy = CuttingProxy::start(sandbox.folder.path(), &daemon.unix(), 150_000, described);
    let params = json!({"path": "log", "from": "start"}).to_string();
    let mut command = sandbox.sixframe(&["stream", &proxy.address(), "fs.tail", &params, "--full"]);
    let mut client = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let stdout = client.stdout.take().unwrap();
    let (lines, mut arrived) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || BufReader::new(stdout).lines().all(|line| lines.send(line.unwrap()).is_ok()));

    let mut read = Read::default();
    for life in 0..3 {
        for _ in 0..8 {
            lives[life].extend(append(&log, 40, &mut random));
            // A life is followed while it is written; the last part of it is left to be found after the rotation.
            while read.bytes_of(life) < lives[life].len() / 2 {
                read.take(&timeout(LONG, arrived.recv()).await.unwrap().unwrap());
            }
        }
        fs::rename(&log, log.with_extension(life.to_string())).unwrap();
        lives.push(append(&log, 40, &mut random));
        while read.bytes_of(life + 1) == 0 {
            read.take(&timeout(LONG, arrived.recv()).await.unwrap().unwrap());
        }
    }
    while read.bytes_of(3) < lives[3].len() {
        read.take(&timeout(LONG, arrived.recv()).await.unwrap().unwrap());
    }
    for (life, (told, written)) in read.lives.iter().zip(&lives).enumerate() {
        assert!(told == written, "life {life}: {} bytes of {}", told.len(), written.len());
    }
    assert_eq!(read.lives.len(), lives.len(), "one reset a rotation");
    assert!(proxy.cuts() >= 5, "only {} cuts", proxy.cuts());
    send(client.id(), Signal::INT);
    let ended = client.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130));
    assert!(String::from_utf8_lossy(&ended.stderr).contains("connected again"));
}

#[test]
fn a_tail_goes_on_behind_its_last_byte_though_the_daemon_was_killed_and_the_file_rotated() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&[]);
    let log = sandbox.work().join("log");
    fs::write(&log, "one\n").unwrap();
    let params = json!({"path": "log", "from": "start"}).to_string();
    let mut command = sandbox.sixframe(&["stream", &daemon.unix(), "fs.tail", &params, "--full"]);
    let mut client = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(client.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut read = Read::default();
    while read.bytes_of(0) < 4 {
        read.take(&lines.next().unwrap());
    }
    drop(daemon);
    OpenOptions::new().append(true).open(&log).unwrap().write_all(b"two\n").unwrap();
    fs::rename(&log, sandbox.work().join("log.1")).unwrap();
    fs::write(&log, "three\n").unwrap();
    let _daemon = sandbox.serve(&[]);
    while read.bytes_of(1) < 6 {
        read.take(&lines.next().unwrap());
    }
    assert_eq!(read.lives, [b"one\ntwo\n".to_vec(), b"three\n".to_vec()]);
    send(client.id(), Signal::INT);
    client.wait().unwrap();
}
