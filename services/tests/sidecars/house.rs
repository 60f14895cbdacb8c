//! Sidecars in a folder of their own, with the hub that shows them and a peer that calls them; nothing of them is left when
//! the test ends.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use futures_util::stream;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use sixframe_core::{Fault, Router, RpcEndpoint, connect, memory};
use sixframe_hub::{Hub, HubConfig};
use sixframe_services::sidecars::api::{SetMode, SidecarState, SidecarStatus};
use sixframe_services::sidecars::{CheckServer, Server, Sidecars, SidecarsConfig, router};
use sixframe_supervisor::{GuardProgram, Supervisor, SupervisorConfig};

/// Longer than anything here takes on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// The variable that all processes of a house carry.
const TAG: &str = "SIXFRAME_TEST_HOUSE";

pub(crate) struct House {
    folder: tempfile::TempDir,
    pub(crate) hub: Hub,
    pub(crate) supervisor: Supervisor,
    pub(crate) sidecars: Sidecars,
    pub(crate) peer: RpcEndpoint,
}

/// A house before it is built.
pub(crate) struct Plan {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) hub: Hub,
    pub(crate) mode: SetMode,
    pub(crate) define_allowed: bool,
    pub(crate) check_server: CheckServer,
    /// What guards the sidecars.
    pub(crate) guard: PathBuf,
    /// Where it is written down what is to be ended by the next daemon.
    pub(crate) ledger: Option<PathBuf>,
}

impl Plan {
    pub(crate) fn new() -> Plan {
        let check_server = looking(|url, _| async move { Err(format!("{url} is not there")) });
        let mode = SetMode::Service { service_url: None };
        let (folder, hub) = (tempfile::tempdir().unwrap(), Hub::new(HubConfig::default()).unwrap());
        let guard = PathBuf::from(env!("CARGO_BIN_EXE_sixframe-services-guardian"));
        Plan { folder, hub, mode, define_allowed: false, check_server, guard, ledger: None }
    }

    /// Guardians run this line of a shell's before they begin, with the house's folder in `$HOUSE`.
    pub(crate) fn guarded_behind(self, line: &str) -> Plan {
        let guard = self.folder.path().join("guard");
        let (house, guardian) = (self.folder.path().display(), self.guard.display());
        fs::write(&guard, format!("#!/bin/sh\nHOUSE={house}\n{line}\nexec {guardian}\n")).unwrap();
        fs::set_permissions(&guard, fs::Permissions::from_mode(0o755)).unwrap();
        Plan { guard, ..self }
    }

    /// With these sidecars, each a JSON object; its variables get the tag.
    pub(crate) fn build(self, sidecars: &[Value]) -> House {
        let tagged = |config: &Value| {
            let mut config = config.clone();
            let variables = config.as_object_mut().unwrap().entry("env").or_insert_with(|| json!({}));
            variables[TAG] = self.folder.path().to_str().unwrap().into();
            serde_json::from_value(config).unwrap()
        };
        let setup = SidecarsConfig {
            sidecars: sidecars.iter().map(tagged).collect(),
            folder: Some(self.folder.path().to_path_buf()),
            mode: self.mode,
            define_allowed: self.define_allowed,
            check_server: self.check_server,
        };
        let guard = GuardProgram::at(self.guard);
        let supervision = SupervisorConfig { ledger: self.ledger, ..SupervisorConfig::new(guard) };
        let supervisor = Supervisor::new(supervision).unwrap();
        let hub = self.hub;
        let sidecars = Sidecars::new(setup, &hub, supervisor.clone()).unwrap();
        let (ours, theirs) = memory::pair(Default::default());
        let (peer, calling) = connect(ours, Router::new());
        let (_, serving) = connect(theirs, router(&sidecars));
        tokio::spawn(calling);
        tokio::spawn(serving);
        House { folder: self.folder, hub, supervisor, sidecars, peer }
    }
}

