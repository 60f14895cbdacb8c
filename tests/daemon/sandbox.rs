//! A daemon in a world of its own: its folders, its variables, its end.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use sixframe::transports::{Address, ConnectConfig, connect};
use sixframe::{Config, Router, RpcEndpoint, connect_with};
use tempfile::TempDir;
use tokio::task::AbortHandle;

/// Longer than anything here takes on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// The folders of a test.
pub(crate) struct Sandbox {
    pub(crate) folder: TempDir,
}

impl Sandbox {
    pub(crate) fn new() -> Sandbox {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("work")).unwrap();
        Sandbox { folder }
    }

    /// The folder that the daemon shows.
    pub(crate) fn work(&self) -> PathBuf {
        self.folder.path().join("work").canonicalize().unwrap()
    }

    /// The program, with nothing of the caller's environment but what it needs to run.
    pub(crate) fn sixframe(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sixframe"));
        let kept = |name: &OsStr| name == "PATH" || name == "TMPDIR";
        command.env_clear().envs(std::env::vars_os().filter(|(name, _)| kept(name)));
        command.env("HOME", self.folder.path()).env("SIXFRAME_RUNTIME_DIR", self.folder.path().join("run"));
        command.env("SIXFRAME_LOG", "off").env("SIXFRAME_CONSOLE_PORT", "0").current_dir(self.work()).args(args);
        command
    }

    /// Runs the program to its end: exit code, stdout, stderr.
    pub(crate) fn run(&self, args: &[&str]) -> (i32, String, String) {
        let output = self.sixframe(args).stdin(Stdio::null()).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    pub(crate) fn serve(&self, args: &[&str]) -> Daemon {
        self.serve_with(args, |_| ())
    }

    /// A daemon whose environment or stderr is another.
    pub(crate) fn serve_with(&self, args: &[&str], change: impl FnOnce(&mut Command)) -> Daemon {
        let mut command = self.sixframe(&[&["serve"], args].concat());
        change(&mut command);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let ready = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not a ready line: {line:?}"));
        Daemon { child, ready, stdout }
    }
}

/// A daemon that is ready. Killed when the test ends.
pub(crate) struct Daemon {
    child: Child,
    pub(crate) ready: Value,
    pub(crate) stdout: BufReader<ChildStdout>,
}

impl Daemon {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The address that begins with `scheme`.
    pub(crate) fn address(&self, scheme: &str) -> String {
        let listen = self.ready["listen"].as_array().unwrap().iter().map(|address| address.as_str().unwrap());
        listen.into_iter().find(|address| address.starts_with(scheme)).unwrap().to_owned()
    }

    pub(crate) fn unix(&self) -> String {
        self.address("unix:")
    }

    pub(crate) fn token(&self) -> String {
        let file = self.ready["tokenFile"].as_str().unwrap();
        std::fs::read_to_string(file).unwrap().trim().to_owned()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        send(self.pid(), signal);
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// An endpoint of the test's own.
    pub(crate) async fn connect(&self) -> RpcEndpoint {
        self.connect_to(&self.unix()).await
    }

    pub(crate) async fn connect_to(&self, address: &str) -> RpcEndpoint {
        self.connect_as(address, self.token()).await
    }

    /// An endpoint that shows a token of its own.
    pub(crate) async fn connect_as(&self, address: &str, token: String) -> RpcEndpoint {
        self.driven(address, token).await.0
    }

    /// An endpoint, and what drives it: whoever aborts that cuts the connection.
    pub(crate) async fn driven(&self, address: &str, token: String) -> (RpcEndpoint, AbortHandle) {
        let config = ConnectConfig { token: Some(token), ..ConnectConfig::default() };
        let address: Address = address.parse().unwrap();
        let (transport, identity) = connect(&address, &config).await.unwrap();
        let (endpoint, driver) = connect_with(Config { identity, ..Config::default() }, transport, Router::new());
        (endpoint, tokio::spawn(driver).abort_handle())
    }

    /// Kilobytes of memory that the daemon holds.
    pub(crate) fn resident_kb(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn send(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(pid as i32).unwrap(), signal).unwrap();
}

/// Whether the process is there and not a zombie.
pub(crate) fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// Waits until `holds`, looking often; fails the test after a long time.
pub(crate) async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < LONG, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until the file at `path` has a whole line, and gives it.
pub(crate) async fn line_of(path: &Path) -> String {
    let whole = || std::fs::read_to_string(path).is_ok_and(|text| text.ends_with('\n'));
    eventually("the file has a line", whole).await;
    std::fs::read_to_string(path).unwrap().trim().to_owned()
}
