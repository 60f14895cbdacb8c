//! The daemon's configuration: a TOML file, then `SIXFRAME_*` variables, then flags, over the defaults below. The list in
//! this file is the only place that knows a key; names, types, defaults, variables, the example file and `config show` are
//! made from it. Knows nothing of what the settings do.

mod check;
mod key;
mod load;
mod local;
mod nearest;
mod policy;
mod provider;
mod render;
mod sidecar;
mod surroundings;
mod transcripts;
mod value;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

use key::settings;
pub(crate) use load::{ConfigErrors, Flag, FlagValue, Inputs, Loaded, load};
use local::{ByName, LocalSettings, TemplateSettings};
use policy::PolicyEntry;
use provider::{AcpSettings, OtherSettings, ProviderSettings};
pub(crate) use render::{example, shown};
use sidecar::{AppMode, SidecarEntry};
use sixframe_core::TransportError;
use sixframe_hub::{Durability, HubConfig, Json, SliceConfig};
use sixframe_services::agents::{AgentsConfig, PolicyConfig, Templates, Timers, UndoConfig};
use sixframe_services::sidecars::SidecarConfig;
use sixframe_services::sidecars::api::{Mode, SetMode};
use sixframe_transports::Address;
pub(crate) use surroundings::Surroundings;
use transcripts::TranscriptPlace;
use value::{Capability, ListenAddress, LogFilter, Origin, StatePlace};