impl House {
    pub(crate) fn of(sidecars: &[Value]) -> House {
        Plan::new().build(sidecars)
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub(crate) fn state(&self, name: &str) -> SidecarState {
        self.sidecars.status(name).unwrap()
    }

    /// Starts one and waits until it is ready.
    pub(crate) async fn up(&self, name: &str) -> SidecarState {
        self.sidecars.start(name).await.unwrap();
        self.sidecars.wait_ready(name, LONG).await.unwrap()
    }

    /// Starts one and waits until it is known that this run of it will not be ready: why.
    pub(crate) async fn fails(&self, name: &str) -> Fault {
        let waiting = self.sidecars.clone();
        let name = name.to_owned();
        self.sidecars.start(&name).await.unwrap();
        waiting.wait_ready(&name, LONG).await.unwrap_err()
    }

    /// Waits until the state of one is as it should be.
    pub(crate) async fn until(&self, name: &str, holds: impl Fn(&SidecarState) -> bool) -> SidecarState {
        let mut items = self.peer.stream_raw::<_, SidecarState>("sidecar.watch", json!({"names": [name]}));
        let found = async {
            loop {
                let state = items.next().await.unwrap().unwrap().data;
                if holds(&state) {
                    return state;
                }
            }
        };
        match tokio::time::timeout(LONG, found).await {
            Ok(state) => state,
            Err(_) => panic!("never; it is {:?}", self.state(name)),
        }
    }

    pub(crate) async fn until_status(&self, name: &str, status: SidecarStatus) -> SidecarState {
        self.until(name, |state| state.status == status).await
    }

    /// All processes of the house that are there, zombies among them.
    pub(crate) fn processes(&self) -> Vec<u32> {
        let value = format!("{TAG}={}", self.path().display());
        let environment = |pid: u32| {
            // One that is just becoming another program shows none for a moment; those that have none have no program either.
            let is_becoming = || fs::read_link(format!("/proc/{pid}/exe")).is_ok();
            let mut looks = (0..1_000).map(|_| fs::read(format!("/proc/{pid}/environ")).unwrap_or_default());
            looks.find(|environment| !environment.is_empty() || !is_becoming()).unwrap_or_default()
        };
        let carries = |pid: &u32| {
            let environment = environment(*pid);
            environment.split(|byte| *byte == 0).any(|variable| variable == value.as_bytes())
        };
        let entries = fs::read_dir("/proc").unwrap().flatten();
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(carries).collect()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        for _ in 0..100 {
            let left = self.processes();
            if left.is_empty() {
                return;
            }
            left.into_iter().for_each(|pid| send(pid, Signal::KILL));
        }
    }
}

pub(crate) fn send(pid: u32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid.cast_signed()) {
        let _ = kill_process(pid, signal);
    }
}

/// A sidecar that is a shell script in the house's folder, with more keys; it does not wait for its input to be closed.
pub(crate) fn shell(name: &str, script: &str, keys: Value) -> Value {
    program(name, "sh", &["-c", script], keys)
}

/// A sidecar that is a Python program likewise.
pub(crate) fn python(name: &str, program_text: &str, keys: Value) -> Value {
    program(name, "python3", &["-u", "-c", program_text, "{port}"], keys)
}

fn program(name: &str, program: &str, args: &[&str], keys: Value) -> Value {
    let mut config = json!({"name": name, "program": program, "args": args, "cwd": ".", "stop": {"closeStdinMs": 0}});
    config.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
    config
}

/// A Python program that answers every path as `answer(path)`, a status, says, and writes each path that it is asked for.
pub(crate) fn server(answer: &str) -> String {
    format!(
        r#"
import http.server, os, sys, time
{answer}
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status = answer(self.path)
        print("asked", self.path, status)
        self.send_response(status)
        self.send_header("Location", "/elsewhere")
        self.end_headers()
    do_POST = do_GET
    def log_message(self, *words): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"#
    )
}

/// Every path is well.
pub(crate) const WELL: &str = "def answer(path): return 200";

/// Waits until `look` finds something, looking often; for what no event tells.
pub(crate) async fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < LONG, "never: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Lines of a log that contain a text.
pub(crate) async fn logged(house: &House, name: &str, text: &str, count: usize) -> Vec<String> {
    let params = json!({"name": name, "search": text});
    let mut items = house.peer.stream_raw::<_, Value>("sidecar.logs", params);
    let mut found = Vec::new();
    while found.len() < count {
        let item = tokio::time::timeout(LONG, items.next()).await.expect("the lines come").unwrap().unwrap().data;
        if item["kind"] == "line" {
            found.push(item["text"].as_str().unwrap().to_owned());
        }
    }
    found
}

/// What a failure's details say.
pub(crate) fn details(fault: &Fault) -> Value {
    fault.details.as_deref().cloned().unwrap_or_default()
}

/// A server of the mode `connected` that is whoever is expected.
pub(crate) fn any_server() -> CheckServer {
    looking(|_, _| async { Ok("any".to_owned()) })
}

/// Each look at a server is what `look` says, and it does not tell what it has; the next follows at once.
pub(crate) fn looking<F>(look: impl Fn(String, Option<String>) -> F + Clone + Send + Sync + 'static) -> CheckServer
where
    F: Future<Output = Result<String, String>> + Send + 'static,
{
    looking_at(move |url, identity| {
        let seen = look(url, identity);
        async move { seen.await.map(|id| Server { id, sidecars: None }) }
    })
}

/// Likewise, with what it tells.
pub(crate) fn looking_at<F>(look: impl Fn(String, Option<String>) -> F + Clone + Send + Sync + 'static) -> CheckServer
where
    F: Future<Output = Result<Server, String>> + Send + 'static,
{
    CheckServer::new(Duration::from_millis(1), move |url, identity| {
        let look = look.clone();
        stream::unfold((), move |()| {
            let seen = look(url.clone(), identity.clone());
            async move { Some((seen.await, ())) }
        })
    })
}

/// Runs a test that measures this process in one of its own. Whether that is here.
pub(crate) fn alone(test: &str) -> bool {
    const ALONE: &str = "SIXFRAME_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    let output = command.args(["--exact", test, "--nocapture"]).env(ALONE, "1").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "the test {test} exists");
    false
}
