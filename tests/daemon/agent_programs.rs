//! The programs of agents, looked for in a `PATH` that is hostile or odd.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::sandbox::Sandbox;

/// A program: a script of the shell.
fn install(folder: &Path, name: &str, script: &str) {
    fs::create_dir_all(folder).unwrap();
    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn with_path(mut command: Command, path: &str) -> (i32, String) {
    let output = command.env("PATH", path).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

/// What a daemon with this `PATH` tells of its providers.
async fn providers(sandbox: &Sandbox, path: &str) -> Vec<Value> {
    let daemon = sandbox.serve_with(&[], |command| {
        command.env("PATH", path);
    });
    let peer = daemon.connect().await;
    let listed: Value = peer.request_raw("agent.providers", json!({})).await.unwrap();
    listed["providers"].as_array().unwrap().clone()
}

fn one<'a>(providers: &'a [Value], id: &str) -> &'a Value {
    providers.iter().find(|provider| provider["id"] == id).unwrap()
}

#[tokio::test]
async fn what_lies_in_the_folder_is_no_program_of_an_agent_whatever_path_says() {
    let sandbox = Sandbox::new();
    let ran = sandbox.folder.path().join("ran");
    for folder in [sandbox.work(), sandbox.work().join("bin")] {
        for name in ["claude", "codex", "gemini", "ls"] {
            install(&folder, name, &format!("touch {}", ran.display()));
        }
    }
    for path in [".:/usr/bin:/bin", ":/usr/bin:/bin", "bin:./bin:/usr/bin:/bin", "/usr/bin:/bin:"] {
        for provider in ["claude", "codex", "gemini"] {
            let (code, text) = with_path(sandbox.sixframe(&["exec", "--provider", provider, "hello"]), path);
            assert!(code == 1 && text.contains(&format!("there is no program {provider}")), "{path}: {code} {text}");
        }
        let looks = ["exec", "--provider", "builtin", "--mode", "auto", "run ls"];
        let (code, text) = with_path(sandbox.sixframe(&looks), path);
        assert!(code == 0 && !text.contains("not allowed"), "{path}: {code} {text}");
        assert_eq!(one(&providers(&sandbox, path).await, "claude")["state"], "missing", "{path}");
        assert!(!ran.exists(), "with {path}, what lies in the folder was run");
    }
}

#[tokio::test]
async fn a_program_is_found_in_the_midst_of_much_that_is_none() {
    let sandbox = Sandbox::new();
    let folder = |name: &str| sandbox.folder.path().join(name);
    install(&folder("good"), "codex", "echo codex-cli 0.169.0");
    // Neither a folder, a file without leave, a link to itself nor what cannot be looked into is a program.
    fs::create_dir_all(folder("odd/codex")).unwrap();
    fs::create_dir_all(folder("plain")).unwrap();
    fs::write(folder("plain/codex"), "x").unwrap();
    fs::create_dir_all(folder("loop")).unwrap();
    std::os::unix::fs::symlink("codex", folder("loop/codex")).unwrap();
    install(&folder("closed"), "codex", "echo 9.9.9");
    fs::set_permissions(folder("closed"), fs::Permissions::from_mode(0o000)).unwrap();
    let many = (0..1000).map(|at| folder(&format!("none-{at}")));
    let others = ["odd", "plain", "loop", "good"].map(folder);
    let path = std::env::join_paths(many.chain(others)).unwrap();
    let path = format!("{}:/usr/bin:/bin", path.to_str().unwrap());
    let found = providers(&sandbox, &path).await;
    let codex = one(&found, "codex");
    assert_eq!((&codex["version"], &codex["state"]), (&json!("0.169.0"), &json!("ready")), "{codex}");
    assert_eq!(codex["program"], json!(folder("good/codex")));
    // For whoever may look into everything, it is there.
    let closed = one(&providers(&sandbox, &format!("{}:{path}", folder("closed").display())).await, "codex").clone();
    assert!(["0.169.0", "9.9.9"].iter().any(|version| closed["version"] == *version), "{closed}");
    fs::set_permissions(folder("closed"), fs::Permissions::from_mode(0o700)).unwrap();
}

#[tokio::test]
async fn a_program_that_hangs_or_babbles_about_itself_hinders_no_other() {
    let sandbox = Sandbox::new();
    let bin = sandbox.folder.path().join("bin");
    install(&bin, "claude", "exec sleep 600");
    install(&bin, "codex", "head -c 30000000 /dev/urandom; echo 7; yes 'no version' | head -n 100000");
    install(&bin, "gemini", "echo 'Ripgrep is missing'; echo v0.61.0; sleep 600 &");
    let found = providers(&sandbox, &format!("{}:/usr/bin:/bin", bin.display())).await;
    for (id, state) in [("claude", "broken"), ("codex", "broken"), ("builtin", "ready")] {
        assert_eq!(one(&found, id)["state"], state, "{}", one(&found, id));
    }
    let gemini = one(&found, "gemini");
    assert_eq!((&gemini["state"], &gemini["version"]), (&json!("unknown"), &json!("0.61.0")), "{gemini}");
}
