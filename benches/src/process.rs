//! The processes of a run. Each is this binary again, ends when its standard input is closed, and is killed on drop.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::contenders;
use crate::driver::{Finding, Order, runtime};
use crate::memory;
use crate::peer::{Address, Socket};
use crate::placement::Placement;

struct Spawned {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Spawned {
    fn start(arguments: &[&str]) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}", arguments.join(" ")))?;
        let stdin = child.stdin.take().context("the child has no standard input")?;
        let stdout = BufReader::new(child.stdout.take().context("the child has no standard output")?);
        Ok(Self { child, stdin, stdout })
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.stdout.read_line(&mut line)? == 0 {
            bail!("the process ended early");
        }
        Ok(line)
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        // Both fail only if the child is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A contender's server process, and the upstream's behind it if it is a relay.
pub struct Server {
    process: Spawned,
    address: Address,
    _upstream: Option<Box<Server>>,
    _folder: TempDir,
}

impl Server {
    /// Starts it and waits until it listens.
    pub fn start(contender: &str, upstream: Option<&str>) -> Result<Self> {
        let folder = private_folder()?;
        let upstream = upstream.map(|name| Self::start(name, None).map(Box::new)).transpose()?;
        let path = folder.path().to_string_lossy().into_owned();
        let behind = upstream.as_ref().map(|server| server.address.to_string());
        let mut arguments = vec!["serve", contender, &path];
        arguments.extend(behind.as_deref());
        let mut process = Spawned::start(&arguments)?;
        let address = process.line().with_context(|| format!("starting {contender}"))?.trim_end().parse()?;
        Ok(Self { process, address, _upstream: upstream, _folder: folder })
    }

    pub fn address(&self) -> &Address {
        &self.address
    }

    pub fn pid(&self) -> u32 {
        self.process.child.id()
    }
}

/// A contender's server and the client process that loads it.
pub struct Pair {
    client: Spawned,
    server: Server,
}

impl Pair {
    pub fn start(contender: &str, upstream: Option<&str>, placement: Placement) -> Result<Self> {
        placement.before_server()?;
        let server = Server::start(contender, upstream)?;
        placement.before_client()?;
        let client = Spawned::start(&["drive", contender, &server.address.to_string()])?;
        Ok(Self { client, server })
    }

    pub fn server_pid(&self) -> u32 {
        self.server.pid()
    }

    /// Gives an order and waits for its result; a process that died is a finding, too.
    pub fn order(&mut self, order: &Order) -> Finding {
        self.exchange(order).unwrap_or_else(|error| Finding::Failed(format!("{error:#}")))
    }

    fn exchange(&mut self, order: &Order) -> Result<Finding> {
        let mut line = serde_json::to_vec(order)?;
        line.push(b'\n');
        self.client.stdin.write_all(&line)?;
        Ok(serde_json::from_str(&self.client.line()?)?)
    }
}

/// A folder for a socket, which nobody else can open.
pub fn private_folder() -> Result<TempDir> {
    let only_ours = std::fs::Permissions::from_mode(0o700);
    Ok(tempfile::Builder::new().prefix("bench").permissions(only_ours).tempdir()?)
}

/// The server's process: binds, prints the address, and serves until standard input is closed.
pub fn serve(contender: &str, folder: &str, upstream: Option<Address>) -> Result<()> {
    let contender = contenders::find(contender)?;
    memory::raise_open_files()?;
    std::thread::spawn(|| {
        let ended = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(i32::from(ended.is_err()));
    });
    runtime()?.block_on(async {
        (contender.serve)(Socket::new(folder.as_ref(), |address| println!("{address}")), upstream).await
    })
}
