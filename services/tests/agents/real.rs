//! The real programs of agents, each in a world of its own, with a model that is a test's. They are not ours to ship:
//! `cargo xtask test --only agents` installs them and runs the tests that need them.

mod matrix;

use std::path::{Path, PathBuf};

use serde_json::json;
use sixframe_services::agents::{Program, Timers};

use super::house::{House, Programs, Turn, alone};
use super::model::Model;

/// What keeps Gemini CLI to itself.
const GEMINI: &str = r#"{
    "general": {"enableAutoUpdate": false, "enableAutoUpdateNotification": false},
    "privacy": {"usageStatisticsEnabled": false},
    "telemetry": {"enabled": false},
    "security": {"auth": {"selectedType": "gemini-api-key"}, "folderTrust": {"enabled": false}},
    "ide": {"enabled": false}
}"#;

/// What keeps Codex to itself.
const CODEX: [&str; 8] = [
    "model=\"test-model\"",
    "model_provider=\"test\"",
    "check_for_update_on_startup=false",
    "analytics.enabled=false",
    "feedback.enabled=false",
    "features.plugins=false",
    "features.apps=false",
    "features.remote_plugin=false",
];

/// A house with the real programs, and the model that they ask.
pub(crate) struct World {
    pub(crate) house: House,
    pub(crate) model: Model,
}

impl World {
    pub(crate) async fn new() -> World {
        World::with(Timers::default()).await
    }

    pub(crate) async fn with(timers: Timers) -> World {
        let model = Model::start().await;
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("project")).unwrap();
        let (claude, codex) = (claude(folder.path(), &model), codex(folder.path(), &model));
        let gemini = gemini(folder.path(), &model);
        World { house: House::build_with(folder, timers, Programs { claude, codex, gemini }), model }
    }

    /// The daemon ends, in order, and another one begins.
    pub(crate) async fn restart(self) -> World {
        World { house: self.house.restart().await, model: self.model }
    }

    pub(crate) async fn session(&self, provider: &str) -> String {
        self.house.session(provider).await
    }

    pub(crate) fn prompt(&self, session: &str, text: &str) -> Turn {
        self.house.prompt(session, text)
    }

    pub(crate) async fn close(&self, session: &str) {
        self.house.ask("agent.close", json!({"sessionId": session})).await.unwrap();
    }
}

fn installed() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("agents/node_modules")
}

/// A folder that is one of these programs' home.
fn home(folder: &Path, name: &str) -> String {
    let home = folder.join("homes").join(name);
    std::fs::create_dir_all(&home).unwrap();
    home.to_str().unwrap().to_owned()
}

fn claude(folder: &Path, model: &Model) -> Program {
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    let os = if os == "macos" { "darwin" } else { os };
    let arch = if arch == "aarch64" { "arm64" } else { "x64" };
    let program = installed().join(format!("@anthropic-ai/claude-code-{os}-{arch}/claude"));
    let variables = [
        ("HOME", home(folder, "claude")),
        ("ANTHROPIC_BASE_URL", model.url.clone()),
        ("ANTHROPIC_API_KEY", "key-of-a-test-and-of-nobody".to_owned()),
        ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1".to_owned()),
        ("DISABLE_AUTOUPDATER", "1".to_owned()),
        ("DISABLE_TELEMETRY", "1".to_owned()),
        ("DISABLE_ERROR_REPORTING", "1".to_owned()),
    ];
    alone(&program, &variables, &[])
}

fn codex(folder: &Path, model: &Model) -> Program {
    let arch = if cfg!(target_arch = "aarch64") { ("arm64", "aarch64") } else { ("x64", "x86_64") };
    let (os, triple) = match std::env::consts::OS {
        "macos" => ("darwin", format!("{}-apple-darwin", arch.1)),
        os => (os, format!("{}-unknown-linux-musl", arch.1)),
    };
    let program = installed().join(format!("@openai/codex-{os}-{}/vendor/{triple}/bin/codex", arch.0));
    let home = home(folder, "codex");
    let variables =
        [("HOME", home.clone()), ("CODEX_HOME", home), ("MODEL_KEY", "key-of-a-test-and-of-nobody".to_owned())];
    let provider = format!(
        "model_providers.test={{name=\"test\",base_url=\"{}/v1\",env_key=\"MODEL_KEY\",wire_api=\"responses\",\
         supports_websockets=false,request_max_retries=0,stream_max_retries=0}}",
        model.url
    );
    let settings = CODEX.iter().copied().chain([provider.as_str()]);
    let args: Vec<&str> = settings.flat_map(|setting| ["-c", setting]).collect();
    alone(&program, &variables, &args)
}

fn gemini(folder: &Path, model: &Model) -> Program {
    let home = home(folder, "gemini");
    let settings = Path::new(&home).join(".gemini/settings.json");
    std::fs::create_dir(settings.parent().unwrap()).unwrap();
    std::fs::write(settings, GEMINI).unwrap();
    let variables = [
        ("HOME", home),
        ("GEMINI_API_KEY", "key-of-a-test-and-of-nobody".to_owned()),
        ("GOOGLE_GEMINI_BASE_URL", model.url.clone()),
        ("GEMINI_CLI_TRUST_WORKSPACE", "true".to_owned()),
        ("GEMINI_CLI_NO_RELAUNCH", "true".to_owned()),
    ];
    alone(&installed().join(".bin/gemini"), &variables, &["--acp", "-m", "gemini-2.5-flash"])
}
