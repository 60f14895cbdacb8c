//! What the agents are told by the configuration.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::super::local::LocalConfig;
use super::super::policy::PolicyConfig;
use super::super::program::Program;
use super::super::prompt_builder::Templates;
use super::super::session::Timers;
use super::super::transcript::TranscriptConfig;
use super::super::undo::UndoConfig;
use super::super::watcher::WatchConfig;

/// What the agents are told by the configuration.
#[derive(Clone, Debug)]
pub struct AgentsConfig {
    /// The folder of the sessions' logs, made with mode 0700.
    pub dir: PathBuf,
    /// Whether the sessions that an earlier daemon has left in the folder are taken over. Default yes.
    pub resume: bool,
    /// Folders that agents may work in, with everything below them; any where there is none.
    pub roots: Vec<PathBuf>,
    /// Claude Code's program.
    pub claude: ProviderConfig,
    /// Codex's program.
    pub codex: ProviderConfig,
    /// Gemini CLI's program, with the argument that makes it speak the Agent Client Protocol.
    pub gemini: ProviderConfig,
    /// Other programs that speak the Agent Client Protocol, by the names that they are called by behind `acp:`.
    pub acp: BTreeMap<String, ProviderConfig>,
    /// What may be done without a person.
    pub policy: PolicyConfig,
    /// Plain commands, by the names that they are called by behind `command:`.
    pub command: BTreeMap<String, ProviderConfig>,
    /// The model on this machine, or another service with the same API.
    pub local: LocalConfig,
    /// What can be sent with prompts.
    pub templates: Templates,
    /// How long what may take.
    pub timers: Timers,
    /// Where transcripts are written.
    pub transcripts: TranscriptConfig,
    /// What is kept so that turns can be undone.
    pub undo: UndoConfig,
    /// How sessions' folders are watched.
    pub watch: WatchConfig,
}

/// How an agent's program is started.
#[derive(Clone, Debug)]
pub struct ProviderConfig {
    /// The program and what it is always given.
    pub program: Program,
    /// The variables that callers may set for a session.
    pub allow_env: Vec<String>,
    /// The names of the files and folders that the agent loads settings from, in the session's folder and in those above it up to
    /// that of its repository. Where there are none told, it is thought to load those of all agents that are known, and what is
    /// called as it is. For agents behind `acp:` and `command:`; of the others it is known.
    pub settings: Option<Vec<String>>,
}

impl ProviderConfig {
    /// The program as it is found.
    pub fn new(program: impl Into<std::ffi::OsString>) -> ProviderConfig {
        ProviderConfig { program: Program::new(program), allow_env: Vec::new(), settings: None }
    }
}

impl AgentsConfig {
    /// The programs as they are found, with logs in this folder.
    pub fn new(dir: impl Into<PathBuf>) -> AgentsConfig {
        let mut gemini = ProviderConfig::new("gemini");
        gemini.program.args.push("--acp".to_owned());
        let dir = dir.into();
        AgentsConfig {
            transcripts: TranscriptConfig { dir: Some(dir.join("transcripts")) },
            dir,
            resume: true,
            roots: Vec::new(),
            claude: ProviderConfig::new("claude"),
            codex: ProviderConfig::new("codex"),
            gemini,
            acp: BTreeMap::new(),
            policy: PolicyConfig::default(),
            command: BTreeMap::new(),
            local: LocalConfig::default(),
            templates: Templates::default(),
            timers: Timers::default(),
            undo: UndoConfig::default(),
            watch: WatchConfig::default(),
        }
    }

    /// The programs by their providers.
    pub(super) fn programs(&self) -> impl Iterator<Item = (String, &ProviderConfig)> {
        let known = [("claude", &self.claude), ("codex", &self.codex), ("gemini", &self.gemini)];
        let others = self.acp.iter().map(|(name, config)| (format!("acp:{name}"), config));
        let commands = self.command.iter().map(|(name, config)| (format!("command:{name}"), config));
        known.into_iter().map(|(id, config)| (id.to_owned(), config)).chain(others).chain(commands)
    }

    pub(super) fn provider(&self, id: &str) -> Option<&ProviderConfig> {
        self.programs().find(|(known, _)| known == id).map(|(_, config)| config)
    }
}
