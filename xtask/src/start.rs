//! `cargo xtask start`.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::house::House;
use crate::node::{self, Node};
use crate::program;

/// Builds the daemon, and its console where Node is installed, and becomes the daemon.
pub(crate) fn run(house: &House, args: &[String]) -> Result<ExitCode> {
    program::run(&mut house.cargo(&["build", "--release", "--package", "sixframe", "--bin", "sixframe"]))?;
    if let Err(why) = build_console(house) {
        eprintln!("xtask: the console is not built; the daemon runs without its page: {why:#}");
    }
    let mut daemon = Command::new(house.built("release", "sixframe"));
    become_daemon(daemon.arg("serve").arg("--console-dir").arg(house.path(node::CONSOLE)).args(args))
}

fn build_console(house: &House) -> Result<()> {
    let node = Node::find()?;
    node.ensure_installed(house)?;
    node.build_console(house)
}

/// Replaces this process, so that signals reach the daemon itself.
#[cfg(unix)]
fn become_daemon(command: &mut Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt as _;
    Err(command.exec().into())
}

#[cfg(not(unix))]
fn become_daemon(command: &mut Command) -> Result<ExitCode> {
    let status = command.status()?;
    Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
}
