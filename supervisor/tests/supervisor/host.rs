//! A host in a process of its own, which can be killed: this test program started once more, for the one test that is none.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use serde::{Deserialize, Serialize};
use sixframe_supervisor::{GuardProgram, StopLadder, Supervisor, SupervisorConfig};

use crate::sandbox::{Sandbox, guard, numbers, send, until};
use crate::shape::Shape;

/// The variable with the host's orders.
const ORDERS: &str = "SIXFRAME_TEST_HOST";

/// What a host does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Orders {
    pub(crate) children: Vec<(Shape, PathBuf)>,
    pub(crate) end: End,
    /// Time between the polite signal and the kill, in milliseconds.
    pub(crate) grace: u64,
    pub(crate) ledger: Option<PathBuf>,
    ready: PathBuf,
    guard: PathBuf,
}

/// How a host ends, once its children run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum End {
    /// Not by itself.
    Killed,
    Aborts,
    PanicsInATask,
    Exits,
    Returns,
    /// By asking for more memory than there is.
    OutOfMemory,
}

/// A host that runs, with children that run.
pub(crate) struct Host {
    process: Child,
    pub(crate) guardians: Vec<u32>,
}

impl Host {
    pub(crate) fn start(sandbox: &Sandbox, shapes: &[Shape], end: End, grace: u64, ledger: Option<PathBuf>) -> Host {
        let (mut process, ready) = Host::begin(sandbox, shapes, end, grace, ledger);
        until("the children run", || {
            assert!(process.try_wait().unwrap().is_none(), "the host lives");
            ready.exists().then_some(())
        });
        let guardians = numbers(&ready);
        assert_eq!(guardians.len(), shapes.len());
        Host { process, guardians }
    }

    /// A host that is killed while it starts its children: as soon as there are so many processes, or all.
    pub(crate) fn killed_at(sandbox: &Sandbox, shapes: &[Shape], processes: usize) {
        let (process, ready) = Host::begin(sandbox, shapes, End::Killed, 100, None);
        until("so many run", || (sandbox.processes().len() >= processes || ready.exists()).then_some(()));
        Host { process, guardians: Vec::new() }.kill();
    }

    fn begin(sandbox: &Sandbox, shapes: &[Shape], end: End, grace: u64, ledger: Option<PathBuf>) -> (Child, PathBuf) {
        let child = |(at, shape): (usize, &Shape)| (*shape, sandbox.folder(&format!("{at}-{shape:?}")));
        let orders = Orders {
            children: shapes.iter().enumerate().map(child).collect(),
            end,
            grace,
            ledger,
            ready: sandbox.path().join("ready"),
            guard: PathBuf::from(env!("CARGO_BIN_EXE_sixframe-guardian")),
        };
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "host::host", "--ignored", "--nocapture"]);
        command.env(ORDERS, serde_json::to_string(&orders).unwrap()).env(sandbox.tag().0, sandbox.tag().1);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        (command.spawn().unwrap(), orders.ready)
    }

    pub(crate) fn kill(&mut self) {
        send(self.process.id(), Signal::KILL);
        self.wait();
    }

    /// Lets it end in its way.
    pub(crate) fn release(&mut self) {
        drop(self.process.stdin.take());
        self.wait();
    }

    pub(crate) fn wait(&mut self) {
        self.process.wait().unwrap();
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }
}

#[test]
#[ignore = "not a test: the host that the others start and end"]
fn host() {
    let Ok(orders) = std::env::var(ORDERS) else { return };
    let orders: Orders = serde_json::from_str(&orders).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(run(&orders));
}

async fn run(orders: &Orders) {
    let config =
        SupervisorConfig { ledger: orders.ledger.clone(), ..SupervisorConfig::new(GuardProgram::at(&orders.guard)) };
    let supervisor = Supervisor::new(config).unwrap();
    let mut children = Vec::new();
    for (shape, folder) in &orders.children {
        let mut config = shape.config(folder);
        config.stop = StopLadder { signal_for: Duration::from_millis(orders.grace), ..StopLadder::default() };
        let child = supervisor.spawn(config).unwrap();
        child.started().await.unwrap();
        children.push(child);
    }
    for (shape, folder) in &orders.children {
        let pids = folder.join("pids");
        until("a shape is complete", || (numbers(&pids).len() >= shape.processes()).then_some(()));
    }
    let guardians = crate::sandbox::children(std::process::id());
    let lines: String = guardians.iter().map(|pid| format!("{pid}\n")).collect();
    let beside = orders.ready.with_extension("new");
    std::fs::write(&beside, lines).unwrap();
    std::fs::rename(beside, &orders.ready).unwrap();
    tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink())).await.unwrap().unwrap();
    end(orders.end).await;
    drop(children);
}

async fn end(end: End) {
    match end {
        End::Killed => std::future::pending().await,
        End::Aborts => std::process::abort(),
        End::PanicsInATask => {
            let panicked = tokio::spawn(async { panic!("as it was told to") }).await;
            std::panic::resume_unwind(panicked.unwrap_err().into_panic());
        }
        End::Exits => std::process::exit(0),
        End::Returns => (),
        End::OutOfMemory => run_out_of_memory(),
    }
}

fn run_out_of_memory() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let most = Some(256 << 20);
    setrlimit(Resource::As, Rlimit { current: most, maximum: most }).unwrap();
    let mut kept = Vec::new();
    loop {
        kept.push(vec![1_u8; 16 << 20]);
    }
}

/// The guardian's program is built with these tests.
#[test]
fn the_guardian_that_was_not_started_by_a_host_ends_at_once() {
    assert!(guard() == GuardProgram::at(env!("CARGO_BIN_EXE_sixframe-guardian")));
    let ended = Command::new(env!("CARGO_BIN_EXE_sixframe-guardian")).stdin(Stdio::null()).status().unwrap();
    assert!(!ended.success());
}