settings! { |at|
    /// Everything that the daemon can be told.
    struct Config {
        /// Addresses to listen on: unix:/path (a socket file that only its owner can open), pipe:name (a Windows named
        /// pipe), ws://host:port (WebSocket; port 0 takes any free port, and `sixframe serve` prints which).
        listen: Vec<ListenAddress> = default_listen(at);

        /// Folder for the socket and the token, made with mode 0700. By default $XDG_RUNTIME_DIR/sixframe, or ~/.sixframe
        /// where that variable is not set; on Windows %LOCALAPPDATA%\sixframe.
        runtime_dir: PathBuf = at.runtime_dir.clone();

        /// File for the token that WebSocket clients must show, made with mode 0600 where it is missing. By default the
        /// file `token` in runtime_dir.
        token_file: PathBuf = at.runtime_dir.join("token");

        /// What callers may do beyond reading: "process.run" lets them start any program as the daemon's user, and
        /// "sidecar.define" lets them have one kept running.
        allow: Vec<Capability> = Vec::new();

        /// Milliseconds that calls get to finish when the daemon is asked to stop.
        drain_ms: u64 = 2_000;

        /// Whether callers see the text of internal errors. They may tell of paths and addresses.
        expose_internal_errors: bool = false;

        /// What is logged on stderr: error, warn, info, debug, trace, off, or levels by target, as in
        /// "info,sixframe_core=debug".
        log: LogFilter = LogFilter::info();

        /// Programs that the daemon keeps running, each an entry [[sidecar]] as at the end of this file. The methods
        /// sidecar.* start and stop them, and tell their states and what they write. `sixframe stdio`, of which many may
        /// run, heeds auto_start only where the file is named by --config or SIXFRAME_CONFIG.
        sidecar: Vec<SidecarEntry> = Vec::new();
    }

    /// Where what the sidecars offer comes from.
    app: struct AppSettings {
        /// "service": the sidecars run here. "standalone": none run. "connected": none run, and server_url is used.
        mode: AppMode = AppMode(Mode::Service);

        /// In the mode service: where the sidecars are reached together, told to whoever asks for the mode.
        service_url: String = String::new();

        /// In the mode connected: the other daemon, wss://host, or ws://host:port on this machine.
        server_url: String = String::new();

        /// In the mode connected: the file with the token that the other daemon wants to be shown; it may be missing where
        /// none is wanted. By default the file `server-token` in runtime_dir.
        server_token_file: PathBuf = at.runtime_dir.join("server-token");

        /// In the mode connected: milliseconds between two looks at the other daemon. While it is not there, or not who it
        /// should be, no endpoints are shown.
        server_check_ms: u64 = 5_000;

        /// In the mode connected: the serverId that the other daemon's rpc.hello must tell. It is kept with the other's state
        /// and stays the same over its restarts, unless its hub.persist is false. By default any.
        identity: String = String::new();
    }

    /// The limits of each connection. An error that a limit causes names its key here.
    limits: struct LimitSettings {
        /// Bytes of the longest message accepted. A longer one is skipped.
        message_bytes: u64 = 16 << 20;

        /// Deepest nesting of arrays and objects in a message.
        depth: u32 = 64;

        /// Requests of the peer that may be unanswered at once.
        in_flight: u32 = 1024;

        /// Streams of the peer that may be open at once.
        streams: u32 = 256;

        /// Bytes of items that may wait in one stream.
        stream_bytes: u64 = 32 << 20;

        /// Items that may wait in one stream to which no credit applies.
        stream_items: u64 = 1024;

        /// Bytes waiting for the peer above which its streams pause and its requests wait.
        soft_bytes: u64 = 1 << 20;

        /// Bytes waiting for the peer above which the connection is closed at once.
        hard_bytes: u64 = 64 << 20;

        /// Bytes held for all peers together, to be sent or to be taken, above which each gets by with a sixteenth of its
        /// soft_bytes and hard_bytes.
        process_bytes: u64 = 256 << 20;

        /// Milliseconds above soft_bytes without progress after which the connection is closed.
        stall_ms: u64 = 30_000;

        /// Requests a second that the peer may send; 0 is no limit.
        requests_per_second: u32 = 0;

        /// Malformed messages after which the connection is closed, at least 16.
        malformed: u32 = 64;

        /// Connections that may be open at once, over all addresses. Each takes a descriptor: the daemon raises its own limit
        /// of open files to the system's hard one (ulimit -Hn).
        connections: u32 = 1024;

        /// Milliseconds that a new connection gets to introduce itself.
        handshake_ms: u64 = 10_000;

        /// Milliseconds without a frame in either direction after which a connection is closed; 0 is never.
        idle_ms: u64 = 0;
    }

    /// The WebSocket's guard against foreign web pages.
    ws: struct WsSettings {
        /// Origins of the web pages that may connect, as in "http://localhost:5173". Programs send no origin and are asked
        /// for the token alone.
        allowed_origins: Vec<Origin> = Vec::new();

        /// Host names under which the daemon may be addressed, without port. Any other is refused, so that a foreign name
        /// that resolves to this machine does not reach it.
        allowed_hosts: Vec<String> = ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned).to_vec();
    }

    /// The console, a page for a browser on this machine. `sixframe open` opens it.
    console: struct ConsoleSettings {
        /// Whether it is served.
        enabled: bool = true;

        /// The port of 127.0.0.1 to serve it at. Where another program has it, the next free one is taken, and stderr says
        /// which; 0 takes any free port.
        port: u16 = 9420;

        /// The folder of the built page. By default share/sixframe/console beside the folder that the program is in.
        dir: PathBuf = at.console_dir.clone();
    }

    /// What fs.watch and fs.tail may see.
    fs: struct FsSettings {
        /// Folders that callers may look into, with everything below them; links that lead outside are not followed. By
        /// default the folder that the daemon was started in, or none if that is the root of the file system.
        roots: Vec<PathBuf> = at.started_in();
    }

    /// The agents: agent.*.
    agent: struct AgentSettings {
        /// Folder for the logs of the agents' sessions, made with mode 0700. Daemons may share it. By default the folder
        /// `agents` in runtime_dir where that is given, else in $XDG_STATE_HOME/sixframe or ~/.local/state/sixframe; on
        /// Windows in %LOCALAPPDATA%\sixframe\state.
        dir: PathBuf = at.state_dir.join("agents");

        /// Whether the daemon takes over the sessions that an earlier one has left there. `sixframe stdio`, of which many may
        /// run, does not unless agent.dir is given.
        resume: bool = true;

        /// Whether the folders of sessions are looked at before and behind each turn, so that agent.undo can take it back. What
        /// is kept for that lies below agent.dir; it needs git.
        undo: bool = true;

        /// How long an agent that was asked something may tell of nothing at all, before it is stopped.
        first_event_ms: u64 = 60_000;

        /// How long it may tell of nothing more, once it has told of something. Time in which a person is asked does not count,
        /// nor does that of what the built-in agent and plain commands run.
        stall_ms: u64 = 120_000;

        /// Folders that agents may work in, with everything below them. Where none is named, any folder of the user's.
        roots: Vec<PathBuf> = Vec::new();

        /// Folder that transcripts of the sessions are written to when turns end, as JSON, Markdown and Org, below the name of
        /// the project and the date. A relative path begins in agent.dir; "" writes none.
        transcripts: TranscriptPlace = TranscriptPlace::below_the_logs();

        /// Claude Code: its program, arguments in front of those that make it speak, variables of its environment, and the
        /// names of those that callers may set for a session. As a table of its own it is written [agent.claude].
        claude: ProviderSettings = ProviderSettings::of("claude", &[]);

        /// Codex, likewise.
        codex: ProviderSettings = ProviderSettings::of("codex", &[]);

        /// Gemini CLI, likewise, with the argument that makes it speak the Agent Client Protocol.
        gemini: ProviderSettings = ProviderSettings::of("gemini", &["--acp"]);

        /// Other programs that speak the Agent Client Protocol, likewise, each with a name: they are the providers acp:NAME.
        /// settings names the files and folders of a project that the program loads settings from: these alone are to be
        /// trusted then. Left out, it is thought to load those of all agents that are known, and what is called as it is.
        acp: Vec<AcpSettings> = Vec::new();

        /// Plain commands, which answer on standard output what they are asked on standard input, by the names that they have
        /// behind `command:`. Written [agent.command.NAME], with the same keys as the others; settings = [] where the program
        /// loads none, as a filter of text does. Where an argument holds {prompt}, the prompt goes in there instead: every user
        /// of the machine can read it while the program runs.
        command: ByName<OtherSettings> = ByName::default();

        /// The local model, written [agent.local]: the sidecar of this name, or the service at url, https or on this machine,
        /// whose API is as OpenAI's. key_env names the variable of the daemon's environment that holds the key.
        local: LocalSettings = LocalSettings::default();

        /// What can be sent with prompts beside what is typed, written [agent.template.NAME]: who the agent is to be, notes on
        /// components and interfaces, rules for its answer, whether the project's files are listed, and the longest that all of
        /// it may be. The one that is called default is taken where none is named.
        template: ByName<TemplateSettings> = ByName::default();

        /// What agents may do without a person, or may not, each an entry [[agent.policy]]: effect is "allow", "ask" or "deny";
        /// action is "command", "file_change", "read", "network" or another one that permissions tell, or left out for any;
        /// pattern is of that what it is about, as "cargo test *", "docs/**" or "*.example.com". What denies is stronger than
        /// what asks, and that than what allows; nothing allows here what the built-in rules hold for ruinous.
        policy: Vec<PolicyEntry> = Vec::new();
    }

    /// The shared state: hub.* and events.watch.
    hub: struct HubSettings {
        /// Whether the state is on the disk and there again when the daemon is started anew. `sixframe stdio`, of which many
        /// may run, keeps it in memory unless hub.dir is given.
        persist: bool = true;

        /// Folder for the state, made with mode 0700. Only one daemon may use it at a time. By default the folder `hub` in
        /// runtime_dir where that is given, else in $XDG_STATE_HOME/sixframe or ~/.local/state/sixframe; on Windows in
        /// %LOCALAPPDATA%\sixframe\state.
        dir: PathBuf = at.state_dir.join("hub");

        /// Whether an answer waits until its change is on the disk. Without that a change survives the end of the daemon, by
        /// kill -9 too, but the last ones not that of the machine.
        sync: bool = false;

        /// Places in the state that never touch the disk and begin anew with the daemon, as JSON pointers in which `*` stands
        /// for every member of an object: /sessions/*/draft, or /scratch for a slice as a whole. A slice that the daemon does
        /// not know otherwise is there from the start, empty.
        volatile: Vec<StatePlace> = Vec::new();

        /// Whether callers may add slices to the state beside those that the daemon knows.
        open: bool = true;

        /// Bytes of the state as JSON. A change that would exceed them is refused.
        state_bytes: u64 = 8 << 20;

        /// Bytes of changes that are kept in memory, so that a window that comes back gets what it missed and not all.
        log_bytes: u64 = 4 << 20;

        /// Bytes of events that are kept in memory for those who lag.
        event_bytes: u64 = 4 << 20;
    }
}

