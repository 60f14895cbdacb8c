//! A daemon that is killed while real agents are at work. `cargo xtask test --only agents` installs them and runs this.

use std::path::Path;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::agents::{prompt, session, until};
use crate::sandbox::{LONG, Sandbox, eventually};
use installed::Installed;
use model::Model;

#[path = "../../services/tests/agents/real/installed.rs"]
mod installed;
#[path = "../../services/tests/agents/model/mod.rs"]
#[expect(dead_code, reason = "the services' own tests ask for more of it")]
mod model;

/// The configuration that has these programs.
fn configuration(programs: [Installed; 3]) -> String {
    let tables = ["claude", "codex", "gemini"].into_iter().zip(programs).map(|(name, installed)| {
        let Installed { program, variables, args } = installed;
        let variables: Vec<String> =
            variables.iter().map(|(name, value)| format!("{name} = {}", json!(value))).collect();
        let (program, args, variables) = (json!(program), json!(args), variables.join(", "));
        format!("[agent.{name}]\nprogram = {program}\nargs = {args}\nenv = {{ {variables} }}\n")
    });
    tables.collect()
}

/// The processes that were given something of this folder.
fn of_folder(folder: &Path) -> Vec<String> {
    let folder = folder.to_str().unwrap().as_bytes();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap() {
        let entry = entry.unwrap();
        let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        if environment.windows(folder.len()).any(|part| part == folder) {
            found.push(entry.file_name().into_string().unwrap());
        }
    }
    found
}

async fn nothing_survives_the_daemon(provider: &str) {
    let model = Model::start().await;
    let sandbox = Sandbox::new();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let programs = installed::all(target, sandbox.folder.path(), &model.url);
    let config = sandbox.folder.path().join("sixframe.toml");
    std::fs::write(&config, configuration(programs)).unwrap();
    let args = ["--config", config.to_str().unwrap()];

    let mut daemon = sandbox.serve(&args);
    let peer = daemon.connect().await;
    let id = session(&peer, &sandbox, provider).await;
    let mut turn = prompt(&peer, &id, "forever please");
    until(&mut turn, "item.delta").await;
    assert!(of_folder(sandbox.folder.path()).len() > 2, "the daemon, a guardian and the agent");
    daemon.signal(Signal::KILL);
    daemon.wait();
    drop((turn, peer));
    tokio::time::timeout(LONG, model.hung_up()).await.unwrap();
    eventually("nothing is left", || of_folder(sandbox.folder.path()).is_empty()).await;

    let daemon = sandbox.serve(&args);
    let peer = daemon.connect().await;
    let mut events = peer.stream_raw::<_, Value>("agent.events", json!({"sessions": [id]}));
    let ended = until(&mut events, "turn.ended").await;
    assert_eq!((&ended["outcome"], &ended["error"]["kind"]), (&json!("failed"), &json!("crashed")));
    let mut turn = prompt(&peer, &id, "hello again");
    let ended = until(&mut turn, "turn.ended").await;
    assert_eq!(ended["outcome"], "completed", "the session goes on: {ended}");
}

macro_rules! hold_for {
    ($($provider:ident)*) => {
        $(
            #[tokio::test]
            #[ignore = "needs the real programs of agents: cargo xtask test --only agents"]
            async fn $provider() {
                nothing_survives_the_daemon(stringify!($provider)).await;
            }
        )*
    };
}

hold_for! { claude codex gemini }
