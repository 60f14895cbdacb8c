//! Sessions in a folder of their own, with the hub that shows them and a window that calls them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sixframe_core::{CallError, Config, Identity, Items, Router, RpcEndpoint, Scopes, connect, connect_with, memory};
use sixframe_hub::{Hub, HubConfig};
use sixframe_services::agents::{Agent, Agents, AgentsConfig, Program, ProviderConfig, Timers, router};
use sixframe_supervisor::{GuardProgram, Supervisor, SupervisorConfig};

/// Longer than anything here takes on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(60);

pub(crate) struct House {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) hub: Hub,
    pub(crate) agents: Agents,
    pub(crate) window: RpcEndpoint,
    pub(crate) timers: Timers,
    programs: Programs,
}

/// What stands there as the programs of agents.
#[derive(Clone)]
pub(crate) struct Programs {
    pub(crate) claude: Program,
    pub(crate) codex: Program,
    pub(crate) gemini: Program,
}

impl Programs {
    /// None but those that a test puts there.
    pub(crate) fn in_folder(folder: &Path) -> Programs {
        let program = |name: &str| Program::new(folder.join(name));
        Programs { claude: program("claude"), codex: program("codex"), gemini: program("gemini") }
    }
}

impl House {
    pub(crate) fn new() -> House {
        House::with(Timers::default())
    }