/// The local address and a WebSocket on any free port of this machine.
fn default_listen(at: &Surroundings) -> Vec<ListenAddress> {
    [at.local_address(), "ws://127.0.0.1:0".to_owned()].map(ListenAddress::unchecked).to_vec()
}

impl Config {
    /// The addresses to listen on, read.
    pub(crate) fn addresses(&self) -> Result<Vec<Address>, TransportError> {
        self.listen.iter().map(ListenAddress::read).collect()
    }

    /// The agents, who are kept from what is the daemon's own.
    pub(crate) fn of_agents(&self) -> AgentsConfig {
        let mut agents = self.agent.of_agents();
        let own = [&self.file, &self.token_file, &self.app.server_token_file, &self.hub.dir, &self.console.dir];
        let ledger = self.runtime_dir.join("children");
        agents.policy.protected = own.into_iter().cloned().chain([ledger]).collect();
        agents
    }

    /// Whether callers may start programs.
    pub(crate) fn allows_process_run(&self) -> bool {
        self.allow.contains(&Capability::ProcessRun)
    }

    /// Whether callers may have programs kept running.
    pub(crate) fn allows_sidecar_define(&self) -> bool {
        self.allow.contains(&Capability::SidecarDefine)
    }

    /// The sidecars, their paths in full.
    pub(crate) fn sidecars(&self) -> Vec<SidecarConfig> {
        self.sidecar.iter().map(|entry| entry.config.clone()).collect()
    }

