//! Whether Codex needs anybody to be logged in. `codex login status` says only whether somebody is, also where its configuration
//! has another service for it, with a key of its own; its app-server knows.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use sixframe_supervisor::{Input, Output, Stream, Supervisor};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::time::timeout;

use super::super::program::Program;
use super::asking;

/// How long it may take to say so.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether it needs anybody to be logged in. Where it does not say, it does.
pub(super) async fn is_needed(supervisor: &Supervisor, path: &Path, program: &Program) -> bool {
    let asked = timeout(PATIENCE, needs(supervisor, path, program)).await;
    asked.ok().flatten().unwrap_or(true)
}

async fn needs(supervisor: &Supervisor, path: &Path, program: &Program) -> Option<bool> {
    let mut config = asking(path, &program.env);
    config.args = program.args.iter().map(String::as_str).chain(["app-server"]).map(Into::into).collect();
    (config.stdin, config.stdout) = (Input::Piped, Output::Piped);
    let child = supervisor.spawn(config).ok()?;
    let info = json!({"name": "sixframe", "title": "Sixframe", "version": env!("CARGO_PKG_VERSION")});
    let asked = [
        json!({"id": 1, "method": "initialize", "params": {"clientInfo": info}}),
        json!({"method": "initialized"}),
        json!({"id": 2, "method": "account/read", "params": {}}),
    ];
    let mut stdin = child.stdin();
    for line in asked {
        stdin.write_all(format!("{line}\n").as_bytes()).await.ok()?;
    }
    let mut lines = BufReader::new(child.take_pipe(Stream::Stdout)?).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let Ok(answer) = serde_json::from_str::<Value>(&line) else { continue };
        if answer["id"] == 2 {
            // One that does not end by that is stopped as it is dropped.
            stdin.close();
            return answer["result"]["requiresOpenaiAuth"].as_bool();
        }
    }
    None
}