    pub(crate) fn with(timers: Timers) -> House {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("project")).unwrap();
        House::build(folder, timers)
    }

    /// A daemon in this folder, and what stands there as the program of Claude Code.
    pub(crate) fn build(folder: tempfile::TempDir, timers: Timers) -> House {
        let programs = Programs::in_folder(folder.path());
        House::build_with(folder, timers, programs)
    }

    pub(crate) fn build_with(folder: tempfile::TempDir, timers: Timers, programs: Programs) -> House {
        let at = folder.path().to_owned();
        House::build_in(folder, &at, timers, programs, |_| (), Vec::new())
    }

    /// A daemon in this folder, which lets agents work in another one too.
    pub(crate) fn build_for(folder: tempfile::TempDir, root: &Path, timers: Timers) -> House {
        let (at, programs) = (folder.path().to_owned(), Programs::in_folder(folder.path()));
        House::build_in(folder, &at, timers, programs, |config| config.roots.push(root.to_owned()), Vec::new())
    }

    /// A daemon whose configuration says more.
    pub(crate) fn tuned(tune: impl FnOnce(&mut AgentsConfig)) -> House {
        House::tuned_among(tune, Vec::new())
    }

    /// Likewise, with agents of the test's own.
    pub(crate) fn tuned_among(tune: impl FnOnce(&mut AgentsConfig), others: Vec<Arc<dyn Agent>>) -> House {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("project")).unwrap();
        let programs = Programs::in_folder(folder.path());
        let at = folder.path().to_owned();
        House::build_in(folder, &at, Timers::default(), programs, tune, others)
    }

    /// Likewise, with agents of the test's own.
    pub(crate) fn build_among(
        folder: tempfile::TempDir,
        timers: Timers,
        programs: Programs,
        others: Vec<Arc<dyn Agent>>,
    ) -> House {
        let at = folder.path().to_owned();
        House::build_in(folder, &at, timers, programs, |_| (), others)
    }

    fn build_in(
        folder: tempfile::TempDir,
        at: &Path,
        timers: Timers,
        programs: Programs,
        tune: impl FnOnce(&mut AgentsConfig),
        others: Vec<Arc<dyn Agent>>,
    ) -> House {
        let guard = GuardProgram::at(env!("CARGO_BIN_EXE_sixframe-services-guardian"));
        let supervisor = Supervisor::new(SupervisorConfig::new(guard)).unwrap();
        let hub = Hub::new(HubConfig::default()).unwrap();
        let mut config = AgentsConfig { timers, ..AgentsConfig::new(at.join("sessions")) };
        config.roots = vec![at.to_owned()];
        config.claude.program = programs.claude.clone();
        config.claude.allow_env = vec!["ALLOWED".into()];
        // Others may be installed on this machine.
        config.codex.program = programs.codex.clone();
        config.gemini.program = programs.gemini.clone();
        config.acp.insert("other".into(), ProviderConfig::new(folder.path().join("other")));
        tune(&mut config);
        let agents = Agents::open_with(config, supervisor, &hub, others).unwrap();
        let window = window(&agents, Scopes::ALL);
        House { folder, hub, agents, window, timers, programs }
    }

    /// The daemon ends, in order, and another one begins.
    pub(crate) async fn restart(self) -> House {
        let House { folder, agents, timers, programs, .. } = self;
        agents.halt().await;
        House::build_with(folder, timers, programs)
    }

    /// Likewise, with a configuration that says more.
    pub(crate) async fn restart_tuned(self, tune: impl FnOnce(&mut AgentsConfig)) -> House {
        let House { folder, agents, timers, programs, .. } = self;
        agents.halt().await;
        let at = folder.path().to_owned();
        House::build_in(folder, &at, timers, programs, tune, Vec::new())
    }

    /// Another daemon on the same folder, while this one is there.
    pub(crate) fn beside(&self) -> House {
        let (at, programs) = (self.folder.path().to_owned(), self.programs.clone());
        House::build_in(tempfile::tempdir().unwrap(), &at, self.timers, programs, |_| (), Vec::new())
    }

    /// The program of an agent.
    pub(crate) fn program(&self, provider: &str) -> &Program {
        let Programs { claude, codex, gemini } = &self.programs;
        match provider {
            "claude" => claude,
            "codex" => codex,
            _ => gemini,
        }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join("project").join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.file(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap()
    }

    /// Installs a program that speaks as Claude Code does: a script of the shell.
    pub(crate) fn install(&self, script: &str) {
        self.install_as("claude", script);
    }

    /// Installs a program by its name: a script of the shell.
    pub(crate) fn install_as(&self, name: &str, script: &str) {
        let path = self.folder.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub(crate) async fn ask(&self, method: &str, params: Value) -> Result<Value, CallError> {
        let call = self.window.request_raw(method, params);
        tokio::time::timeout(LONG, call).await.unwrap_or_else(|_| panic!("{method} never answers"))
    }

    pub(crate) async fn session(&self, provider: &str) -> String {
        self.session_with(provider, json!({})).await
    }

    pub(crate) async fn session_with(&self, provider: &str, more: Value) -> String {
        let mut params = json!({"provider": provider, "cwd": self.folder.path().join("project")});
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let created = self.ask("agent.createSession", params).await.unwrap();
        created["sessionId"].as_str().unwrap().to_owned()
    }

    pub(crate) fn prompt(&self, session: &str, text: &str) -> Turn {
        self.prompt_with(session, text, json!({}))
    }

    pub(crate) fn prompt_with(&self, session: &str, text: &str, more: Value) -> Turn {
        let mut params = json!({"sessionId": session, "content": [{"type": "text", "text": text}]});
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Turn { items: self.window.stream_raw("agent.prompt", params), seen: Vec::new() }
    }

    /// Follows one session from its first event.
    pub(crate) fn events(&self, session: &str) -> Turn {
        let params = json!({"sessions": [session]});
        Turn { items: self.window.stream_raw("agent.events", params), seen: Vec::new() }
    }

    pub(crate) fn logged(&self, session: &str) -> Vec<Value> {
        let path = self.folder.path().join("sessions").join(format!("{session}.jsonl"));
        let text = fs::read_to_string(path).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub(crate) fn shown(&self, session: &str) -> Value {
        let state = self.hub.state().to_value();
        state["agents"][session].clone()
    }
}

/// A window with these scopes.
pub(crate) fn window(agents: &Agents, scopes: Scopes) -> RpcEndpoint {
    let (ours, theirs) = memory::pair(Default::default());
    let (window, calling) = connect(ours, Router::new());
    let identity = Identity { scopes, ..Identity::default() };
    let service = router(agents).layer(sixframe_core::layers::authorize());
    let (_, serving) = connect_with(Config { identity, ..Config::default() }, theirs, service);
    tokio::spawn(calling);
    tokio::spawn(serving);
    window
}

/// A turn as it goes on.
pub(crate) struct Turn {
    pub(crate) items: Items<Value>,
    pub(crate) seen: Vec<Value>,
}

impl Turn {
    /// The next event; none at the end.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        let next = tokio::time::timeout(LONG, self.items.next()).await;
        let item = next.unwrap_or_else(|_| panic!("nothing comes behind {:?}", self.names()))?;
        let event = item.unwrap().data;
        self.seen.push(event.clone());
        Some(event)
    }

    /// The next event of a type.
    pub(crate) async fn until(&mut self, kind: &str) -> Value {
        loop {
            match self.next().await {
                Some(event) if event["type"] == kind => return event["data"].clone(),
                Some(_) => (),
                None => panic!("no {kind} in {:?}", self.names()),
            }
        }
    }

    /// Everything to the end: how it ended.
    pub(crate) async fn end(&mut self) -> Value {
        while self.next().await.is_some() {}
        let last = self.seen.last().unwrap();
        assert_eq!(last["type"], "turn.ended", "{:?}", self.names());
        last["data"].clone()
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.seen.iter().map(|event| event["type"].as_str().unwrap()).collect()
    }

    /// What the deltas of a field come to.
    pub(crate) fn grown(&self, field: &str) -> String {
        let deltas = self.seen.iter().filter(|event| event["type"] == "item.delta" && event["data"]["field"] == field);
        deltas.map(|event| event["data"]["delta"].as_str().unwrap()).collect()
    }

    /// The status of the last patch of each tool call, in their order.
    pub(crate) fn tools(&self) -> Vec<String> {
        let mut tools = Vec::<(Value, String)>::new();
        for event in self.seen.iter().filter(|event| event["data"]["kind"] == "tool_call") {
            let status = event["data"]["status"].as_str().unwrap().to_owned();
            match tools.iter_mut().find(|(id, _)| *id == event["itemId"]) {
                Some((_, known)) => *known = status,
                None => tools.push((event["itemId"].clone(), status)),
            }
        }
        tools.into_iter().map(|(_, status)| status).collect()
    }
}