    /// Where paths of sidecars begin that are defined later, and projects have their bundled programs.
    pub(crate) fn sidecar_folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }
}

impl WsSettings {
    /// The host names that are served.
    pub(crate) fn hosts(&self) -> Vec<String> {
        self.allowed_hosts.iter().map(|host| host.to_ascii_lowercase()).collect()
    }

    /// The origins of web pages that may connect.
    pub(crate) fn origins(&self) -> Vec<String> {
        self.allowed_origins.iter().map(ToString::to_string).collect()
    }
}

impl AgentSettings {
    /// The agents as these settings have them.
    fn of_agents(&self) -> AgentsConfig {
        let rules = self.policy.iter().map(|entry| entry.0.clone()).collect();
        AgentsConfig {
            policy: PolicyConfig { rules, protected: Vec::new() },
            resume: self.resume,
            timers: Timers {
                first_event: Duration::from_millis(self.first_event_ms),
                stall: Duration::from_millis(self.stall_ms),
                ..Timers::default()
            },
            undo: UndoConfig { is_on: self.undo, ..UndoConfig::default() },
            roots: self.roots.clone(),
            claude: self.claude.of_provider(),
            codex: self.codex.of_provider(),
            gemini: self.gemini.of_provider(),
            acp: self.acp.iter().map(AcpSettings::of_provider).collect(),
            command: self.command.of_providers(),
            local: self.local.of_local(),
            templates: Templates::new(self.template.of_templates()),
            transcripts: self.transcripts.of_agents(&self.dir),
            ..AgentsConfig::new(&self.dir)
        }
    }
}

impl AppSettings {
    /// The mode as it is set.
    pub(crate) fn of_sidecars(&self) -> SetMode {
        let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        match self.mode.0 {
            Mode::Standalone => SetMode::Standalone,
            Mode::Service => SetMode::Service { service_url: given(&self.service_url) },
            Mode::Connected => {
                SetMode::Connected { server_url: self.server_url.clone(), identity: given(&self.identity) }
            }
        }
    }
}

impl HubSettings {
    /// The hub as these settings have it.
    pub(crate) fn of_hub(&self) -> HubConfig {
        let durability = if self.sync { Durability::Synced } else { Durability::Written };
        let mut config = HubConfig {
            open: self.open,
            durability,
            log_bytes: count(self.log_bytes),
            state_bytes: count(self.state_bytes),
            ..HubConfig::default()
        };
        for place in &self.volatile {
            let (name, below) = place.split();
            if !config.slices.iter().any(|slice| slice.name == name) {
                config.slices.push(SliceConfig::new(name.as_str(), Json::object()));
            }
            config
                .slices
                .iter_mut()
                .filter(|slice| slice.name == name)
                .for_each(|slice| slice.volatile.push(below.clone()));
        }
        config.slices.iter_mut().for_each(|slice| slice.durability = durability);
        config
    }

    /// Bytes of events that are kept.
    pub(crate) fn of_events(&self) -> usize {
        count(self.event_bytes)
    }
}

impl LimitSettings {
    /// Bytes that may wait for all peers together.
    pub(crate) fn queued_by_process(&self) -> usize {
        count(self.process_bytes)
    }

    /// The engine's part of the limits.
    pub(crate) fn of_connection(&self) -> sixframe_core::Limits {
        sixframe_core::Limits {
            message_bytes: count(self.message_bytes),
            depth: self.depth,
            in_flight: self.in_flight,
            streams: self.streams,
            stream_bytes: count(self.stream_bytes),
            stream_items: count(self.stream_items),
            soft_bytes: count(self.soft_bytes),
            hard_bytes: count(self.hard_bytes),
            stall: Duration::from_millis(self.stall_ms),
            requests_per_second: (self.requests_per_second > 0).then_some(self.requests_per_second),
            malformed: self.malformed,
        }
    }
}

/// A count of what is held in memory, of which no machine has more than a `usize`.
fn count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
