//! Where the real programs are, and what each needs to work in a folder alone, with a model at an address of this machine.

use std::path::{Path, PathBuf};

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

/// A program, the variables that it is given and no others, and its arguments.
pub(crate) struct Installed {
    pub(crate) program: PathBuf,
    pub(crate) variables: Vec<(&'static str, String)>,
    pub(crate) args: Vec<String>,
}

/// Claude Code, Codex and Gemini CLI, as `cargo xtask test --only agents` puts them below the target folder.
pub(crate) fn all(target: &Path, folder: &Path, url: &str) -> [Installed; 3] {
    let packages = target.join("agents/node_modules");
    [claude(&packages, folder, url), codex(&packages, folder, url), gemini(&packages, folder, url)]
}

/// A folder that is one of these programs' home.
fn home(folder: &Path, name: &str) -> String {
    let home = folder.join("homes").join(name);
    std::fs::create_dir_all(&home).unwrap();
    home.to_str().unwrap().to_owned()
}

fn claude(packages: &Path, folder: &Path, url: &str) -> Installed {
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    let os = if os == "macos" { "darwin" } else { os };
    let arch = if arch == "aarch64" { "arm64" } else { "x64" };
    let program = packages.join(format!("@anthropic-ai/claude-code-{os}-{arch}/claude"));
    let variables = vec![
        ("HOME", home(folder, "claude")),
        ("ANTHROPIC_BASE_URL", url.to_owned()),
        ("ANTHROPIC_API_KEY", "key-of-a-test-and-of-nobody".to_owned()),
        ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1".to_owned()),
        // It would go on for minutes, and tells each time that it asks again.
        ("CLAUDE_CODE_MAX_RETRIES", "1".to_owned()),
        ("DISABLE_AUTOUPDATER", "1".to_owned()),
        ("DISABLE_TELEMETRY", "1".to_owned()),
        ("DISABLE_ERROR_REPORTING", "1".to_owned()),
    ];
    Installed { program, variables, args: Vec::new() }
}

fn codex(packages: &Path, folder: &Path, url: &str) -> Installed {
    let arch = if cfg!(target_arch = "aarch64") { ("arm64", "aarch64") } else { ("x64", "x86_64") };
    let (os, triple) = match std::env::consts::OS {
        "macos" => ("darwin", format!("{}-apple-darwin", arch.1)),
        os => (os, format!("{}-unknown-linux-musl", arch.1)),
    };
    let program = packages.join(format!("@openai/codex-{os}-{}/vendor/{triple}/bin/codex", arch.0));
    let home = home(folder, "codex");
    let variables =
        vec![("HOME", home.clone()), ("CODEX_HOME", home), ("MODEL_KEY", "key-of-a-test-and-of-nobody".to_owned())];
    let provider = format!(
        "model_providers.test={{name=\"test\",base_url=\"{}/v1\",env_key=\"MODEL_KEY\",wire_api=\"responses\",\
         supports_websockets=false,request_max_retries=0,stream_max_retries=0}}",
        url
    );
    let settings = CODEX.iter().copied().chain([provider.as_str()]);
    let args = settings.flat_map(|setting| ["-c".to_owned(), setting.to_owned()]).collect();
    Installed { program, variables, args }
}

fn gemini(packages: &Path, folder: &Path, url: &str) -> Installed {
    let home = home(folder, "gemini");
    let settings = Path::new(&home).join(".gemini/settings.json");
    std::fs::create_dir(settings.parent().unwrap()).unwrap();
    std::fs::write(settings, GEMINI).unwrap();
    let variables = vec![
        ("HOME", home),
        ("GEMINI_API_KEY", "key-of-a-test-and-of-nobody".to_owned()),
        ("GOOGLE_GEMINI_BASE_URL", url.to_owned()),
        ("GEMINI_CLI_NO_RELAUNCH", "true".to_owned()),
    ];
    let args = ["--acp", "-m", "gemini-2.5-flash"].map(str::to_owned).to_vec();
    Installed { program: packages.join(".bin/gemini"), variables, args }
}
